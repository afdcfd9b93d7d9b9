"""One SSH hop, the device or a jump host before it: what is offered, whom to believe, what failed.

The host key of each hop is checked before any secret is sent to it. A tunnel is one connection of
its own per session: it ends with the session, and nobody else's depends on it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import asyncssh

from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.dialling import dial
from catnet_controller.devices.hostkeys import HostKeys, describe, entry
from catnet_controller.devices.platforms import ALGORITHMS, Algorithms
from catnet_controller.errors import (
    AlgorithmsRefused,
    AuthenticationFailed,
    CatnetError,
    DeviceBusy,
    DeviceUnreachable,
    HostKeyChanged,
    HostKeyUnknown,
    SecretMissing,
)
from catnet_controller.models import Device, Jump


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """``title`` begins every error, ``name`` is what `catnet device trust` calls it."""

    title: str
    name: str
    host: str
    port: int
    credential: str
    algorithms: str

    @property
    def where(self) -> str:
        return entry(self.host, self.port)


def last(device: Device, credential: Credential) -> Hop:
    """The device itself."""
    return Hop(
        title=device.name,
        name=device.name,
        host=device.host,
        port=device.port,
        credential=credential.label or device.credential,
        algorithms=device.algorithms,
    )


def first(name: str, jump: Jump) -> Hop:
    """The jump host on the way to ``name``."""
    return Hop(
        title=f"{name}: jump host {jump.name}",
        name=jump.name,
        host=jump.host,
        port=jump.port,
        credential=jump.credential,
        algorithms=jump.algorithms,
    )


def options(hop: Hop, credential: Credential, trusted: Sequence[asyncssh.SSHKey]) -> dict[str, Any]:
    """What asyncssh is told for one connection, beside what all of a profile have in common.

    Raises AlgorithmsRefused for an unknown profile, SecretMissing for an unreadable private key.
    """
    methods: tuple[str, ...] = ()
    if credential.private_key is not None or credential.private_key_text is not None:
        methods = ("publickey",)
    if credential.password:
        # The other way round costs a round trip more where both are offered.
        methods += ("password", "keyboard-interactive")
    # The types of the known keys first: a hop that has several must show the known one.
    known = [str(name, "ascii") for key in trusted for name in key.sig_algorithms]
    accepted = _profile(hop.algorithms).host_keys
    preferred = [name for name in known if name in accepted]
    return {
        "server_host_key_algs": [*preferred, *(a for a in accepted if a not in preferred)],
        "known_hosts": (list(trusted), [], []),
        "client_keys": _client_keys(credential),
        "password": credential.password or None,
        "preferred_auth": methods,
    }


async def connect(
    hop: Hop,
    credential: Credential,
    trusted: Sequence[asyncssh.SSHKey],
    accepts: Callable[[asyncssh.SSHKey], bool],
    *,
    tunnel: asyncssh.SSHClientConnection | None = None,
    columns: int | None = None,
) -> asyncssh.SSHClientConnection:
    """Log in to the hop; ``accepts`` judges a key that is not trusted.

    ``columns`` is the width of the terminals asked for later. Raises what `options` and
    `dialling.dial` raise.
    """
    own = options(hop, credential, trusted)
    if columns is not None:
        own["term_size"] = (columns, 0)
    shared = _shared(hop.algorithms, credential.username)
    return await dial(hop.host, hop.port, accepts=accepts, tunnel=tunnel, shared=shared, own=own)


def judge(
    hop: Hop, hostkeys: HostKeys, refused: list[asyncssh.SSHKey]
) -> Callable[[asyncssh.SSHKey], bool]:
    """Judges a key that the hop shows; one that is not accepted is put into ``refused``."""

    def accepts(key: asyncssh.SSHKey) -> bool:
        if hostkeys.accepts(hop.name, hop.host, hop.port, key):
            return True
        refused.append(key)
        return False

    return accepts


async def tunnel(
    hop: Hop, credential: Credential, *, hostkeys: HostKeys, timeout: float
) -> asyncssh.SSHClientConnection:
    """A connection with a jump host, to be closed by the caller.

    Raises what `refusal` gives, within ``timeout`` seconds.
    """
    trusted = hostkeys.lookup(hop.host, hop.port)
    shown: list[asyncssh.SSHKey] = []
    try:
        async with asyncio.timeout(timeout):
            return await connect(hop, credential, trusted, judge(hop, hostkeys, shown))
    except (asyncssh.Error, OSError) as error:
        raise refusal(error, hop, trusted, shown) from error


def hang_up(connection: asyncssh.SSHClientConnection | None) -> None:
    """Close a tunnel at once, where there is one."""
    if connection is not None:
        with suppress(asyncssh.Error, OSError):
            connection.close()


def refusal(
    cause: BaseException | None,
    hop: Hop,
    trusted: Sequence[asyncssh.SSHKey],
    shown: Sequence[asyncssh.SSHKey],
    *,
    through: Hop | None = None,
) -> CatnetError:
    """What a failed connect means. Order matters: the most telling sign first."""
    title, where = hop.title, hop.where
    if shown:
        return _stranger(hop, trusted, describe(shown[0]).fingerprint)
    if isinstance(cause, asyncssh.PermissionDenied):
        return AuthenticationFailed(
            f"{title}: it refused the user of credential {hop.credential!r}"
        )
    if isinstance(cause, asyncssh.KeyExchangeFailed):
        return AlgorithmsRefused(
            f"{title}: no common algorithm in profile {hop.algorithms!r}: {why(cause)}"
        )
    if isinstance(cause, TimeoutError):
        return DeviceUnreachable(f"{title}: no SSH from {where} in time")
    if isinstance(cause, asyncssh.ProtocolError | asyncssh.ProtocolNotSupported):
        return DeviceUnreachable(f"{title}: {where} does not speak SSH 2: {why(cause)}")
    if isinstance(cause, asyncssh.ChannelOpenError) and through is not None:
        return _no_way(cause, hop, through)
    if isinstance(cause, asyncssh.Error | ConnectionResetError | BrokenPipeError):
        return DeviceBusy(
            f"{title}: {where} took the connection and closed it ({why(cause)}); "
            "often no VTY line is free"
        )
    return DeviceUnreachable(f"{title}: no connection to {where}: {why(cause) if cause else '?'}")


def _stranger(hop: Hop, trusted: Sequence[asyncssh.SSHKey], fingerprint: str) -> CatnetError:
    if not trusted:
        return HostKeyUnknown(
            f"{hop.title}: the host key of {hop.where} is not known; it shows {fingerprint}",
            next_step=f"Compare it on the console, then `catnet device trust {hop.name}`.",
        )
    known = ", ".join(describe(key).fingerprint for key in trusted)
    return HostKeyChanged(
        f"{hop.title}: {hop.where} shows host key {fingerprint}, known is {known}",
        next_step=f"If it was replaced, `catnet device trust {hop.name}`; "
        "else somebody may stand between: investigate.",
    )


def _no_way(cause: asyncssh.ChannelOpenError, hop: Hop, through: Hop) -> CatnetError:
    if cause.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return DeviceUnreachable(
            f"{through.title} does not forward to {hop.where}: {why(cause)}",
            next_step="Allow TCP forwarding for CatNet's user on the jump host "
            "(`AllowTcpForwarding`, `PermitOpen`).",
        )
    return DeviceUnreachable(f"{through.title} cannot reach {hop.where}: {why(cause)}")


def why(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _profile(name: str) -> Algorithms:
    try:
        return ALGORITHMS[name]
    except KeyError:
        raise AlgorithmsRefused(
            f"there is no algorithm profile {name!r} (known: {', '.join(ALGORITHMS)})"
        ) from None


@lru_cache(maxsize=64)
def _shared(profile: str, username: str) -> asyncssh.SSHClientConnectionOptions:
    """What every connection of a profile and user has in common; no secret is in it.

    To build it takes as long as half a login, so it is built once.
    """
    algorithms = _profile(profile)
    return asyncssh.SSHClientConnectionOptions(
        username=username,
        kex_algs=list(algorithms.kex),
        encryption_algs=list(algorithms.ciphers),
        mac_algs=list(algorithms.macs),
        compression_algs=["none"],
        config=None,
        known_hosts=None,
        client_keys=None,
        agent_path=None,
        gss_host=None,
        x509_trusted_certs=None,
    )


def _client_keys(credential: Credential) -> list[Any] | None:
    if credential.private_key_text is not None:
        try:
            return list(_imported(credential.private_key_text, credential.passphrase))
        except ValueError as error:
            raise SecretMissing(
                f"the private key of {credential.label} cannot be used: {why(error)}",
                next_step="Set key and passphrase again with `catnet credentials set`.",
            ) from error
    if credential.private_key is None:
        return None
    try:
        changed = credential.private_key.stat().st_mtime_ns
        return list(_loaded(credential.private_key, credential.passphrase, changed))
    except (OSError, ValueError) as error:
        raise SecretMissing(
            f"the private key {credential.private_key} of user {credential.username} cannot be "
            f"read: {why(error)}"
        ) from error


@lru_cache(maxsize=64)
def _loaded(path: Path, passphrase: str | None, _changed: int) -> tuple[asyncssh.SSHKeyPair, ...]:
    return tuple(asyncssh.load_keypairs([str(path)], passphrase))


@lru_cache(maxsize=64)
def _imported(text: str, passphrase: str | None) -> tuple[asyncssh.SSHKeyPair, ...]:
    return tuple(asyncssh.load_keypairs([asyncssh.import_private_key(text, passphrase)]))
