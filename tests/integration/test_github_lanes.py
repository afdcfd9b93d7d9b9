"""Lanes and the client against a server that is not GitHub: hangs, portals, TLS, half answers."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from catnet_controller.errors import GithubUnavailable, RepositoryMoved
from catnet_controller.github.client import Client
from catnet_controller.github.edge import Edge
from catnet_controller.github.lanes import Lane
from catnet_controller.ports import Reporter, Repository
from tests.helpers_github import TOKEN, RealClock, edge, hub

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Owned:
    """Something that belongs to one thread, and tells when that was broken."""

    def __init__(self, made: list["Owned"]) -> None:
        self.thread: int | None = None
        self.closed = threading.Event()
        made.append(self)

    def use(self) -> None:
        assert self.thread in (None, threading.get_ident())
        self.thread = threading.get_ident()

    def close(self) -> None:
        self.use()
        self.closed.set()


@pytest.fixture
def made() -> list[Owned]:
    return []


def lane(made: list[Owned], *, deadline: float = 5.0) -> Lane[Owned]:
    return Lane(name="test", build=lambda: Owned(made), deadline=deadline)


async def test_calls_are_serial_and_in_one_thread(made: list[Owned]) -> None:
    running = lane(made)
    inside = 0

    def call(owned: Owned) -> int:
        nonlocal inside
        owned.use()
        inside += 1
        seen = inside
        inside -= 1
        return seen

    async with asyncio.TaskGroup() as tasks:
        results = [tasks.create_task(running.run(call)) for _ in range(50)]
    assert {task.result() for task in results} == {1}
    assert len(made) == 1
    await running.close()
    assert made[0].closed.is_set()


async def test_what_a_call_raises_is_raised(made: list[Owned]) -> None:
    def fails(_: Owned) -> None:
        raise KeyError("x")

    running = lane(made)
    with pytest.raises(KeyError):
        await running.run(fails)
    await running.run(Owned.use)
    assert len(made) == 1
    await running.close()


async def test_hung_calls_get_their_own_threads_up_to_a_limit(made: list[Owned]) -> None:
    release = threading.Event()
    running = lane(made, deadline=0.02)
    for _ in range(8):
        with pytest.raises(GithubUnavailable, match="did not finish"):
            await running.run(lambda _: release.wait(10))
    with pytest.raises(GithubUnavailable, match="8 calls to GitHub hang"):
        await running.run(Owned.use)
    release.set()
    for owned in made:
        assert owned.closed.wait(5), "an abandoned thread ends by itself and closes what it owns"
    await settled()
    running = lane(made)
    await running.run(Owned.use)
    await running.close()


async def test_what_is_abandoned_is_not_overtaken(made: list[Owned]) -> None:
    release = threading.Event()
    running = Lane(name="test", build=lambda: Owned(made), deadline=0.02, hold=60.0)
    with pytest.raises(GithubUnavailable, match="did not finish"):
        await running.run(lambda _: release.wait(10))
    with pytest.raises(GithubUnavailable, match="has not ended yet"):
        await running.run(Owned.use)
    assert len(made) == 1
    release.set()
    assert made[0].closed.wait(5)
    await settled()
    await running.run(Owned.use)
    await running.close()


async def test_closing_does_not_wait_for_ever(made: list[Owned]) -> None:
    release = threading.Event()
    running = lane(made)
    async with asyncio.TaskGroup() as tasks:
        hung = tasks.create_task(running.run(lambda _: release.wait(10)))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await running.close()
        release.set()
    assert hung.result() is True
    assert made[0].closed.wait(5)


async def settled() -> None:
    """Let the loop see what threads have told it."""
    for _ in range(3):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def client(url: str, *, deadline: float = 5.0) -> Client:
    return Client(
        repository="acme/network",
        api_url=url,
        token=TOKEN,
        clock=RealClock(),
        timeout=1,
        deadline=deadline,
        pause=0.01,
    )


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda: web.Response(text="<html>Log in to the guest network"), "is not JSON"),
        (lambda: web.Response(text='{"full_name": "acme/net'), "is not JSON"),
        (lambda: web.Response(text="[" * 100_000), "is not JSON"),
        (lambda: web.Response(body=b"\xff\xfe"), "answer to GET"),
        (lambda: web.Response(status=200), "not what GitHub documents"),
        (lambda: web.Response(status=202, text="{}"), "not ready to answer"),
        (lambda: web.Response(status=204), "with 204"),
        (lambda: web.Response(status=500, text="<html>Unicorn"), "with 500"),
        (lambda: web.Response(status=502, text='["x"]'), "with 502"),
        (lambda: web.Response(status=418, text="{}"), "with 418"),
    ],
    ids=["portal", "cut", "deep", "bytes", "empty", "202", "204", "500", "502", "418"],
)
async def test_what_is_no_answer_of_github(answer: Callable[[], web.Response], words: str) -> None:
    async def handle(_: web.Request) -> web.Response:
        return answer()

    async with served(handle) as url, client(url) as door:
        with pytest.raises(GithubUnavailable, match=words):
            await door.verify_access()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_with_our_token(status: int) -> None:
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with served(handle) as url, client(url) as door:
        with pytest.raises(RepositoryMoved, match="redirects GET /repos/acme/network to /else"):
            await door.verify_access()
        with pytest.raises(RepositoryMoved, match="redirects POST"):
            await door.write("POST", "/x", {}, needs="")
    assert seen == ["/repos/acme/network", "/x"]


async def test_a_server_that_does_not_answer_in_time() -> None:
    release = asyncio.Event()

    async def handle(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with served(handle) as url, client(url) as door:
        with pytest.raises(GithubUnavailable, match="did not answer POST /x in time"):
            await door.write("POST", "/x", {}, needs="")
        release.set()


async def test_a_server_without_tls() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response()

    async with served(handle) as url, client(url.replace("http", "https")) as door:
        with pytest.raises(GithubUnavailable, match="no trusted TLS connection") as caught:
            await door.verify_access()
    assert "certificate authority" in caught.value.next_step


async def test_a_repository_that_cannot_be_asked_about_is_not_called_missing() -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path.endswith("/pulls/1"):
            return web.json_response({"message": "Not Found"}, status=404)
        return web.Response(status=502)

    async with served(handle) as url, client(url) as door:
        answer = await door.read("/repos/acme/network/pulls/1", allow={404})
        why = await door.missing("pull request 1", absent=RepositoryMoved("x"))
    assert answer.status == 404
    assert isinstance(why, GithubUnavailable)


async def test_the_base_path_of_an_enterprise_server_is_kept() -> None:
    paths: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response({"full_name": "acme/network", "permissions": {"push": True}})

    async with served(handle) as url, client(f"{url}/api/v3/") as door:
        await door.verify_access()
    assert paths == ["/api/v3/repos/acme/network"]


async def test_what_is_sent_names_us_and_the_version_of_the_api() -> None:
    seen: list[dict[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response({})

    async with served(handle) as url, client(url) as door:
        await door.read("/x", etag='W/"1"')
    assert seen[0]["Authorization"] == f"token {TOKEN}"
    assert seen[0]["User-Agent"].startswith("catnet-controller/")
    assert seen[0]["X-GitHub-Api-Version"] == "2022-11-28"
    assert seen[0]["If-None-Match"] == 'W/"1"'


def roles(door: Edge) -> tuple[Repository, Reporter]:
    """Held by the type checker: the edge fills the roles that the flow asks for."""
    return door.source, door.reporter


async def test_the_edge_fills_both_roles(tmp_path: Path) -> None:
    async with hub(tmp_path) as github, edge(github, tmp_path) as door:
        repository, _ = roles(door)
        assert await repository.head("main")
