"""Settings come in, backups and their texts go out: read on this machine, without the daemon."""

from dataclasses import dataclass

from catnet_controller.app import wiring
from catnet_controller.errors import NoSuchBackup
from catnet_controller.models import Backup
from catnet_controller.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What there is of one device; newest first."""

    device: str
    backups: tuple[Backup, ...]

    @property
    def newest(self) -> Backup | None:
        """The newest that is good."""
        return next((one for one in self.backups if one.good), None)


async def listed(settings: Settings, device: str | None) -> list[Kept]:
    """The backups of a device, or of all. Raises NoSuchBackup where there are none of a device."""
    with wiring.backups(settings) as backups:
        found = [
            Kept(device=name, backups=await backups.list(name))
            for name in ([device] if device is not None else await backups.devices())
        ]
    if device is not None and not found[0].backups:
        raise NoSuchBackup(
            f"there are no backups of {device!r} under {settings.store.path / 'backups'}",
            next_step="`catnet backup list` shows the devices that have some.",
        )
    return found


async def text(settings: Settings, number: str) -> str:
    """The text of a backup, verified. Raises NoSuchBackup, BackupDamaged or StoreFailed."""
    with wiring.backups(settings) as backups:
        return await backups.read(number)
