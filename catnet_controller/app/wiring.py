"""From settings to parts, by keyword arguments; nothing else is wired anywhere."""

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from catnet_controller.app.receiver import Orders, Receiver
from catnet_controller.devices import hops
from catnet_controller.devices.backups import Backups
from catnet_controller.devices.computing import at_once
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKey, HostKeys
from catnet_controller.devices.transaction import Transactions
from catnet_controller.devices.vault import Keyring, Vault
from catnet_controller.errors import CatnetError, CredentialsInvalid
from catnet_controller.github import events
from catnet_controller.github.auth import App
from catnet_controller.github.client import Route
from catnet_controller.github.edge import Edge
from catnet_controller.models import Jump
from catnet_controller.pipeline.compare import Compare
from catnet_controller.policy import desired
from catnet_controller.policy.guard import Rules
from catnet_controller.ports import Clock, Conclude, Offload
from catnet_controller.settings import Github, Listen, Login, Secret, Settings
from catnet_controller.store.store import Store
from catnet_controller.web.reception import Reception

LEASE = 60.0
"""Seconds a worker owns a device without a sign of life."""
SHARED_LEASE = 20.0
"""The same where another daemon may be waiting to take over."""


def rules(settings: Settings) -> Rules:
    return Rules(
        allow_management_changes=settings.deploy.allow_management_changes,
        max_removed_percent=settings.deploy.max_removed_percent,
    )


def compare(settings: Settings) -> Compare:
    return Compare(
        rules=rules(settings),
        secrets={name: secret.reveal() for name, secret in settings.secrets.items()},
        mark=_mark(settings.store.path),
        strict=settings.deploy.unknown_lines == "refuse",
        replan=settings.deploy.stale_plan == "replan",
    )


def _mark(folder: Path) -> bytes:
    """The key that marks secrets in redacted text, made once and kept beside the store."""
    path = folder / "mark.key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = folder / f"mark.key.{os.getpid()}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
    # Whole or not at all; whoever is first wins, and the other takes that key.
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
    return path.read_bytes()


