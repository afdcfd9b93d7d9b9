"""Lines whose values add up on the device, as those of ``match``: their values, joined and taken.

Typing such a line adds its values to those there are, ``no`` takes away the ones it names (Cisco
IOS IP Routing command references, ``match ip address`` and ``match community``).
"""

from catnet_controller.ios.rows import Match

_KEYWORDS = frozenset({"exact-match", "+-"})
"""Words that are no value of their own; a line with one of them is a whole."""


def adds(found: Match | None, *lines: str) -> bool:
    """True when the lines are of a row whose values add up, and hold nothing but values."""
    if found is None or found.row.change != "add":
        return False
    return not any(line.startswith("no ") or _KEYWORDS & {*line.split()} for line in lines)


def values(found: Match, line: str) -> tuple[str, ...]:
    """The values of a line, each once."""
    return tuple(dict.fromkeys(line.split()[_head(found) :]))


def line(found: Match, text: str, of: tuple[str, ...]) -> str:
    """The line ``text`` with other values; empty when there are none."""
    return " ".join((*text.split()[: _head(found)], *of)) if of else ""


def joined(found: Match, old: str, new: str) -> str:
    """What the device has after ``new`` was typed over ``old``."""
    return line(found, old, tuple(dict.fromkeys((*values(found, old), *values(found, new)))))


def less(found: Match, old: str, gone: str) -> str:
    """What the device has of ``old`` after ``no`` with ``gone``; empty when nothing is left."""
    named = values(found, gone) or values(found, old)
    return line(found, old, tuple(one for one in values(found, old) if one not in named))


def _head(found: Match) -> int:
    return len(found.row.pattern.split()) - 1
