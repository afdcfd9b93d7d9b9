"""Opening a session with a device, and its bytes: the only door to Scrapli.

Scrapli opens the transport, no more; the host key is checked before any secret is sent; every
exception of a library ends here. What is said is the business of `terminal`.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import asyncssh
from scrapli.driver.core import AsyncIOSXEDriver
from scrapli.exceptions import ScrapliAuthenticationFailed, ScrapliException
from scrapli.transport.plugins.asyncssh.transport import AsyncsshTransport

from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.hostkeys import HostKeys, describe, entry
from catnet_controller.devices.platforms import ALGORITHMS, Platform
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import (
    AlgorithmsRefused,
    AuthenticationFailed,
    CatnetError,
    ConnectionLost,
    DeviceBusy,
    DeviceTimeout,
    DeviceUnreachable,
    HostKeyChanged,
    HostKeyUnknown,
    SecretMissing,
)
from catnet_controller.models import Device


class SshWire:
    """The bytes of an open transport."""

    def __init__(self, transport: AsyncsshTransport, *, name: str) -> None:
        self._transport = transport
        self._connection = transport.session
        self._name = name

    async def read(self) -> bytes:
        try:
            data: bytes = await self._transport.read()
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

    async def closed(self) -> None:
        if self._connection is not None:
            await self._connection.wait_closed()

    def _lost(self, error: Exception) -> ConnectionLost:
        return ConnectionLost(f"{self._name}: the session broke off: {_why(error)}")


async def open_session(
    device: Device,
    *,
    credential: Credential,
    hostkeys: HostKeys,
    platform: Platform,
    connect_timeout: float,
    command_timeout: float,
) -> Terminal:
    """Connect, check the host key before any secret is sent, log in, get privileged.

    Raises HostKeyUnknown, HostKeyChanged, AuthenticationFailed, EnableFailed, PromptUnexpected,
    AlgorithmsRefused, SecretMissing; DeviceUnreachable, DeviceBusy, DeviceTimeout, ConnectionLost.
    """
    trusted = hostkeys.lookup(device.host, device.port)
    shown: list[asyncssh.SSHKey] = []
    driver = _driver(
        device,
        credential,
        platform=platform,
        trusted=trusted,
        report=shown.append,
        connect_timeout=connect_timeout,
    )
    done = False
    try:
        try:
            async with asyncio.timeout(connect_timeout):
                await driver.open()
        except (ScrapliException, asyncssh.Error, OSError) as error:
            raise _refusal(error, device, trusted, shown) from error
        assert isinstance(driver.transport, AsyncsshTransport)
        session = Terminal(
            wire=SshWire(driver.transport, name=device.name),
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
            _hang_up(driver.transport)
    return session


def _driver(
    device: Device,
    credential: Credential,
    *,
    platform: Platform,
    trusted: Sequence[asyncssh.SSHKey],
    report: Callable[[asyncssh.SSHKey], None],
    connect_timeout: float,
) -> AsyncIOSXEDriver:
    options = _options(device.algorithms)
    methods: tuple[str, ...] = ("publickey",) if credential.private_key else ()
    if credential.password:
        methods += ("keyboard-interactive", "password")
    # The types of the known keys first: a device that has several must show the known one.
    known = [str(name, "ascii") for key in trusted for name in key.sig_algorithms]
    accepted = options["server_host_key_algs"]
    preferred = [name for name in known if name in accepted]
    return AsyncIOSXEDriver(
        host=device.host,
        port=device.port,
        auth_username=credential.username,
        auth_password=credential.password,
        # Scrapli checks host keys after the password was sent; asyncssh does it before.
        auth_strict_key=False,
        ssh_config_file=False,
        transport="asyncssh",
        on_open=_nothing,
        on_close=_nothing,
        timeout_socket=connect_timeout * 2,  # the bound is asyncio.timeout around open()
        timeout_transport=0,
        timeout_ops=0,
        transport_options={
            "asyncssh": {
                **options,
                "server_host_key_algs": [*preferred, *(a for a in accepted if a not in preferred)],
                "known_hosts": (list(trusted), [], []),
                "client_factory": lambda: _Client(report),
                "client_keys": _client_keys(credential),
                "password": credential.password or None,
                "preferred_auth": methods,
                "term_size": platform.columns and (platform.columns, 0),
            }
        },
    )


@cache
def _options(profile: str) -> dict[str, Any]:
    """What every connection of an algorithm profile has in common."""
    try:
        algorithms = ALGORITHMS[profile]
    except KeyError:
        raise AlgorithmsRefused(
            f"there is no algorithm profile {profile!r} (known: {', '.join(ALGORITHMS)})"
        ) from None
    return {
        "kex_algs": list(algorithms.kex),
        "encryption_algs": list(algorithms.ciphers),
        "mac_algs": list(algorithms.macs),
        "server_host_key_algs": list(algorithms.host_keys),
        "compression_algs": ["none"],
        "config": None,
        "x509_trusted_certs": None,
    }


def _client_keys(credential: Credential) -> list[Any] | None:
    if credential.private_key is None:
        return None
    try:
        changed = credential.private_key.stat().st_mtime_ns
        return list(_loaded(credential.private_key, credential.passphrase, changed))
    except (OSError, ValueError) as error:
        raise SecretMissing(
            f"the private key {credential.private_key} of user {credential.username} cannot be "
            f"read: {_why(error)}"
        ) from error


@lru_cache(maxsize=64)
def _loaded(path: Path, passphrase: str | None, _changed: int) -> tuple[asyncssh.SSHKeyPair, ...]:
    return tuple(asyncssh.load_keypairs([str(path)], passphrase))


class _Client(asyncssh.SSHClient):
    """Notes the key of a host that is not trusted, so that the refusal can name it."""

    def __init__(self, report: Callable[[asyncssh.SSHKey], None]) -> None:
        self._report = report

    def validate_host_public_key(
        self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey
    ) -> bool:
        self._report(key)
        return False


async def _nothing(driver: object) -> None:
    """Neither login nor goodbye by Scrapli."""


def _hang_up(transport: AsyncsshTransport) -> None:
    with suppress(ScrapliException, asyncssh.Error, OSError):
        transport.close()


def _refusal(
    error: Exception,
    device: Device,
    trusted: Sequence[asyncssh.SSHKey],
    shown: Sequence[asyncssh.SSHKey],
) -> CatnetError:
    """What a failed connect means. Order matters: the most telling sign first."""
    name, where = device.name, entry(device.host, device.port)
    cause = error.__cause__ if isinstance(error, ScrapliAuthenticationFailed) else error
    if shown:
        fingerprint = describe(shown[0]).fingerprint
        step = f"Compare it on the console, then `catnet device trust {name}`."
        if not trusted:
            return HostKeyUnknown(
                f"{name}: the host key of {where} is not known; it shows {fingerprint}",
                next_step=step,
            )
        known = ", ".join(describe(key).fingerprint for key in trusted)
        return HostKeyChanged(
            f"{name}: {where} shows host key {fingerprint}, known is {known}",
            next_step=f"If the device was replaced, `catnet device trust {name}`; "
            "else somebody may stand between: investigate.",
        )
    if isinstance(cause, asyncssh.PermissionDenied):
        return AuthenticationFailed(
            f"{name}: the device refused user of credential {device.credential!r}"
        )
    if isinstance(cause, asyncssh.KeyExchangeFailed):
        return AlgorithmsRefused(
            f"{name}: no common algorithm in profile {device.algorithms!r}: {_why(cause)}"
        )
    if isinstance(cause, TimeoutError):
        return DeviceUnreachable(f"{name}: no SSH from {where} in time")
    if isinstance(cause, asyncssh.ProtocolError | asyncssh.ProtocolNotSupported):
        return DeviceUnreachable(f"{name}: {where} does not speak SSH 2: {_why(cause)}")
    if isinstance(cause, asyncssh.Error | ConnectionResetError | BrokenPipeError):
        return DeviceBusy(
            f"{name}: {where} took the connection and closed it ({_why(cause)}); "
            "often no VTY line is free"
        )
    return DeviceUnreachable(f"{name}: no connection to {where}: {_why(cause or error)}")


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__
