"""The nouns of a comparison: commands to type, the readable diff, and the change set of both."""

from dataclasses import dataclass
from enum import StrEnum


class Expect(StrEnum):
    """What the device shows after a line was typed."""

    PROMPT = "prompt"
    """A configuration prompt."""
    TEXT = "text"
    """No prompt: a text block (banner, certificate) is open and takes the next line as content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question the device may put after a line, and what to answer.

    ``pattern`` is a regular expression searched in the output; ``reply`` is typed as it stands,
    followed by ENTER unless ``bare`` (``[confirm]`` reads one key).
    """

    pattern: str
    reply: str
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One line to type in configuration mode.

    ``text`` has no newline and no leading blanks. ``depth`` is the number of sections around it.
    ``origin`` is ``file:line`` of the desired line it comes from, None for a removal.
    """

    text: str
    depth: int = 0
    origin: str | None = None
    expect: Expect = Expect.PROMPT
    asks: tuple[Ask, ...] = ()


class Sign(StrEnum):
    """How a line of a diff differs."""

    ADD = "+"
    REMOVE = "-"
    KEEP = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One line of the readable, redacted, hierarchical diff; ``depth`` sections around it."""

    sign: Sign
    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason why this change must not be typed: the line, where it stands, and why."""

    line: str
    origin: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """The pure result of comparing: what to type, how to go back, what it will look like.

    Only ``diff`` and ``warnings`` are redacted; ``commands``, ``reverse`` and ``predicted`` hold
    secrets and never leave the process unredacted. A change set with ``refusals`` must not be
    typed. ``predicted`` is the running-config that IOS would have after ``commands``.
    """

    commands: tuple[Command, ...] = ()
    reverse: tuple[Command, ...] = ()
    diff: tuple[DiffLine, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unmanaged: int = 0
    predicted: str = ""

    @property
    def empty(self) -> bool:
        """True when there is nothing to type and nothing that was refused."""
        return not self.commands and not self.refusals
