"""What is known of a line: its row, the mode it opens, the line that takes it away."""

from functools import lru_cache

from catnet_controller.ios.rows import Book, Kind, Match, Row, firsts, seconds
from catnet_controller.ios.tables import filters, general, interfaces, routing, security, services
from catnet_controller.ios.tree import Path
from catnet_controller.ios.words import spelling

BOOK = Book(
    general.ROWS + interfaces.ROWS + filters.ROWS + routing.ROWS + security.ROWS + services.ROWS
)


@lru_cache(maxsize=131072)
def match(mode: str, line: str) -> Match | None:
    """What is known of a canonical line (with or without ``no``) in a mode, or None."""
    return BOOK.find(mode, line)


@lru_cache(maxsize=131072)
def look(mode: str, line: str) -> tuple[str, Match | None]:
    """A line as typed or printed to its canonical form and what is known of it."""
    text = spelling(line, mode)
    return text, BOOK.find(mode, text)


UNKNOWN = "?"
"""The mode inside a section that no row knows."""


@lru_cache(maxsize=16384)
def mode(path: Path) -> str:
    """The mode inside the sections of a path: ``config`` for ``()``, ``?`` when not known."""
    if not path:
        return "config"
    outer = mode(path[:-1])
    found = match(outer, path[-1])
    return found.row.opens if found and found.row.opens else UNKNOWN


def known(path: Path, line: str) -> Row | None:
    """The row of a canonical line in the section ``path``, or None."""
    found = match(mode(path), line)
    return found.row if found else None


def opens(path: Path, line: str) -> bool:
    """True when the line opens a section there."""
    row = known(path, line)
    return row is not None and row.kind is Kind.SECTION and not line.startswith("no ")


def negation(found: Match, line: str) -> str:
    """The line that takes ``line`` away (or brings it back, when it is a ``no`` line)."""
    if found.negative:
        return line[3:]
    if found.row.no == "full":
        return f"no {line}"
    return found.row.no.format(*found.words)


_OPENERS = frozenset(
    (first, second)
    for row in BOOK.rows
    if row.mode == "config" and row.kind is Kind.SECTION
    for first in firsts(row)
    for second in (seconds(row) or [""])
)


def may_open(line: str) -> bool:
    """False for a line of global config, as typed, that opens no section for certain."""
    first, _, rest = line.partition(" ")
    if first in ("no", "end"):
        return False
    return (
        (first, "") in _OPENERS
        or (first, rest.partition(" ")[0]) in _OPENERS
        or first not in _WORDS
    )


_WORDS = frozenset(first for row in BOOK.rows if row.mode == "config" for first in firsts(row))
