"""The process that takes webhooks: what it records, what it knows, and every way it can end."""

import asyncio
import dataclasses
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest

from catnet_controller.app import receiver
from catnet_controller.app.receiver import Orders, Receiver
from catnet_controller.errors import InternalFault, StoreFailed
from catnet_controller.models import Trigger
from catnet_controller.telemetry.metrics import Metrics
from catnet_controller.web.reception import Reception
from tests import helpers_processes
from tests.helpers_web import NOW, SHA, WEBHOOK_SECRET, Memory, StillClock

ORDERS = Orders(
    secrets=[WEBHOOK_SECRET.decode()],
    repository="acme/network-config",
    branch="main",
    commands=False,
    max_bytes=100_000,
    trusted=["127.0.0.0/8"],
    keepalive=30.0,
    log_format="json",
)
PUSH = json.dumps(
    {
        "ref": "refs/heads/main",
        "after": SHA,
        "deleted": False,
        "repository": {"full_name": "acme/network-config"},
    }
).encode()


class Slow(Memory):
    """Does not write before it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def receive(self, arrived: Any) -> None:
        self.asked.set()
        await asyncio.Event().wait()


@dataclass
class Porch:
    """A receiver at a port of its own, and the daemon's side of it."""

    receiver: Receiver
    store: Memory
    metrics: Metrics
    http: aiohttp.ClientSession

    async def deliver(
        self, body: bytes = PUSH, *, secret: bytes = WEBHOOK_SECRET, guid: str = "guid-1"
    ) -> tuple[int, dict[str, Any]]:
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        url = f"http://127.0.0.1:{self.receiver.port}/webhook/github"
        async with self.http.post(url, data=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[int]:
        """While its process runs; gives the id of that."""
        async with asyncio.TaskGroup() as group:
            life = group.create_task(self.receiver.live())
            assert (await self.deliver())[0] in (202, 503)
            [process] = helpers_processes.receivers(os.getpid())
            yield process
            life.cancel()
        assert not helpers_processes.running(process)


@asynccontextmanager
async def porch(store: Memory | None = None) -> AsyncIterator[Porch]:
    kept: Any = store or Memory()
    metrics, clock = Metrics(version="1.0"), StillClock()
    reception = Reception(triggers=kept, telemetry=metrics, clock=clock)
    async with (
        Receiver(host="127.0.0.1", port=0, orders=ORDERS, reception=reception, clock=clock) as made,
        aiohttp.ClientSession() as http,
    ):
        yield Porch(receiver=made, store=kept, metrics=metrics, http=http)


async def until(true: Callable[[], bool]) -> None:
    """Wait for something seen from outside a process, which has no event for it."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_what_it_takes_is_recorded_by_the_daemon() -> None:
    async with porch() as it, it.living():
        async with asyncio.TaskGroup() as group:
            many = [group.create_task(it.deliver(guid=f"many-{n}")) for n in range(40)]
        assert {each.result()[0] for each in many} == {202}
        assert {each.guid for each in it.store.deliveries} == {
            "guid-1",
            *(f"many-{n}" for n in range(40)),
        }
        # By the daemon's clock.
        assert {each.received_at for each in it.store.deliveries} == {NOW}
        assert it.store.triggers[0] == Trigger(
            ref="branch/main", reason="push", sha=SHA, due_at=NOW
        )
        other = PUSH.replace(b"heads/main", b"heads/other")
        status, answer = await it.deliver(other)
        assert (status, answer["result"]) == (202, "ignored")
        assert len(it.store.triggers) == 41


async def test_what_it_turns_away_is_counted_and_told_by_the_daemon(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def forged() -> bool:
        line = b'catnet_webhook_deliveries_total{event="other",result="forged"} 3.0'
        return line in it.metrics.render()[0]

    async with porch() as it, it.living():
        for _ in range(3):
            status, problem = await it.deliver(secret=b"somebody else's")
            assert (status, problem["code"]) == (401, "bad-signature")
        await until(forged)
        assert len(it.store.deliveries) == 1
    told = capsys.readouterr().out
    assert told.count("delivery refused") == 1
    assert "127.0.0.1" in told


async def test_it_knows_the_secrets_of_the_webhook_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATNET_GITHUB_TOKEN", "a-token-that-is-secret")
    async with porch() as it, it.living() as process:
        told = helpers_processes.told(process)
        assert "catnet_controller.app.receiver" in told
        assert "PATH=" in told
        assert "secret" not in told


async def test_a_store_that_fails_asks_to_deliver_again() -> None:
    async with porch() as it, it.living():
        it.store.failing = StoreFailed("disk full", next_step="Make room.")
        status, problem = await it.deliver()
        assert (status, problem["code"]) == (503, "store-busy")
        assert "Make room." in problem["next_step"]
        it.store.failing = None
        assert (await it.deliver())[0] == 202


async def test_killed_it_is_started_again_and_nobody_is_turned_away_between() -> None:
    async with porch() as it:
        life = asyncio.ensure_future(it.receiver.live())
        assert (await it.deliver())[0] == 202
        helpers_processes.end(helpers_processes.receivers(os.getpid()))
        with pytest.raises(InternalFault, match="ended"):
            await life
        # Nobody serves the port now, and yet who comes is not refused.
        async with asyncio.TaskGroup() as group:
            waits = group.create_task(it.deliver(guid="guid-2"))
            async with it.living():
                assert (await waits)[0] == 202
        assert "guid-2" in {each.guid for each in it.store.deliveries}


async def test_one_that_hangs_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "_PARTING", 0.1)
    async with porch() as it:
        life = asyncio.ensure_future(it.receiver.live())
        assert (await it.deliver())[0] == 202
        # From the next line on: until the first one it may take its time to start.
        monkeypatch.setattr(receiver, "_SILENT", 2.0)
        assert (await it.deliver())[0] == 202
        [process] = helpers_processes.receivers(os.getpid())
        os.kill(process, signal.SIGSTOP)
        with pytest.raises(InternalFault, match="was silent"):
            await life
        assert not helpers_processes.running(process)


@pytest.mark.parametrize(
    "said",
    [
        b"x",
        b"[]",
        b"{}",
        b'{"refused": [], "arrived": [["g", "push", "v"]]}',
        b'{"refused": [], "arrived": [["g", 7, "v", null]]}',
        b'{"refused": [], "arrived": [["g", "push", "v: ", null]]}',
        b'{"refused": [], "arrived": [["g", "push", "accepted: %s", null]]}' % (b"x" * 1001),
        b'{"refused": [], "arrived": [["g", "push", "accepted: ", ["recorded", null]]]}',
        b'{"refused": [], "arrived": [["g", "push", "accepted: ", ["branch/other", null]]]}',
        b'{"refused": [], "arrived": [["g", "push", "accepted: ", ["branch/main", "x"]]]}',
        b'{"refused": [], "arrived": [["g", "push", "accepted: ", ["pull/0", null]]]}',
        b'{"refused": [], "arrived": [["g", "push", "accepted: ", ["pull/2147483648", null]]]}',
        # Commands are off.
        b'{"refused": [], "arrived": [["g", "push", "accepted: ", ["comment/1", null]]]}',
        b'{"refused": [], "arrived": [%s]}'
        % b",".join([b'["g", "push", "ignored: ", null]'] * 201),
        b'{"refused": [["accepted", 1, "", ""]], "arrived": []}',
        b'{"refused": [["forged", -1, "", ""]], "arrived": []}',
        b'{"refused": [["forged", "1", "", ""]], "arrived": []}',
        b"x" * 100_000,
    ],
)
async def test_one_that_says_what_it_cannot_mean_is_ended(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(receiver, "_LINE", 10_000)
    monkeypatch.setattr(receiver, "_PARTING", 0.1)

    def start(self: Receiver, theirs: socket.socket) -> subprocess.Popen[bytes]:
        write = "import os, sys; os.write(int(sys.argv[1]), sys.stdin.buffer.read()); input()"
        process = subprocess.Popen(
            [sys.executable, "-c", write, str(theirs.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        assert process.stdin is not None
        process.stdin.write(said + b"\n")
        process.stdin.close()
        return process

    monkeypatch.setattr(Receiver, "_start", start)
    async with porch() as it:
        with pytest.raises(InternalFault, match="said what it cannot mean"):
            await it.receiver.live()
        assert it.store.deliveries == []


async def test_a_daemon_that_ends_lets_it_answer_whom_it_still_can() -> None:
    store = Slow()
    async with porch(store) as it:
        life = asyncio.ensure_future(it.receiver.live())
        waits = asyncio.ensure_future(it.deliver())
        await store.asked.wait()
        life.cancel()
        status, problem = await waits
        assert status == 503
        assert "polled" in problem["next_step"]
        with pytest.raises(asyncio.CancelledError):
            await life


async def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    async with porch() as it:
        clock = StillClock()
        reception: Any = None
        second = Receiver(
            host="127.0.0.1",
            port=it.receiver.port,
            orders=ORDERS,
            reception=reception,
            clock=clock,
        )
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()


# --- the process, in this one --------------------------------------------------------------------


@dataclass
class Daemon:
    """The other end of the line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    port: int

    def say(self, **words: object) -> None:
        self.writer.write(orjson.dumps(words) + b"\n")

    async def hear(self) -> dict[str, Any]:
        """The next line with deliveries."""
        while True:
            said: dict[str, Any] = orjson.loads(await self.reader.readline())
            if said["arrived"]:
                return said


@asynccontextmanager
async def serving() -> AsyncIterator[Daemon]:
    ours, theirs = socket.socketpair()
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    async with asyncio.TaskGroup() as group:
        served = group.create_task(receiver.serve(theirs, [port]))
        writer.write(orjson.dumps(ORDERS) + b"\n")
        yield Daemon(reader=reader, writer=writer, port=number)
        writer.close()
        await served


async def post(http: aiohttp.ClientSession, port: int, guid: str) -> int:
    signature = hmac.new(WEBHOOK_SECRET, PUSH, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    url = f"http://127.0.0.1:{port}/webhook/github"
    async with http.post(url, data=PUSH, headers=headers) as answer:
        return answer.status


async def test_accepted_is_said_only_after_the_daemon_said_so() -> None:
    async with serving() as daemon, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        first = group.create_task(post(http, daemon.port, "one"))
        said = await daemon.hear()
        assert said == {
            "refused": [],
            "arrived": [["one", "push", f"accepted: push of {SHA}", ["branch/main", SHA]]],
        }
        second = group.create_task(post(http, daemon.port, "two"))
        assert not first.done()
        daemon.say()
        assert await first == 202
        assert (await daemon.hear())["arrived"][0][0] == "two"
        daemon.say(failed="the disk is full", next_step="Make room.")
        assert await second == 503


async def test_without_a_daemon_it_ends_and_says_that_nothing_was_recorded() -> None:
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        async with serving() as daemon:
            waits = group.create_task(post(http, daemon.port, "one"))
            await daemon.hear()
        assert await waits == 503


async def left(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_body_that_is_cut_off_is_no_defect(capfd: pytest.CaptureFixture[str]) -> None:
    head = f"POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256={'0' * 64}\r\n"
    bad = ("Content-Length: 9\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\nx", "\0\r\n\r\n")
    async with serving() as daemon:
        for rest in bad * 20:
            reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
            writer.write((head + rest).encode())
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read()
            await left(writer)
        number = 0
        async with asyncio.timeout(20):
            while number < 20:
                said = orjson.loads(await daemon.reader.readline())
                number += sum(each for result, each, _, _ in said["refused"] if result == "refused")
    assert "".join(capfd.readouterr()) == ""


async def test_those_who_ask_for_nothing_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "_CONNECTIONS", 20)
    async with serving() as daemon, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        idle = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(60)]
        waits = group.create_task(post(http, daemon.port, "one"))
        await daemon.hear()
        daemon.say()
        assert await waits == 202
        closed = await asyncio.wait_for(idle[0][0].read(), 10)
        assert closed == b""
        for _, writer in idle:
            await left(writer)


async def test_those_who_do_not_begin_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "_FIRST", 0.5)
    async with serving() as daemon, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        waits = group.create_task(post(http, daemon.port, "one"))
        await daemon.hear()
        for said in (b"", b"POST /webhook/github HTTP/1.1\r\nX-A: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
            writer.write(said)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            await left(writer)
        # One that has asked is, also while the answer takes its time.
        daemon.say()
        assert await waits == 202


def test_a_comment_is_looked_at_where_they_count() -> None:
    line = b'{"refused": [], "arrived": [["g", "ping", "accepted: ", ["comment/%d", null]]]}'
    orders = dataclasses.replace(ORDERS, commands=True)
    _, [(_, raised)] = receiver._read(line % (2**63 - 1), orders, NOW)
    assert raised is not None
    assert (raised.ref, raised.reason) == (f"comment/{2**63 - 1}", "comment")
    with pytest.raises(ValueError):
        receiver._read(line % 2**63, orders, NOW)
