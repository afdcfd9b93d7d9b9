"""Statuses and comments over real HTTP: taken for sure, never twice, never on somebody else's."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.demo.standin import Fault, GithubStandIn, Trouble
from catnet_controller.errors import (
    GithubDenied,
    GithubUnavailable,
    NotVisibleYet,
    RateLimited,
)
from catnet_controller.github.comments import LONGEST, MARKER, fitted
from catnet_controller.github.statuses import shorten
from catnet_controller.models import StatusMessage, StatusState
from tests.helpers_github import RealClock, edge, hub


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[GithubStandIn]:
    async with hub(tmp_path) as running:
        yield running


def message(
    sha: str,
    *,
    state: StatusState = StatusState.SUCCESS,
    text: str = "3 devices in sync",
    url: str = "http://127.0.0.1:8080/deployments/1",
) -> StatusMessage:
    return StatusMessage(
        sha=sha, context="catnet/deploy", state=state, description=text, target_url=url
    )


# --- statuses ------------------------------------------------------------------------------------


async def test_a_status_arrives_as_it_was_meant(github: GithubStandIn, tmp_path: Path) -> None:
    sha = await github.head()
    async with edge(github, tmp_path) as door:
        for state in StatusState:
            await door.reporter.status(message(sha, state=state))
            assert github.statuses(sha)["catnet/deploy"].state == state.value
    last = github.statuses(sha)["catnet/deploy"]
    assert last.description == "3 devices in sync"
    assert last.target_url == "http://127.0.0.1:8080/deployments/1"
    assert len(github.posted()) == 4
    assert {each.method for each in github.requests} == {"POST"}


async def test_the_same_status_is_posted_once(github: GithubStandIn, tmp_path: Path) -> None:
    sha = await github.head()
    pending = message(sha, state=StatusState.PENDING)
    async with edge(github, tmp_path) as door:
        for each in (pending, pending, message(sha), message(sha), pending):
            await door.reporter.status(each)
    assert [each.state for each in github.posted()] == ["pending", "success", "pending"]


async def test_a_long_description_is_cut_to_what_github_takes(
    github: GithubStandIn, tmp_path: Path
) -> None:
    sha = await github.head()
    async with edge(github, tmp_path) as door:
        await door.reporter.status(message(sha, text="ü" * 300, url=""))
    assert github.statuses(sha)["catnet/deploy"].description == "ü" * 139 + "…"


@given(st.text())
def test_descriptions_are_one_line_of_at_most_140(text: str) -> None:
    short = shorten(text)
    assert len(short) <= 140
    assert len(short.splitlines()) <= 1
    assert shorten(short) == short


@pytest.mark.parametrize("trouble", [Trouble.LOSE, Trouble.DROP, Trouble.ANSWER])
async def test_a_status_without_an_answer_is_posted_again(
    github: GithubStandIn, tmp_path: Path, trouble: Trouble
) -> None:
    sha = await github.head()
    github.inject(Fault(trouble=trouble))
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubUnavailable):
            await door.reporter.status(message(sha))
        assert len(github.requests) == 1, "a write is never repeated by the client"
        await door.reporter.status(message(sha))
    assert github.statuses(sha)["catnet/deploy"].state == "success"


async def test_a_lost_answer_does_not_hide_what_github_has(
    github: GithubStandIn, tmp_path: Path
) -> None:
    sha = await github.head()
    async with edge(github, tmp_path) as door:
        await door.reporter.status(message(sha))
        github.inject(Fault(trouble=Trouble.LOSE))
        with pytest.raises(GithubUnavailable):
            await door.reporter.status(message(sha, state=StatusState.PENDING))
        await door.reporter.status(message(sha))
    assert github.statuses(sha)["catnet/deploy"].state == "success"


@pytest.mark.parametrize(
    "edited", [{"state": None}, {"state": "pending"}, {"context": "other"}, {"message": "hello"}]
)
async def test_an_answer_that_does_not_say_so_is_no_success(
    github: GithubStandIn, tmp_path: Path, edited: dict[str, object]
) -> None:
    github.inject(
        Fault(
            trouble=Trouble.CHANGE,
            edit=lambda data: edited if "message" in edited else data | edited,
        )
    )
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubUnavailable):
            await door.reporter.status(message(await github.head()))


async def test_a_commit_that_is_full_is_given_up(github: GithubStandIn, tmp_path: Path) -> None:
    sha = await github.head()
    async with edge(github, tmp_path) as door:
        await door.reporter.status(message(sha))
        github.posts.extend(github.posts * 999)
        with pytest.raises(GithubDenied, match="keeps no more statuses"):
            await door.reporter.status(message(sha, text="another"))


async def test_a_status_for_a_commit_that_is_not_visible_yet(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path) as door:
        with pytest.raises(NotVisibleYet, match="does not show commit"):
            await door.reporter.status(message("b" * 40))


async def test_a_status_that_is_refused_says_why(github: GithubStandIn, tmp_path: Path) -> None:
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubDenied, match="Target URL must use http"):
            await door.reporter.status(message(await github.head(), url="ftp://x"))


async def test_an_archived_repository_is_a_denial(github: GithubStandIn, tmp_path: Path) -> None:
    github.archived = True
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubDenied, match="archived"):
            await door.reporter.status(message(await github.head()))


@pytest.mark.parametrize("seed", range(3))
async def test_a_bad_day_ends_with_everything_said_once(
    github: GithubStandIn, tmp_path: Path, seed: int
) -> None:
    """Deliver as the outbox does, until it is in, while the API fails at random."""
    chance = random.Random(seed)
    clock = RealClock()
    shas = [await github.commit({"x": str(number)}, "Change") for number in range(3)]
    pulls = [await github.open_pull(f"b{each}", "t", {"y": str(each)}) for each in range(2)]
    troubles = [Trouble.ANSWER, Trouble.DROP, Trouble.LOSE, Trouble.SECONDARY]

    async def deliver(send: Callable[[], Awaitable[object]]) -> None:
        for _ in range(50):
            if chance.random() < 0.6:
                fault = Fault(trouble=chance.choice(troubles), times=chance.randint(1, 4))
                github.faults[:] = [fault]
            try:
                await send()
            except RateLimited as limited:
                clock.ahead += max(0.0, limited.not_before - clock.now())
            except GithubUnavailable:
                pass
            else:
                return
        raise AssertionError("never delivered")

    async with edge(github, tmp_path, clock=clock) as door:
        for text in ("first", "second"):
            for state in (StatusState.PENDING, StatusState.SUCCESS):
                for sha in shas:
                    await deliver(
                        partial(door.reporter.status, message(sha, state=state, text=text))
                    )
            for pull in pulls:
                await deliver(partial(door.reporter.comment, pull, text, None))
    for sha in shas:
        last = github.statuses(sha)["catnet/deploy"]
        assert (last.state, last.description) == ("success", "second")
    for pull in pulls:
        assert [each.body for each in github.comments(pull)] == [f"{MARKER}\nsecond"]


# --- comments ------------------------------------------------------------------------------------


@pytest.fixture
async def number(github: GithubStandIn) -> int:
    return await github.open_pull("topic", "Topic", {"configs/edge1.cfg": "x\n"})


async def test_one_comment_is_edited_in_place(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    async with edge(github, tmp_path) as door:
        remote = await door.reporter.comment(number, "first plan", None)
        assert await door.reporter.comment(number, "second plan", remote) == remote
    async with edge(github, tmp_path) as door:  # restarted, and the id was not stored
        assert await door.reporter.comment(number, "third plan", None) == remote
        assert await door.reporter.comment(number, "third plan", None) == remote
    (comment,) = github.comments(number)
    assert comment.body == f"{MARKER}\nthird plan"
    assert comment.edits == 2


@pytest.mark.parametrize("trouble", [Trouble.LOSE, Trouble.DROP])
async def test_a_lost_answer_does_not_make_a_second_comment(
    github: GithubStandIn, tmp_path: Path, number: int, trouble: Trouble
) -> None:
    github.inject(Fault(trouble=trouble, method="POST", path="/comments$"))
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubUnavailable):
            await door.reporter.comment(number, "plan", None)
        remote = await door.reporter.comment(number, "plan", None)
    (comment,) = github.comments(number)
    assert remote == str(comment.id)


async def test_a_comment_somebody_deleted_is_made_anew(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    async with edge(github, tmp_path) as door:
        remote = await door.reporter.comment(number, "plan", None)
        await github.delete_comment(int(remote))
        again = await door.reporter.comment(number, "plan", remote)
    assert again != remote
    assert [str(each.id) for each in github.comments(number)] == [again]


async def test_the_marker_in_somebody_elses_comment_is_not_ours(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    theirs = await github.add_comment(number, f"{MARKER}\nedit me", login="mallory")
    quoting = await github.add_comment(number, f"> {MARKER}\nlook", login=github.login)
    async with edge(github, tmp_path) as door:
        ours = await door.reporter.comment(number, "plan", None)
    assert ours not in (str(theirs.id), str(quoting.id))
    assert [each.edits for each in github.comments(number)] == [0, 0, 0]


async def test_an_app_that_may_not_ask_who_it_is_finds_its_comment(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    denied = Fault(
        trouble=Trouble.ANSWER,
        status=403,
        message="Resource not accessible by integration",
        path="^/user$",
        times=99,
    )
    github.inject(denied)
    await github.add_comment(number, f"{MARKER}\nedit me", login="mallory")
    bot = await github.add_comment(number, f"{MARKER}\nold", login="catnet[bot]", kind="Bot")
    async with edge(github, tmp_path) as door:
        assert await door.reporter.comment(number, "new", None) == str(bot.id)
    assert [each.body for each in github.comments(number)] == [
        f"{MARKER}\nedit me",
        f"{MARKER}\nnew",
    ]


async def test_our_comment_is_found_behind_a_hundred_others(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    for _ in range(130):
        await github.add_comment(number, "chatter")
    async with edge(github, tmp_path) as door:
        first = await door.reporter.comment(number, "plan", None)
        assert await door.reporter.comment(number, "plan 2", None) == first


async def test_a_pull_request_that_is_not_visible_yet(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path) as door:
        with pytest.raises(NotVisibleYet, match="pull request 77"):
            await door.reporter.comment(77, "plan", None)


async def test_a_long_plan_is_cut_and_taken(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    body = "<details>\n\n```diff\n" + "+ interface Loopback1\n" * 9000
    async with edge(github, tmp_path) as door:
        await door.reporter.comment(number, body, None)
    (comment,) = github.comments(number)
    assert len(comment.body) <= LONGEST
    assert comment.body.rstrip().endswith("the status check links to the whole plan.*")
    assert comment.body.count("```") == 2
    assert comment.body.count("</details>") == 1


PARTS = {
    "text": "text\n",
    "diff": "```diff\n",
    "ticks": "```\n",
    "four": "````\n",
    "waves": "~~~\n",
    "lines": "+ x\n" * 9000,
    "line": "x" * 40_000 + "\n",
}


@given(st.lists(st.sampled_from(sorted(PARTS))))
def test_any_body_fits_and_no_block_stays_open(names: list[str]) -> None:
    whole = "".join(PARTS[name] for name in names)
    text = fitted(whole)
    assert text.startswith(MARKER)
    assert len(text) <= LONGEST
    if len(whole) + len(MARKER) + 1 <= LONGEST:
        assert text == f"{MARKER}\n{whole}"
        return
    fence = ""
    for line in text.splitlines():
        mark = line[: len(line) - len(line.lstrip("`~"))]
        if not fence:
            fence = mark
        elif mark == line and mark[:1] == fence[0] and len(mark) >= len(fence):
            fence = ""
    assert not fence
