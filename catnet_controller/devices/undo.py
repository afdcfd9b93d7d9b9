"""Getting a device back to its baseline after a push went wrong, and saying how far it got.

LeaseLost ends every attempt at once: the way back is another worker's by then.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog

from catnet_controller.devices.contact import Contact, difference, same, unlike, untypable
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import (
    ArmRefused,
    AuthenticationFailed,
    CatnetError,
    InternalFault,
    LeaseLost,
    Transient,
)
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.models import Fallback, Reading, Restored

log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 10.0
_STILL = 2
"""Times a reading is like the one before, after which a rollback is held to be over."""
_ATTEMPTS = 3
"""Sessions in which the way back is typed, where each breaks off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What the device runs now, compared with the baseline; ``remaining`` is redacted."""

    restored: Restored
    remaining: str = ""
    after: Reading | None = None
    trouble: CatnetError | None = None
    """Why it is not known, or not whole."""


class Undo:
    """One attempt to restore ``baseline``; every way to it is tried, the device's own first."""

    def __init__(self, contact: Contact, *, baseline: str, hostname: str) -> None:
        self._contact = contact
        self._baseline = baseline
        self._hostname = hostname

    async def revert(self) -> Restoration:
        """Where a revert timer was (or may have been) armed.

        The living session is used first; when the change cut the management path, the device's
        timer brings it back, and this waits for that, bounded.
        """
        session = self._contact.session
        if session is not None and (session.configuring or session.ready):
            try:
                if session.configuring:
                    await self._contact.leave(session)
                if await self._contact.pending(session):
                    await self._contact.revert(session, hostname=self._hostname)
            except LeaseLost:
                raise
            except CatnetError as error:
                log.info("revert over the old session failed", error=error.message)
        await self._contact.close()
        return await self._wait()

    async def type_back(self) -> Restoration:
        """Where no timer was armed: type the difference to the baseline, line by line.

        A session that breaks off on the way is followed by another: what is left is compared anew.
        A device that is gone is waited for once, not once an attempt.
        """
        contact = self._contact
        limit = self._limit()
        trouble: CatnetError | None = None
        for _ in range(_ATTEMPTS):
            try:
                session = await self._at_prompt(limit)
                running = await contact.read(session)
                left = await contact.compute(difference, running.text, self._baseline)
                if left is not None:
                    running = await self._plan_back(session, left)
                return await self._said(running)
            except LeaseLost:
                raise
            except CatnetError as error:
                trouble = error
                log.warning("the way back broke off", error=error.message)
                await contact.close()
        return _unknown(trouble)

    async def _at_prompt(self, limit: float) -> Terminal:
        """The living session out of configuration mode, or a new one."""
        contact = self._contact
        session = contact.session
        if session is not None and session.configuring:
            # Not left: `ready` says so, and another session is opened.
            with suppress(CatnetError):
                await contact.leave(session)
        if session is not None and session.ready:
            return session
        await contact.close()
        return await self._reach(limit)

    # --- waiting for the device ------------------------------------------------------------------

    async def _reach(self, limit: float) -> Terminal:
        """A session as soon as the device takes one, tried until ``limit`` of the clock."""
        contact = self._contact
        pause = contact.timing.pause
        while True:
            try:
                return await contact.open()
            except LeaseLost:
                raise
            except CatnetError as error:
                # Not only transient ones: a half-typed change may have broken the login itself.
                if contact.clock.monotonic() > limit:
                    raise
                log.info("waiting for the device", error=error.message)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _limit(self) -> float:
        timing = self._contact.timing
        return self._contact.clock.monotonic() + timing.revert + timing.minute + timing.rollback

    async def _wait(self) -> Restoration:
        contact = self._contact
        limit = self._limit()
        pause = contact.timing.pause
        seen: Reading | None = None
        still = 0
        trouble: CatnetError | None = None
        while True:
            try:
                session = await contact.open()
                if await contact.pending(session):
                    await contact.revert(session, hostname=self._hostname)
                pending = await contact.pending(session)
                running = await contact.read(session)
                if not pending and await self._back(running):
                    return Restoration(restored=Restored.RESTORED, after=running)
                # A rollback may be under way: it is over when the device stops to change.
                unchanged = seen is not None and await contact.compute(
                    same, running.text, seen.text
                )
                still = still + 1 if unchanged and not pending else 0
                seen, trouble = running, None
                if still >= _STILL:
                    return await self._rest(session, running)
            except LeaseLost:
                raise
            except CatnetError as error:
                trouble = error
                still = 0
                log.info("waiting for the device to revert", error=error.message)
                if isinstance(error, AuthenticationFailed):
                    # The change broke the login; many more attempts would lock the account too.
                    pause = max(pause, contact.timing.minute / 2)
            await contact.close()
            if contact.clock.monotonic() > limit:
                # Seen once, and then no more: what it has now is not known.
                return _unknown(trouble) if seen is None or trouble else await self._said(seen)
            await asyncio.sleep(pause)
            pause = max(pause, min(pause * 2, _LONGEST_PAUSE))

    # --- what the timer left ---------------------------------------------------------------------

    async def _rest(self, session: Terminal, running: Reading) -> Restoration:
        """The timer is gone and a difference is left: type it, under a timer of its own.

        Raises Transient errors: the configuration is locked because the rollback is not over, or
        the session broke off and the new timer runs; both are seen at the next look.
        """
        left = await self._contact.compute(difference, running.text, self._baseline)
        try:
            if left is not None:
                running = await self._plan_back(session, left)
        except Transient:
            raise
        except CatnetError as error:
            log.warning("the rest was not undone", error=error.message)
            try:
                await self._contact.close()
                running = await self._contact.read(await self._contact.open())
            except LeaseLost:
                raise
            except CatnetError as again:
                return _unknown(again)
            return await self._said(running, trouble=error)
        return await self._said(running)

    async def _plan_back(self, session: Terminal, plan: ChangeSet) -> Reading:
        """Type the way back and read the device.

        A line that is refused, or that the plan does not understand, does not stop the others: on
        the way back every line put right counts, and what remains is told.
        """
        contact = self._contact
        if not plan.commands:
            return await contact.read(session)
        armed = await self._enter(session)
        refused = 0
        for command in plan.commands:
            if untypable(command) is not None:
                refused += 1
                continue
            reason = await contact.type(session, command)
            if reason is not None:
                refused += 1
                log.warning("line of the way back refused", error=reason)
            if not session.configuring and session.prompt is not None:
                break
        if session.configuring:
            await contact.leave(session)
        running = await contact.read(session)
        if armed:
            if not refused or await self._back(running):
                await contact.confirm(session)
            else:
                await contact.revert(session, hostname=self._hostname)
            running = await contact.read(session)
        return running

    async def _enter(self, session: Terminal) -> bool:
        """Into configuration mode, under a timer where there is one. Whether it is armed."""
        try:
            await self._contact.arm(session)
        except ArmRefused:
            if self._contact.device.fallback is not Fallback.REVERSE:
                raise
            await self._contact.configure(session)
            return False
        return True

    async def _back(self, running: Reading) -> bool:
        """Whether the device has the baseline again."""
        try:
            left = await self._contact.compute(difference, running.text, self._baseline)
        except InternalFault as error:
            log.warning("the way back was not compared", error=error.message)
            return False
        return left is None

    async def _said(self, running: Reading, trouble: CatnetError | None = None) -> Restoration:
        try:
            remaining = await self._contact.compute(unlike, running.text, self._baseline)
        except CatnetError as error:
            # It was read but could not be compared: that is no word on how the device is.
            return _unknown(error)
        return Restoration(
            restored=Restored.PARTLY if remaining else Restored.RESTORED,
            remaining=remaining,
            after=running,
            trouble=trouble,
        )


def _unknown(trouble: CatnetError | None) -> Restoration:
    return Restoration(restored=Restored.UNKNOWN, trouble=trouble)
