"""A client at work in a process of its own: what it took, and how much of it went wrong."""

import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.bench.frame import Run, alone, peak
from tests.bench.rack import unlimited


@dataclass(slots=True, kw_only=True)
class Meter:
    """What one run took; filled by `measured`, ``failures`` by the client."""

    seconds: float = 0.0
    cpu: float = 0.0
    """CPU seconds of this process and its children."""
    memory: float = 0.0
    """Bytes of the process at most."""
    threads: int = 0
    files: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who does the job: ``work`` takes the arguments of the bench and fills in a meter.

    ``needs`` is the module without which it cannot.
    """

    name: str
    work: Callable[..., Meter]
    needs: str = "asyncssh"
    limit: float = 600.0

    @property
    def there(self) -> bool:
        return find_spec(self.needs) is not None


_DISK = "/var/tmp"
"""Where clients write: /tmp is memory on many a system, where keeping a file costs nothing."""

_kept: list[str] = []
"""The folder in which `scratch` leaves what it made, if there is one."""


@contextmanager
def scratch() -> Iterator[str]:
    """A folder for what a client writes.

    That of a round stays until the last round is over: ext4 passes by every inode that was freed
    within the last minutes before it takes one (fs/ext4/ialloc.c, `recently_deleted`), so whoever
    comes next would pay for the cleaning up.
    """
    if _kept:
        yield tempfile.mkdtemp(dir=_kept[0])
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield folder


@contextmanager
def measured() -> Iterator[Meter]:
    """Measures what is done inside; imports and the like come before."""
    meter = Meter()
    cpu, began = _cpu(), time.perf_counter()
    yield meter
    meter.seconds, meter.cpu = time.perf_counter() - began, _cpu() - cpu
    meter.memory = peak()
    meter.threads = max(meter.threads, threading.active_count())


def rounds(
    run: Run, clients: Sequence[Client], arguments: Sequence[object], *, what: str
) -> Mapping[str, Meter]:
    """The medians of every client, all of them in turn in each round, every second one backwards.

    A client that fails as a whole, or that was stopped at its limit, is left out.
    """
    taken: dict[str, list[Meter]] = {client.name: [] for client in clients}
    with tempfile.TemporaryDirectory(dir=_DISK if Path(_DISK).is_dir() else None) as folder:
        for number in range(run.rounds):
            for client in clients[:: -1 if number % 2 else 1]:
                run.tell(f"{what}: {client.name}, round {number + 1} of {run.rounds}")
                if (meter := _once(client, arguments, folder)) is not None:
                    taken[client.name].append(meter)
    return {name: _median(meters) for name, meters in taken.items() if meters}


def _median(meters: Sequence[Meter]) -> Meter:
    return Meter(
        seconds=statistics.median(one.seconds for one in meters),
        cpu=statistics.median(one.cpu for one in meters),
        memory=statistics.median(one.memory for one in meters),
        threads=max(one.threads for one in meters),
        files=max(one.files for one in meters),
        failures=max(one.failures for one in meters),
    )


def _once(client: Client, arguments: Sequence[object], folder: str) -> Meter | None:
    try:
        answer = alone(_child, (client.work, arguments, folder), limit=client.limit)
    except EOFError:
        return None
    if answer is None or isinstance(answer, Meter):
        return answer
    raise RuntimeError(f"{client.name}: {answer}")


def _child(
    answer: "Connection[Any, Any]",
    work: Callable[..., Meter],
    arguments: Sequence[object],
    folder: str,
) -> None:
    unlimited()
    _kept.append(folder)
    try:
        answer.send(work(*arguments))
    except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
        answer.send(f"{type(error).__name__}: {error}")


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
