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
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from ipaddress import ip_network
from typing import Literal, Self

import orjson
import structlog
from aiohttp import web

from catnet_controller.app import machine
from catnet_controller.errors import CatnetError, InternalFault, StoreBusy
from catnet_controller.github import events
from catnet_controller.models import Delivery, Trigger
from catnet_controller.ports import Arrival, Clock
from catnet_controller.telemetry import logs
from catnet_controller.web.reception import Reception
from catnet_controller.web.webhook import Webhook

log = structlog.get_logger(__name__)

_TICK = 1.0
"""Seconds between two lines of the process, at most: they say that it lives."""
_SILENT = 30.0
"""Seconds without a line after which it is started again."""
_PARTING = 2.0
"""Seconds it has to end by itself."""
_LINE = 16 * 1024 * 1024
"""Bytes of a line, at most."""
_TEXT = 1000
"""Characters of a text in it, at most."""
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
                async with asyncio.timeout(_SILENT):
                    line = await reader.readline()
                if not line:
                    return "ended"
                refused, arrived = _read(line, self._clock.now())
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
            [sys.executable, "-P", "-m", __name__, *map(str, numbers)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=numbers,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )


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


def _read(line: bytes, now: float) -> tuple[list[_Refused], list[Arrival]]:
    """What the process says, nothing of it believed unseen: a stranger may have got hold of it.

    Raises ValueError, TypeError, KeyError or AttributeError for what it does not say.
    """
    said = orjson.loads(line)
    refused = [
        (_word(result, "forged|refused"), _count(number), _text(detail), _text(peer))
        for result, number, detail, peer in said["refused"]
    ]
    return refused, [_arrival(*each, now=now) for each in said["arrived"]]


def _arrival(
    guid: object, event: object, verdict: object, raised: Sequence[object] | None, *, now: float
) -> Arrival:
    delivery = Delivery(
        guid=_text(guid), event=_text(event), verdict=_text(verdict), received_at=now
    )
    if raised is None:
        return delivery, None
    ref, reason, sha = raised
    return delivery, Trigger(
        ref=_word(ref, "branch/.+|(pull|comment)/[0-9]+"),
        reason=_text(reason),
        sha=None if sha is None else _text(sha),
        due_at=now,
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT:
        raise ValueError
    return value


def _word(value: object, pattern: str) -> str:
    text = _text(value)
    if not re.fullmatch(pattern, text):
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
                (raised.ref, raised.reason, raised.sha) if raised else None,
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
        web.Server(webhook.alone, access_log=None, keepalive_timeout=orders.keepalive),
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


def main(numbers: Sequence[str]) -> None:
    # The daemon drains on these, and takes webhooks until it is drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line, *ports = (socket.socket(fileno=int(number)) for number in numbers)
    # uvloop answers no faster here, and brings its weight.
    machine.run(serve(line, ports), uvloop=False)


if __name__ == "__main__":
    main(sys.argv[1:])
