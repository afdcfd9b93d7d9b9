"""Webhooks come in at a port of their own; what was judged good goes to the daemon over a pipe.

A process besides the daemon's, so that what strangers send costs the daemon no turn of its loop,
and so that nothing they send is ever in a process that holds the login of a device or the token of
GitHub: this one is told the webhook's secrets and nothing else, by its environment neither. It
can only say "look at this ref now". The daemon starts it again when it ends, and it ends when the
daemon does, however that ends; meanwhile connections wait at the port, which the daemon keeps.

Both say JSON, one object a line: the daemon first the `Orders`, then an answer to each line that
holds deliveries.
"""

import asyncio
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from ipaddress import ip_network
from typing import Any, Literal, Self

import orjson
import structlog
from aiohttp import web

from catnet_controller.app import machine
from catnet_controller.errors import CatnetError, InternalFault, StoreBusy
from catnet_controller.github import events
from catnet_controller.models import Delivery, Trigger
from catnet_controller.ports import Arrival, Clock
from catnet_controller.telemetry import logs
from catnet_controller.web.arrivals import MOST
from catnet_controller.web.reception import Reception
from catnet_controller.web.webhook import Webhook

log = structlog.get_logger(__name__)

_TICK = 1.0
"""Seconds between two lines of the process, at most: they say that it lives."""
_SILENT = 30.0
"""Seconds without a line after which it is started again."""
_PARTING = 2.0
"""Seconds it has to end by itself."""
_LINE = 1024 * 1024
"""Bytes of a line, at most; an honest one has a tenth of it."""
_TEXT = 1000
"""Characters of a text in it, at most."""
_CONNECTIONS = 4096
"""Open connections, at most, and fewer where the system allows fewer."""
_FIRST = 5.0
"""Seconds until the headers of the first request of a connection are there."""
_SPARE = 256
"""Descriptors for what is no connection, and for those that come before one could be closed."""
_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TZ", "VIRTUAL_ENV")
"""Of the environment; the rest may hold secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the process is told."""

    secrets: Sequence[str]
    repository: str
    branch: str
    commands: bool
    max_bytes: int
    trusted: Sequence[str]
    keepalive: float
    log_format: Literal["auto", "json", "console"]


class Receiver:
    """The daemon's side: the port, and a process that serves it."""

    def __init__(
        self, *, host: str, port: int, orders: Orders, reception: Reception, clock: Clock
    ) -> None:
        self._host = host
        self._port = port
        self._orders = orders
        self._reception = reception
        self._clock = clock
        self._sockets: list[socket.socket] = []

    async def __aenter__(self) -> Self:
        """Take the port; raises OSError."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            asyncio.Protocol, self._host, self._port, start_serving=False
        )
        self._sockets = [each.dup() for each in server.sockets]
        server.close()
        for each in self._sockets:
            each.listen(128)
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()

    @property
    def port(self) -> int:
        number: int = self._sockets[0].getsockname()[1]
        return number

    async def live(self) -> bool:
        """Start the process and take what it says until it ends; as a step of the daemon's loops.

        Raises InternalFault when it ended by itself, was silent for too long or said what it
        cannot mean.
        """
        async with AsyncExitStack() as stack:
            ours, theirs = socket.socketpair()
            stack.callback(ours.close)
            with theirs:
                process = self._start(theirs)
            stack.callback(_end, process)
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_LINE)
            stack.push_async_callback(_dismiss, reader, writer)
            _say(writer, asdict(self._orders))
            log.info("taking webhooks", port=self.port, pid=process.pid)
            why = await self._follow(reader, writer)
        raise InternalFault(
            f"the process that takes webhooks {why}",
            next_step="It is started again; the branch is polled meanwhile.",
        )

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Until that makes no sense any more; returns why."""
        while True:
            try:
                line = await _next(reader)
                if not line:
                    return "ended"
                refused, arrived = _read(line, self._orders, self._clock.now())
            except TimeoutError:
                return f"was silent for {_SILENT:g} s"
            except OSError:
                return "ended"
            except (ValueError, TypeError, KeyError, AttributeError):
                return "said what it cannot mean"
            for result, number, detail, peer in refused:
                self._reception.refuse(result, detail=detail, peer=peer, number=number)
            if arrived:
                _say(writer, await self._record(arrived))

    async def _record(self, arrived: Sequence[Arrival]) -> dict[str, object]:
        try:
            await self._reception.record(arrived)
        except CatnetError as error:
            return {"failed": error.message, "next_step": error.next_step}
        return {}

    def _start(self, theirs: socket.socket) -> "subprocess.Popen[bytes]":
        numbers = [each.fileno() for each in (theirs, *self._sockets)]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(os.getpid()), *map(str, numbers)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=numbers,
            # What a terminal sends, Ctrl-C, is for the daemon, which drains on it.
            process_group=0,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )


