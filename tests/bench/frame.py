"""The frame of every bench: what a bench is, what it says, and how one run is measured."""

import contextlib
import gc
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_SHORT = 0.001
"""CPU seconds: a shorter run of one input is repeated; the median of all counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured line. ``ratio`` above 1: ours is better, whatever is measured.

    ``theirs`` is what it is measured against: a peer, ourselves on another input, or a limit.
    A peer that was stopped at its time limit stands with that limit, and ``against`` says so.
    """

    bench: str
    against: str
    measure: str
    ours: float
    theirs: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How much is asked for. ``tell`` shows what is under way."""

    quick: bool
    tell: Callable[[str], None]

    @property
    def rounds(self) -> int:
        """How often each side is measured, in turn; the median counts."""
        return 1 if self.quick else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A bench: its name, one line of what it measures, and the measuring itself."""

    name: str
    about: str
    run: Callable[[Run], Iterator[Figure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A function of a module with its arguments; ``limit`` in seconds stops it."""

    name: str
    work: Callable[..., object]
    limit: float = 600.0


def duel(
    run: Run,
    ours: Side,
    theirs: Side | None,
    inputs: Sequence[Sequence[object]],
    *,
    first: Sequence[object],
) -> tuple[float, float | None, bool]:
    """CPU seconds of both sides for one input, the same for both; whether the peer was stopped.

    ``first`` is an input that is not measured, with which modules are imported.

    Both sides take turns, each time in a fresh process, so that neither works in the other's heap
    and a busy machine is busy for both; ours before and after its peer, whose turn lasts longer.
    A peer that reached its limit is not asked again.
    """
    mine: list[float] = []
    peer: list[float] = []
    stopped = False
    for number in range(run.rounds):
        for side, taken in ((ours, mine), (theirs, peer), (ours, mine)):
            if side is None or (stopped and side is theirs):
                continue
            run.tell(f"{side.name}, round {number + 1} of {run.rounds}")
            spent = _measured(side, first, inputs)
            if spent is not None:
                taken.append(spent)
            elif side is ours:
                raise TimeoutError(f"ours took more than {side.limit:g} s")
            else:
                stopped = True
    if theirs is None:
        return statistics.median(mine), None, False
    return statistics.median(mine), theirs.limit if stopped else statistics.median(peer), stopped


def against(bench: str, measure: str, mine: float, peer: float | None, *, name: str) -> Figure:
    """A figure where less is better."""
    return Figure(
        bench=bench,
        against=name,
        measure=measure,
        ours=round(mine, 6),
        theirs=None if peer is None else round(peer, 6),
        ratio=round(peer / mine, 3) if mine and peer is not None else None,
    )


def write(figures: Sequence[Figure], path: Path) -> None:
    path.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n")


def read(path: Path) -> list[Figure]:
    """What `write` wrote."""
    return [Figure(**each) for each in json.loads(path.read_text())]


def alone(work: Callable[..., None], arguments: Sequence[object], *, limit: float) -> object | None:
    """What the work sends over the pipe it is given first, in a fresh process of its own.

    None when it was stopped at ``limit``, in seconds. Raises EOFError when it sent nothing.
    """
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(far, *arguments), daemon=True)
    process.start()
    far.close()
    try:
        return near.recv() if near.poll(limit) else None
    finally:
        process.kill()
        process.join()
        near.close()


def peak(process: int | None = None) -> float:
    """Bytes of memory that a process had at most; None: this one.

    Of this program alone: `getrusage` begins with what the process had that started it (Linux,
    getrusage(2), proc_pid_status(5)).
    """
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process or os.getpid()}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) * 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _measured(
    side: Side, first: Sequence[object], inputs: Sequence[Sequence[object]]
) -> float | None:
    """CPU seconds for one input in a process of its own; None when it was stopped at its limit."""
    try:
        answer: Any = alone(_child, (side.work, first, inputs), limit=side.limit)
    except EOFError:
        raise RuntimeError(f"{side.name} ended without an answer") from None
    if isinstance(answer, BaseException):
        raise answer
    return None if answer is None else float(answer)


def _child(
    answer: "Connection[Any, Any]",
    work: Callable[..., object],
    first: Sequence[object],
    inputs: Sequence[Sequence[object]],
) -> None:
    # As in the daemon's compute processes, and for both sides.
    gc.disable()
    try:
        work(*first)
        spent = [_once(work, arguments) for arguments in inputs]
        if len(inputs) == 1 and spent[0] < _SHORT:
            spent = [_once(work, inputs[0]) for _ in range(100)]
    except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
        answer.send(error)
    else:
        answer.send(statistics.median(spent))


def _once(work: Callable[..., object], arguments: Sequence[object]) -> float:
    begun = time.process_time()
    work(*arguments)
    return time.process_time() - begun
