"""An SSH connection made cheaply: prepared options in, an authenticated asyncssh connection out.

A fleet is read a device at a time, so what one connection costs is what a run costs. Nothing here
changes what is said to a device but one thing: the empty messages that asyncssh sends before each
packet are left out where the cipher has no use for them.
"""

import asyncio
import copy
from collections.abc import Callable, Mapping
from typing import Any, cast

import asyncssh
from asyncssh.logging import SSHLogger
from asyncssh.packet import SSHPacketLogger

_IGNORE = 2
"""SSH_MSG_IGNORE (RFC 4253, section 11.2)."""


async def dial(
    host: str,
    port: int,
    *,
    accepts: Callable[[asyncssh.SSHKey], bool],
    tunnel: asyncssh.SSHClientConnection | None,
    shared: asyncssh.SSHClientConnectionOptions,
    own: Mapping[str, Any],
) -> asyncssh.SSHClientConnection:
    """Connect and log in; ``own`` are the options in which this connection differs from ``shared``.

    ``accepts`` is asked about a host key that is not among the known ones, before any secret is
    sent. Raises what asyncssh raises, and OSError. Whoever stops waiting leaves nothing open.
    """
    loop = asyncio.get_running_loop()
    client = _Client(accepts, loop.create_future())
    options = copy.copy(shared)
    for name, value in own.items():
        setattr(options, name, value)
    options.protocol_factory = lambda: client
    options.host, options.port = host, port

    def made() -> _Connection:
        return _Connection(loop, options)

    connection: asyncssh.SSHClientConnection
    if tunnel is None:
        _, connection = await loop.create_connection(made, host, port)
    else:
        through: Any = made  # a connection behaves as the session of a tunnel too
        _, inner = await tunnel.create_connection(through, host, port)
        connection = cast(_Connection, inner)
    try:
        await client.ready
    except BaseException:
        connection.abort()
        await connection.wait_closed()
        raise
    return connection


class _Client(asyncssh.SSHClient):
    """Tells when the login is over, and asks about the key of a host that is not trusted."""

    def __init__(
        self, accepts: Callable[[asyncssh.SSHKey], bool], ready: "asyncio.Future[None]"
    ) -> None:
        self._accepts = accepts
        self.ready = ready

    def validate_host_public_key(
        self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey
    ) -> bool:
        return self._accepts(key)

    def auth_completed(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or asyncssh.ConnectionLost("Connection lost"))


class _Log(SSHLogger):
    """Words a message only for those who read it: asyncssh's own words each, and then asks."""

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        if self.isEnabledFor(level):
            super().log(level, msg, *args, **kwargs)


class _Connection(asyncssh.SSHClientConnection):
    """What is said within one turn of the loop goes out in one write, and no packet is logged."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: asyncssh.SSHClientConnectionOptions
    ) -> None:
        super().__init__(loop, options)
        self._log = _Log(context=f"{options.host}:{options.port}")
        self._veiled: bool | None = None
        """Whether the cipher that was agreed on needs empty messages; None: to be looked up."""

    @property
    def logger(self) -> SSHLogger:
        return self._log

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_Gathered(transport, asyncio.get_running_loop()))

    def send_packet(
        self,
        pkttype: int,
        *args: bytes,
        handler: SSHPacketLogger | None = None,  # noqa: ARG002 - it would only log
    ) -> None:
        # An empty message before each packet hides the initialisation vector of CBC (RFC 4251,
        # section 9.3.1). Other modes have nothing to hide, and it doubles what is to be sent.
        if pkttype == _IGNORE:
            if self._veiled is None:
                self._veiled = self.get_extra_info("send_cipher", "").endswith("cbc")
            if not self._veiled:
                return
        super().send_packet(pkttype, *args, handler=self)

    def send_newkeys(self, k: bytes, h: bytes) -> None:
        super().send_newkeys(k, h)
        self._veiled = None

    def log_sent_packet(self, *_: object, **__: object) -> None:
        """Packets hold passwords: they belong into no log, at no level."""

    def log_received_packet(self, *_: object, **__: object) -> None:
        """See `log_sent_packet`."""


class _Gathered(asyncio.Transport):
    """A transport that sends at the end of the turn what was written during it."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._inner = inner
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(bytes(data))

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._inner.is_closing():
            self._inner.write(b"".join(parts))

    def close(self) -> None:
        self._flush()
        self._inner.close()

    def abort(self) -> None:
        """What was said before, as the reason for hanging up, is sent still."""
        self._flush()
        self._inner.abort()

    def is_closing(self) -> bool:
        return bool(self._inner.is_closing())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()