async def _next(reader: asyncio.StreamReader) -> bytes:
    """Raises TimeoutError when there is none for too long."""
    try:
        async with asyncio.timeout(_SILENT):
            return await reader.readline()
    except TimeoutError:
        # It may have been us who slept, with the machine; then there is something to read.
        async with asyncio.timeout(_TICK):
            return await reader.readline()


async def _dismiss(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let it answer whom it still can."""
    with suppress(OSError, TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(_PARTING):
            while await reader.read(_LINE):
                pass
    writer.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _say(writer: asyncio.StreamWriter, words: Mapping[str, object]) -> None:
    writer.write(orjson.dumps(words) + b"\n")


_Refused = tuple[str, int, str, str]
"""Result, number, and detail and peer of the last."""


def _read(line: bytes, orders: Orders, now: float) -> tuple[list[_Refused], list[Arrival]]:
    """What the process says, nothing of it believed unseen: a stranger may have got hold of it.

    Raises ValueError, TypeError, KeyError or AttributeError for what it does not say.
    """
    said = orjson.loads(line)
    refused = [
        (_word(result, "forged|refused"), _count(number), _text(detail), _text(peer))
        for result, number, detail, peer in _few(said["refused"], 2)
    ]
    arrived = _few(said["arrived"], MOST)
    return refused, [_arrival(*each, orders=orders, now=now) for each in arrived]


def _arrival(
    guid: object,
    event: object,
    verdict: object,
    raised: Sequence[object] | None,
    *,
    orders: Orders,
    now: float,
) -> Arrival:
    delivery = Delivery(
        guid=_word(guid, "[0-9A-Za-z-]{0,64}"),
        event=_word(event, "[a-z0-9_]{0,64}"),
        verdict=_word(verdict, "(?:accepted|ignored|refused): .*"),
        received_at=now,
    )
    if raised is None:
        return delivery, None
    ref, sha = raised
    return delivery, Trigger(
        ref=_ref(ref, orders),
        # Not as the process has it: the cause of a deployment is told to people.
        reason=events.REASONS[_text(ref).partition("/")[0]],
        sha=None if sha is None else _word(sha, "[0-9a-f]{40}|[0-9a-f]{64}"),
        due_at=now,
    )


def _ref(value: object, orders: Orders) -> str:
    """One that may be looked at: the branch, a pull request, and a comment where they count."""
    text = _text(value)
    kind, _, name = text.partition("/")
    if kind == "branch" and name == orders.branch:
        return text
    number = int(_word(name, "[1-9][0-9]{0,18}"))
    most = {"pull": 2**31, "comment": 2**63 if orders.commands else 0}
    if number >= most[kind]:
        raise ValueError
    return text


def _few(values: Sequence[Sequence[Any]], most: int) -> Sequence[Sequence[Any]]:
    if len(values) > most:
        raise ValueError
    return values


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT:
        raise ValueError
    return value


def _word(value: object, pattern: str) -> str:
    text = _text(value)
    if not re.fullmatch(pattern, text, re.DOTALL):
        raise ValueError
    return text


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError
    return value


# --- the process ---------------------------------------------------------------------------------


class _Line:
    """The way to the daemon, as web.webhook.Desk."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._told: asyncio.Future[None] | None = None
        self._ended = False
        self._refused: Counter[str] = Counter()
        self._last: dict[str, tuple[str, str]] = {}

    async def record(self, arrived: Sequence[Arrival], /) -> None:
        if self._ended:
            raise _gone()
        words = [
            (
                delivery.guid,
                delivery.event,
                delivery.verdict,
                (raised.ref, raised.sha) if raised else None,
            )
            for delivery, raised in arrived
        ]
        self._told = asyncio.get_running_loop().create_future()
        _say(self._writer, {"refused": (), "arrived": words})
        await self._told

    def refuse(self, result: str, *, detail: str, peer: str | None) -> None:
        self._refused[result] += 1
        self._last[result] = detail, peer or ""

    def tell(self) -> None:
        """What was refused since; also that this process lives."""
        refused = [(name, n, *self._last[name]) for name, n in self._refused.items()]
        self._refused.clear()
        _say(self._writer, {"refused": refused, "arrived": ()})

    def hear(self, line: bytes) -> None:
        """The daemon's answer to what was recorded last."""
        said = orjson.loads(line)
        if self._told is None or self._told.done():
            return
        if "failed" in said:
            self._told.set_exception(StoreBusy(said["failed"], next_step=said["next_step"]))
        else:
            self._told.set_result(None)

    def end(self) -> None:
        """Nobody answers any more."""
        self._ended = True
        if self._told is not None and not self._told.done():
            self._told.set_exception(_gone())


def _gone() -> StoreBusy:
    return StoreBusy("the daemon is ending")


class _Door(web.Server):
    """Who asks for nothing is not kept, and gives way where there are too many connections.

    Without a descriptor left, nobody is let in, and asyncio says so thousands of times a second.
    """

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], **given: Any
    ) -> None:
        super().__init__(self._handle, **given)
        self._handler = handler
        self._busy: set[object] = set()
        self._silent: set[object] = set()
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = min(_CONNECTIONS, allowed - _SPARE)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        who = request.protocol
        self._busy.add(who)
        self._silent.discard(who)
        try:
            return await self._handler(request)
        finally:
            self._busy.discard(who)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        there = self.connections
        if len(there) > self._most:
            open_ = (each for each in there if each.transport is not None)
            idle = (each for each in open_ if each not in self._busy)
            next(idle, handler).force_close()
        self._silent.add(handler)
        asyncio.get_running_loop().call_later(_FIRST, self._part, handler)

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._silent.discard(handler)

    def _part(self, handler: web.RequestHandler) -> None:
        if handler in self._silent:
            handler.force_close()


