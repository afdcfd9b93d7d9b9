"""Bench `webhook`: signed and forged deliveries from 50 connections beside a running fleet job."""

import asyncio
import hashlib
import hmac
import itertools
import json
import multiprocessing
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from catnet_controller.demo.payloads import Place, push_event
from catnet_controller.errors import CatnetError
from catnet_controller.store.store import Store
from tests.bench import clients
from tests.bench.frame import Bench, Figure, Run, against, peak
from tests.bench.rack import Target, rack
from tests.helpers_github import RealClock
from tests.helpers_web import WEBHOOK_SECRET, site

_CONNECTIONS = 50
_FORGED = 4
"""One delivery in so many is forged."""
_DEVICES = 40
_SESSIONS = 5
_LIMIT = 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """What a server says at its end; ``fleet`` in devices a second."""

    fleet: float
    calm: float
    memory: float
    recorded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stormed:
    """What the storm met."""

    rate: float
    p99: float
    signed: int
    wrong: int


def run(asked: Run) -> Iterator[Figure]:
    seconds = 3.0 if asked.quick else 10.0
    title = f"{_CONNECTIONS} connections beside a fleet job"
    met: dict[str, list[_Stormed]] = {"ours": [], "bare": []}
    told: dict[str, list[_Served]] = {"ours": [], "bare": []}
    with rack(_DEVICES) as targets:
        for number in range(asked.rounds):
            for side in ("ours", "bare")[:: -1 if number % 2 else 1]:
                asked.tell(f"{side}, round {number + 1} of {asked.rounds}")
                stormed, served = _round(side, targets, seconds)
                met[side].append(stormed)
                told[side].append(served)

    def middle(rows: Sequence[object], name: str) -> float:
        return float(statistics.median(getattr(row, name) for row in rows))

    def more(measure: str, ours: float, theirs: float, name: str) -> Figure:
        ratio = round(ours / theirs, 3) if theirs else None
        return Figure(
            bench="webhook",
            against=name,
            measure=f"{title}: {measure}",
            ours=round(ours, 2),
            theirs=round(theirs, 2),
            ratio=ratio,
        )

    rates = [middle(met[side], "rate") for side in ("ours", "bare")]
    slowest = [middle(met[side], "p99") * 1000 for side in ("ours", "bare")]
    fleets = [middle(told[side], "fleet") for side in ("ours", "bare")]
    yield more("deliveries/s", rates[0], rates[1], "a bare aiohttp handler")
    yield against(
        "webhook", f"{title}: p99, ms", slowest[0], slowest[1], name="a bare aiohttp handler"
    )
    yield more("devices/s of the fleet job", fleets[0], fleets[1], "a bare aiohttp handler")
    calm = middle(told["ours"], "calm")
    yield more("devices/s of the fleet job", fleets[0], calm, "without a storm")
    memory = max(each.memory for each in told["ours"]) / 2**20
    yield against("webhook", f"{title}: MB", memory, _LIMIT, name=f"limit of {_LIMIT:g} MB")
    signed = sum(each.signed for each in met["ours"])
    recorded = sum(each.recorded for each in told["ours"])
    wrong = sum(each.wrong for each in met["ours"])
    for measure, number in (("signed, not recorded", signed - recorded), ("wrong answers", wrong)):
        yield Figure(bench="webhook", against="none allowed", measure=measure, ours=number)


def _round(side: str, targets: Sequence[Target], seconds: float) -> tuple[_Stormed, _Served]:
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(far, side, targets), daemon=True)
    process.start()
    far.close()
    try:
        port = int(near.recv())
        stormed = asyncio.run(_storm(port, seconds, checked=side == "ours"))
        near.send("stop")
        served = near.recv()
    finally:
        near.close()
        process.join(10)
        process.kill()
    assert isinstance(served, _Served)
    return stormed, served


# --- the storm -----------------------------------------------------------------------------------


def _deliveries() -> Iterator[tuple[bytes, int]]:
    """Whole requests, and the status that each must be answered with."""
    place = Place(name="acme/network-config", branch="main", url="https://api.github.com")
    for number in itertools.count():
        sha = hashlib.sha1(b"%d" % number, usedforsecurity=False).hexdigest()
        event = push_event(
            place, branch="main", before="0" * 40, after=sha, changes=(), forced=False
        )
        body = json.dumps(event).encode()
        forged = number % _FORGED == 0
        secret = b"somebody else's" if forged else WEBHOOK_SECRET
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        head = (
            "POST /webhook/github HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/json\r\nX-GitHub-Event: push\r\n"
            f"X-GitHub-Delivery: {uuid.UUID(int=number)}\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body, 401 if forged else 202


async def _storm(port: int, seconds: float, *, checked: bool) -> _Stormed:
    # Made beforehand: what is measured is the server. A GUID may come twice, as GitHub's do.
    stock = itertools.cycle(list(itertools.islice(_deliveries(), 2000)))
    until = time.perf_counter() + seconds
    took: list[float] = []
    answers: list[tuple[int, int]] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := time.perf_counter()) < until:
            request, expected = next(stock)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append(time.perf_counter() - begun)
            answers.append((int(head.split()[1]), expected))
        writer.close()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(one())
    spent = time.perf_counter() - begun
    took.sort()
    return _Stormed(
        rate=len(took) / spent,
        p99=took[len(took) * 99 // 100],
        signed=sum(expected == 202 for _, expected in answers),
        wrong=sum(got != expected for got, expected in answers) if checked else 0,
    )


# --- the servers ---------------------------------------------------------------------------------


def _serve(far: "Connection[Any, Any]", side: str, targets: Sequence[Target]) -> None:
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live(far, side, targets, Path(folder)))


async def _live(
    far: "Connection[Any, Any]", side: str, targets: Sequence[Target], folder: Path
) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(far.fileno(), over.set)
    done = [0]
    store = await Store.at(folder, clock=RealClock(), worker="bench")
    handler = _ours(store) if side == "ours" else _bare()
    async with store, handler as port, clients.devices_room(targets) as room:

        async def work(mine: Sequence[Target]) -> None:
            for target in itertools.cycle(mine):
                try:
                    await room.read(clients.device(target), clients.checkpoint)
                except CatnetError:
                    continue
                done[0] += 1

        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(work(targets[n::_SESSIONS])) for n in range(_SESSIONS)]
            await asyncio.sleep(1.0)
            calm = await _rate(done, asyncio.sleep(2.0))
            far.send(port)
            stormy = await _rate(done, over.wait())
            for job in jobs:
                job.cancel()
        recorded = len(await store.deliveries(10**7)) if side == "ours" else 0
    most = peak()
    far.send(_Served(fleet=stormy, calm=calm, memory=most, recorded=recorded))


async def _rate(done: list[int], during: Any) -> float:
    """Devices a second while ``during`` is awaited."""
    before, begun = done[0], time.perf_counter()
    await during
    return (done[0] - before) / (time.perf_counter() - begun)


@asynccontextmanager
async def _ours(store: Store) -> AsyncIterator[int]:
    async with site(held=False, triggers=store, clock=RealClock()) as made:
        port = made.client.server.port
        assert port is not None
        yield port


@asynccontextmanager
async def _bare() -> AsyncIterator[int]:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"result": "accepted"}, status=202)

    application = web.Application()
    application.router.add_post("/webhook/github", handle)
    async with TestServer(application) as server:
        assert server.port is not None
        yield server.port


BENCH = Bench(name="webhook", about="take a storm of webhooks beside a fleet job", run=run)
