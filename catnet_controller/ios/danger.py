"""Commands to the dangers in them: never sent, cuts our own session, or disturbs traffic."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from catnet_controller.ios.changes import Command
from catnet_controller.ios.rows import Kind
from catnet_controller.ios.rules import match, mode
from catnet_controller.ios.tree import Path
from catnet_controller.ios.words import canonical

# Exec commands, and config lines that no way back repairs (facts: prompts and danger, never sent).
_NEVER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"do(?: |$)", "exec commands are never typed from configuration"),
        (r"reload(?: |$)", "the device would restart"),
        (r"(?:write|wr)(?: |$)", "CatNet saves the configuration itself"),
        (r"(?:erase|delete|format|squeeze)(?: |$)", "files of the device would be lost"),
        (r"copy ", "CatNet saves the configuration itself"),
        (r"(?:no )?crypto key ", "keys do not stand in the configuration"),
        (r"no line vty(?:$| [0-4](?: |$))", "the lines that CatNet logs in on"),
        (r"no line con", "the way in when all else fails"),
        (r"no vlan 1(?: |$)", "the default VLAN cannot be removed"),
        (r"(?:no )?boot ", "the boot image decides whether the device comes back"),
        (r"(?:no )?config-register", "a wrong register leaves the device at the boot loader"),
        (r"(?:no )?key config-key", "the master key is never changed by a push"),
        (r"configure ", "the revert timer is CatNet's own"),
        (r"(?:archive|no archive) (?:config|tar|download)", "files of the device would change"),
        (r"license install", "licences are not configuration"),
    )
)
_ENTER = frozenset({"exit", "end", "quit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """A command that needs a second thought. ``never`` outranks the other kinds."""

    command: str
    origin: str | None
    kind: Literal["never", "management", "disruptive"]
    reason: str


def never(line: str) -> str | None:
    """Why a line is never sent, or None."""
    text = canonical(line, "config")
    return next((reason for pattern, reason in _NEVER if pattern.match(text)), None)


def dangers(commands: Sequence[Command]) -> tuple[Danger, ...]:
    """The dangers in a list of commands, in its order."""
    found: list[Danger] = []
    path: Path = ()
    block = False
    for command in commands:
        if not block:
            path = path[: command.depth]
            if danger := _danger(path, command):
                found.append(danger)
            text = canonical(command.text, mode(path))
            matched = match(mode(path), text)
            if matched and matched.row.kind is Kind.SECTION and not matched.negative:
                path = (*path, text)
        block = command.expect.value == "text"
    return tuple(found)


def _danger(path: Path, command: Command) -> Danger | None:
    text = canonical(command.text, mode(path))
    if text in _ENTER:
        return None
    if path == () and (reason := never(text)):
        return Danger(command=command.text, origin=command.origin, kind="never", reason=reason)
    found = match(mode(path), text.removeprefix("default "))
    if found is None:
        return None
    row = found.row
    taken = found.negative or text.startswith("default ")
    if row.kind is Kind.SECTION and not taken:
        return None
    if row.never:
        return Danger(command=command.text, origin=command.origin, kind="never", reason=row.never)
    if not row.danger or (row.only_removed and not taken):
        return None
    return Danger(
        command=command.text,
        origin=command.origin,
        kind="management" if row.management else "disruptive",
        reason=row.danger,
    )
