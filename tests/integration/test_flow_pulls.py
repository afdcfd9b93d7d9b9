"""Pull requests, step by step over real parts: what merging would do, and what keeps it from it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.demo.standin import Fault, Trouble
from catnet_controller.models import Trigger
from catnet_controller.pipeline import snapshot
from catnet_controller.pipeline.reconcile import (
    AGAIN_DELAY,
    AGAIN_EVERY,
    BACK_ATTEMPTS,
    BACK_DELAY,
    BRANCH_MOVED,
    LAG_DELAY,
    MERGE_ATTEMPTS,
)
from tests.helpers_flow import BRANCH, Flow, config, flow, inventory

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


async def test_a_stranger_does_not_spend_the_quota(tmp_path: Path) -> None:
    """Nor is what the branch has counted as his, when it was not read before."""
    names = tuple(f"d{each}" for each in range(3))
    async with flow(tmp_path, names=names) as it:
        small: dict[str, str | None] = {f"configs/x{each}.cfg": f"{each}\n" for each in range(98)}
        large: dict[str, str | None] = {f"configs/y{each}.cfg": f"{each}y\n" for each in range(101)}
        fork = "stranger/network-config"
        first = await it.github.open_pull("small", "Hello", small, fork=fork)
        second = await it.github.open_pull("large", "Hello", large, fork=fork)
        await it.trigger(f"pull/{first}")
        blobs = sum("/blobs/" in each.path for each in it.github.requests)
        assert blobs == 98 + len(names) + 1
        before = len(it.github.requests)
        await it.trigger(f"pull/{second}")
        for _ in range(5):
            it.clock.ahead += 120
            await it.settle()
        assert len(it.github.requests) - before < 15
        assert it.said(it.github.pulls[second].sha)[PLAN][0] == "failure"
        (comment,) = it.github.comments(second)
        assert "101 files are new, and not more than 100 are read from a fork" in comment.body
        assert "let a maintainer push the branch" in comment.body


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
    await it.wait(AGAIN_DELAY, times=2)
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


async def test_a_pull_request_closed_before_its_plan_gets_a_last_word(it: Flow) -> None:
    change = {"configs/a.cfg": config("a", ROUTE)}
    number = await it.github.open_pull("more", "More", change)
    await it.github.close_pull(number)
    await it.trigger(f"pull/{number}")
    word = ("error", "the pull request was closed before its plan was made")
    assert it.said(it.github.pulls[number].sha) == {PLAN: word}
    planned = await it.github.open_pull("other", "Other", change)
    await it.trigger(f"pull/{planned}")
    verdict = it.said(it.github.pulls[planned].sha)
    await it.github.close_pull(planned)
    for _ in range(2):
        await it.trigger(f"pull/{planned}")
    assert it.said(it.github.pulls[planned].sha) == verdict, "a plan keeps its verdict"


async def test_a_change_that_only_the_poll_found_is_counted_once(it: Flow) -> None:
    def missed() -> bytes:
        return next(
            line
            for line in it.metrics.render()[0].splitlines()
            if line.startswith(b"catnet_webhook_missed_total")
        ).split()[1]

    async def look() -> None:
        for _ in range(2):
            await it.poll.step()
            await it.settle()

    await look()
    told = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "More", webhook=False)
    await it.store.trigger(Trigger(ref="branch/main", reason="push", sha=told))
    await look()
    late = await it.github.commit({"configs/a.cfg": config("a", OTHER)}, "Other", webhook=False)
    await it.poll.step()
    await it.poll.step()
    await it.store.trigger(Trigger(ref="branch/main", reason="push", sha=late))
    await look()
    assert missed() == b"0.0", "told of, before the poll or soon after"
    await it.github.commit({"configs/a.cfg": config("a")}, "Back", webhook=False)
    await look()
    await look()
    assert missed() == b"1.0"
    depth = await it.store.depth()
    assert depth.polled_at is not None
    assert it.clock.now() - depth.polled_at < 60


async def test_reports_that_github_refuses_are_counted_with_what_is_missing(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    refusal = Fault(
        trouble=Trouble.ANSWER, status=403, message="no", method="POST", path="comments$", times=9
    )
    it.github.inject(refusal)
    await it.trigger(f"pull/{number}")
    await it.push({"configs/b.cfg": config("b", OTHER)})
    depth = await it.store.depth()
    assert depth.given_up == 1
    assert depth.given_up_at is not None
    assert "Give the token this permission" in depth.refusal
    assert "Pull requests: write" in (it.report.trouble or ""), (
        "statuses that are taken hide it not"
    )
    it.github.faults.clear()
    await it.store.revive(0.0)
    await it.settle()
    assert (await it.store.depth()).given_up == 0
    assert it.report.trouble is None
    assert len(it.github.comments(number)) == 1


def by_hand(it: Flow, line: str) -> None:
    it.device("a").type([line])


async def merged(it: Flow, number: int) -> str:
    sha = await it.github.merge_pull(number, webhook=False)
    await it.trigger(sha=sha)
    return sha


@pytest.fixture
async def planned(it: Flow) -> int:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    return number


async def test_a_device_that_moved_since_its_plan_is_refused_until_somebody_asks(
    it: Flow, planned: int
) -> None:
    by_hand(it, OTHER)
    sha = await merged(it, planned)
    state, line = it.said(sha)["catnet/deploy"]
    assert state == "failure"
    assert f"a changed since the plan of pull request {planned}" in line
    assert not it.touched()
    await it.trigger(force=True)
    assert it.said(sha)["catnet/deploy"][0] == "success"
    assert ROUTE in it.device("a").running()


async def test_a_device_that_moved_elsewhere_is_pushed_to_and_it_is_said(it: Flow) -> None:
    partial = inventory(it.fleet).replace("  b:", "    scope: partial\n  b:")
    await it.push({"inventory.yaml": partial})
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    by_hand(it, OTHER)
    sha = await merged(it, number)
    state, line = it.said(sha)["catnet/deploy"]
    assert (state, line.rpartition("; ")[2]) == ("success", "1 had changed since the plan")
    assert OTHER in it.device("a").running()


async def test_by_setting_what_is_right_now_is_typed_and_it_is_said(tmp_path: Path) -> None:
    async with flow(tmp_path, replan=True) as it:
        await it.trigger()
        number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
        await it.trigger(f"pull/{number}")
        by_hand(it, OTHER)
        sha = await merged(it, number)
        state, line = it.said(sha)["catnet/deploy"]
        assert (state, line.rpartition("; ")[2]) == ("success", "1 had changed since the plan")
        assert OTHER not in it.device("a").running()
        (job,) = (await it.last()).jobs
        assert job.outcome is not None
        warning = f"the device changed since the plan of pull request {number}"
        assert warning in job.outcome.warnings


async def test_an_old_plan_of_the_same_text_binds_nobody(it: Flow, planned: int) -> None:
    first = await it.github.head()
    await merged(it, planned)
    await it.forced(first)
    by_hand(it, OTHER)
    # The text of the pull request again, without one: nothing was reviewed for this.
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert it.said(sha)["catnet/deploy"][0] == "success"


async def test_plans_are_made_again_when_the_branch_moves_once_and_only_where_it_matters(
    it: Flow, planned: int
) -> None:
    other = await it.github.open_pull("other", "Other", {"configs/b.cfg": config("b", ROUTE)})
    await it.trigger(f"pull/{other}")
    for number in range(3):
        text = config("a").replace("description uplink", f"description uplink {number}")
        await it.push({"configs/a.cfg": text})
    before, count = len(it.github.posted()), (await it.last()).id
    await it.wait(AGAIN_EVERY + 60, times=2)
    again = await it.last()
    assert again.id == count + 1, "one new plan for three pushes, none where it would be the same"
    assert again.revision.pull == planned
    (comment,) = it.github.comments(planned)
    assert f"merged into main at {(await it.github.head())[:12]}" in comment.body
    assert "uplink" not in comment.body
    assert len(it.github.posted()) == before, "the former verdict stands until there is another"


async def test_a_lagging_look_leaves_the_newer_plan(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    first = it.github.pulls[number]
    shown = {"head": first.sha, "merge": first.would_be}
    second = await it.github.update_pull(
        number, {"configs/b.cfg": config("b", ROUTE)}, "And b", webhook=False
    )
    ref = f"pull/{number}"
    await it.store.trigger(Trigger(ref=ref, reason="test", sha=second, due_at=it.clock.now()))
    assert await it.reconcile.step(), "the plan of the second is opened"

    def old(data: Any) -> Any:
        data["head"]["sha"], data["merge_commit_sha"] = shown["head"], shown["merge"]
        return data

    lag = Fault(trouble=Trouble.CHANGE, method="GET", path=rf"/pulls/{number}$", times=2, edit=old)
    it.github.inject(lag)
    await it.trigger(ref, sha=second)
    await it.wait(BACK_DELAY + 1, times=2)
    assert it.said(second)[PLAN][0] == "success"
    assert second[:12] in it.github.comments(number)[0].body
    known = await it.store.ref_state(ref)
    assert known is not None
    assert known.sha == second


async def test_a_pull_request_taken_back_to_a_former_commit_is_planned_there(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    first = it.github.pulls[number].sha
    await it.github.update_pull(number, {"configs/b.cfg": config("b", ROUTE)}, "b", webhook=False)
    await it.trigger(f"pull/{number}")
    it.github.pulls[number].sha = first
    await it.trigger(f"pull/{number}", sha=first)
    await it.wait(BACK_DELAY + 1, times=BACK_ATTEMPTS)
    assert first[:12] in it.github.comments(number)[0].body


LOCKED_OUT = config("a").replace("username catnet", "username other")


async def test_a_fork_cannot_turn_the_verdict_of_the_same_commit(it: Flow) -> None:
    number = await it.github.open_pull("bad", "Locks us out", {"configs/a.cfg": LOCKED_OUT})
    sha = it.github.pulls[number].sha
    await it.trigger(f"pull/{number}")
    verdict = it.said(sha)
    assert verdict[PLAN][0] == "failure"
    fork = await it.github.open_twin(number, "x", fork="stranger/config", author="stranger")
    await it.trigger(f"pull/{fork}")
    assert it.said(sha) == verdict
    (comment,) = it.github.comments(fork)
    assert "a fork is never compared with devices" in comment.body


async def test_a_fork_that_takes_for_ever_is_refused_and_holds_nobody_up(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_STRANGER", 1.0)
    monkeypatch.setattr(snapshot, "_built", _for_ever)
    change = {"configs/a.cfg": config("a", ROUTE)}
    number = await it.github.open_pull("slow", "Slow", change, fork="stranger/config")
    await it.trigger(f"pull/{number}")
    word = "the repository: it takes longer than 1 s to read; make it simpler"
    assert it.said(it.github.pulls[number].sha)[PLAN] == ("failure", word)


def _for_ever(*_: object) -> None:
    re.search("(-|--)+x", "-" * 200)


async def test_a_fork_with_many_files_costs_few_requests(it: Flow) -> None:
    files = {f"configs/x{number}.cfg": f"hostname x{number}\n" for number in range(150)}
    number = await it.github.open_pull("many", "Many", files, fork="stranger/config")
    before = len(it.github.requests)
    await it.trigger(f"pull/{number}")
    state, line = it.said(it.github.pulls[number].sha)[PLAN]
    assert state == "failure"
    assert "150 files are new, and not more than 100 are read from a fork" in line
    assert len(it.github.requests) - before < 20


async def test_one_of_two_pull_requests_for_a_commit_may_go(it: Flow) -> None:
    number = await it.github.open_pull("ok", "Ok", {"configs/a.cfg": config("a", ROUTE)})
    sha = it.github.pulls[number].sha
    await it.trigger(f"pull/{number}")
    verdict = it.said(sha)[PLAN]
    assert verdict[0] == "success"
    twin = await it.github.open_twin(number, "closed")
    await it.github.close_pull(twin, webhook=False)
    await it.trigger(f"pull/{twin}")
    assert it.said(sha)[PLAN] == verdict
    stacked = await it.github.open_twin(number, "stacked")
    ref = f"pull/{stacked}"
    await it.store.trigger(Trigger(ref=ref, reason="test", due_at=it.clock.now()))
    assert await it.reconcile.step(), "its plan is under way"
    change = {"configs/b.cfg": config("b", ROUTE)}
    newer = await it.github.update_pull(stacked, change, "b", webhook=False)
    await it.trigger(ref)
    assert it.said(sha)[PLAN] == verdict
    assert it.said(newer)[PLAN][0] == "success"


async def test_a_conflict_ends_though_the_list_did_not_answer_at_first(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    clash = await it.push({"configs/a.cfg": config("a", OTHER)})
    await it.trigger(f"pull/{number}")
    sha = it.github.pulls[number].sha
    assert it.said(sha)[PLAN][0] == "failure"
    away = Fault(trouble=Trouble.ANSWER, status=502, method="GET", path="/pulls$", times=9)
    it.github.inject(away)
    await it.github.revert(clash, webhook=False)
    await it.trigger()
    await it.wait(AGAIN_DELAY, times=5)
    assert it.said(sha)[PLAN] == ("success", "1 of 1 device would change (+1 −0 lines)")


async def test_a_pull_request_that_comes_back_from_another_base_is_planned_anew(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    pull = it.github.pulls[number]
    assert it.said(pull.sha)[PLAN][0] == "success"
    pull.base = "release"
    await it.github.commit({"README.md": "release\n"}, "r", branch="release", webhook=False)
    await it.trigger(f"pull/{number}", sha=pull.sha)
    await it.push({"configs/a.cfg": config("a", OTHER)})
    pull.base = "main"
    await it.trigger(f"pull/{number}", sha=pull.sha)
    assert it.said(pull.sha)[PLAN] == ("failure", "conflicts with main: nothing can be planned")


async def test_an_outage_leaves_the_patience_for_the_merge(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.push({"configs/b.cfg": config("b", OTHER)})
    away = Fault(trouble=Trouble.ANSWER, status=503, method="GET", path="/pulls/", times=15)
    it.github.inject(away)
    await it.trigger(f"pull/{number}")
    await it.wait(601, times=4)
    it.github.unmerged = 1
    await it.wait(601)
    await it.wait(LAG_DELAY + 1)
    assert "merged into main" in it.github.comments(number)[0].body


async def test_a_plan_without_its_merge_gives_way_to_one_with_it(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.push({"configs/b.cfg": config("b", OTHER)})
    it.github.unmerged = MERGE_ATTEMPTS + 1
    await it.trigger(f"pull/{number}")
    await it.wait(LAG_DELAY + 1, times=MERGE_ATTEMPTS)
    (comment,) = it.github.comments(number)
    assert "without its merge" in comment.body
    assert OTHER in comment.body
    await it.wait(AGAIN_DELAY + 1)
    (comment,) = it.github.comments(number)
    assert "merged into main" in comment.body
    assert OTHER not in comment.body


async def test_the_branch_does_not_put_off_what_waits_already(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    ref = f"pull/{number}"
    await it.trigger(ref)
    main = await it.github.commit({"configs/b.cfg": config("b", OTHER)}, "b", webhook=False)
    await it.store.trigger(Trigger(ref=BRANCH, reason="push", sha=main))
    second = await it.github.update_pull(
        number, {"configs/b.cfg": config("b", ROUTE)}, "x", webhook=False
    )
    await it.store.trigger(Trigger(ref=ref, reason="pull-request", sha=second))
    again = Trigger(ref=ref, reason=BRANCH_MOVED, force=True, due_at=it.clock.now() + AGAIN_DELAY)
    await it.store.trigger(again)
    await it.settle()
    assert PLAN in it.said(second)


async def test_a_device_that_is_not_affected_any_more_is_said_to_be_well(it: Flow) -> None:
    bad = config("b").replace("username catnet", "username other")
    both = {"configs/a.cfg": config("a", ROUTE), "configs/b.cfg": bad}
    number = await it.github.open_pull("more", "More", both)
    sha = it.github.pulls[number].sha
    await it.trigger(f"pull/{number}")
    assert it.said(sha)[f"{PLAN}/b"][0] == "failure"
    await it.push({"configs/b.cfg": bad})
    await it.wait(AGAIN_EVERY + 60, times=2)
    assert it.said(sha)[PLAN][0] == "success"
    assert it.said(sha)[f"{PLAN}/b"] == ("success", "not affected any more")


async def test_a_conversation_that_is_locked_is_no_trouble_of_the_daemon(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    said = "Unable to create comment because issue is locked."
    lock = Fault(trouble=Trouble.ANSWER, status=403, message=said, method="POST", path="comments$")
    it.github.inject(lock)
    await it.trigger(f"pull/{number}")
    assert it.report.trouble is None
    depth = await it.store.depth()
    assert depth.given_up == 1
    assert "Unlock the conversation" in depth.refusal


async def test_a_permission_that_is_given_later_brings_all_that_was_given_up(it: Flow) -> None:
    fault = Fault(
        trouble=Trouble.ANSWER, status=403, message="no", method="POST", path="comments$", times=99
    )
    it.github.inject(fault)
    numbers = []
    for name in ("one", "two", "three"):
        change = {"configs/a.cfg": config("a", ROUTE, f"banner motd ^{name}^")}
        numbers.append(await it.github.open_pull(name, name, change))
        await it.trigger(f"pull/{numbers[-1]}")
    assert (await it.store.depth()).given_up == 3
    for _ in range(3):
        before = len(it.github.requests)
        assert await it.store.probe(0.0) == 1
        await it.wait(3600)
        sent = [each for each in it.github.requests[before:] if each.method == "POST"]
        assert len(sent) == 1, "one finds out whether the others would be taken"
        assert "Pull requests: write" in (it.report.trouble or "")
    it.github.faults.clear()
    await it.store.probe(0.0)
    await it.settle()
    assert [len(it.github.comments(number)) for number in numbers] == [1, 1, 1]
    assert it.report.trouble is None
    assert (await it.store.depth()).given_up == 0


async def test_what_is_refused_where_others_are_taken_is_no_trouble_of_the_daemon(it: Flow) -> None:
    change = {"configs/a.cfg": config("a", ROUTE)}
    number = await it.github.open_pull("one", "One", change)
    path = f"/issues/{number}/comments$"
    it.github.inject(
        Fault(trouble=Trouble.ANSWER, status=403, message="no", method="POST", path=path, times=99)
    )
    await it.trigger(f"pull/{number}")
    assert "Pull requests: write" in (it.report.trouble or ""), "nobody knows better yet"
    await it.trigger(f"pull/{await it.github.open_pull('two', 'Two', change)}")
    assert it.report.trouble is None
    before = len(it.github.requests)
    for _ in range(3):
        await it.store.probe(0.0)
        await it.wait(3600)
        assert it.report.trouble is None
    assert len(it.github.requests) - before < 20
    assert (await it.store.depth()).given_up == 1


async def test_a_status_for_a_commit_that_is_gone_is_given_up_in_the_end(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    gone = f"No commit found for SHA: {it.github.pulls[number].sha}"
    path = "/statuses/" + it.github.pulls[number].sha
    fault = Fault(
        trouble=Trouble.ANSWER, status=422, message=gone, method="POST", path=path, times=10**6
    )
    it.github.inject(fault)
    await it.trigger(f"pull/{number}")
    await it.wait(601, times=4)
    assert (await it.store.depth()).outbox > 0, "a replica may lag for a while"
    await it.wait(601, times=4)
    depth = await it.store.depth()
    assert (depth.outbox, depth.outbox_age) == (0, 0)
    assert depth.given_up > 0
    assert it.report.trouble is None
