"""The dealings of one run with one device: its sessions, what was typed, and the verbs.

Each verb is judged by what the device shows afterwards, never by having been typed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ParamSpec, Self, TypeVar

import structlog

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.computing import at_once
from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.platforms import Platform, RevertTimer
from catnet_controller.devices.prompts import configures
from catnet_controller.devices.session import open_session
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.windowing import Answered, Calm, Window
from catnet_controller.errors import (
    ArmRefused,
    CatnetError,
    ConnectionLost,
    DeviceBusy,
    DeviceTimeout,
    IncompleteRead,
    LeaseLost,
    LineRefused,
    PromptUnexpected,
    RollbackPending,
    SaveFailed,
)
from catnet_controller.ios import answers, diff, normal, parse
from catnet_controller.ios.changes import Ask, ChangeSet, Command, Expect
from catnet_controller.ios.redact import redact
from catnet_controller.models import Device, Exchange, Reading
from catnet_controller.ports import Clock, Offload, Ours

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

TOO_SLOW = "Raise the minutes of the revert timer, or push less at once."
_SEARCH = 5.0
"""Seconds for a pattern in what a device printed; the good ones take milliseconds."""
_BUSY_ATTEMPTS = 4
_SAVE_ATTEMPTS = 4
_TOLD = 2000
"""Characters of an answer that are told; secrets are masked before people see it cut."""
_LONGEST_LINE = 254
"""Letters IOS takes on one line; what is longer is cut by the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things take, in seconds. ``minute`` is one of the device; simulators run faster."""

    connect: float
    command: float
    revert_minutes: int
    minute: float
    rollback: float
    """Silence allowed while a device rolls back or writes its NVRAM."""
    pause: float
    """The first wait between attempts; later ones are longer."""

    @property
    def revert(self) -> float:
        """How long the device waits before it reverts by itself."""
        return self.revert_minutes * self.minute


class Contact:
    """One device during one run. Leaving the context closes every session.

    ``slots`` are the sessions it may have, ``door`` the logins under way at its jump host.
    """

    def __init__(
        self,
        *,
        device: Device,
        platform: Platform,
        credential: Credential,
        jump_credential: Credential | None = None,
        hostkeys: HostKeys,
        backups: Backups,
        clock: Clock,
        timing: Timing,
        slots: asyncio.Semaphore,
        door: asyncio.Semaphore | None = None,
        window: Window | None = None,
        offload: Offload = at_once,
        count: Callable[[int], None] | None = None,
        ours: Ours | None = None,
    ) -> None:
        """``window`` is how the device takes lines typed ahead; without one it is given none.

        ``count`` hears how many sessions more there are.
        """
        self.device = device
        self.window = window or Window(lines=1, bytes=platform.typeahead)
        self.platform = platform
        self.clock = clock
        self.timing = timing
        self.transcript: list[Exchange] = []
        self._credential = credential
        self._jump_credential = jump_credential
        self._hostkeys = hostkeys
        self._backups = backups
        self._slots = slots
        self._door = door
        self._offload = offload
        self._count = count or (lambda _: None)
        self._ours = ours
        self._sessions: list[Terminal] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def compute(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the pure function gives, computed beside the loop. Raises what it raises."""
        return await self._offload(partial(work, *args, **kwargs))

    async def search(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same of a pattern that somebody wrote. Raises TooSlow, too."""
        return await self._offload(partial(work, *args, **kwargs), within=_SEARCH)

    # --- sessions --------------------------------------------------------------------------------

    @property
    def session(self) -> Terminal | None:
        """The newest session that may still be used."""
        return next((one for one in reversed(self._sessions) if one.alive), None)

    async def open(self) -> Terminal:
        """A new session; when the device has no VTY line free, again a few times, later.

        Raises LeaseLost rather than take a VTY line of a device that is another worker's.
        """
        pause = self.timing.pause
        for attempt in range(1, _BUSY_ATTEMPTS + 1):
            try:
                return await self._open()
            except DeviceBusy as error:
                if attempt == _BUSY_ATTEMPTS:
                    raise
                log.info("device busy", device=self.device.name, error=error.message)
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError  # the loop returns or raises

    async def _open(self) -> Terminal:
        name = self.device.name
        if self._ours is not None and not self._ours():
            raise LeaseLost(f"{name}: the lease ran out; nothing more was typed")
        async with contextlib.AsyncExitStack() as held:
            await self._take(self._slots, f"{name}: CatNet has as many sessions with it as it may")
            held.callback(self._slots.release)
            if self._door is not None:
                busy = f"{name}: too many logins at its jump host are under way"
                await self._take(self._door, busy)
            try:
                session = await open_session(
                    self.device,
                    credential=self._credential,
                    jump_credential=self._jump_credential,
                    hostkeys=self._hostkeys,
                    platform=self.platform,
                    connect_timeout=self.timing.connect,
                    command_timeout=self.timing.command,
                )
            finally:
                if self._door is not None:
                    self._door.release()
            held.pop_all()
        session.ours = self._ours
        self._sessions.append(session)
        self._count(1)
        return session

    async def _take(self, slots: asyncio.Semaphore, busy: str) -> None:
        try:
            async with asyncio.timeout(self.timing.connect):
                await slots.acquire()
        except TimeoutError as error:
            raise DeviceBusy(busy) from error

    async def close(self, *, keep: Terminal | None = None) -> None:
        """Close every session but ``keep``."""
        leaving = [one for one in self._sessions if one is not keep]
        for session in leaving:
            self._sessions.remove(session)
            self._slots.release()
            self._count(-1)
            session.drop()  # all of them before anything is awaited: a second cancel may come
        for session in leaving:
            await session.close()

    # --- verbs -----------------------------------------------------------------------------------

    async def say(
        self,
        session: Terminal,
        line: str,
        *,
        asks: Sequence[Ask] = (),
        also: Sequence[str] = (),
        patience: float | None = None,
    ) -> str:
        """Type a line and keep it in the transcript."""
        answer = await session.run(line, asks=asks, also=also, patience=patience)
        self.transcript.append(Exchange(line=line, answer=answer.strip("\n")))
        return answer

    async def read(self, session: Terminal, *, keep: bool = False) -> Reading:
        """The running-config, dated; with ``keep`` also as a backup.

        Raises IncompleteRead when it is not whole, StoreFailed when it cannot be kept.
        """
        text = await self.running(session)
        read_at = self.clock.now()
        backup = None
        if keep:
            backup = await self._backups.save(self.device.name, text, taken_at=read_at)
        return Reading(text=text, read_at=read_at, backup=backup, hostname=session.hostname)

    async def timer(self, session: Terminal, *, inside: bool = False) -> str | None:
        """Who armed the pending timer; None when none is pending.

        ``inside`` asks from configuration mode. Raises ArmRefused where there are no timers.
        """
        timer = self._revert_timer()
        answer = await self.say(session, f"do {timer.show}" if inside else timer.show)
        pending = timer.pending.search(answer)
        if pending is not None:
            return str(pending["user"])
        if timer.idle.search(answer):
            return None
        raise ArmRefused(f"{self.device.name}: no rollback timer there: {_last(answer)}")

    def _revert_timer(self) -> RevertTimer:
        timer = self.platform.timer
        if timer is None:
            raise ArmRefused(
                f"{self.device.name}: platform {self.platform.name} cannot undo a change by itself",
                next_step="Allow the fallback `reverse` for this device, or change it by hand.",
            )
        return timer

    async def pending(self, session: Terminal) -> bool:
        """Whether our timer runs. Raises RollbackPending when somebody else's does."""
        try:
            user = await self.timer(session)
        except ArmRefused:
            return False
        if user is not None and user != self._credential.username:
            raise RollbackPending(
                f"{self.device.name}: a rollback timer of user {user!r} is pending"
            )
        return user is not None

    async def arm(self, session: Terminal) -> None:
        """Enter configuration mode under a revert timer, proved by prompt and by `timer`.

        Raises ArmRefused (not armed and not in configuration mode), DeviceBusy (locked) or
        RollbackPending (somebody else's timer).
        """
        timer = self._revert_timer()
        answer = await self.say(
            session,
            timer.arm.format(minutes=self.timing.revert_minutes),
            patience=self.timing.rollback,
        )
        if not session.configuring:
            self._not_entered(answer)
            raise ArmRefused(f"{self.device.name}: the device does not arm: {_last(answer)}")
        user = await self.timer(session, inside=True)
        if user == self._credential.username:
            return
        await self.leave(session)
        if user is None:
            # Should a timer run all the same: nothing was typed, so what runs may stay.
            await self.say(session, timer.confirm)
            raise ArmRefused(f"{self.device.name}: armed, but no rollback timer is pending")
        raise RollbackPending(f"{self.device.name}: the rollback timer is of user {user!r}")

    async def configure(self, session: Terminal) -> None:
        """Enter configuration mode without a timer. Raises DeviceBusy or PromptUnexpected."""
        answer = await self.say(session, self.platform.configure)
        if not session.configuring:
            self._not_entered(answer)
            raise PromptUnexpected(
                f"{self.device.name}: configuration mode was not entered: {_last(answer)}"
            )

    def _not_entered(self, answer: str) -> None:
        if self.platform.locked.search(answer):
            raise DeviceBusy(f"{self.device.name}: the configuration is locked: {_last(answer)}")

    async def type(self, session: Terminal, command: Command) -> str | None:
        """Type a configuration line; None when it was taken, else why not (redacted).

        Raises DeviceTimeout when the device began to roll back meanwhile.
        """
        try:
            exchange = await session.type(self._spelled(command))
        except LineRefused as error:
            raise self.refusal(command, redact(error.message)) from error
        except (ConnectionLost, DeviceTimeout) as error:
            line = redact(command.text).strip()
            raise type(error)(f"{error.message} (at `{line}`)") from error
        self.transcript.append(exchange)
        if self.platform.reverts(exchange.answer):
            raise self._fired()
        reason = answers.judge(command.text, exchange.answer)
        return None if reason is None else redact(reason)

    async def pour(
        self, session: Terminal, commands: Sequence[Command], window: Window, *, until: float
    ) -> None:
        """Type configuration lines ahead of their answers; nothing is in the air afterwards.

        Once a line is refused no more are typed, but those in the air are executed: only for a
        change that the device undoes as a whole. The first trouble is raised: LineRefused,
        DeviceTimeout (also when the clock has passed ``until``, and when the device lost lines,
        which it will not be given ahead again), PromptUnexpected outside configuration mode.
        """
        trouble: list[CatnetError] = []
        done = 0

        def heard(command: Command, answered: Answered) -> bool:
            nonlocal done
            done += not answered.late
            self.transcript.append(Exchange(line=command.text, answer=answered.answer))
            found = self._trouble(command, answered)
            if found is None and self.clock.monotonic() > until:
                found = self.late()
            if found is not None:
                trouble.append(found)
            return not trouble

        try:
            spelled = [self._spelled(command) for command in commands]
            await session.pour(spelled, window=window, heard=heard)
        except (LineRefused, ConnectionLost, DeviceTimeout) as error:
            if trouble:
                raise trouble[0] from error
            at = commands[min(done, len(commands) - 1)]
            if isinstance(error, LineRefused):
                raise self.refusal(at, redact(error.message)) from error
            line = redact(at.text).strip()
            raise type(error)(f"{error.message} (at `{line}`)") from error
        if trouble:
            raise trouble[0]

    def _trouble(self, command: Command, answered: Answered) -> CatnetError | None:
        name = self.device.name
        if self.platform.reverts(answered.answer):
            return self._fired()
        reason = answers.judge(command.text, answered.answer)
        if reason is not None:
            return self.refusal(command, redact(reason))
        prompt = answered.prompt
        if prompt is not None and not configures(self.platform, prompt):
            line = redact(command.text).strip()
            return PromptUnexpected(f"{name}: `{line}` left configuration mode")
        if answered.calm is Calm.LOST:
            return DeviceTimeout(
                f"{name}: the device lost lines that were typed ahead",
                next_step="CatNet tries again, one line at a time; `window: 1` in the inventory "
                "makes that the rule for this device.",
            )
        return None

    def _fired(self) -> DeviceTimeout:
        return DeviceTimeout(
            f"{self.device.name}: the revert timer fired before all was typed", next_step=TOO_SLOW
        )

    def late(self) -> DeviceTimeout:
        """The error for a push that the revert timer would overtake."""
        return DeviceTimeout(
            f"{self.device.name}: the push takes longer than the revert timer", next_step=TOO_SLOW
        )

    def _spelled(self, command: Command) -> Command:
        """The command as this platform wants it typed."""
        if command.expect is Expect.TEXT:
            return command
        for line, spelling in self.platform.spellings:
            if found := line.fullmatch(command.text):
                return replace(command, text=found.expand(spelling))
        return command

    def refusal(self, command: Command, reason: str) -> LineRefused:
        """The error for a line that was not taken, naming where it comes from."""
        where = f"{command.origin}: " if command.origin else ""
        return LineRefused(
            f"{where}{self.device.name} refused `{redact(command.text).strip()}`: {reason}"
        )

    async def leave(self, session: Terminal) -> None:
        """Out of configuration mode. Raises PromptUnexpected."""
        await self.say(session, self.platform.leave)
        if not session.ready:
            raise PromptUnexpected(f"{self.device.name}: configuration mode was not left")

    async def confirm(self, session: Terminal) -> None:
        """Keep what runs: end our timer. Raises DeviceTimeout when it has fired already."""
        timer = self._revert_timer()
        answer = await self.say(session, timer.confirm)
        if timer.idle.search(answer):
            raise DeviceTimeout(
                f"{self.device.name}: the revert timer fired before the change was confirmed"
            )
        if answer.strip():
            raise PromptUnexpected(
                f"{self.device.name}: `{timer.confirm}` was answered {_last(answer)}"
            )
        if await self.pending(session):
            raise PromptUnexpected(f"{self.device.name}: confirmed, but the timer is pending")

    async def revert(self, session: Terminal, *, hostname: str | None) -> None:
        """Have the device undo what came after the arm; its outcome must be read back.

        ``hostname`` is what the prompt may become.
        """
        if session.configuring:
            await self.leave(session)
        if not session.ready:
            raise PromptUnexpected(f"{self.device.name}: not at a prompt to revert from")
        await self.say(
            session,
            self._revert_timer().revert,
            also=(hostname,) if hostname else (),
            patience=self.timing.rollback,
        )

    async def save(self, session: Terminal) -> None:
        """Write startup-config. Raises SaveFailed unless the device says it did."""
        answer = ""
        for attempt in range(_SAVE_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self.timing.pause * 6)
            answer = await self.say(
                session,
                self.platform.save,
                asks=self.platform.save_asks,
                patience=self.timing.rollback,
            )
            if self.platform.saved.search(answer):
                return
            if not self.platform.save_busy.search(answer):
                break
        why = _last(answer) or "the device does not say that it saved"
        raise SaveFailed(f"{self.device.name}: the change runs but is not saved: {why}")

    async def running(self, session: Terminal, *, inside: bool = False) -> str:
        """The running-config as text; ``inside`` asks from configuration mode.

        Raises IncompleteRead when it is not whole.
        """
        line = f"do {self.platform.running}" if inside else self.platform.running
        text = await self._config(session, line, whole=parse.whole)
        if parse.whole(text):
            return text
        # Once more: a notice in a bad place or a lost byte is no reason to undo a change.
        text = await self._config(session, line, whole=parse.whole)
        if not parse.whole(text):
            said = _last(text) if len(text) < 200 else "it does not end in `end`"
            raise IncompleteRead(f"{self.device.name}: the running-config is not whole: {said}")
        return text

    async def startup(self, session: Terminal) -> str | None:
        """The startup-config; None when there is none, no whole one, or it cannot be shown."""
        if self.platform.startup is None:
            return None
        text = await self._config(session, self.platform.startup)
        return text if parse.whole(text) else None

    async def _config(
        self, session: Terminal, line: str, *, whole: Callable[[str], bool] | None = None
    ) -> str:
        """A config as shown, without what a device prints before it (load, time)."""
        text = await session.run(line, whole=whole)
        start = self.platform.config_start.search(text)
        return text[start.start() if start is not None else 0 :].strip("\n").rstrip() + "\n"


def same(one: str, other: str) -> bool:
    """Whether the two configs mean the same."""
    return one == other or normal.digest(one) == normal.digest(other)


def difference(running: str, wanted: str, typed: Collection[str] = ()) -> ChangeSet | None:
    """What would have to be typed to get from one config to the other; None when nothing.

    ``typed`` are lines that the device took already; a ``no`` among them need not be shown.
    """
    if same(running, wanted):
        return None
    change_set = diff.compare(running, wanted, typed_before=typed)
    return None if change_set.empty else change_set


def unlike(running: str, wanted: str, typed: Collection[str] = ()) -> str:
    """The difference for people, redacted; empty when there is none."""
    change_set = difference(running, wanted, typed)
    return "" if change_set is None else diff.render(change_set.diff)


def untypable(command: Command) -> str | None:
    """Why a terminal would not take this line as it stands; None when it would."""
    text = command.text
    control = next((letter for letter in text if ord(letter) < 32 or ord(letter) == 127), None)
    if control is not None:
        return f"holds the control character {control!r}"
    if len(text) > _LONGEST_LINE:
        return f"is longer than {_LONGEST_LINE} letters"
    if "?" in text and command.expect is not Expect.TEXT:
        return "holds a `?`, by which IOS shows its help instead"
    return None


def _last(answer: str) -> str:
    """The telling line of an answer, redacted."""
    lines = [line.strip() for line in answer.splitlines() if line.strip(" ^")]
    return redact(lines[-1])[:_TOLD] if lines else ""
