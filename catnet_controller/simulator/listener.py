"""The SSH door of a device: connections in, shells on VTY lines out.

Between the TCP transport and asyncssh stands a `Gate`, so that a connection can fall silent, be
reset or be closed without the goodbye that SSH would say.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

import asyncssh
from asyncssh.packet import SSHPacketLogger

from catnet_controller.simulator.device import Machine, credential, privilege
from catnet_controller.simulator.faults import What
from catnet_controller.simulator.hashing import verifies
from catnet_controller.simulator.shell import Shell

_IGNORE = 2
"""SSH_MSG_IGNORE (RFC 4253, section 11.2)."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Account:
    """Who may log in besides the users in the configuration, and how.

    The account holds while the configuration has the ``username`` line it was loaded with (or
    none, then and now: an AAA server knows the user).
    """

    def __init__(
        self,
        *,
        username: str,
        password: str,
        enable: str | None,
        keys: str | None,
        line: str | None,
    ) -> None:
        self.username = username
        self.password = password
        self.enable = enable
        self.keys = asyncssh.import_authorized_keys(keys) if keys else None
        self._line = line

    def holds(self, machine: Machine) -> bool:
        return machine.user(self.username) == self._line


class _Door(asyncssh.SSHServer):
    """Authentication of one connection, and the session it may open."""

    def __init__(self, *, machine: Machine, account: Account, gate: "Gate") -> None:
        self._machine = machine
        self._account = account
        self._gate = gate
        self._user = ""
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        self._user = username
        banner = self._machine.running.banner("login")
        if banner is not None and self._connection is not None:
            self._connection.send_auth_banner(banner.replace("\n", "\r\n") + "\r\n")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return self._account.keys is not None

    def validate_password(self, username: str, password: str) -> bool:
        if self._machine.faults.strike(What.AUTH_FAIL):
            return False
        account = self._account
        if username == account.username and account.holds(self._machine):
            return password == account.password
        line = self._machine.user(username)
        stored = credential(line) if line is not None else None
        return stored is not None and verifies(password, *stored)

    def get_kbdint_challenge(
        self,
        username: str,  # noqa: ARG002
        lang: str,  # noqa: ARG002
        submethods: str,  # noqa: ARG002
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return len(responses) == 1 and self.validate_password(username, responses[0])

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        account = self._account
        if self._machine.faults.strike(What.AUTH_FAIL) or account.keys is None:
            return False
        known = username == account.username and account.holds(self._machine)
        return known and account.keys.validate(key, "", "", None) is not None

    def session_requested(self) -> "Terminal":
        return Terminal(self._open)

    def _open(self, channel: asyncssh.SSHServerChannel[bytes]) -> Shell:
        account = self._account
        line = self._machine.user(self._user) or ""
        level = privilege(line)
        if self._user == account.username:
            level = 15 if account.enable is None else 1
        shell = Shell(
            machine=self._machine,
            user=self._user,
            privilege=level,
            enable=account.enable,
            peer=self._gate.peer,
            send=lambda data: _write(channel, data),
            hang_up=lambda how: self._gate.end(how, channel),
            mute=self._gate.mute,
        )
        self._gate.shell = shell
        return shell


class Terminal(asyncssh.SSHServerSession[bytes]):
    """The channel of a session; bytes pass through as they are."""

    def __init__(self, opened: Callable[[asyncssh.SSHServerChannel[bytes]], Shell]) -> None:
        self._opened = opened
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._shell: Shell | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(self, *_: object) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def session_started(self) -> None:
        assert self._channel is not None
        self._shell = self._opened(self._channel)
        self._shell.start()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002
        if self._shell is not None:
            self._shell.feed(data.decode("utf-8", "surrogateescape"))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._shell is not None:
            self._shell.ended()


def _write(channel: asyncssh.SSHServerChannel[bytes], data: bytes) -> None:
    """Write unless the other side has closed, which is noticed a moment later."""
    if not channel.is_closing():
        with suppress(OSError):
            channel.write(data)


class _Connection(asyncssh.SSHServerConnection):
    """Says what IOS says: without the empty message that asyncssh sends before each packet."""

    def send_packet(
        self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None
    ) -> None:
        if pkttype != _IGNORE:
            super().send_packet(pkttype, *args, handler=handler)


def _reset(transport: asyncio.Transport) -> None:
    sock = cast(socket.socket, transport.get_extra_info("socket"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


class Gate(asyncio.Protocol):
    """One TCP connection: decides what becomes of it, then hands its bytes to asyncssh."""

    def __init__(
        self,
        *,
        machine: Machine,
        admit: Callable[["Gate"], asyncssh.SSHServerConnection],
        gates: set["Gate"],
    ) -> None:
        self._machine = machine
        self._admit = admit
        self._gates = gates
        self.transport: asyncio.Transport | None = None
        self._inner: asyncssh.SSHServerConnection | None = None
        self.shell: Shell | None = None
        self.peer = ""
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._gates.add(self)
        self.peer = str(transport.get_extra_info("peername", ("",))[0])
        machine, faults = self._machine, self._machine.faults
        if machine.cut or faults.strike(What.UNREACHABLE):
            # Without an inner connection every byte is swallowed, and the end still noticed.
            return
        full = len(machine.lines) >= machine.vty_lines or not machine.takes_ssh
        if full or faults.strike(What.VTY_FULL):
            self.transport.close()
            return
        if faults.strike(What.BARRED):
            _reset(self.transport)
            return
        if faults.strike(What.REFUSED):
            self.transport.write(b"SSH-2.0-Cisco-1.25\r\n")
            self.transport.close()
            return
        self._inner = self._admit(self)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> None:
        if self._inner is not None:
            self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gates.discard(self)
        self.lost.set()
        if self.shell is not None:
            self.shell.ended()
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def mute(self, on: bool) -> None:
        """Stop, or go on, reading from the wire; what arrives meanwhile is kept by the kernel."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if on:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def end(self, how: str, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        """End the connection: ``bye`` in good order, ``close`` with FIN, ``reset`` with RST."""
        transport = self.transport
        if transport is None:
            return
        if how == "bye" and self._inner is not None:
            with suppress(OSError):
                channel.exit(0)
            self._inner.close()
            return
        if how == "reset":
            _reset(transport)
            return
        transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Listener:
    """The listening port of a device; it closes and reopens on the same port."""

    def __init__(
        self, *, machine: Machine, account: Account, keys: Sequence[asyncssh.SSHKey], host: str
    ) -> None:
        self._machine = machine
        self._account = account
        self._host = host
        self._server: asyncio.Server | None = None
        self._gates: set[Gate] = set()
        self._arriving: Gate | None = None
        self._closed = False
        self._options = self._make(keys)
        self.port = 0

    def use(self, keys: Sequence[asyncssh.SSHKey]) -> None:
        """Other host keys for new connections."""
        self._options = self._make(keys)

    async def open(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._gate, self._host, port)
        if self._closed:
            server.close()
            return
        self._server = server
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Take no more connections; those that are keep."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        self._closed = True
        self.shut()
        for gate in list(self._gates):
            gate.abort()
        for gate in list(self._gates):
            await gate.lost.wait()

    def _gate(self) -> Gate:
        return Gate(machine=self._machine, admit=self._admit, gates=self._gates)

    def _admit(self, gate: Gate) -> asyncssh.SSHServerConnection:
        """Hand a connection to asyncssh, which asks for its door before this returns."""
        assert gate.transport is not None
        connection = _Connection(asyncio.get_running_loop(), self._options)
        self._arriving = gate
        connection.connection_made(gate.transport)
        self._arriving = None
        return connection

    def _door(self) -> asyncssh.SSHServer:
        assert self._arriving is not None
        return _Door(machine=self._machine, account=self._account, gate=self._arriving)

    def _make(self, keys: Sequence[asyncssh.SSHKey]) -> asyncssh.SSHServerConnectionOptions:
        """Built once per set of keys: building takes longer than a login."""
        return asyncssh.SSHServerConnectionOptions(
            server_factory=self._door,
            server_host_keys=list(keys),
            server_version="Cisco-1.25",
            line_editor=False,
            encoding=None,
            login_timeout=120,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
        )
