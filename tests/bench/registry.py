"""Every bench by its name; a new one is a file with a `BENCH` and a row here."""

from tests.bench import crowd, diffs, errands, flight, harvest, muster, stall, storm
from tests.bench.frame import Bench

BENCHES: dict[str, Bench] = {
    module.BENCH.name: module.BENCH
    for module in (diffs, stall, harvest, flight, crowd, storm, errands, muster)
}
