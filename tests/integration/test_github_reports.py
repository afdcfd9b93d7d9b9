"""Statuses and comments over real HTTP: taken for sure, never twice, never on somebody else's."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catnet_controller.demo.standin import Fault, GithubStandIn, Trouble
from catnet_controller.errors import (
    GithubDenied,
    GithubUnavailable,
    NotVisibleYet,
    RateLimited,
    ReportRefused,
)
from catnet_controller.github.splitting import LONGEST, MARKER, MOST, part, parts
from catnet_controller.github.statuses import shorten
from catnet_controller.models import StatusMessage, StatusState
from tests.helpers_github import RealClock, edge, hub, note


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


async def test_the_last_word_is_posted_whoever_said_the_one_before(
    github: GithubStandIn, tmp_path: Path
) -> None:
    sha = await github.head()
    failure = message(sha, state=StatusState.FAILURE)
    async with edge(github, tmp_path) as one, edge(github, tmp_path) as other:
        await one.reporter.status(failure)
        await other.reporter.status(message(sha))
        await one.reporter.status(failure)
    assert github.statuses(sha)["catnet/deploy"].state == "failure"


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
        with pytest.raises(ReportRefused, match="keeps no more statuses"):
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
                await deliver(partial(door.reporter.comment, note(pull, text), None))
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
        remote = await door.reporter.comment(note(number, "first plan"), None)
        assert await door.reporter.comment(note(number, "second plan"), remote) == remote
    async with edge(github, tmp_path) as door:  # restarted, and the id was not stored
        assert await door.reporter.comment(note(number, "third plan"), None) == remote
        assert await door.reporter.comment(note(number, "third plan"), None) == remote
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
            await door.reporter.comment(note(number, "plan"), None)
        remote = await door.reporter.comment(note(number, "plan"), None)
    (comment,) = github.comments(number)
    assert remote == str(comment.id)


async def test_a_comment_somebody_deleted_is_made_anew(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    async with edge(github, tmp_path) as door:
        remote = await door.reporter.comment(note(number, "plan"), None)
        await github.delete_comment(int(remote))
        again = await door.reporter.comment(note(number, "plan"), remote)
    assert again != remote
    assert [str(each.id) for each in github.comments(number)] == [again]


async def test_the_marker_in_somebody_elses_comment_is_not_ours(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    theirs = await github.add_comment(number, f"{MARKER}\nedit me", login="mallory")
    quoting = await github.add_comment(number, f"> {MARKER}\nlook", login=github.login)
    async with edge(github, tmp_path) as door:
        ours = await door.reporter.comment(note(number, "plan"), None)
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
        assert await door.reporter.comment(note(number, "new"), None) == str(bot.id)
    assert [each.body for each in github.comments(number)] == [
        f"{MARKER}\nedit me",
        f"{MARKER}\nnew",
    ]


async def test_another_apps_parts_that_carry_our_marker_stay_and_stop_nothing(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    no = "Resource not accessible by integration"
    for method, path in (
        ("GET", "^/user$"),
        ("PATCH", "/issues/comments/"),
        ("DELETE", "/issues/comments/"),
    ):
        denied = Fault(
            trouble=Trouble.ANSWER, status=403, message=no, method=method, path=path, times=9
        )
        github.inject(denied)
    second = MARKER.replace("plan", "plan part 2")
    for marker in (MARKER, second):
        await github.add_comment(number, f"{marker}\nforged", login="other[bot]", kind="Bot")
    async with edge(github, tmp_path) as door:
        ours = await door.reporter.comment(note(number, "plan"), None)
    *theirs, last = github.comments(number)
    assert [each.edits for each in theirs] == [0, 0]
    assert (str(last.id), last.body) == (ours, f"{MARKER}\nplan")


async def test_our_comment_is_found_behind_a_hundred_others(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    for _ in range(130):
        await github.add_comment(number, "chatter")
    async with edge(github, tmp_path) as door:
        first = await door.reporter.comment(note(number, "plan"), None)
        assert await door.reporter.comment(note(number, "plan 2"), None) == first


async def test_a_pull_request_that_is_not_visible_yet(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path) as door:
        with pytest.raises(NotVisibleYet, match="pull request 77"):
            await door.reporter.comment(note(77, "plan"), None)


async def test_a_long_plan_goes_on_in_further_comments_until_it_is_short_again(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    lines = [f"+ interface Loopback{each}" for each in range(6000)]
    fold = "<details>\n\n```diff\n{}\n```\n</details>"
    body = fold.format("\n".join(lines))
    async with edge(github, tmp_path) as door:
        remote = await door.reporter.comment(note(number, body), None)
        first, *more = github.comments(number)
        assert remote.split() == [str(each.id) for each in (first, *more)]
        assert len(more) == 2
        for each in (first, *more):
            assert len(each.body) <= LONGEST
            assert each.body.count("```") == 2
            assert each.body.count("<details") == each.body.count("</details>") == 1
        shown = [line for each in (first, *more) for line in each.body.split("\n")]
        assert [line for line in shown if line.startswith("+ ")] == lines
        # Restarted without the ids: found again, edited in place; a lost part is made anew.
        await github.delete_comment(more[0].id)
        body = fold.format("\n".join(line.upper() for line in lines))
        remote = await door.reporter.comment(note(number, body), None)
        assert remote.split()[0::2] == [str(first.id), str(more[1].id)]
        assert len(github.comments(number)) == 3
        assert await door.reporter.comment(note(number, "short"), remote) == str(first.id)
    (comment,) = github.comments(number)
    assert comment.body == f"{MARKER}\nshort"


async def test_a_comment_without_news_is_folded_and_unfolded_again(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    async with edge(github, tmp_path) as door:
        remote = await door.reporter.comment(note(number, "nothing", hidden=True), None)
        assert github.comments(number)[0].hidden
        requests = len(github.requests)
        remote = await door.reporter.comment(note(number, "nothing still", hidden=True), remote)
        assert len(github.requests) == requests + 1, "it is folded already"
        remote = await door.reporter.comment(note(number, "news"), remote)
        assert not github.comments(number)[0].hidden
        remote = await door.reporter.comment(note(number, "nothing", hidden=True), remote)
        await door.reporter.comment(note(number, "news"), None)
        assert not github.comments(number)[0].hidden, "also when it is not known to be folded"
        refused = Fault(trouble=Trouble.ANSWER, status=403, message="no", path="graphql")
        github.inject(refused)
        await door.reporter.comment(note(number, "folding is no duty", hidden=True), remote)
    assert "folding is no duty" in github.comments(number)[0].body


async def test_a_used_up_quota_of_graphql_stops_folding_and_nothing_else(
    github: GithubStandIn, tmp_path: Path, number: int
) -> None:
    clock = RealClock()
    heard: list[int] = []
    github.questions = 1
    async with edge(github, tmp_path, clock=clock, heard=heard) as door:
        await door.reporter.comment(note(number, "nothing", hidden=True), None)
        assert 0 not in heard
        requests = len(github.requests)
        with pytest.raises(RateLimited) as caught:
            await door.reporter.comment(note(number, "news"), None)
        assert caught.value.not_before == pytest.approx(clock.now() + 3600, abs=5)
        assert await door.source.head("main")
        await door.reporter.status(message(await github.head()))
        assert not any(each.path == "/graphql" for each in github.requests[requests:])
        github.questions = 5000
        clock.ahead = 3601
        await door.reporter.comment(note(number, "news"), None)
    (comment,) = github.comments(number)
    assert (comment.body, comment.hidden) == (f"{MARKER}\nnews", False)


PARTS = {
    "text": "text\n",
    "diff": "```diff\n",
    "ticks": "```\n",
    "four": "````\n",
    "waves": "~~~\n",
    "many": "`" * 2000 + "\n",
    "lines": ("+" + "x" * 40 + "\n") * 900,
    "line": "x" * 40_000 + "\n",
    "tail": "x" * 16_000 + "```\n",
}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(sorted(PARTS)), max_size=24))
def test_any_body_fits_and_no_block_stays_open(names: list[str]) -> None:
    whole = "".join(PARTS[name] for name in names)
    made = parts(whole)
    if len(whole) + len(MARKER) + 1 <= LONGEST:
        assert made == (f"{MARKER}\n{whole}",)
        return
    assert 1 <= len(made) <= MOST
    for number, text in enumerate(made, 1):
        assert part(text) == number
        assert len(text) <= LONGEST
        fence = ""
        for line in text.splitlines():
            mark = line[: len(line) - len(line.lstrip("`~"))]
            if not fence:
                fence = mark
            elif mark == line and mark[:1] == fence[0] and len(mark) >= len(fence):
                fence = ""
        assert not fence
