"""The device transaction: a change goes in whole, proved, confirmed and saved, or not at all.

In: a device, `decide` (pure: running-config → change set), `checkpoint` (records each step before
it begins). Out: a `PushResult` that says what the device has now, read back from it. Whatever
happens after the device was armed ends in a revert that is read back; a killed process is
finished by `recover`, which looks at the device and never replays.

`push` and `recover` return the error inside the result; only LeaseLost is raised, after which
nothing more was typed and the device's own timer does the rest.
"""

import asyncio
from collections.abc import Callable

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.computing import at_once
from catnet_controller.devices.contact import Contact, Timing
from catnet_controller.devices.credentials import Credentials
from catnet_controller.devices.hostkeys import HostKeys, entry
from catnet_controller.devices.platforms import PLATFORMS
from catnet_controller.devices.pushing import Push
from catnet_controller.devices.recovering import Recovery
from catnet_controller.devices.windowing import Window
from catnet_controller.errors import (
    CatnetError,
    LeaseLost,
    PromptUnexpected,
)
from catnet_controller.models import Device, Intent, Reading, Restored, Step
from catnet_controller.ports import Checkpoint, Clock, Decide, Offload, Ours, PushResult

_LOGINS = 8
"""Logins under way at one jump host: OpenSSH refuses some from ten on (`MaxStartups`)."""


class Transactions:
    """Reads, changes and recovers devices; the `Devices` of the ports."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        hostkeys: HostKeys,
        backups: Backups,
        clock: Clock,
        offload: Offload = at_once,
        revert_minutes: int = 5,
        connect_timeout: float = 20.0,
        command_timeout: float = 60.0,
        sessions_per_device: int = 2,
        rollback_timeout: float = 90.0,
        minute: float = 60.0,
        pause: float = 0.5,
        sessions: Callable[[int], None] | None = None,
    ) -> None:
        """``minute`` and ``pause`` are seconds; only a lab with a fast clock changes them.

        ``rollback_timeout`` is how long a device may be silent while it rolls back or writes its
        NVRAM (90 s is napalm's), ``command_timeout`` how long otherwise. One push needs two
        sessions for a moment: the one that typed is kept until the new one has proved the change.
        ``sessions`` hears how many more there are.
        """
        self._credentials = credentials
        self._hostkeys = hostkeys
        self._backups = backups
        self._clock = clock
        self._offload = offload
        self._timing = Timing(
            connect=connect_timeout,
            command=command_timeout,
            revert_minutes=revert_minutes,
            rollback=max(rollback_timeout, command_timeout),
            minute=minute,
            pause=pause,
        )
        self._sessions_per_device = sessions_per_device
        self._count = sessions or (lambda _: None)
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._doors: dict[str, asyncio.Semaphore] = {}
        self._windows: dict[tuple[str, int], Window] = {}
        """What was learnt of each device, by address and its setting."""

    async def read(
        self, device: Device, checkpoint: Checkpoint, ours: Ours | None = None
    ) -> Reading:
        """Read and back up the running-config; types only ``show`` and ``terminal`` commands."""
        await checkpoint(Step.CONNECT, None)
        async with self._contact(device, ours) as contact:
            session = await contact.open()
            await checkpoint(Step.READ, None)
            return await contact.read(session, keep=True)

    async def push(
        self, device: Device, decide: Decide, checkpoint: Checkpoint, ours: Ours | None = None
    ) -> PushResult:
        """Read, compare, arm, push, prove, confirm, save; or undo."""
        try:
            async with self._contact(device, ours) as contact:
                return await Push(contact, decide, checkpoint).run()
        except LeaseLost:
            raise
        except CatnetError as error:
            return PushResult(error=error)

    async def recover(
        self,
        device: Device,
        intent: Intent,
        decide: Decide,
        checkpoint: Checkpoint,
        ours: Ours | None = None,
    ) -> PushResult:
        """Finish or undo what a killed push left, by looking at the device."""
        try:
            async with self._contact(device, ours) as contact:
                return await Recovery(contact, decide, checkpoint, intent, self._backups).run()
        except LeaseLost:
            raise
        except CatnetError as error:
            return PushResult(error=error, restored=Restored.UNKNOWN)

    def _contact(self, device: Device, ours: Ours | None) -> Contact:
        try:
            platform = PLATFORMS[device.platform]
        except KeyError:
            raise PromptUnexpected(
                f"{device.name}: there is no platform {device.platform!r}",
                next_step=f"Use one of {', '.join(PLATFORMS)} in the inventory.",
            ) from None
        slots = self._slots.setdefault(
            entry(device.host, device.port), asyncio.Semaphore(self._sessions_per_device)
        )
        window = self._windows.setdefault(
            (entry(device.host, device.port), device.window),
            Window(lines=device.window, bytes=platform.typeahead),
        )
        jump_credential = None
        if device.jump is not None:
            jump_credential = self._credentials.lookup(device.jump.credential)
        return Contact(
            device=device,
            platform=platform,
            credential=self._credentials.of(device),
            jump_credential=jump_credential,
            hostkeys=self._hostkeys,
            backups=self._backups,
            clock=self._clock,
            timing=self._timing,
            slots=slots,
            door=self._door(device),
            ours=ours,
            window=window,
            offload=self._offload,
            count=self._count,
        )

    def _door(self, device: Device) -> asyncio.Semaphore | None:
        """Bounds the logins under way at the device's jump host."""
        if device.jump is None:
            return None
        where = entry(device.jump.host, device.jump.port)
        return self._doors.setdefault(where, asyncio.Semaphore(_LOGINS))
