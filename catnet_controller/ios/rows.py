"""What a row of knowledge says about IOS lines, and the notation rows are written in.

A row is one fact about one family of lines in one mode. The rows are written as text tables in
``ios/tables``, one line a row, in the order in which ``show running-config`` prints them::

    kind  pattern  ; option value ; option value

Pattern words: a literal; ``<x>`` one word that belongs to the identity; ``<a|b>`` one of these,
identity; ``x<y>`` a word that begins with ``x``, its rest identity; ``<#>`` a number, identity;
``a|b`` one of these, value; ``*`` one word, value; ``...`` the rest, value; ``[...]`` an optional
rest, value; ``<...>`` the rest, identity. Two lines of equal identity exclude each other
(``ip address A`` and ``ip address B``); what is outside the identity is the value.

Kinds: ``single`` one value per identity, re-entry replaces; ``list`` every identity stands for
itself, ``no`` takes the whole line; ``flag`` on or off; ``ordered`` a list whose order matters;
``section`` opens a mode; ``block`` takes physical lines as opaque content; ``entry`` an access-list
entry, addressed by number.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from catnet_controller.ios.changes import Ask


class Kind(StrEnum):
    """What a line is; see the head of this module."""

    SINGLE = "single"
    LIST = "list"
    FLAG = "flag"
    ORDERED = "ordered"
    SECTION = "section"
    BLOCK = "block"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact.

    ``place`` is the position in the table: IOS prints lines in this order. ``stage`` orders
    commands: low before high when adding, high before low when removing. ``no`` is the template of
    the negation (``{0}`` the first identity word); ``full`` means ``no`` and the whole line.
    """

    mode: str
    pattern: str
    kind: Kind
    place: int
    source: str
    positive: re.Pattern[str]
    prefix: re.Pattern[str]
    no: str
    stage: int = 50
    opens: str = ""
    on: bool = False
    """The device has it on unless it prints ``no``: absent means on."""
    off: bool = False
    """The device never prints the ``no`` form: absent means off."""
    shown: bool = False
    """The device prints ``no ...`` in place of a value that is not set."""
    both: bool = False
    """Absent means on or off by what else is set; the device prints what differs from that."""
    default: str = ""
    """The line equal to the default, which the device does not print."""
    near: int = 0
    """A line replaces the one that shares this many words with it; see ``shared``."""
    once: bool = False
    """The device refuses what it has under another number already; see ``shared``."""
    rival: str = ""
    """Lines with the same rival text (``{0}`` as in ``no``) cannot both be on the device."""
    change: str = "overwrite"
    """``overwrite``: enter the new line; ``remove``: the old one must go right before;
    ``replace``: a section that takes no edits is made anew; ``add``: the values add up, so what is
    new comes first and what is old goes then."""
    wipes: str = ""
    """Lines of the same section, as a pattern, that the device drops when this one changes."""
    cascade: str = ""
    """Lines anywhere below the same section that go with the removal; ``{0}`` as in ``no``."""
    made: bool = False
    """Made by the device itself: counts only when the desired text names it (rule 15)."""
    fixed: bool = False
    """Cannot be removed: ports, lines, the default VLAN."""
    vlans: bool = False
    """The value is a set of VLANs."""
    asks: tuple[Ask, ...] = ()
    never: str = ""
    """Why this line is never sent, empty when it may be."""
    danger: str = ""
    """Why this line can cut the session or disturb traffic."""
    management: bool = False
    """The danger is to CatNet's own access, not only to traffic."""
    only_removed: bool = False
    """Dangerous only when it goes, not when it comes."""
    tags: frozenset[str] = field(default_factory=frozenset)

    ordered: bool = field(init=False)
    """The order of these lines among themselves has meaning (rule 17)."""
    whole: bool = field(init=False)
    """All of the line is its identity."""
    valued: bool = field(init=False)
    """A negation may leave the value out."""
    plain: bool = field(init=False)
    """Its lines count as they stand: none is implied, joined with another, or opens anything."""

    def __post_init__(self) -> None:
        for name, value in (
            ("ordered", self.kind is Kind.ORDERED or "ordered" in self.tags),
            ("whole", self.kind in (Kind.LIST, Kind.ORDERED)),
            ("valued", self.kind in (Kind.SINGLE, Kind.SECTION, Kind.BLOCK)),
            (
                "plain",
                self.kind not in (Kind.SECTION, Kind.BLOCK, Kind.ENTRY)
                and not (self.vlans or self.default or self.change == "add")
                and not (self.kind is Kind.FLAG and self.on),
            ),
        ):
            object.__setattr__(self, name, value)

    @property
    def blank(self) -> bool:
        """True for the row that takes any line of its mode."""
        return self.pattern.startswith("<...>")

    def shared(self, text: str) -> tuple[str, ...]:
        """What a line has in common with the one it replaces; a port and its next hop are one.

        For ``once``: all but the last identity word.
        """
        words = text.split()
        if self.once:
            place = max(n for n, word in enumerate(self.pattern.split()) if "<" in word)
            return (*words[:place], *words[place + 1 :])
        count = self.near
        hop, after = [*words[count - 1 : count + 1], "", ""][:2]
        if hop[:1].isalpha() and ":" not in hop and ("." in after or ":" in after):
            count += 1
        return tuple(words[:count])

    @property
    def loose(self) -> bool:
        """True for a row that says little: a whole family taken as lines that are on or off."""
        return self.kind is Kind.FLAG and "<...>" in self.pattern


