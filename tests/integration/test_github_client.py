"""The door to GitHub over real HTTP: limits, redirects, lost answers, slow servers, denials."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from catnet_controller.demo.standin import Fault, GithubStandIn, Trouble
from catnet_controller.errors import (
    CatnetError,
    GithubDenied,
    GithubUnavailable,
    RateLimited,
    RepositoryMoved,
    SecretMissing,
    SettingsInvalid,
)
from catnet_controller.github.client import Client
from catnet_controller.models import StatusMessage, StatusState
from tests.helpers_github import TOKEN, RealClock, edge, hub, note


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[GithubStandIn]:
    async with hub(tmp_path) as running:
        yield running


def message(sha: str, *, context: str = "catnet/deploy", text: str = "done") -> StatusMessage:
    return StatusMessage(
        sha=sha, context=context, state=StatusState.SUCCESS, description=text, target_url=""
    )


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("github-")]


# --- what may be written where -------------------------------------------------------------------


async def test_access_is_verified(github: GithubStandIn, tmp_path: Path) -> None:
    async with edge(github, tmp_path) as door:
        await door.verify_access()


@pytest.mark.parametrize(
    "state, error, words",
    [
        ({"archived": True}, RepositoryMoved, "archived"),
        ({"gone": True}, RepositoryMoved, "not there"),
        ({"may_push": False}, GithubDenied, "push"),
        ({"renamed": "acme/net"}, RepositoryMoved, "renamed or moved"),
    ],
)
async def test_access_that_is_not_there_is_named(
    github: GithubStandIn,
    tmp_path: Path,
    state: dict[str, object],
    error: type[CatnetError],
    words: str,
) -> None:
    for name, value in state.items():
        setattr(github, name, value)
    async with edge(github, tmp_path) as door:
        with pytest.raises(error, match=words) as caught:
            await door.verify_access()
    assert caught.value.next_step


async def test_the_token_of_an_app_is_not_judged_by_rights_of_a_user(
    github: GithubStandIn, tmp_path: Path
) -> None:
    none = {"admin": False, "push": False, "pull": False}
    github.inject(Fault(trouble=Trouble.CHANGE, edit=lambda data: data | {"permissions": none}))
    async with edge(github, tmp_path) as door:
        await door.verify_access()


async def test_another_repository_under_our_name_is_refused(
    github: GithubStandIn, tmp_path: Path
) -> None:
    github.inject(
        Fault(trouble=Trouble.CHANGE, edit=lambda data: data | {"full_name": "acme/other"})
    )
    async with edge(github, tmp_path) as door:
        with pytest.raises(RepositoryMoved, match="acme/other"):
            await door.verify_access()


async def test_a_bad_token_is_named_and_not_shown(github: GithubStandIn, tmp_path: Path) -> None:
    async with edge(github, tmp_path, token="ghp_wrong_secret") as door:
        with pytest.raises(GithubDenied, match="does not accept the token") as caught:
            await door.source.head("main")
    assert len(github.requests) == 1, "an invalid token must not be tried again"
    shown = f"{caught.value!r} {caught.value.next_step} {caught.value.__cause__!r}"
    assert "ghp_wrong_secret" not in shown


async def test_a_missing_permission_is_named(github: GithubStandIn, tmp_path: Path) -> None:
    github.may_push = False
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubDenied) as caught:
            await door.reporter.status(message(await github.head()))
        assert "statuses=write" in caught.value.next_step
        number = await github.open_pull("b", "t", {"configs/edge1.cfg": "x\n"})
        with pytest.raises(GithubDenied) as caught:
            await door.reporter.comment(note(number, "plan"), None)
        assert "pull_requests=write" in caught.value.next_step


async def test_a_rotated_token_is_used_at_once(github: GithubStandIn, tmp_path: Path) -> None:
    tokens = ["old"]
    github.token = "old"
    async with edge(github, tmp_path, token=lambda: tokens[-1]) as door:
        await door.source.head("main")
        github.token = "new"
        tokens.append("new")
        await door.source.head("main")
    assert [each.status for each in github.requests] == [200, 200]


@pytest.mark.parametrize(
    "repository, url",
    [
        ("acme", "https://api.github.com"),
        ("acme/..", "https://api.github.com"),
        ("acme/x/y", "https://api.github.com"),
        ("acme/x?y", "https://api.github.com"),
        ("acme/x", "api.github.com"),
        ("acme/x", "ftp://api.github.com"),
        ("acme/x", "https://user:secret@api.github.com"),
    ],
)
def test_bad_settings_are_refused_without_showing_secrets(repository: str, url: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Client(repository=repository, api_url=url, token=TOKEN, clock=RealClock())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "  ", "ghp_se\ncret", "ghp_sécret", "two words"])
async def test_a_token_that_cannot_be_one_is_not_sent_nor_shown(
    github: GithubStandIn, tmp_path: Path, token: str
) -> None:
    async with edge(github, tmp_path, token=token) as door:
        with pytest.raises(SecretMissing) as caught:
            await door.verify_access()
    assert caught.value.__cause__ is None
    assert not token.strip() or token not in str(caught.value)
    assert github.requests == []


async def test_a_token_file_that_ends_in_a_newline_is_fine(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path, token=lambda: f"{TOKEN}\n") as door:
        await door.verify_access()


# --- redirects -----------------------------------------------------------------------------------


async def test_a_renamed_repository_is_never_followed(
    github: GithubStandIn, tmp_path: Path
) -> None:
    sha = await github.head()
    github.renamed = "acme/network"
    async with edge(github, tmp_path) as door:
        with pytest.raises(RepositoryMoved, match="renamed"):
            await door.source.head("main")
        with pytest.raises(RepositoryMoved, match="renamed"):
            await door.source.files(sha)
        with pytest.raises(RepositoryMoved, match="renamed"):
            await door.reporter.status(message(sha))
    assert [each.status for each in github.requests] == [301, 301, 307]
    assert github.posted() == []


# --- limits --------------------------------------------------------------------------------------


async def test_retry_after_holds_both_lanes_without_knocking(
    github: GithubStandIn, tmp_path: Path
) -> None:
    clock = RealClock()
    sha = await github.head()
    async with edge(github, tmp_path, clock=clock) as door:
        github.inject(Fault(trouble=Trouble.SECONDARY, seconds=30))
        with pytest.raises(RateLimited) as caught:
            await door.reporter.status(message(sha))
        assert caught.value.not_before == pytest.approx(clock.now() + 30, abs=3)
        for _ in range(3):
            with pytest.raises(RateLimited):
                await door.source.head("main")
            with pytest.raises(RateLimited):
                await door.reporter.status(message(sha))
        assert len(github.requests) == 1
        clock.ahead = 31
        assert await door.source.head("main")
        await door.reporter.status(message(sha))
    assert [each.state for each in github.posted()] == ["success"]


async def test_a_used_up_quota_waits_for_its_reset(github: GithubStandIn, tmp_path: Path) -> None:
    clock = RealClock()
    async with edge(github, tmp_path, clock=clock) as door:
        github.inject(Fault(trouble=Trouble.PRIMARY, seconds=600))
        with pytest.raises(RateLimited) as caught:
            await door.source.head("main")
    assert caught.value.not_before == pytest.approx(clock.now() + 600, abs=3)


async def test_the_last_request_of_a_quota_is_the_last(
    github: GithubStandIn, tmp_path: Path
) -> None:
    heard: list[int] = []
    github.remaining = 2
    async with edge(github, tmp_path, heard=heard) as door:
        assert await door.source.head("main")
        assert await door.source.head("main")
        with pytest.raises(RateLimited):
            await door.source.head("main")
    assert heard == [1, 0]
    assert len(github.requests) == 2


@pytest.mark.parametrize("status", [403, 429])
async def test_a_limit_without_a_time_waits_a_minute_and_then_longer(
    github: GithubStandIn, tmp_path: Path, status: int
) -> None:
    clock = RealClock()
    words = "You have exceeded a secondary rate limit."
    async with edge(github, tmp_path, clock=clock) as door:
        for wait in (60, 120, 240):
            github.inject(Fault(trouble=Trouble.ANSWER, status=status, message=words))
            with pytest.raises(RateLimited) as caught:
                await door.source.head("main")
            assert caught.value.not_before == pytest.approx(clock.now() + wait, abs=3)
            clock.ahead += wait + 1
        assert await door.source.head("main")


async def test_a_retry_after_that_is_a_date(github: GithubStandIn, tmp_path: Path) -> None:
    clock = RealClock()
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 90))
    async with edge(github, tmp_path, clock=clock) as door:
        github.inject(Fault(trouble=Trouble.ANSWER, status=429, headers={"Retry-After": stamp}))
        with pytest.raises(RateLimited) as caught:
            await door.source.head("main")
    assert caught.value.not_before == pytest.approx(clock.now() + 90, abs=3)


async def test_writes_keep_their_distance(github: GithubStandIn, tmp_path: Path) -> None:
    sha = await github.head()
    async with edge(github, tmp_path, spacing=0.2) as door:
        started = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(door.reporter.status(message(sha, context=f"c{number}")))
        assert time.monotonic() - started >= 0.4
    assert len(github.posted()) == 3


async def test_more_writes_than_an_hour_allows_wait(github: GithubStandIn) -> None:
    clock = RealClock()
    sha = await github.head()
    async with Client(
        repository=github.repository,
        api_url=github.url,
        token=TOKEN,
        clock=clock,
        write_spacing=0,
        writes_per_hour=2,
    ) as client:

        async def post() -> None:
            await client.write(
                "POST", f"{client.root}/statuses/{sha}", {"state": "pending"}, needs=""
            )

        await post()
        await post()
        with pytest.raises(RateLimited) as caught:
            await post()
        assert caught.value.not_before == pytest.approx(clock.now() + 3600, abs=5)
        clock.ahead = 3601
        await post()
    assert len(github.posted()) == 3


# --- bad answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [Trouble.ANSWER, Trouble.DROP, Trouble.LOSE])
async def test_a_read_is_tried_again(
    github: GithubStandIn, tmp_path: Path, trouble: Trouble
) -> None:
    github.inject(Fault(trouble=trouble, times=2))
    async with edge(github, tmp_path) as door:
        head = await door.source.head("main")
    assert head is not None
    assert head.sha == await github.head()
    assert len(github.requests) == 3


async def test_a_read_gives_up_in_the_end(github: GithubStandIn, tmp_path: Path) -> None:
    github.inject(Fault(trouble=Trouble.ANSWER, times=99, message="Unicorn!"))
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubUnavailable, match="502: Unicorn!"):
            await door.source.head("main")
    assert len(github.requests) == 3


async def test_nobody_there(github: GithubStandIn, tmp_path: Path) -> None:
    async with Client(
        repository=github.repository,
        api_url="http://127.0.0.1:1",
        token=TOKEN,
        clock=RealClock(),
        pause=0.01,
    ) as client:
        with pytest.raises(GithubUnavailable, match=r"no answer from 127\.0\.0\.1") as caught:
            await client.verify_access()
    assert TOKEN not in repr(caught.value)


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, "text", 7, [[]], [{}], [7], {"message": 7}, {"tree": []}, {"tree": [7]}],
    ids=repr,
)
async def test_an_answer_of_another_shape_is_no_answer(
    github: GithubStandIn, tmp_path: Path, answer: object
) -> None:
    sha = await github.head()
    number = await github.open_pull("b", "t", {"x": "y"})
    github.inject(Fault(trouble=Trouble.CHANGE, edit=lambda _: answer, times=999))
    async with edge(github, tmp_path) as door:
        calls: list[Awaitable[object]] = [
            door.verify_access(),
            door.source.head("main"),
            door.source.pull(number),
            door.source.revision(sha, "branch/main"),
            door.source.files(sha),
            door.reporter.status(message(sha)),
            door.reporter.comment(note(number, "plan"), "1"),
        ]
        if answer != []:
            calls.append(door.source.pulls())
        for call in calls:
            with pytest.raises((GithubUnavailable, RepositoryMoved)):
                await call


async def test_a_slow_drip_is_abandoned_and_the_next_call_works(
    github: GithubStandIn, tmp_path: Path
) -> None:
    github.inject(Fault(trouble=Trouble.DRIP, times=3, seconds=0.05))
    started = time.monotonic()
    async with edge(github, tmp_path, deadline=0.3) as door:
        with pytest.raises(GithubUnavailable, match="did not finish an answer"):
            await door.source.head("main")
        assert time.monotonic() - started < 5
        assert await door.source.head("main")


async def test_calls_that_hang_are_bounded(github: GithubStandIn, tmp_path: Path) -> None:
    github.inject(Fault(trouble=Trouble.DRIP, times=99, seconds=0.05))
    async with edge(github, tmp_path, deadline=0.05) as door:
        for _ in range(4):
            with pytest.raises(GithubUnavailable):
                await door.source.head("main")
    assert len(github.requests) <= 8


async def test_a_cancelled_call_leaves_a_lane_that_works(
    github: GithubStandIn, tmp_path: Path
) -> None:
    github.inject(Fault(trouble=Trouble.DRIP, seconds=0.05))
    async with edge(github, tmp_path) as door:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await door.source.head("main")
        assert await door.source.head("main")


async def test_closing_leaves_no_thread_and_no_socket(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path) as door:
        await door.source.head("main")
        await door.reporter.status(message(await github.head()))
        own = threads()
        assert {"github-read", "github-write"} <= set(own)
    gc.collect()  # a socket left open would warn, and warnings are errors
    assert threads().count("github-read") < own.count("github-read")
    assert threads().count("github-write") < own.count("github-write")
    with pytest.raises(GithubUnavailable, match="closed"):
        await door.source.head("main")


async def test_name_resolution_is_not_held_up_by_hung_calls(
    github: GithubStandIn, tmp_path: Path
) -> None:
    github.inject(Fault(trouble=Trouble.DRIP, times=1, seconds=0.05))
    async with edge(github, tmp_path) as door, asyncio.TaskGroup() as tasks:
        hung = tasks.create_task(door.source.head("main"))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            assert await loop.getaddrinfo("127.0.0.1", 80)
        hung.cancel()
