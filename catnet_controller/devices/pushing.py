"""One push to one device, step by step: forward while all is proved, else back.

See `transaction` for what it promises.
"""

from dataclasses import replace

import structlog

from catnet_controller.devices.contact import (
    Contact,
    difference,
    same,
    unlike,
    untypable,
)
from catnet_controller.devices.endings import ours, result
from catnet_controller.devices.health import Health
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.undo import Restoration, Undo
from catnet_controller.devices.windowing import runs
from catnet_controller.errors import (
    ArmRefused,
    CatnetError,
    ConnectionLost,
    DeviceBusy,
    DeviceTimeout,
    IncompleteRead,
    LeaseLost,
    NotUnderstood,
    Refused,
    RollbackPending,
    SaveFailed,
    Transient,
    VerifyFailed,
)
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.ios.redact import redact
from catnet_controller.models import Fallback, Intent, Reading, Restored, Step, Vitals
from catnet_controller.ports import Checkpoint, Decide, PushResult

log = structlog.get_logger(__name__)

_IN_TIME = 0.8
"""Share of the revert timer after which no further line is typed: it could fire between two."""


class Push:
    """One push. The fields are what is known so far; `_undo` needs no more than them."""

    def __init__(self, contact: Contact, decide: Decide, checkpoint: Checkpoint) -> None:
        self._contact = contact
        self._decide = decide
        self._checkpoint = checkpoint
        self._device = contact.device
        self._before: Reading | None = None
        self._after: Reading | None = None
        self._change_set: ChangeSet | None = None
        self._intent: Intent | None = None
        self._deadline = 0.0
        self._touched = False
        """Whether the device may be armed or may have taken a line."""
        self._confirming = False
        self._health = Health(contact)
        self._vitals: Vitals | None = None

    async def run(self) -> PushResult:
        try:
            session, before, change_set = await self._look()
            if not change_set.commands:
                return await self._unchanged(session, before)
        except LeaseLost:
            raise
        except CatnetError as error:
            return self._ended(error)
        try:
            self._vitals = await self._health.before(session, before.text)
            for target in self._vitals.deaf:
                told = f"ping {target} was not answered before the change, so it is not judged"
                change_set = replace(change_set, warnings=(*change_set.warnings, told))
            self._change_set = change_set
        except LeaseLost:
            raise
        except CatnetError as error:
            return self._ended(error)
        try:
            await self._arm(session, before)
            await self._compare_again(session, before)
            await self._type(session, change_set)
            proof = await self._prove(change_set)
            await self._confirm(proof)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the device must be put back
            undone = await self._undo(ours(error))
            if undone is not None:
                return undone
        return await self._save()

    # --- forward ---------------------------------------------------------------------------------

    async def _look(self) -> tuple[Terminal, Reading, ChangeSet]:
        await self._checkpoint(Step.CONNECT, None)
        session = await self._contact.open()
        await self._checkpoint(Step.READ, None)
        self._before = before = await self._contact.read(session, keep=True)
        await self._checkpoint(Step.COMPARE, None)
        try:
            change_set = await self._contact.compute(self._decide, before.text)
            self._change_set = change_set
            await self._checkpoint(Step.GUARD, None)
            self._guard(change_set)
        except Refused:
            await self._doubt(session, before)
            raise
        return session, before, change_set

    def _guard(self, change_set: ChangeSet) -> None:
        if change_set.refusals:
            raise NotUnderstood(
                "; ".join(
                    f"{one.origin or self._device.name}: `{redact(one.line)}`: {one.reason}"
                    for one in change_set.refusals
                )
            )
        for command in change_set.commands:
            reason = untypable(command)
            if reason is not None:
                where = f"{command.origin}: " if command.origin else ""
                raise NotUnderstood(f"{where}`{redact(command.text)}` {reason}")

    async def _doubt(self, session: Terminal, before: Reading) -> None:
        """A commit is refused for what the device has: so be sure that this is what it has.

        Bytes that were lost on the way would else quarantine a good revision.
        """
        again = await self._contact.running(session)
        if await self._contact.compute(same, again, before.text):
            return
        self._before = self._change_set = None
        raise IncompleteRead(
            f"{self._device.name}: read twice, the running-config differs: it was changed "
            "meanwhile, or damaged on the way; nothing was typed"
        )

    async def _unchanged(self, session: Terminal, before: Reading) -> PushResult:
        """Nothing to type; but an earlier push may have ended before it could save.

        Saved only when startup-config lacks something that is wanted: what else runs unsaved is
        somebody's experiment.
        """
        self._after = before
        startup = await self._contact.startup(session)
        if startup is not None and await self._has_all(startup):
            return self._ended(None)
        if await self._contact.pending(session):
            raise RollbackPending(
                f"{self._device.name}: running-config is not saved and a rollback timer is pending"
            )
        return await self._save()

    async def _has_all(self, config: str) -> bool:
        try:
            return (await self._contact.compute(self._decide, config)).empty
        except Refused:
            return False

    async def _arm(self, session: Terminal, before: Reading) -> None:
        contact = self._contact
        assert before.backup is not None
        try:
            if await contact.pending(session):
                raise RollbackPending(f"{self._device.name}: a rollback timer is pending")
            await self._record(Step.ARM, before, armed=True)
            started = contact.clock.monotonic()
            self._touched = True
            await contact.arm(session)
            self._deadline = started + contact.timing.revert * _IN_TIME
            return
        except (ArmRefused, DeviceBusy) as error:
            # Refused at the prompt: nothing is armed, nothing was typed.
            self._touched = self._touched and not session.ready
            reverse = self._device.fallback is Fallback.REVERSE and isinstance(error, ArmRefused)
            if self._touched or not reverse:
                raise
        await self._record(Step.ARM, before, armed=False)
        await contact.configure(session)

    async def _compare_again(self, session: Terminal, before: Reading) -> None:
        """Between the reading and the arm somebody may have typed; then the change set is stale.

        Nothing was typed by us, so what runs stays, and the whole begins again later.
        """
        contact = self._contact
        running = await contact.running(session, inside=True)
        if await contact.compute(same, running, before.text):
            return
        await contact.leave(session)
        if self._armed:
            await contact.confirm(session)
        self._touched = False
        raise DeviceBusy(
            f"{self._device.name}: somebody changed the configuration while CatNet compared it",
            next_step="CatNet compares again by itself; nothing was typed.",
        )

    async def _record(self, step: Step, before: Reading, *, armed: bool) -> None:
        assert before.backup is not None
        self._intent = Intent(
            backup=before.backup.id,
            baseline=before.backup.digest,
            armed=armed,
            step=step,
            vitals=self._vitals,
        )
        await self._checkpoint(step, self._intent)

    async def _mark(self, step: Step) -> None:
        assert self._intent is not None
        self._intent = replace(self._intent, step=step)
        await self._checkpoint(step, self._intent)

    async def _type(self, session: Terminal, change_set: ChangeSet) -> None:
        """Under a timer lines travel together; else each is judged before the next is typed."""
        contact = self._contact
        await self._mark(Step.PUSH)
        self._touched = True
        for run in runs(change_set.commands, contact.platform):
            if self._armed and contact.clock.monotonic() > self._deadline:
                raise contact.late()
            if self._armed and len(run) > 1:
                await contact.pour(session, run, contact.window, until=self._deadline)
                continue
            for command in run:
                reason = await contact.type(session, command)
                if reason is not None:
                    raise contact.refusal(command, reason)
        await contact.leave(session)

    @property
    def _armed(self) -> bool:
        return self._intent is not None and self._intent.armed

    async def _prove(self, change_set: ChangeSet) -> Terminal:
        """A new login works and the device has what was promised. Gives the new session."""
        contact = self._contact
        await self._mark(Step.PROVE)
        old = contact.session
        try:
            session = await contact.open()
        except DeviceBusy:
            # Perhaps the old session holds the last VTY line.
            if old is None:
                raise
            await contact.close()
            session = await contact.open()
        self._after = after = await contact.read(session)
        typed = [command.text for command in change_set.commands]
        left = await contact.compute(unlike, after.text, change_set.predicted, typed)
        if left:
            # Once more: a byte lost on the way is no reason to undo a change.
            self._after = after = await contact.read(session)
            typed = [command.text for command in change_set.commands]
        left = await contact.compute(unlike, after.text, change_set.predicted, typed)
        if left and await self._timer_fired(session):
            raise contact.late()
        if left:
            lines = [line.strip() for line in left.splitlines() if line.startswith(("+", "-"))]
            shown = "; ".join(lines[:3]) + (f" and {len(lines) - 3} more" if lines[3:] else "")
            raise VerifyFailed(
                f"{self._device.name}: every line was taken, but what runs is not what was "
                f"promised; still to do: {shown}"
            )
        if self._vitals is not None and self._before is not None:
            await self._health.after(
                session,
                self._vitals,
                old=self._before.text,
                new=after.text,
                until=self._deadline if self._armed else None,
            )
        return session

    async def _timer_fired(self, session: Terminal) -> bool:
        """Whether the device did not wait for us: that is no fault of the commit."""
        overdue = self._armed and self._contact.clock.monotonic() > self._deadline
        return overdue and not await self._contact.pending(session)

    async def _confirm(self, session: Terminal) -> None:
        await self._mark(Step.CONFIRM)
        await self._contact.close(keep=session)
        if self._armed:
            self._confirming = True
            await self._contact.confirm(session)

    async def _save(self) -> PushResult:
        """What runs is proved and stays; only the saving can fail now."""
        contact = self._contact
        try:
            if self._intent is not None:
                await self._mark(Step.SAVE)
            else:
                await self._checkpoint(Step.SAVE, None)
            for last in (False, True):
                session = contact.session
                try:
                    if session is None or not session.ready:
                        await contact.close()
                        session = await contact.open()
                        if (ended := await self._restarted(session)) is not None:
                            return ended
                    await contact.save(session)
                    break
                except (ConnectionLost, DeviceTimeout):
                    if last:
                        raise
        except LeaseLost:
            raise
        except SaveFailed as error:
            return self._ended(error)
        except Transient as error:
            failed = SaveFailed(
                f"{self._device.name}: the change was confirmed, but whether it is saved is not"
                f" known: {error.message}",
                next_step="A device that restarted runs what it had before: look that the change"
                " runs, then `write memory`; `catnet sync --force` does both.",
            )
            failed.__cause__ = error
            return self._ended(failed, Restoration(restored=Restored.UNKNOWN))
        except CatnetError as error:
            failed = SaveFailed(
                f"{self._device.name}: the change runs but saving did not end: {error.message}"
            )
            failed.__cause__ = error
            return self._ended(failed)
        return self._ended(None)

    async def _restarted(self, session: Terminal) -> PushResult | None:
        """How it ends when, after a session that was lost, something else runs than was proved.

        A device that restarts before it is saved has what it had before, and saving that would
        look like success.
        """
        proved, before = self._after, self._before
        assert proved is not None
        reading = await self._contact.read(session)
        if await self._contact.compute(same, reading.text, proved.text):
            return None
        if before is not None and await self._contact.compute(same, reading.text, before.text):
            lost = ConnectionLost(
                f"{self._device.name}: the device restarted before the change was saved, and runs"
                " what it had before"
            )
            return self._ended(lost, Restoration(restored=Restored.RESTORED, after=reading))
        self._after = reading
        return self._ended(
            SaveFailed(
                f"{self._device.name}: not saved: what runs is no longer what was proved",
                next_step="Somebody changed it meanwhile: look at the device, then"
                " `catnet sync --force`.",
            )
        )

    # --- back ------------------------------------------------------------------------------------

    async def _undo(self, error: CatnetError) -> PushResult | None:
        """Put the device back; None when it turns out that the change was confirmed."""
        if not self._touched or self._before is None or self._intent is None:
            return self._ended(error)
        log.warning("push failed", device=self._device.name, code=error.code)
        try:
            await self._mark(Step.REVERT)
        except LeaseLost:
            raise
        except CatnetError as trouble:
            # The store is in trouble; the device must be put back all the same.
            log.warning("revert not recorded", error=trouble.message)
        if self._confirming and await self._was_confirmed():
            return None
        undo = Undo(self._contact, baseline=self._before.text, hostname=self._before.hostname)
        if self._armed:
            restoration = await undo.revert()
        else:
            restoration = await undo.type_back()
        return self._ended(error, restoration)

    async def _was_confirmed(self) -> bool:
        """Whether the confirm arrived although its answer did not.

        No timer is pending and the device has what was promised: had the timer fired, it would
        have the baseline. Any doubt is a no, and the revert then looks for itself.
        """
        contact, change_set = self._contact, self._change_set
        assert change_set is not None
        try:
            session = contact.session
            if session is None or not session.ready:
                await contact.close()
                session = await contact.open()
            if await contact.pending(session):
                return False
            self._after = after = await contact.read(session)
            typed = [command.text for command in change_set.commands]
            left = await contact.compute(difference, after.text, change_set.predicted, typed)
        except LeaseLost:
            raise
        except CatnetError as error:
            log.info("cannot tell whether it was confirmed", error=error.message)
            return False
        return left is None

    def _ended(
        self, error: CatnetError | None, restoration: Restoration | None = None
    ) -> PushResult:
        return result(
            contact=self._contact,
            change_set=self._change_set,
            before=self._before,
            after=self._after,
            error=error,
            restoration=restoration,
        )