class Match(NamedTuple):
    """A line and its row. ``key`` is equal for lines that exclude each other."""

    row: Row
    key: tuple[str, ...]
    words: tuple[str, ...]
    negative: bool


CONFIRM = Ask(pattern=r"\[confirm\]", reply="y", bare=True)
YES = Ask(pattern=r"\[yes/no\]:?\s*$", reply="yes")

_WORD = re.compile(r"<\.\.\.>|\[\.\.\.\]|\.\.\.|\S+")
_HOLE = re.compile(r"<[^>]*>$")
_FLAGS = frozenset(
    {"on", "off", "shown", "both", "made", "fixed", "vlans", "once", "management", "only_removed"}
)
_TEXTS = frozenset(
    {"no", "opens", "default", "change", "wipes", "cascade", "rival", "never", "danger"}
)
Cite = Callable[[str, str], str]
"""Gives the source of a row from its mode and pattern."""


def table(mode: str, cite: Cite, text: str, *, first: int = 0) -> tuple[Row, ...]:
    """Rows from the text of a table. Raises ValueError for a line that is not well formed.

    The option ``source`` of a row adds to what ``cite`` says: where a special trait is stated.
    """
    lines = (line.strip() for line in text.strip().splitlines())
    return tuple(
        _row(mode, cite, line, first + number)
        for number, line in enumerate(lines)
        if line and not line.startswith("#")
    )


def _row(mode: str, cite: Cite, line: str, place: int) -> Row:
    head, *options = (part.strip() for part in line.split(" ;"))
    kind, pattern = head.split(None, 1)
    values: dict[str, object] = {}
    source = cite(mode, pattern)
    for option in options:
        name, _, value = option.partition(" ")
        if name in _FLAGS:
            values[name] = True
        elif name in _TEXTS:
            values[name] = value
        elif name == "source":
            source = f"{source}; {value}"
        elif name in ("stage", "near"):
            values[name] = int(value)
        elif name == "asks":
            values["asks"] = (CONFIRM,) if value == "confirm" else (YES,)
        elif name == "tags":
            values["tags"] = frozenset(value.split())
        else:
            raise ValueError(f"unknown option {name!r} in row: {line}")
    positive, prefix, template = _compile(pattern, Kind(kind))
    if "no" in values:
        prefix = _negated(str(values["no"])) or prefix
    values.setdefault("no", template)
    return Row(
        mode=mode,
        pattern=pattern,
        kind=Kind(kind),
        place=place,
        source=source,
        positive=positive,
        prefix=prefix,
        **values,  # type: ignore[arg-type]
    )


def _compile(pattern: str, kind: Kind) -> tuple[re.Pattern[str], re.Pattern[str], str]:
    """The full expression, the one for a negated line without its value, and the negation."""
    full: list[str] = []
    short: list[str] = []
    template = ["no"]
    identities = 0
    open_ = True
    for word in _WORD.findall(pattern):
        value = False
        if word == "<...>":
            expression = r" (.+)"
        elif word == "[...]":
            expression, value = r"(?: .*)?", True
        elif word == "...":
            expression, value = r" .+", True
        elif word == "*":
            expression, value = r" \S+", True
        elif word == "<#>":
            expression = r" (\d+)"
        elif word.startswith("<") and "|" in word:
            expression = f" ({_either(word[1:-1])})"
        elif word.startswith("<"):
            expression = r" (\S+)"
        elif word.endswith(">") and "<" in word:
            stem, _, name = word.partition("<")
            expression = f" {re.escape(stem)}({'.+' if name == '...>' else r'[^ ]+'})"
        elif "|" in word:
            expression, value = f" (?:{_either(word)})", True
        else:
            expression = " " + re.escape(word)
        full.append(expression)
        open_ = open_ and not value
        if open_:
            short.append(expression)
            template.append(_HOLE.sub(f"{{{identities}}}", word))
        identities += "<" in word
    negation = " ".join(template)
    late = identities > sum("{" in word for word in template)
    if kind in (Kind.LIST, Kind.FLAG, Kind.ORDERED, Kind.ENTRY) or late:
        negation = "full"
    positive = "".join(full).removeprefix(" ")
    prefix = "".join(short).removeprefix(" ") + ("" if open_ else r"(?: .*)?")
    return re.compile(positive + r"$"), re.compile(prefix + r"$"), negation


