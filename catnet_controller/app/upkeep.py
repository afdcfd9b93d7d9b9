"""Settings come in; the store of this machine is looked at, copied or brought up to date."""

from pathlib import Path

from catnet_controller.app import keeping, wiring
from catnet_controller.app.machine import SystemClock
from catnet_controller.errors import NoSuchBackup, StoreFailed
from catnet_controller.settings import Settings
from catnet_controller.store import copies
from catnet_controller.store.copies import Look
from catnet_controller.store.store import Store


def look(settings: Settings) -> Look:
    """Raises StoreFailed when there is no store, or it cannot be read."""
    return copies.look(_embedded(settings))


def copy(settings: Settings, target: Path) -> int:
    """How many files. Raises StoreFailed."""
    return copies.copy(_embedded(settings), target)


def _embedded(settings: Settings) -> Path:
    """The place of the embedded database. Raises StoreFailed where the store is on a server."""
    if settings.store.url is not None:
        raise StoreFailed(
            "the store is a PostgreSQL database (store.url), which has tools of its own",
            next_step="Copy it with `pg_dump`; the folder store.path holds the backups of"
            " configurations. A daemon brings it up to date at its start.",
        )
    return settings.store.path


async def backups(settings: Settings) -> list[keeping.Kept]:
    """Those of every device, each looked through."""
    try:
        return await keeping.listed(settings, None)
    except NoSuchBackup:
        return []


async def migrate(settings: Settings, found: Look) -> Path:
    """Where the database as it was is kept. Raises StoreFailed, also while a daemon runs."""
    kept = found.file.with_name(f"{found.file.name}.schema-{found.schema}")
    number = 1
    while kept.exists():
        number += 1
        kept = found.file.with_name(f"{found.file.name}.schema-{found.schema}-{number}")
    try:
        copies.copy_database(found.file, kept)
    except OSError as error:
        raise StoreFailed(
            f"{kept} cannot be written: {error.strerror}",
            next_step="Make room beside the store; nothing was changed.",
        ) from error
    async with await Store.at(settings.store.path, clock=SystemClock(), worker=wiring.worker()):
        return kept
