"""Every bench by its name; a new one is a file with a `BENCH` and a row here."""

from tests.bench import diffs, stall
from tests.bench.frame import Bench

BENCHES: dict[str, Bench] = {bench.name: bench for bench in (diffs.BENCH, stall.BENCH)}
