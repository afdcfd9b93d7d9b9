"""kill -9 at any moment: what was acknowledged is there, what was not is whole or absent."""

import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from catnet_controller.models import State
from catnet_controller.store.store import Store
from tests.helpers_store import ManualClock, conclude, done, opened, seen

ROOT = Path(__file__).parents[3]


def write_and_die(path: Path, first: int, lines: int) -> dict[str, list[str]]:
    """Let a process write until it has acknowledged so much, kill it, give what it said."""
    arguments = [sys.executable, "-m", "tests.unit.store.writer", str(path), str(first)]
    said: dict[str, list[str]] = defaultdict(list)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            kind, _, what = writer.stdout.readline().strip().partition(" ")
            said[kind].append(what)
        writer.kill()
        # What it said before the kill took effect counts as well; a cut line does not.
        for line in writer.stdout:
            if line.endswith("\n"):
                kind, _, what = line.strip().partition(" ")
                said[kind].append(what)
    return said


async def examine(store: Store, said: dict[str, list[str]]) -> None:
    history = await store.history(100_000)
    jobs = {str(job.id): job for deployment in history for job in deployment.jobs}
    assert {str(each.id) for each in history} >= set(said["open"])
    for number in said["ended"]:
        assert jobs[number].state is State.COMPLETE
    for number in said["armed"]:
        assert jobs[number].intent is not None
    waiting = await store.db.read(
        lambda conn: (
            conn.exec_driver_sql("SELECT ref FROM trigger WHERE state = 'pending'").scalars().all()
        )
    )
    assert set(waiting) >= set(said["trigger"])
    assert all(len(each.jobs) == 1 for each in history), "no half-written deployment"


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    dice = random.Random(7)
    for turn in range(4):
        said = write_and_die(tmp_path, turn * 1000, dice.randrange(1, 40))
        clock = ManualClock()
        async with opened(tmp_path, clock) as store:
            await examine(store, said)
            check = await store.db.read(
                lambda conn: conn.exec_driver_sql("PRAGMA integrity_check").scalar_one()
            )
            assert check == "ok"


async def test_what_was_running_is_claimed_again_and_every_deployment_ends(
    tmp_path: Path,
) -> None:
    said = write_and_die(tmp_path, 0, 7)
    clock = ManualClock()
    async with opened(tmp_path, clock) as store:
        clock.advance(1e9)
        await store.free_leases()
        while claims := await store.claim(10):
            for claim in claims:
                if str(claim.job.id) in said["armed"]:
                    assert claim.job.intent is not None, "recovery must know of the push"
                await store.finish(claim, done(), seen(claim.job.device.name), conclude)
        assert all(each.state is State.COMPLETE for each in await store.history(1000))
        assert (await store.depth()).running == 0
