"""Pull requests, step by step over real parts: what merging would do, and what keeps it from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.models import Trigger
from catnet_controller.pipeline.reconcile import LAG_DELAY, MERGE_ATTEMPTS
from tests.helpers_flow import Flow, config, flow

PLAN = "catnet/plan"
ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"
OTHER = "ip route 192.0.2.0 255.255.255.0 Null0"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as made:
        await made.trigger()
        yield made


async def test_the_plan_is_that_of_the_merge_and_not_of_an_old_branch(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    main = await it.push({"configs/b.cfg": config("b", OTHER)})
    await it.trigger(f"pull/{number}")
    sha = it.github.pulls[number].sha
    assert it.said(sha)[PLAN] == ("success", "1 of 1 device would change (+1 −0 lines)")
    (comment,) = it.github.comments(number)
    assert f"Plan of `{sha[:12]}` merged into main at {main[:12]}" in comment.body
    assert OTHER not in comment.body


async def test_a_merge_that_is_not_computed_yet_is_waited_for(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    it.github.unmerged = 2
    sha = it.github.pulls[number].sha
    await it.trigger(f"pull/{number}")
    assert PLAN not in it.said(sha)
    for _ in range(2):
        it.clock.ahead += LAG_DELAY + 1
        await it.settle()
    assert it.said(sha)[PLAN][0] == "success"
    assert "merged into main" in it.github.comments(number)[0].body


async def test_a_merge_that_never_comes_is_said_to_be_missing(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    it.github.unmerged = 99
    await it.trigger(f"pull/{number}")
    for _ in range(MERGE_ATTEMPTS):
        it.clock.ahead += LAG_DELAY + 1
        await it.settle()
    assert it.said(it.github.pulls[number].sha)[PLAN][0] == "success"
    assert "without its merge, which GitHub has not computed" in it.github.comments(number)[0].body


async def test_a_conflict_fails_the_check_until_the_branch_makes_it_mergeable(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    clash = await it.push({"configs/a.cfg": config("a", OTHER)})
    await it.trigger(f"pull/{number}")
    sha = it.github.pulls[number].sha
    assert it.said(sha)[PLAN] == ("failure", "conflicts with main: nothing can be planned")
    (comment,) = it.github.comments(number)
    assert "Merge or rebase onto `main`" in comment.body
    await it.push({"configs/b.cfg": config("b", OTHER)})
    assert it.said(sha)[PLAN][0] == "failure", "still in conflict"
    await it.github.revert(clash, webhook=False)
    await it.trigger()
    assert it.said(sha)[PLAN] == ("success", "1 of 1 device would change (+1 −0 lines)")
    assert len(it.github.comments(number)) == 1


async def test_a_pull_request_whose_new_head_is_not_shown_yet_is_looked_at_again(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    await it.trigger(f"pull/{number}", sha="e" * 40)
    second = await it.github.update_pull(
        number, {"configs/b.cfg": config("b", ROUTE)}, "And b", webhook=False
    )
    assert PLAN not in it.said(second)
    it.clock.ahead += LAG_DELAY + 1
    await it.settle()
    assert it.said(second)[PLAN][0] == "success"


async def test_a_newer_push_takes_the_place_of_a_plan_under_way(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.store.trigger(Trigger(ref=f"pull/{number}", reason="test", due_at=it.clock.now()))
    assert await it.reconcile.step()
    first = it.github.pulls[number].sha
    second = await it.github.update_pull(
        number, {"configs/b.cfg": config("b", ROUTE)}, "And b", webhook=False
    )
    await it.trigger(f"pull/{number}")
    assert it.said(first)[PLAN][0] == "error"
    assert "superseded" in it.said(first)[PLAN][1]
    assert it.said(second)[PLAN][0] == "success"
    (comment,) = it.github.comments(number)
    assert second[:12] in comment.body
