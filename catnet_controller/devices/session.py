"""Opening a session with a device, and its bytes: the only door to Scrapli.

Scrapli opens the transport, no more; the host key is checked before any secret is sent; every
exception of a library ends here. What is said is the business of `terminal`.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncssh
from scrapli.exceptions import ScrapliException
from scrapli.transport.base import BaseTransportArgs
from scrapli.transport.plugins.asyncssh.transport import AsyncsshTransport, PluginTransportArgs

from catnet_controller.devices import hops
from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.hops import Hop
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.platforms import Platform
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import ConnectionLost, DeviceTimeout
from catnet_controller.models import Device

_UNBOUNDED: Any = None
"""No time limit of Scrapli's own: ours is around every call."""
_BLOCK = 65535


class SshWire:
    """The bytes of an open transport."""

    def __init__(
        self,
        transport: AsyncsshTransport,
        *,
        name: str,
        tunnel: asyncssh.SSHClientConnection | None = None,
    ) -> None:
        """``tunnel`` is closed with it."""
        self._transport = transport
        self._tunnel = tunnel
        self._connection = transport.session
        self._output = transport.stdout
        self._name = name

    async def read(self) -> bytes:
        try:
            data: bytes = await self._output.read(_BLOCK) if self._output else b""
        except (ScrapliException, asyncssh.Error, OSError) as error:
            raise self._lost(error) from error
        if not data:
            raise ConnectionLost(f"{self._name}: the device closed the session")
        return data

    def write(self, data: bytes) -> None:
        try:
            self._transport.write(data)
        except (ScrapliException, asyncssh.Error, OSError) as error:
            raise self._lost(error) from error

    def drop(self) -> None:
        _hang_up(self._transport)
        hops.hang_up(self._tunnel)

    async def closed(self) -> None:
        for connection in (self._connection, self._tunnel):
            if connection is not None:
                await connection.wait_closed()

    def _lost(self, error: Exception) -> ConnectionLost:
        return ConnectionLost(f"{self._name}: the session broke off: {hops.why(error)}")


async def open_session(
    device: Device,
    *,
    credential: Credential,
    jump_credential: Credential | None = None,
    hostkeys: HostKeys,
    platform: Platform,
    connect_timeout: float,
    command_timeout: float,
) -> Terminal:
    """Connect, check the host key before any secret is sent, log in, get privileged.

    ``connect_timeout`` bounds each hop; ``jump_credential`` is for ``device.jump``. An error names
    the hop. Raises HostKeyUnknown, HostKeyChanged, AuthenticationFailed, EnableFailed,
    PromptUnexpected, AlgorithmsRefused, SecretMissing; DeviceUnreachable, DeviceBusy,
    DeviceTimeout, ConnectionLost.
    """
    hop = hops.last(device, credential)
    before = None if device.jump is None else hops.first(device.name, device.jump)
    trusted = hostkeys.lookup(hop.host, hop.port)
    shown: list[asyncssh.SSHKey] = []
    accepts = hops.judge(hop, hostkeys, shown)
    tunnel: asyncssh.SSHClientConnection | None = None
    transport: _Transport | None = None
    done = False
    try:
        if before is not None:
            assert jump_credential is not None
            tunnel = await hops.tunnel(
                before, jump_credential, hostkeys=hostkeys, timeout=connect_timeout
            )
        try:
            async with asyncio.timeout(connect_timeout):
                connection = await hops.connect(
                    hop, credential, trusted, accepts, tunnel=tunnel, columns=platform.columns
                )
                transport = _Transport(hop, credential, connection)
                await transport.open()
        except (ScrapliException, asyncssh.Error, OSError) as error:
            raise hops.refusal(error, hop, trusted, shown, through=before) from error
        session = Terminal(
            wire=SshWire(transport, name=device.name, tunnel=tunnel),
            device=device,
            platform=platform,
            patience=command_timeout,
        )
        async with asyncio.timeout(connect_timeout + command_timeout):
            await session.settle(credential)
        done = True
    except TimeoutError as error:
        raise DeviceTimeout(f"{device.name}: the login did not end in time") from error
    finally:
        if not done:
            if transport is not None:
                _hang_up(transport)
            hops.hang_up(tunnel)
    return session


class _Transport(AsyncsshTransport):
    """Scrapli's transport over a connection that is there: its own would be made anew, dearly.

    Scrapli also checks host keys after the password was sent; here that came before.
    """

    def __init__(
        self, hop: Hop, credential: Credential, connection: asyncssh.SSHClientConnection
    ) -> None:
        base = BaseTransportArgs(
            host=hop.host,
            port=hop.port,
            timeout_socket=_UNBOUNDED,
            timeout_transport=0,
            transport_options={},
        )
        plugin = PluginTransportArgs(auth_username=credential.username, auth_strict_key=False)
        super().__init__(base, plugin)
        self.session = connection

    async def open(self) -> None:
        """A terminal on the connection."""
        assert self.session is not None
        self.stdin, self.stdout, _ = await self.session.open_session(
            term_type="xterm", encoding=None
        )


def _hang_up(transport: AsyncsshTransport) -> None:
    with suppress(ScrapliException, asyncssh.Error, OSError):
        transport.close()