def worker() -> str:
    """Of this process alone: containers may share a host name, and their processes a number."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


async def store(settings: Settings, clock: Clock, conclude: Conclude | None = None) -> Store:
    """The file, or the database that daemons share.

    A shared one has short leases, so that others soon take over what a killed daemon had; a file
    is opened by one daemon at a time, which frees at its start what the last one left.
    """
    url, per_site = settings.store.url, settings.deploy.site_concurrency
    max_failures = settings.deploy.max_failures
    if url is None:
        return await Store.at(
            settings.store.path,
            clock=clock,
            worker=worker(),
            lease=LEASE,
            conclude=conclude,
            per_site=per_site,
            max_failures=max_failures,
        )
    return await Store.on(
        url.reveal(),
        clock=clock,
        worker=worker(),
        lease=SHARED_LEASE,
        conclude=conclude,
        sites=settings.deploy.sites,
        per_site=per_site,
        max_failures=max_failures,
    )


def receiver(
    settings: Settings, listen: Listen, reception: Reception, clock: Clock, *, keepalive: float
) -> Receiver:
    """The process that takes webhooks; it gets their secrets and no others."""
    orders = Orders(
        secrets=[each.reveal() for each in settings.github.webhook_secrets],
        repository=settings.github.repository,
        branch=settings.github.branch,
        commands=settings.github.commands.enabled,
        max_bytes=settings.http.webhook_max_bytes,
        trusted=[str(each) for each in settings.http.trusted_proxies],
        keepalive=keepalive,
        log_format=settings.log.format,
    )
    return Receiver(
        host=listen.host, port=listen.port, orders=orders, reception=reception, clock=clock
    )


def verifier(settings: Settings) -> Callable[[bytes, str | None], bool] | None:
    """None without a secret: then no webhook is taken, and the branch is only polled."""
    keys = [each.reveal().encode() for each in settings.github.webhook_secrets]
    if not keys:
        return None
    return partial(events.verify, secrets=keys)


def commits(settings: Settings) -> str:
    """What the address of a commit begins with, for people (GHES serves its API at /api/v3)."""
    api = settings.github.api_url
    site = "https://github.com" if api == "https://api.github.com" else api.removesuffix("/api/v3")
    return f"{site}/{settings.github.repository}/commit/"


def _access(github: Github) -> Callable[[], str] | App:
    if github.token is not None:
        return github.token.reveal
    assert github.app.id is not None, "the settings have one or the other"
    assert github.app.private_key is not None, "the settings have both or none"
    return App(
        id=github.app.id,
        key=github.app.private_key.reveal,
        issues=github.issues,
        deployments=github.deployments,
        members=github.commands.enabled and bool(github.commands.teams),
    )


def edge(settings: Settings, clock: Clock, on_rate_limit: Callable[[int], None]) -> Edge:
    github = settings.github
    return Edge(
        repository=github.repository,
        branch=github.branch,
        api_url=github.api_url,
        token=_access(github),
        route=Route(authorities=github.ca_file, proxy=github.proxy or ""),
        clock=clock,
        cache=settings.store.path / "blobs",
        wanted=desired.wanted,
        timeout=github.timeout,
        write_spacing=github.write_spacing,
        on_rate_limit=on_rate_limit,
    )


@contextlib.contextmanager
def backups(settings: Settings, offload: Offload = at_once) -> Iterator[Backups]:
    kept = Backups(settings.store.path / "backups", offload=offload)
    try:
        yield kept
    finally:
        kept.close()


def devices(
    settings: Settings,
    clock: Clock,
    offload: Offload,
    backups: Backups,
    *,
    count: Callable[[str], None] | None = None,
    sessions: Callable[[int], None] | None = None,
    hide: Callable[[Collection[str]], None] | None = None,
) -> Transactions:
    """``count`` hears of every host key that was not known (`HostKeys`), ``sessions`` how many SSH
    sessions more there are, ``hide`` of every secret of credentials.yaml.

    Raises CredentialsInvalid where that file cannot be used.
    """
    reached = settings.devices
    logins = credentials(settings, hide=hide)
    logins.check()
    return Transactions(
        credentials=logins,
        hostkeys=HostKeys(
            reached.known_hosts, first_use=reached.host_keys == "first-use", count=count
        ),
        backups=backups,
        clock=clock,
        offload=offload,
        revert_minutes=settings.deploy.revert_minutes,
        connect_timeout=reached.connect_timeout,
        command_timeout=reached.command_timeout,
        sessions=sessions,
    )


async def host_keys(
    settings: Settings, name: str, *, host: str, port: int, jump: Jump | None
) -> tuple[HostKey, ...]:
    """The host keys that device ``name`` shows; its jump host has to be trusted already.

    Raises DeviceUnreachable, and what logging in to a jump host raises.
    """
    known = HostKeys(settings.devices.known_hosts)
    timeout = settings.devices.connect_timeout
    if jump is None:
        return await known.scan(host, port, timeout=timeout)
    credential = credentials(settings).lookup(jump.credential)
    hop = hops.first(name, jump)
    connection = await hops.tunnel(hop, credential, hostkeys=known, timeout=timeout)
    try:
        return await known.scan(host, port, timeout=timeout, tunnel=connection)
    finally:
        connection.close()
        await connection.wait_closed()


def credentials(
    settings: Settings, *, hide: Callable[[Collection[str]], None] | None = None
) -> Credentials:
    named = settings.devices.credentials
    return Credentials(
        {name: _credential(login) for name, login in named.items()},
        vault=vault(settings),
        hide=hide,
    )


def hidden(settings: Settings) -> tuple[str, ...]:
    """Every secret value that can be read: what logs must never show."""
    found: list[str] = list(settings.revealed())
    # What is wrong with credentials.yaml is said by whoever needs it.
    with contextlib.suppress(CatnetError):
        credentials(settings, hide=found.extend).check()
    return tuple(found)


def vault(settings: Settings) -> Vault:
    def keyring() -> Keyring:
        key = settings.devices.credentials_key
        if key is None:
            raise CredentialsInvalid(
                f"{settings.devices.credentials_file} needs its key, and none is given",
                next_step="Make one with `catnet credentials generate-key FILE` and give it as"
                " devices.credentials_key, CATNET_CREDENTIALS_KEY or the systemd credential"
                " catnet-credentials-key.",
            )
        return Keyring(key.fresh(), source=key.source)

    return Vault(settings.devices.credentials_file, keyring=keyring)


def _credential(login: Login) -> Credential:
    def shown(secret: Secret | None) -> str | None:
        return secret.reveal() if secret is not None else None

    return Credential(
        username=login.username,
        password=shown(login.password) or "",
        enable=shown(login.enable),
        private_key=login.private_key,
        passphrase=shown(login.passphrase),
    )
