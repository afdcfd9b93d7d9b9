"""The known host keys of the devices: an OpenSSH ``known_hosts`` file, read, scanned, extended.

The file may be shared with OpenSSH: hashed names, several names in a line, comments and
``@revoked`` are understood and kept. CatNet itself writes plain lines only.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import structlog

from catnet_controller.devices.platforms import ALGORITHMS
from catnet_controller.devices.writing import alone, write_whole
from catnet_controller.errors import DeviceUnreachable, StoreFailed

log = structlog.get_logger(__name__)

_Keys = Sequence[asyncssh.SSHKey]

FAMILIES: tuple[tuple[str, ...], ...] = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-256", "rsa-sha2-512", "ssh-rsa"),
)
"""One connection shows one key; these are asked for one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A public host key: ``text`` as in ``known_hosts`` without the name, ``SHA256:…``."""

    algorithm: str
    text: str
    fingerprint: str


def describe(key: asyncssh.SSHKey) -> HostKey:
    """The key as people compare it."""
    text = key.export_public_key("openssh").decode("ascii").split()
    return HostKey(
        algorithm=text[0], text=f"{text[0]} {text[1]}", fingerprint=key.get_fingerprint("sha256")
    )


def entry(host: str, port: int) -> str:
    """The name of a device in the file: ``host``, or ``[host]:port`` when not on port 22."""
    return host if port == 22 else f"[{host}]:{port}"


class HostKeys:
    """The file. It is read again when it changed, so another process may extend it."""

    def __init__(
        self, path: Path, *, first_use: bool = False, count: Callable[[str], None] | None = None
    ) -> None:
        """``first_use`` trusts the first key of a device of which none is known.

        ``count`` hears of every key that was not known: ``learnt``, ``unknown`` or ``changed``.
        """
        self._path = path
        self._first_use = first_use
        self._count = count
        self._stamp: tuple[int, int, int] | None = None
        self._known = asyncssh.import_known_hosts("")
        self._found: dict[str, tuple[_Keys, _Keys]] = {}
        """Of this reading of the file: matching goes through all of its patterns."""

    def lookup(self, host: str, port: int) -> tuple[asyncssh.SSHKey, ...]:
        """The keys this device may show; empty when it is not known. Revoked keys are left out.

        Only an entry with the port counts when the port is not 22: several devices may stand
        behind one address.
        """
        keys, revoked = self._listed(host, port)
        return tuple(key for key in keys if key not in revoked)

    def _named(self, host: str, port: int) -> tuple[asyncssh.SSHKey, ...]:
        """Every key the file names for this device, also the revoked ones."""
        keys, revoked = self._listed(host, port)
        return tuple(dict.fromkeys((*keys, *revoked)))

    def _listed(self, host: str, port: int) -> tuple[_Keys, _Keys]:
        self._refresh()
        name = entry(host, port)
        # A port of 22 is looked up by the bare name; asyncssh falls back from `[host]:port` to
        # the bare name by itself, which would let one address vouch for another port.
        if name not in self._found:
            keys, _, revoked, *_ = self._known.match(name, "", None)
            self._found[name] = (keys, revoked)
        return self._found[name]

    def accepts(self, name: str, host: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether a session goes on with a device that shows this key.

        Without a known key that is so only at first use: the key is then kept before anything
        secret is sent. Raises StoreFailed when it cannot be kept.
        """
        trusted = self.lookup(host, port)
        if key in trusted:
            return True
        known = self._named(host, port)
        verdict = "changed" if known else "learnt" if self._first_use else "unknown"
        if verdict == "learnt":
            self.trust(host, port, [describe(key)])
        event = f"host key {verdict}"
        log.log(
            logging.ERROR if verdict == "changed" else logging.WARNING,
            event,
            device=name,
            address=entry(host, port),
            shown=describe(key).fingerprint,
            known=[describe(one).fingerprint for one in known],
        )
        if self._count is not None:
            self._count(verdict)
        return verdict == "learnt"

    def known(self, host: str, port: int) -> tuple[HostKey, ...]:
        """The known keys of this device for people."""
        return tuple(describe(key) for key in self.lookup(host, port))

    async def scan(
        self,
        host: str,
        port: int,
        *,
        timeout: float = 15.0,
        tunnel: asyncssh.SSHClientConnection | None = None,
    ) -> tuple[HostKey, ...]:
        """Ask the device for its host keys; nothing is trusted and no password is sent to it.

        Any algorithm will do, so that old devices answer too. ``tunnel`` leads there through a
        jump host. Raises DeviceUnreachable.
        """
        algorithms = ALGORITHMS["ancient"]
        found: dict[str, HostKey] = {}
        failure: Exception | None = None
        for family in FAMILIES:
            try:
                async with asyncio.timeout(timeout):
                    key = await asyncssh.get_server_host_key(
                        host,
                        port,
                        tunnel=tunnel,
                        config=None,
                        server_host_key_algs=list(family),
                        kex_algs=list(algorithms.kex),
                        options=asyncssh.SSHClientConnectionOptions(
                            encryption_algs=list(algorithms.ciphers),
                            mac_algs=list(algorithms.macs),
                            config=None,
                        ),
                    )
            except (OSError, asyncssh.Error) as error:
                # KeyExchangeFailed: the device has no key of this family; the next may do.
                failure = error
                if isinstance(error, OSError):
                    break
                continue
            if key is not None:
                shown = describe(key)
                found[shown.fingerprint] = shown
        if not found:
            reason = f"{type(failure).__name__}: {failure}" if failure else "no key shown"
            raise DeviceUnreachable(
                f"{entry(host, port)} shows no host key ({reason})"
            ) from failure
        return tuple(found.values())

    def trust(self, host: str, port: int, keys: Sequence[HostKey]) -> None:
        """Make these the known keys of the device, in place of what was known of it.

        Lines that name several hosts lose only this name. The file is replaced in one step with
        mode 0600. Raises StoreFailed.
        """
        name = entry(host, port)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with alone(self._path.parent):
                kept = [line for line in (_without(old, name) for old in self._lines()) if line]
                kept += [f"{name} {key.text}" for key in keys]
                write_whole(self._path, ("\n".join(kept) + "\n").encode())
        except OSError as error:
            raise StoreFailed(f"cannot write {self._path}: {error.strerror}") from error
        self._stamp = None

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp == self._stamp:
                return
            self._found.clear()
            self._known = asyncssh.import_known_hosts("\n".join(self._lines()))
            self._stamp = stamp
        except FileNotFoundError:
            self._found.clear()
            self._known, self._stamp = asyncssh.import_known_hosts(""), None
        except (OSError, ValueError) as error:
            raise StoreFailed(
                f"cannot read the host keys in {self._path}: {error}",
                next_step="Correct or remove the file, then `catnet device trust NAME`.",
            ) from error


def _without(line: str, name: str) -> str:
    """The line of the file without this name; empty when no name is left."""
    if line.startswith(("#", "@")) or not line.strip():
        return line or "#"
    names, _, rest = line.partition(" ")
    if names.startswith("|"):
        try:
            known = asyncssh.import_known_hosts(line)
        except ValueError:
            return line
        return "" if any(known.match(name, "", None)[:1]) else line
    left = [known_name for known_name in names.split(",") if known_name != name]
    return f"{','.join(left)} {rest}" if left else ""