def _either(words: str) -> str:
    return "|".join(re.escape(word) for word in words.split("|"))


def _negated(template: str) -> re.Pattern[str] | None:
    """The expression for lines that the negation of a row gives, without its first word."""
    if template == "full":
        return None
    words = template.split()[1:]
    body = " ".join(r"(\S+)" if word.startswith("{") else re.escape(word) for word in words)
    return re.compile(body + r"(?: .*)?$")


# Without the call in between that a named tuple makes: as many as there are lines.
_match = tuple.__new__
_CHOICE = re.compile(r"<[\w-]+(?:\|[\w-]+)+>")
_LITERAL = re.compile(r"(?!\.\.\.$)[\w.:@-]+")
_Shelf = tuple[Row, ...]


class _Shelves(NamedTuple):
    """The rows of a first word: by the second; where that may be any, by the third."""

    seconds: Mapping[str, _Shelf]
    thirds: Mapping[str, _Shelf]


class Book:
    """All rows, found by mode and line. Built once."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.rows = rows
        self._modes: dict[str, dict[str, list[Row]]] = {}
        for row in rows:
            words = self._modes.setdefault(row.mode, {})
            for one in firsts(row):
                words.setdefault(one, []).append(row)
        self._shelves = {
            mode: {first: _shelves(words, first) for first in words}
            for mode, words in self._modes.items()
        }

    def find(self, mode: str, line: str) -> Match | None:
        """The first row that takes the line, those that say little last."""
        negative = line.startswith("no ")
        text = line[3:] if negative else line
        shelves = self._shelves.get(mode)
        if shelves is None:
            return None
        first, _, rest = text.partition(" ")
        below = shelves.get(first) or shelves.get("")
        if below is None:
            return None
        second, _, rest = rest.partition(" ")
        shelf = below.seconds.get(second)
        if shelf is None:
            thirds = below.thirds
            shelf = thirds.get(rest.partition(" ")[0]) or thirds[""]
        for row in shelf:
            found = row.positive.match(text)
            if found is None and negative and row.valued:
                found = row.prefix.match(text)
                if found is not None and found.re.groups != row.positive.groups:
                    found = None
            if found is not None:
                words = found.groups("")
                key = (row.pattern, text) if row.whole else (row.pattern, *words)
                return _match(Match, (row, key, words, negative))
        return None

    def modes(self) -> Mapping[str, Mapping[str, list[Row]]]:
        return self._modes


def firsts(row: Row) -> Sequence[str]:
    """The words a line of this row begins with; the empty word where it may be any."""
    first = row.pattern.split(" ", 1)[0]
    if "|" in first and "<" not in first:
        return first.split("|")
    return (first if _LITERAL.fullmatch(first) else "",)


def seconds(row: Row) -> Sequence[str]:
    """The words that every line of this row has one of as its second; none where it may be any."""
    word = "".join(row.pattern.split()[1:2])
    if row.no == "full" and _CHOICE.fullmatch(word):
        return word[1:-1].split("|")
    return _literal(row, 1)


def _literal(row: Row, place: int) -> Sequence[str]:
    """The word that every line of this row has at a place, its negation as well."""
    word = "".join(row.pattern.split()[place : place + 1])
    if not _LITERAL.fullmatch(word):
        return ()
    if row.no != "full" and row.no.split()[place + 1 : place + 2] != [word]:
        return ()
    return (word,)


def _thirds(row: Row) -> Sequence[str]:
    """As `seconds`, for the third word behind a second that is one word of any kind."""
    word = "".join(row.pattern.split()[1:2])
    return _literal(row, 2) if word == "*" or re.fullmatch(r"<[\w#]+>", word) else ()


def _shelves(words: Mapping[str, Sequence[Row]], first: str) -> _Shelves:
    """The rows of a first word, those that say little last; "" is any other word."""
    rows = (*words[first], *(words.get("", ()) if first else ()))
    rows = (*(row for row in rows if not row.loose), *(row for row in rows if row.loose))
    return _Shelves(
        _shelf(rows, seconds), _shelf([row for row in rows if not seconds(row)], _thirds)
    )


def _shelf(rows: Sequence[Row], words: Callable[[Row], Sequence[str]]) -> dict[str, _Shelf]:
    each = [(row, words(row)) for row in rows]
    found = {"", *(word for _, some in each for word in some)}
    return {one: tuple(row for row, some in each if not some or one in some) for one in found}