async def serve(line: socket.socket, ports: Sequence[socket.socket]) -> None:
    """Take webhooks at ``ports`` until the daemon at the other end of ``line`` is gone."""
    reader, writer = await asyncio.open_unix_connection(sock=line, limit=_LINE)
    orders = Orders(**orjson.loads(await reader.readline()))
    # What matters to an operator the daemon logs; here, only that something went wrong.
    logging = logs.configure(level="warning", format=orders.log_format, secrets=orders.secrets)
    desk = _Line(writer)
    webhook = Webhook(
        desk=desk,
        verify=partial(events.verify, secrets=[each.encode() for each in orders.secrets]),
        interpret=partial(events.interpret, commands=orders.commands),
        repository=orders.repository,
        branch=orders.branch,
        clock=machine.SystemClock(),
        max_bytes=orders.max_bytes,
        trusted=[ip_network(each) for each in orders.trusted],
    )
    runner = web.ServerRunner(
        _Door(webhook.alone, access_log=None, keepalive_timeout=orders.keepalive),
        handle_signals=False,
        shutdown_timeout=_TICK,
    )
    await runner.setup()
    try:
        for port in ports:
            await web.SockSite(runner, port).start()
        async with asyncio.TaskGroup() as group:
            life = group.create_task(_tick(desk.tell))
            with suppress(OSError):
                while said := await reader.readline():
                    desk.hear(said)
            desk.end()
            life.cancel()
    finally:
        await runner.cleanup()
        writer.close()
        logging.close()


async def _tick(tell: Callable[[], None]) -> None:
    while True:
        tell()
        await asyncio.sleep(_TICK)


def main(daemon: str, numbers: Sequence[str]) -> None:
    machine.end_with(int(daemon))
    # The daemon drains on these, and takes webhooks until it is drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line, *ports = (socket.socket(fileno=int(number)) for number in numbers)
    # uvloop answers no faster here, and brings its weight.
    machine.run(serve(line, ports), uvloop=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
