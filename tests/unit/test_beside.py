"""Work beside the event loop: where it runs, how it ends, and what is left when the daemon ends."""

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from catnet_controller.app.beside import Beside
from catnet_controller.errors import InternalFault, NotUnderstood, TooSlow

LARGE = "x" * 20_000


def where(_: str) -> int:
    return os.getpid()


def refuse(_: str) -> None:
    raise NotUnderstood("r1: `foo` is not understood", next_step="Spell it out.")


def stumble(text: str) -> None:
    raise ValueError(len(text))


def die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(_: str, mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        die("")
    return "done"


def last(_: str) -> None:
    select.select([], [], [], 60)


def spin(_: str) -> None:
    """With the interpreter's lock, which it never gives back."""
    re.search("(-|--)+x", "-" * 200)


@pytest.fixture
def beside() -> Iterator[Beside]:
    with Beside() as made:
        yield made


async def test_what_is_large_runs_in_another_process(beside: Beside) -> None:
    assert not beside.processes
    assert await beside(partial(where, "small")) == os.getpid()
    assert await beside(lambda: where(LARGE)) == os.getpid()
    assert not beside.processes
    first = await beside(partial(where, LARGE))
    assert list(beside.processes) == [first]
    assert first != os.getpid()
    assert await beside(partial(where, LARGE)) == first


async def test_errors_come_back_whole(beside: Beside) -> None:
    with pytest.raises(NotUnderstood) as refused:
        await beside(partial(refuse, LARGE))
    assert refused.value.message == "r1: `foo` is not understood"
    assert refused.value.next_step == "Spell it out."
    with pytest.raises(ValueError) as stumbled:
        await beside(partial(stumble, LARGE))
    assert stumbled.value.args == (len(LARGE),)
    assert "in stumble" in stumbled.value.__notes__[0]


async def test_work_that_kills_its_process_fails_alone(beside: Beside, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        other = group.create_task(beside(partial(sorted, LARGE)))
        with pytest.raises(InternalFault):
            await beside(partial(die, LARGE))
    assert other.result() == list(LARGE)
    assert await beside(partial(die_once, LARGE, tmp_path / "mark")) == "done"


async def test_a_drain_lets_processes_finish(beside: Beside) -> None:
    """A service manager sends SIGTERM, and a terminal SIGINT, to every process of the daemon."""
    number = await beside(partial(where, LARGE))
    for which in (signal.SIGTERM, signal.SIGINT):
        os.kill(number, which)
    assert await beside(partial(where, LARGE)) == number


async def test_work_has_a_deadline() -> None:
    with Beside(deadline=0.01) as beside:
        with pytest.raises(InternalFault, match="stopped after"):
            await beside(partial(last, LARGE))
        assert not beside.processes


async def test_what_somebody_wrote_is_computed_apart_and_not_for_long(beside: Beside) -> None:
    assert await beside(partial(where, "small"), within=10.0) != os.getpid()
    with pytest.raises(TooSlow, match=r"longer than 0\.5 s"):
        await beside(partial(spin, ""), within=0.5)
    assert not beside.processes
    assert await beside(partial(where, "small"), within=10.0) != os.getpid()


async def test_nothing_is_left_of_processes_nobody_needs() -> None:
    with Beside(idle=0.0) as beside:
        number = await beside(partial(where, LARGE))
        async with asyncio.timeout(10):
            while beside.processes:  # noqa: ASYNC110 - it is a timer of the loop that ends them
                await asyncio.sleep(0)
        assert gone(number)


async def test_leaving_ends_what_is_under_way() -> None:
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        with Beside() as beside:
            task = group.create_task(failing(beside))
            number = await beside(partial(where, LARGE))
        assert gone(number)
        await task
    assert time.perf_counter() - begun < 30


async def failing(beside: Beside) -> None:
    with pytest.raises(InternalFault):
        await beside(partial(last, LARGE))


def gone(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


def spent(number: int) -> float:
    """Seconds of CPU that a process took (proc(5), stat)."""
    user, system = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


SCRIPT = """\
import asyncio, sys
from functools import partial
from catnet_controller.app.beside import Beside
from tests.unit.test_beside import LARGE, spin, where

async def main():
    with Beside() as beside:
        print(await beside(partial(where, LARGE)), flush=True)
        if sys.argv[1] == "busy":
            await beside(partial(spin, LARGE))
        await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="asks Linux for the end of a process")
@pytest.mark.parametrize("state", ["busy", "idle"])
def test_a_killed_daemon_leaves_no_process(tmp_path: Path, state: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = Path(__file__).parents[2]
    daemon = subprocess.Popen(
        [sys.executable, script, state],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert daemon.stdout is not None
    number = int(daemon.stdout.readline())
    with daemon, os.fdopen(os.pidfd_open(number)) as worker:
        begun = spent(number)
        while state == "busy" and spent(number) < begun + 0.2:
            time.sleep(0.01)
        os.kill(daemon.pid, signal.SIGKILL)
        ended, _, _ = select.select([worker], [], [], 10)
    assert ended


_FILTERED = """
import asyncio, ctypes, struct
from functools import partial
from catnet_controller.app.beside import Beside
from tests.unit.test_beside import LARGE, where

async def main():
    with Beside() as beside:
        await beside(partial(where, LARGE))

def forbid():
    # setpriority(2), as by `SystemCallFilter=~@resources`: if nr == 141 then EPERM else allow.
    steps = (0x20, 0, 0, 0), (0x15, 0, 1, 141), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, program, 0, 0) == 0
    assert libc.nice(1) == -1

if __name__ == "__main__":
    forbid()
    asyncio.run(main())
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the filter is written for x86_64")
def test_where_its_priority_may_not_be_lowered_it_computes_all_the_same(tmp_path: Path) -> None:
    script = tmp_path / "filtered.py"
    script.write_text(_FILTERED)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    ended = subprocess.run(
        [sys.executable, str(script)], env=environ, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
