"""Settings, a name and a password come in; the first admin is in the store, without a daemon."""

import os

from catnet_controller.app import wiring
from catnet_controller.app.machine import SystemClock
from catnet_controller.errors import AccountRefused, StoreFailed
from catnet_controller.models import Role, User
from catnet_controller.settings import Settings
from catnet_controller.store.store import Store
from catnet_controller.web.passwords import Passwords, check
from catnet_controller.web.people import allowed


async def vacant(settings: Settings, name: str) -> None:
    """Raise AccountRefused when there is a user already, or for a name that cannot be one."""
    if not allowed(name):
        raise AccountRefused(
            f"{name!r} cannot be the name of a user",
            next_step="Use 1 to 64 small letters, digits and `. @ + _ -`.",
        )
    async with await _store(settings) as store:
        if await store.users():
            raise AccountRefused(
                "there are users already; `catnet init` makes only the first admin",
                next_step="`catnet login` as an admin, then `catnet user add NAME`.",
            )


async def found(settings: Settings, name: str, password: str) -> None:
    """Make the first admin. Raises AccountRefused, and StoreFailed while a daemon runs."""
    check(password, user=name)
    with Passwords() as passwords:
        hashed = await passwords.hash(password)
    now = SystemClock().now()
    user = User(name=name, role=Role.ADMIN, password=hashed, created_at=now, changed_at=now)
    async with await _store(settings) as store:
        await store.add_user(user, first=True)


async def _store(settings: Settings) -> Store:
    path = settings.store.path
    # Files that root made there could not be opened by the daemon, which would then not start.
    if os.geteuid() == 0 and path.exists() and (owner := path.stat().st_uid) != 0:
        raise StoreFailed(
            f"{path} belongs to uid {owner}, and this runs as root",
            next_step="Run it as that user; or start the daemon with http.token set, and make the"
            " admin by `catnet user add NAME --role admin`.",
        )
    try:
        return await wiring.store(settings, SystemClock())
    except StoreFailed as error:
        raise StoreFailed(
            error.message,
            next_step=f"{error.next_step} While the daemon runs, an admin is made by"
            " `catnet user add NAME --role admin` with http.token.",
        ) from error
