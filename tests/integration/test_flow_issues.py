"""The issue that is open while devices have not got what the branch wants."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.demo.ledger import Fault, Trouble
from catnet_controller.pipeline.watch import Watch
from tests.helpers_flow import Flow, config, flow

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as made:
        await made.trigger()
        yield made


def watch(it: Flow) -> Watch:
    return Watch(
        branch="main",
        triggers=it.store,
        glances=it.store,
        states=it.store,
        outbox=it.store,
        public_url="https://catnet.example.net",
    )


async def look(it: Flow, watching: Watch) -> list[tuple[str, str]]:
    await watching.step()
    await it.settle()
    return [(issue.state, issue.title) for issue in it.github.issues]


def locked_out(name: str) -> dict[str, str | None]:
    """A file that would take CatNet's own user away, which is refused."""
    lines = [line for line in config(name).splitlines() if not line.startswith("username")]
    return {f"configs/{name}.cfg": "\n".join(lines) + "\n"}


async def test_an_issue_that_is_refused_is_not_asked_for_again_and_again(it: Flow) -> None:
    refusal = Fault(
        trouble=Trouble.ANSWER, status=410, message="Issues are disabled", path="/issues$", times=99
    )
    it.github.inject(refusal)
    await it.push(locked_out("a"))
    watching = watch(it)
    before = len(it.github.requests)
    for _ in range(20):
        await look(it, watching)
        it.clock.ahead += 5
    assert len(it.github.requests) - before <= 4
    it.github.faults.clear()
    assert await it.store.revive(it.clock.now() - 86400) == 1
    assert await look(it, watching) == [("open", "CatNet: 1 not deployed: a")]


async def test_an_issue_comes_by_itself_once_it_is_permitted(it: Flow) -> None:
    path = "/issues$"
    it.github.inject(Fault(trouble=Trouble.ANSWER, status=403, message="no", path=path, times=99))
    await it.push(locked_out("a"))
    watching = watch(it)
    for _ in range(48):
        assert await look(it, watching) == []
        it.clock.ahead += 1800
    asked = [each for each in it.github.requests if each.path.endswith("/issues")]
    assert len(asked) <= 24, "hourly"
    it.github.faults.clear()
    it.clock.ahead += 1800
    assert await look(it, watching) == [("open", "CatNet: 1 not deployed: a")]
    assert it.report.trouble is None


async def test_an_issue_is_opened_edited_and_closed_and_the_next_is_another(it: Flow) -> None:
    watching = watch(it)
    assert await look(it, watching) == []
    await it.push(locked_out("a"))
    assert await look(it, watching) == [("open", "CatNet: 1 not deployed: a")]
    requests = len(it.github.requests)
    await look(it, watching)
    assert len(it.github.requests) == requests, "what is said is not said again"
    await it.push(locked_out("b"))
    assert await look(it, watching) == [("open", "CatNet: 2 not deployed: a, b")]
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    # That this deployment went well is not all.
    assert await look(it, watch(it)) == [("open", "CatNet: 1 not deployed: b")]
    assert "https://catnet.example.net/deployments/" in it.github.issues[0].body
    await it.push({"configs/b.cfg": config("b")})
    assert [state for state, _ in await look(it, watching)] == ["closed"]
    await it.push({"inventory.yaml": "devices: ["})
    (_, first), (state, title) = await look(it, watching)
    assert (first, state) == ("CatNet: 1 not deployed: b", "open")
    assert title.startswith("CatNet: revision")
    assert title.endswith("was refused")


@pytest.mark.parametrize("trouble", [Trouble.LOSE, Trouble.DROP, Trouble.ANSWER])
async def test_a_lost_answer_makes_no_second_issue(it: Flow, trouble: Trouble) -> None:
    it.github.inject(Fault(trouble=trouble, method="POST", path="/issues$"))
    await it.push(locked_out("a"))
    await look(it, watch(it))
    it.clock.ahead += 600
    await it.settle()
    assert [issue.state for issue in it.github.issues] == ["open"]


async def test_without_the_permission_it_is_said_and_the_rest_goes_on(it: Flow) -> None:
    it.github.inject(
        Fault(trouble=Trouble.ANSWER, status=403, message="no", method="GET", path="/issues$")
    )
    sha = await it.push(locked_out("a"))
    await look(it, watch(it))
    assert it.github.issues == []
    assert "Issues: write" in (it.report.trouble or "")
    assert it.said(sha)["catnet/deploy"][0] == "failure"
