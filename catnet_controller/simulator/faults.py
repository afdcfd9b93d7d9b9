"""What can go wrong with a device, when and how often: faults as data, and their box."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """The kind of a fault."""

    RESET = "reset"
    """The TCP connection is reset."""
    CLOSE = "close"
    """The TCP connection is closed without an SSH goodbye."""
    SILENCE = "silence"
    """The session goes half-open: bytes are swallowed, nothing is ever sent again."""
    HANG = "hang"
    """The line is echoed, then nothing comes for ``seconds`` of IOS time (0: for ever)."""
    SLOW = "slow"
    """Each line that matches is answered ``seconds`` of IOS time late."""
    REJECT = "reject"
    """The line is refused with ``text`` (default: the caret error) and has no effect."""
    FORGET = "forget"
    """The line is accepted silently and not stored."""
    ALTER = "alter"
    """The line ``text`` is stored instead of the one typed."""
    SYSLOG = "syslog"
    """The log message ``text`` lands in the session, on the prompt line."""
    ASK = "ask"
    """The device asks ``text`` and waits for one key before it goes on."""
    EDIT = "edit"
    """Before the line takes effect, somebody at the console types the lines of ``text``."""
    REBOOT = "reboot"
    """The device reloads from its startup-config without a word."""
    LOST_MANAGEMENT = "lost-management"
    """The line cuts the way to the device: every session goes silent, new ones get no answer.
    It ends when the configuration is rolled back or the device reboots."""
    UNREACHABLE = "unreachable"
    """New connections are accepted and stay silent."""
    VTY_FULL = "vty-full"
    """New connections are closed at once: no free VTY line."""
    REFUSED = "refused"
    """New connections are closed after the SSH banner of the device."""
    AUTH_FAIL = "auth-fail"
    """Every password and key is refused."""
    ENABLE_FAIL = "enable-fail"
    """The enable password is refused."""
    DENIED = "denied"
    """Command authorisation is refused: ``Command authorization failed.``"""
    LOCKED = "locked"
    """``configure terminal`` is answered with the lock notice; config mode is not entered."""
    CONFIRM_LOST = "confirm-lost"
    """``configure confirm`` takes effect, its reply and everything after it is lost."""
    SAVE_FAIL = "save-fail"
    """``write memory`` saves nothing and answers ``text`` (default: NVRAM is busy)."""
    ARCHIVE_FAIL = "archive-fail"
    """No archive file can be written: flash is full."""
    REVERT_FAIL = "revert-fail"
    """A rollback leaves the first line that matches as it is."""
    DOWN = "down"
    """The interface or neighbour ``text`` (a regular expression) is down while the running-config
    matches ``match`` (none: always); lasts until cleared."""
    GARBLE = "garble"
    """The answer to the line is damaged: bytes are lost (``text`` lose, the default), come twice
    (double), or stand between NULs (nul); or a log message stands between its lines (log)."""
    CHUNKED = "chunked"
    """All output leaves in pieces of three bytes, which cut characters in the middle; lasts until
    cleared."""
    MIMIC = "mimic"
    """Before its answer the device prints ``text`` (default: the prompt of another device) where a
    prompt would stand, and pauses for ``seconds`` of IOS time."""
    REPEAT = "repeat"
    """The answer to the line before, prompt and all, comes once more."""
    PAGER = "pager"
    """``terminal length`` is refused: output stays paged."""
    NARROW = "narrow"
    """``terminal width`` is refused, and input wider than the terminal scrolls behind a ``$``."""
    NO_SHELL = "no-shell"
    """After the login the AAA server grants no session: ``% Authorization failed.``"""
    EXPIRED = "expired"
    """After the login the device wants a new password."""
    BARRED = "barred"
    """New connections are reset, as by an access-class or an access list."""
    SAVE_CUT = "save-cut"
    """``write memory`` asks whether to cut what is too large for NVRAM; nothing is saved on no."""
    KEY_CHANGED = "key-changed"
    """New connections see other host keys; lasts until cleared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The moment of a fault; every given condition must hold.

    ``line`` counts the configuration lines of a session from 1, since it entered config mode
    (``end`` and ``exit`` count too). ``match`` is a regular expression searched in the text typed
    (without leading blanks). ``chance`` is a probability. ``after`` puts the fault after the line
    took effect instead of before. With neither ``line`` nor ``match`` the fault strikes at the
    first occasion its kind allows; for the kinds that strike at a line, the first line typed in
    configuration mode.
    """

    line: int | None = None
    match: str | None = None
    chance: float = 1.0
    after: bool = False


AFTER = frozenset(
    {
        What.RESET,
        What.CLOSE,
        What.SILENCE,
        What.HANG,
        What.SLOW,
        What.SYSLOG,
        What.REBOOT,
        What.LOST_MANAGEMENT,
    }
)
"""What can happen after a line took effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, ``times`` times (None: until cleared).

    Raises ValueError for what cannot happen at that moment.
    """

    what: What
    when: When = field(default_factory=When)
    times: int | None = 1
    text: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.when.after and self.what not in AFTER:
            raise ValueError(f"{self.what} cannot happen after a line took effect")


class _Armed:
    __slots__ = ("fault", "left", "pattern")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self.pattern = re.compile(fault.when.match) if fault.when.match is not None else None


class Faults:
    """The faults of one device. ``strike`` asks "does one of these happen here?" and counts it."""

    def __init__(self, *, seed: str) -> None:
        self._armed: list[_Armed] = []
        self._random = random.Random(seed)  # noqa: S311  repeatable chance, nothing secret

    def inject(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        self._armed.clear()

    def __bool__(self) -> bool:
        return bool(self._armed)

    def active(self, what: What) -> bool:
        """Whether such a fault is in the box, without counting it."""
        return any(armed.fault.what is what for armed in self._armed)

    def holds(self, what: What, name: str, running: str) -> bool:
        """Whether a lasting fault is about ``name`` under this running-config."""
        return any(
            armed.fault.what is what
            and re.fullmatch(armed.fault.text or ".*", name) is not None
            and (armed.pattern is None or armed.pattern.search(running) is not None)
            for armed in self._armed
        )

    def strike(
        self,
        *whats: What,
        text: str = "",
        line: int | None = None,
        after: bool = False,
        bare: bool = True,
    ) -> Fault | None:
        """The first fault of these kinds that happens now, or None.

        ``bare`` says whether a fault without ``line`` and ``match`` may strike here.
        """
        if not self._armed:
            return None
        for armed in self._armed:
            fault, when = armed.fault, armed.fault.when
            if fault.what not in whats or when.after is not after:
                continue
            if when.line is not None and when.line != line:
                continue
            if armed.pattern is not None and armed.pattern.search(text) is None:
                continue
            if when.line is None and armed.pattern is None and not bare:
                continue
            if when.chance < 1.0 and self._random.random() >= when.chance:
                continue
            if armed.left is not None:
                armed.left -= 1
                if armed.left <= 0:
                    self._armed.remove(armed)
            return fault
        return None

    def filter(self, keep: Callable[[Fault], bool]) -> None:
        """Drop the faults that ``keep`` does not want."""
        self._armed = [armed for armed in self._armed if keep(armed.fault)]
