"""Many commits and pull requests while webhooks get lost, doubled, late and GitHub fails.

``CATNET_SOAK=full`` makes it 300 commits and 40 pull requests.
"""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from catnet_controller.demo.standin import Fault, Sent, Trouble
from tests.helpers_flow import Flow, config, flow

FULL = os.environ.get("CATNET_SOAK") == "full"
COMMITS, PULLS = (300, 40) if FULL else (36, 6)
TROUBLES = (
    Trouble.ANSWER, Trouble.ANSWER, Trouble.DROP, Trouble.LOSE, Trouble.SECONDARY, Trouble.LAG,
)  # fmt: skip
NAMES = ("a", "b", "c")
ROUTES = 12


class Soak:
    """What people do, what the network between loses, and what GitHub does on a bad day."""

    def __init__(self, it: Flow, chance: random.Random) -> None:
        self.it = it
        self.chance = chance
        self.commits = 0
        self.late: list[Sent] = []
        self.seen = 0
        self.routes = {name: dict.fromkeys(range(ROUTES), 0) for name in NAMES}

    def changed(self) -> dict[str, str | None]:
        """A device's file with another value in one of its lines."""
        name = self.chance.choice(NAMES)
        self.commits += 1
        self.routes[name][self.chance.randrange(ROUTES)] = self.commits
        lines = [
            f"ip route 203.0.{number}.{value % 250} 255.255.255.255 Null0"
            for number, value in self.routes[name].items()
            if value
        ]
        return {f"configs/{name}.cfg": config(name, *lines)}

    async def act(self) -> None:
        """Somebody does something."""
        it, chance = self.it, self.chance
        opened = [each for each in it.github.pulls.values() if each.state == "open"]
        dice = chance.random()
        if len(it.github.pulls) < PULLS * self.commits / COMMITS:
            number = len(it.github.pulls) + 1
            await it.github.open_pull(f"pull{number}", "Pull", self.changed())
        elif opened and dice < 0.2:
            await it.github.update_pull(chance.choice(opened).number, self.changed(), "More")
        elif len(opened) > 3 and dice < 0.25:
            await it.github.close_pull(chance.choice(opened).number)
        elif dice < 0.28:
            await it.github.force_push(it.github.former["main"])
        else:
            await it.github.commit(self.changed(), "Change")

    async def hear(self) -> None:
        """Webhooks as they come: not at all, twice, late, in another order."""
        it, chance = self.it, self.chance
        for sent in it.github.deliveries[self.seen :]:
            self.late += [sent] * chance.choice((0, 0, 1, 1, 1, 2))
        self.seen = len(it.github.deliveries)
        chance.shuffle(self.late)
        for _ in range(chance.randint(0, len(self.late))):
            sent = self.late.pop()
            await it.hear(sent)

    async def spoil(self) -> None:
        if self.chance.random() < 0.5:
            trouble = self.chance.choice(TROUBLES)
            method = self.chance.choice(("GET", "POST", "PATCH", ""))
            status = self.chance.choice((500, 502, 503, 422))
            if status == 422:
                method = "GET"
            times = self.chance.randint(1, 3)
            self.it.github.inject(Fault(trouble=trouble, times=times, method=method, status=status))

    async def come_to_rest(self) -> None:
        """Poll and step until nothing waits any more, without trouble from now on."""
        it = self.it
        it.github.faults.clear()
        depth = await it.store.depth()
        for _ in range(60):
            it.clock.ahead += 900
            for _ in range(2):
                await it.poll.step()
            await it.settle()
            depth = await it.store.depth()
            if not (depth.outbox or depth.triggers or depth.pending):
                return
        raise AssertionError(f"never at rest: {depth}")


@pytest.mark.timeout(3600 if FULL else 120)
async def test_at_the_end_everything_is_said_and_nothing_too_often(tmp_path: Path) -> None:
    async with flow(tmp_path, names=NAMES) as it:
        await it.trigger()
        soak = Soak(it, random.Random(7))
        while soak.commits < COMMITS or len(it.github.pulls) < PULLS:
            await soak.act()
            await soak.spoil()
            await soak.hear()
            if soak.chance.random() < 0.3:
                await it.poll.step()
            if soak.chance.random() < 0.5:
                await it.settle()
            it.clock.ahead += soak.chance.choice((1, 5, 60, 120))
        await soak.come_to_rest()

        said = it.said(await it.github.head())
        assert said["catnet/deploy"][0] == "success", said
        for pull in it.github.pulls.values():
            if pull.state == "open":
                assert it.said(pull.sha)["catnet/plan"][0] in ("success", "failure")
                assert len(it.github.comments(pull.number)) == 1
            assert len(it.github.comments(pull.number)) <= 1
        posted = Counter((each.sha, each.context) for each in it.github.posted())
        assert max(posted.values()) <= 4, posted.most_common(3)
        unfinished = {
            (each.sha, each.context)
            for each in it.github.posted()
            if it.github.statuses(each.sha)[each.context].state == "pending"
        }
        assert not unfinished
        assert not it.github.violations
        print(
            f"{soak.commits} commits, {len(it.github.pulls)} pull requests,"
            f" {len(it.github.requests)} requests, {len(it.github.posted())} statuses,"
            f" at most {max(posted.values())} of a context"
        )
