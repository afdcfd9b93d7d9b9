"""Bench `webhook`: signed and forged deliveries from 50 connections beside a running fleet job."""

import asyncio
import hashlib
import hmac
import itertools
import json
import multiprocessing
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from catnet_controller.app import machine
from catnet_controller.app.receiver import Orders, Receiver
from catnet_controller.demo.payloads import Place, push_event
from catnet_controller.errors import CatnetError
from catnet_controller.store.store import Store
from catnet_controller.telemetry.metrics import Metrics
from catnet_controller.web.reception import Reception
from tests.bench import clients
from tests.bench.frame import Bench, Figure, Run, against, peak
from tests.bench.rack import Target, rack
from tests.helpers_github import RealClock
from tests.helpers_processes import children
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


_SIDES = {
    "ours": "ours, at a port of its own",
    "bare": "a bare aiohttp handler",
    "within": "ours, in the daemon",
    "apart": "a bare aiohttp handler in a process of its own",
}
"""Where the fleet job runs in the same process, but for those that have one of their own."""


def run(asked: Run) -> Iterator[Figure]:
    seconds = 3.0 if asked.quick else 10.0
    title = f"{_CONNECTIONS} connections beside a fleet job"
    met: dict[str, list[_Stormed]] = {side: [] for side in _SIDES}
    told: dict[str, list[_Served]] = {side: [] for side in _SIDES}
    with rack(_DEVICES) as targets:
        for number in range(asked.rounds):
            for side in list(_SIDES)[:: -1 if number % 2 else 1]:
                asked.tell(f"{_SIDES[side]}, round {number + 1} of {asked.rounds}")
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

    rates = {side: middle(met[side], "rate") for side in _SIDES}
    slowest = {side: middle(met[side], "p99") * 1000 for side in _SIDES}
    fleets = {side: middle(told[side], "fleet") for side in _SIDES}
    for mine, its in (("ours", "bare"), ("ours", "apart"), ("within", "bare")):
        where = " (taken in the daemon)" if mine == "within" else ""
        name = _SIDES[its]
        yield more(f"deliveries/s{where}", rates[mine], rates[its], name)
        yield against("webhook", f"{title}: p99, ms{where}", slowest[mine], slowest[its], name=name)
        yield more(f"devices/s of the fleet job{where}", fleets[mine], fleets[its], name)
    calm = middle(told["ours"], "calm")
    yield more("devices/s of the fleet job", fleets["ours"], calm, "without a storm")
    memory = max(each.memory for each in told["ours"]) / 2**20
    yield against("webhook", f"{title}: MB", memory, _LIMIT, name=f"limit of {_LIMIT:g} MB")
    recording = ("ours", "within")
    signed = sum(each.signed for side in recording for each in met[side])
    recorded = sum(each.recorded for side in recording for each in told[side])
    wrong = sum(each.wrong for side in recording for each in met[side])
    for measure, number in (("signed, not recorded", signed - recorded), ("wrong answers", wrong)):
        yield Figure(bench="webhook", against="none allowed", measure=measure, ours=number)


def _round(side: str, targets: Sequence[Target], seconds: float) -> tuple[_Stormed, _Served]:
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(far, side, targets), daemon=True)
    process.start()
    far.close()
    bare, theirs = context.Pipe()
    alone = context.Process(target=_serve_bare, args=(theirs,), daemon=True)
    try:
        if side == "apart":
            alone.start()
        port = int(near.recv())
        if side == "apart":
            port = int(bare.recv())
        stormed = asyncio.run(_storm(port, seconds, checked=side in ("ours", "within")))
        near.send("stop")
        served = near.recv()
    finally:
        near.close()
        process.join(10)
        process.kill()
        if side == "apart":
            alone.kill()
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
        machine.run(_live(far, side, targets, Path(folder)), uvloop=False)


async def _live(
    far: "Connection[Any, Any]", side: str, targets: Sequence[Target], folder: Path
) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(far.fileno(), over.set)
    done = [0]
    store = await Store.at(folder, clock=RealClock(), worker="bench")
    takers: Mapping[str, Callable[[], AbstractAsyncContextManager[_Taker]]] = {
        "ours": partial(_ours, store),
        "within": partial(_within, store),
        "bare": _bare,
        "apart": _nothing,
    }
    async with store, takers[side]() as taker, clients.devices_room(targets) as room:

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
            far.send(taker.port)
            stormy = await _rate(done, over.wait())
            for job in jobs:
                job.cancel()
        recorded = len(await store.deliveries(10**7)) if side in ("ours", "within") else 0
        most = peak() + sum(peak(each) for each in taker.processes())
    far.send(_Served(fleet=stormy, calm=calm, memory=most, recorded=recorded))


async def _rate(done: list[int], during: Any) -> float:
    """Devices a second while ``during`` is awaited."""
    before, begun = done[0], time.perf_counter()
    await during
    return (done[0] - before) / (time.perf_counter() - begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taker:
    """Where deliveries go; ``processes`` gives the ids of those that take part."""

    port: int
    processes: Callable[[], Sequence[int]] = tuple


@asynccontextmanager
async def _ours(store: Store) -> AsyncIterator[_Taker]:
    """As the daemon runs it with `http.webhook_listen`."""
    clock = RealClock()
    reception = Reception(triggers=store, telemetry=Metrics(version="1.0"), clock=clock)
    orders = Orders(
        secrets=[WEBHOOK_SECRET.decode()],
        repository="acme/network-config",
        branch="main",
        commands=False,
        max_bytes=3 * 2**20,
        trusted=[],
        keepalive=30.0,
        log_format="json",
    )
    async with (
        Receiver(
            host="127.0.0.1", port=0, orders=orders, reception=reception, clock=clock
        ) as receiver,
        asyncio.TaskGroup() as group,
    ):
        life = group.create_task(receiver.live())
        yield _Taker(port=receiver.port, processes=lambda: children(os.getpid()))
        life.cancel()


@asynccontextmanager
async def _within(store: Store) -> AsyncIterator[_Taker]:
    async with site(held=False, triggers=store, clock=RealClock()) as made:
        assert made.client.port is not None
        yield _Taker(port=made.client.port)


@asynccontextmanager
async def _bare() -> AsyncIterator[_Taker]:
    async with TestServer(_application()) as server:
        assert server.port is not None
        yield _Taker(port=server.port)


@asynccontextmanager
async def _nothing() -> AsyncIterator[_Taker]:
    yield _Taker(port=0)


def _serve_bare(far: "Connection[Any, Any]") -> None:
    async def serve() -> None:
        async with _bare() as taker:
            far.send(taker.port)
            await asyncio.Event().wait()

    machine.run(serve(), uvloop=False)


def _application() -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"result": "accepted"}, status=202)

    application = web.Application()
    application.router.add_post("/webhook/github", handle)
    return application


BENCH = Bench(name="webhook", about="take a storm of webhooks beside a fleet job", run=run)
