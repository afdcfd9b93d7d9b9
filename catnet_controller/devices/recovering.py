"""What a killed push left on a device: finished or undone, decided by reading the device."""

from dataclasses import replace

import structlog

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.contact import Contact
from catnet_controller.devices.endings import result
from catnet_controller.devices.health import Health
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.undo import Restoration, Undo
from catnet_controller.errors import (
    CatnetError,
    ConnectionLost,
    HealthFailed,
    Refused,
)
from catnet_controller.ios import normal
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.models import Intent, Reading, Restored, Step
from catnet_controller.ports import Checkpoint, Decide, PushResult

log = structlog.get_logger(__name__)


class Recovery:
    """What a killed push left: decided by reading the device."""

    def __init__(
        self,
        contact: Contact,
        decide: Decide,
        checkpoint: Checkpoint,
        intent: Intent,
        backups: Backups,
    ) -> None:
        self._contact = contact
        self._decide = decide
        self._checkpoint = checkpoint
        self._intent = intent
        self._backups = backups
        self._device = contact.device
        self._change_set: ChangeSet | None = None
        self._after: Reading | None = None

    async def run(self) -> PushResult:
        contact, intent = self._contact, self._intent
        await self._checkpoint(Step.CONNECT, intent)
        session = await contact.open()
        await self._checkpoint(Step.READ, intent)
        pending = await contact.pending(session)
        self._after = running = await contact.read(session)
        await self._checkpoint(Step.COMPARE, intent)
        if intent.step is Step.ARM:
            # No line was typed: that is recorded before the first one. Keep what is there.
            if pending:
                await contact.confirm(session)
            return self._settled("before a line was typed")
        if intent.step is not Step.REVERT and await self._wanted(running.text):
            unwell = await self._unwell(session, running, pending=pending)
            if unwell is not None:
                await self._checkpoint(Step.REVERT, replace(intent, step=Step.REVERT))
                return await self._undo(session, running, pending=pending, error=unwell)
            if pending:
                await self._checkpoint(Step.CONFIRM, replace(intent, step=Step.CONFIRM))
                await contact.confirm(session)
            await self._checkpoint(Step.SAVE, replace(intent, step=Step.SAVE))
            await contact.save(session)
            return await self._finished()
        if intent.step in (Step.SAVE, Step.RECORD):
            # It was proved and confirmed; somebody changed the device since. Not ours to undo.
            return self._settled("after it was confirmed, and the device was changed since")
        await self._checkpoint(Step.REVERT, replace(intent, step=Step.REVERT))
        return await self._undo(session, running, pending=pending)

    async def _finished(self) -> PushResult:
        """As if it had not been interrupted: what it changed, and the backup to go back to."""
        number = self._intent.backup
        try:
            kept = await self._backups.list(self._device.name)
            backup = next(each for each in kept if each.id == number)
            text = await self._backups.read(number)
            change_set = await self._contact.compute(self._decide, text)
        except (CatnetError, StopIteration) as error:
            log.warning("what an interrupted push changed is not known", error=str(error))
            return self._ended(None)
        before = Reading(text=text, read_at=backup.taken_at, backup=backup)
        return replace(self._ended(None), change_set=change_set, before=before)

    async def _unwell(
        self, session: Terminal, running: Reading, *, pending: bool
    ) -> HealthFailed | None:
        """What is not well after a change that nobody had judged when the push was killed."""
        intent = self._intent
        if intent.vitals is None or intent.step not in (Step.PUSH, Step.PROVE):
            return None
        contact = self._contact
        baseline = await self._backups.read(intent.backup)
        # How much of the timer is left is not known; half of it is a guess that leaves time to act.
        until = contact.clock.monotonic() + contact.timing.revert / 2 if pending else None
        try:
            await Health(contact).after(
                session, intent.vitals, old=baseline, new=running.text, until=until
            )
        except HealthFailed as error:
            return error
        return None

    async def _undo(
        self,
        session: Terminal,
        running: Reading,
        *,
        pending: bool,
        error: CatnetError | None = None,
    ) -> PushResult:
        contact, intent = self._contact, self._intent
        if normal.shown(running.text) == intent.baseline and not pending:
            return self._settled("and the device is as it was before")
        baseline = await self._backups.read(intent.backup)
        hostname = _hostname_of(baseline) or session.hostname
        undo = Undo(contact, baseline=baseline, hostname=hostname)
        restoration = await (undo.revert() if intent.armed or pending else undo.type_back())
        return self._ended(error or self._interrupted("in the middle"), restoration)

    async def _wanted(self, running: str) -> bool:
        """Whether the device has all that was wanted."""
        try:
            change_set = await self._contact.compute(self._decide, running)
        except Refused:
            return False
        self._change_set = change_set
        return change_set.empty

    def _settled(self, how: str) -> PushResult:
        """Nothing of the push is left to undo: the job may start over."""
        restoration = Restoration(restored=Restored.RESTORED, after=self._after)
        return self._ended(self._interrupted(how), restoration)

    def _interrupted(self, where: str) -> ConnectionLost:
        return ConnectionLost(f"{self._device.name}: the push was interrupted {where}")

    def _ended(
        self, error: CatnetError | None, restoration: Restoration | None = None
    ) -> PushResult:
        return result(
            contact=self._contact,
            change_set=self._change_set,
            before=None,
            after=self._after,
            error=error,
            restoration=restoration,
        )


def _hostname_of(config: str) -> str | None:
    """The hostname a config gives its device."""
    for line in config.splitlines():
        if line.startswith("hostname "):
            return line.split()[1]
    return None
