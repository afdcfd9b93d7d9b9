"""Steps of a plan, each in its section, to the lines that are typed: headers, exits, blocks."""

from collections.abc import Sequence
from dataclasses import dataclass

from catnet_controller.ios.answers import asks
from catnet_controller.ios.changes import Command, Expect
from catnet_controller.ios.items import Item
from catnet_controller.ios.rules import UNKNOWN, match, mode, opens
from catnet_controller.ios.tree import Path

_DELIMITERS = ("^", "~", "|", "@", "`", "\\", "_", "=", "%", "$", "&", "*", "+", "?", ";")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line to type in a section. ``line`` is that of the desired text, 0 for a removal."""

    path: Path
    text: str
    line: int = 0
    lines: tuple[str, ...] = ()
    """The lines that follow when ``text`` opens a block, the closing one included."""
    note: str = ""
    """What a person should know of this step."""
    stop: str = ""
    """Why this step must not be typed."""


def block(item: Item, path: Path) -> Step:
    """The step that types a banner or a macro."""
    if not item.text.endswith(" ^C"):
        return Step(path=path, text=item.text, line=item.line, lines=(*item.body, "@"))
    content = "\n".join(item.body)
    mark = next((one for one in _DELIMITERS if one not in content), "\x03")
    return Step(
        path=path,
        text=f"{item.text.removesuffix(' ^C')} {mark}",
        line=item.line,
        lines=(*item.body, mark),
    )


def typed(
    steps: Sequence[Step], origins: Sequence[str] = (), *, headers: dict[Path, int] | None = None
) -> tuple[Command, ...]:
    """Steps to commands: sections are entered and left as the lines need it.

    Leaving is explicit wherever the next line could be taken in the section one is in.
    """
    commands: list[Command] = []
    now: Path = ()
    lines = headers or {}

    def origin(line: int) -> str | None:
        return origins[line - 1] if 0 < line <= len(origins) else None

    for step in steps:
        now = _leave(commands, now, step)
        while len(now) < len(step.path):
            header = step.path[len(now)]
            commands.append(
                Command(
                    text=header,
                    depth=len(now),
                    origin=origin(lines.get(step.path[: len(now) + 1], 0)),
                )
            )
            now = (*now, header)
        commands.append(
            Command(
                text=step.text,
                depth=len(now),
                origin=origin(step.line),
                expect=Expect.TEXT if step.lines else Expect.PROMPT,
                asks=asks(step.text) if not now else (),
            )
        )
        for number, line in enumerate(step.lines, 1):
            last = number == len(step.lines)
            commands.append(
                Command(
                    text=line,
                    depth=len(now),
                    origin=origin(step.line),
                    expect=Expect.PROMPT if last else Expect.TEXT,
                )
            )
        if not step.lines and opens(now, step.text):
            now = (*now, step.text)
    return tuple(commands)


def taken(path: Path, bare: str) -> bool:
    """True when a line could be taken in a section, even by a row that says little."""
    inside = mode(path)
    return match(inside, bare) is not None or match(inside, f"no {bare}") is not None


def _leave(commands: list[Command], now: Path, step: Step) -> Path:
    shared = 0
    while shared < min(len(now), len(step.path)) and now[shared] == step.path[shared]:
        shared += 1
    if shared == len(now):
        return now
    following = step.path[shared] if len(step.path) > shared else step.text
    bare = following.removeprefix("no ").removeprefix("default ")
    if shared == 0 and not any(
        mode(now[:depth]) == UNKNOWN or taken(now[:depth], bare) for depth in range(1, len(now) + 1)
    ):
        return ()
    commands += [Command(text="exit", depth=depth) for depth in range(len(now), shared, -1)]
    return now[:shared]
