"""Many commits and pull requests while webhooks get lost, doubled, late and GitHub fails."""

import random
from collections import Counter
from pathlib import Path

import pytest

from catnet_controller.demo.standin import Fault, Trouble
from catnet_controller.models import Trigger
from tests.helpers_flow import BRANCH, Flow, config, flow

ROUNDS = 14
TROUBLES = (Trouble.ANSWER, Trouble.DROP, Trouble.LOSE, Trouble.SECONDARY, Trouble.LAG)


def route(number: int) -> str:
    return f"ip route 203.0.113.{number} 255.255.255.255 Null0"


async def hear(it: Flow, chance: random.Random, heard: list[tuple[str, str]]) -> None:
    """Webhooks as they come: not at all, twice, late, in another order."""
    late = [each for each in heard if chance.random() < 0.7]
    chance.shuffle(late)
    for ref, sha in late + late[:1]:
        trigger = Trigger(ref=ref, reason="webhook", sha=sha, due_at=it.clock.now())
        await it.store.trigger(trigger)


async def come_to_rest(it: Flow) -> None:
    """Poll and step until nothing waits any more, without trouble from now on."""
    it.github.faults.clear()
    for _ in range(8):
        it.clock.ahead += 600
        for _ in range(2):
            await it.poll.step()
        await it.settle()


@pytest.mark.parametrize("seed", [7])
async def test_at_the_end_everything_is_said_and_nothing_too_often(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with flow(tmp_path) as it:
        await it.trigger()
        pulls: list[int] = []
        heard: list[tuple[str, str]] = []
        for number in range(ROUNDS):
            if number % 3 == 0:
                changes = {"configs/b.cfg": config("b", route(100 + number))}
                pull = await it.github.open_pull(f"pull{number}", "Pull", changes, webhook=False)
                pulls.append(pull)
                heard.append((f"pull/{pull}", it.github.pulls[pull].sha))
            elif number % 3 == 1 and pulls:
                pull = chance.choice(pulls)
                changes = {"configs/b.cfg": config("b", route(150 + number))}
                sha = await it.github.update_pull(pull, changes, "More", webhook=False)
                heard.append((f"pull/{pull}", sha))
            sha = await it.github.commit(
                {"configs/a.cfg": config("a", route(number))}, "Change", webhook=False
            )
            heard.append((BRANCH, sha))
            if chance.random() < 0.6:
                trouble = chance.choice(TROUBLES)
                method = chance.choice(("GET", "POST", ""))
                it.github.inject(Fault(trouble=trouble, times=chance.randint(1, 3), method=method))
            await hear(it, chance, heard[-4:])
            await it.settle()
            it.clock.ahead += chance.choice((1, 5, 120))
        await come_to_rest(it)

        head = await it.github.head()
        assert it.said(head)["catnet/deploy"][0] == "success"
        assert route(ROUNDS - 1) in it.device("a").running()
        for pull in pulls:
            state, line = it.said(it.github.pulls[pull].sha)["catnet/plan"]
            assert (state, line[:4]) == ("success", "1 of")
            assert len(it.github.comments(pull)) == 1
        posted = Counter((each.sha, each.context) for each in it.github.posted())
        assert max(posted.values()) <= 4
        assert "pending" not in {
            each.state
            for sha in {each.sha for each in it.github.posted()}
            for each in it.github.statuses(sha).values()
        }
        refused = [each for each in it.github.requests if each.status in (400, 422)]
        assert not refused
