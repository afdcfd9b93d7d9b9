"""How a typed line is read: rows of a small notation compiled to one graph per mode, then matched
token by token with unique-prefix abbreviation; out comes the full text, or where it went wrong.

The notation of a row (see `syntax` for the rows):

- ``word`` a keyword, ``'RO'`` a keyword printed exactly so, ``-word`` one that is not printed,
  ``+word`` printed though not typed;
- ``IFACE``, ``IP``, … an argument (`KINDS`), ``<1-4094>`` a number in a range;
- ``[ a b ]`` optional, ``( a | b )`` a choice, ``{ a | b }`` any of these, any number of times;
- ``~`` where a ``no`` or ``default`` form may stop;
- ``=> mode`` at the end: the line opens that mode.
"""

# ruff: noqa: S105  a token here is a piece of notation

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from catnet_controller.ios import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One form of a command. ``opens`` is the mode it leads to, ``tag`` what handles it."""

    text: str
    opens: str | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A line that was understood: its full text, and the row it is a form of."""

    text: str
    words: tuple[str, ...]
    row: Row
    negated: bool = False
    defaulted: bool = False


class Trouble(Exception):
    """The line was not understood; the text is what IOS prints for it."""


class Incomplete(Trouble):
    """More words are needed."""


class Ambiguous(Trouble):
    """An abbreviation fits several keywords; ``line`` is what was typed up to it."""

    def __init__(self, line: str) -> None:
        super().__init__(f'% Ambiguous command:  "{line}"')


class Invalid(Trouble):
    """A word that does not fit; ``offset`` is its column in the line."""

    def __init__(self, offset: int, *, first: bool = False) -> None:
        super().__init__("% Invalid input detected at '^' marker.")
        self.offset = offset
        self.first = first


# --- arguments ---------------------------------------------------------------------------------


def _ip(word: str) -> str | None:
    try:
        return str(IPv4Address(word))
    except AddressValueError:
        return None


def _ip6(word: str) -> str | None:
    if ":" not in word:
        return None
    try:
        return str(IPv6Address(word)).upper()
    except AddressValueError:
        return None


def _prefix(word: str) -> str | None:
    address, slash, length = word.partition("/")
    if not slash or not length.isdigit() or int(length) > 32 or _ip(address) is None:
        return None
    return f"{_ip(address)}/{int(length)}"


def _prefix6(word: str) -> str | None:
    address, slash, length = word.partition("/")
    if not slash or not length.isdigit() or int(length) > 128 or _ip6(address) is None:
        return None
    return f"{_ip6(address)}/{int(length)}"


def _pattern(expression: str) -> Callable[[str], str | None]:
    compiled = re.compile(expression)
    return lambda word: word if compiled.fullmatch(word) else None


def _upper(expression: str) -> Callable[[str], str | None]:
    compiled = re.compile(expression, re.IGNORECASE)
    return lambda word: word.upper() if compiled.fullmatch(word) else None


def _number(low: int, high: int) -> Callable[[str], str | None]:
    def accept(word: str) -> str | None:
        return str(int(word)) if word.isdigit() and low <= int(word) <= high else None

    return accept


_KINDS_OF_INTERFACE = frozenset(kind for kind, _ in names.TYPES)
_INTERFACE = re.compile(r"([A-Za-z][A-Za-z0-9-]*?)(\d+(?:/\d+){0,3}(?:\.\d+)?(?::\d+)?)")


def interface(word: str) -> str | None:
    """The full name of an interface, or None when it is none that IOS knows."""
    full = names.interface(word)
    found = _INTERFACE.fullmatch(full)
    return full if found is not None and found[1] in _KINDS_OF_INTERFACE else None


@dataclass(frozen=True, slots=True)
class _Kind:
    accept: Callable[[str], str | None]
    cost: int


KINDS: Mapping[str, _Kind] = {
    "IP": _Kind(_ip, 2),
    "MASK": _Kind(_ip, 2),
    "IP6": _Kind(_ip6, 2),
    "PREFIX": _Kind(_prefix, 2),
    "PREFIX6": _Kind(_prefix6, 2),
    "IFACE": _Kind(interface, 3),
    "MAC": _Kind(_pattern(r"[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}"), 2),
    "HEX": _Kind(_pattern(r"(0x)?[0-9A-Fa-f.]+"), 4),
    "TIME": _Kind(_pattern(r"\d{1,2}:\d{2}(:\d{2})?"), 2),
    "VLANS": _Kind(_pattern(r"\d+(-\d+)?(,\d+(-\d+)?)*"), 2),
    "COMM": _Kind(_pattern(r"\d+:\d+|\d+"), 3),
    "RT": _Kind(_pattern(r"[\d.]+:\d+"), 3),
    "NUM": _Kind(_number(0, 4294967295), 2),
    "ASN": _Kind(_pattern(r"\d+(\.\d+)?"), 2),
    "PORT": _Kind(_upper(r"[a-z][a-z0-9-]*|\d{1,5}"), 5),
    "NAME": _Kind(_pattern(r"\S+"), 6),
    "WORD": _Kind(_pattern(r"\S+"), 6),
    "LINE": _Kind(_pattern(r".+"), 7),
}
"""Argument kinds: what they accept (and print), and how little they say of themselves."""

# --- graph -------------------------------------------------------------------------------------


class _Node:
    __slots__ = ("arcs", "closed", "cut", "empty", "final")

    def __init__(self) -> None:
        self.empty: list[tuple[_Node, str]] = []
        self.arcs: list[_Arc] = []
        self.final: Row | None = None
        self.cut: Row | None = None
        self.closed: _Closure | None = None


@dataclass(frozen=True, slots=True)
class _Arc:
    target: _Node
    keyword: str = ""
    shown: str = ""
    kind: str = ""
    accept: Callable[[str], str | None] | None = None
    cost: int = 0


@dataclass(slots=True)
class _Closure:
    """What can follow a node: keyword arcs by first letter, argument arcs, and the ends."""

    keywords: dict[str, list[tuple[_Arc, str]]] = field(default_factory=dict)
    arguments: list[tuple[_Arc, str]] = field(default_factory=list)
    final: tuple[Row, str] | None = None
    cut: tuple[Row, str] | None = None


def _closure(node: _Node) -> _Closure:
    if node.closed is not None:
        return node.closed
    made = _Closure()
    seen: set[tuple[int, str]] = set()
    todo: list[tuple[_Node, str]] = [(node, "")]
    while todo:
        here, emitted = todo.pop(0)
        if (id(here), emitted) in seen:
            continue
        seen.add((id(here), emitted))
        if here.final is not None and made.final is None:
            made.final = (here.final, emitted)
        if here.cut is not None and made.cut is None:
            made.cut = (here.cut, emitted)
        for arc in here.arcs:
            if arc.keyword:
                made.keywords.setdefault(arc.keyword[0], []).append((arc, emitted))
            else:
                made.arguments.append((arc, emitted))
        for target, text in here.empty:
            todo.append((target, f"{emitted} {text}".strip()))
    node.closed = made
    return made


_TOKEN = re.compile(r"'[^']+'|<\d+-\d+>|=>|[\[\](){}|~]|[^\s\[\](){}|~]+")


class _Compiler:
    """One row's text to nodes, by recursive descent."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.tokens = _TOKEN.findall(row.text)
        self.at = 0

    def compile(self, start: _Node) -> None:
        end = self._sequence(start)
        if self.at != len(self.tokens):
            raise ValueError(f"unbalanced row: {self.row.text}")
        end.final = self.row

    def _sequence(self, start: _Node) -> _Node:
        here = start
        while self.at < len(self.tokens) and self.tokens[self.at] not in "])}|":
            here = self._item(here)
        return here

    def _choices(self, start: _Node, close: str) -> list[_Node]:
        ends = []
        while True:
            ends.append(self._sequence(start))
            token = self.tokens[self.at]
            self.at += 1
            if token == close:
                return ends
            if token != "|":
                raise ValueError(f"expected {close}: {self.row.text}")

    def _item(self, here: _Node) -> _Node:
        token = self.tokens[self.at]
        self.at += 1
        after = _Node()
        if token == "~":
            here.cut = self.row
            return here
        if token in "[({":
            inside = _Node()
            here.empty.append((inside, ""))
            close = {"[": "]", "(": ")", "{": "}"}[token]
            for end in self._choices(inside, close):
                end.empty.append((inside if token == "{" else after, ""))
            if token == "[":
                here.empty.append((after, ""))
            if token == "{":
                inside.empty.append((after, ""))
            return after
        if token.startswith("+"):
            here.empty.append((after, token[1:]))
        elif token.startswith("'"):
            shown = token[1:-1]
            here.arcs.append(_Arc(after, keyword=shown.lower(), shown=shown))
        elif token.startswith("-"):
            here.arcs.append(_Arc(after, keyword=token[1:], shown=""))
        elif token.startswith("<"):
            low, high = token[1:-1].split("-")
            accept = _number(int(low), int(high))
            here.arcs.append(_Arc(after, kind=token, accept=accept, cost=1))
        elif token in KINDS:
            kind = KINDS[token]
            here.arcs.append(_Arc(after, kind=token, accept=kind.accept, cost=kind.cost))
        elif token.isupper() and token.isalpha():
            raise ValueError(f"no such argument kind: {token} in {self.row.text}")
        else:
            here.arcs.append(_Arc(after, keyword=token.lower(), shown=token))
        return after


_WORDS = re.compile(r"\S+")
_Live = dict[int, tuple[int, tuple[str, ...], _Node]]


class Mode:
    """The commands of one mode, compiled."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._start = _Node()
        for row in rows:
            node = _Node()
            self._start.empty.append((node, ""))
            _Compiler(row).compile(node)
        _closure(self._start)

    def read(self, line: str, *, forms: bool = True) -> Reading:
        """Understand ``line``; ``forms`` allows ``no`` and ``default`` in front.

        Raises Incomplete, Ambiguous or Invalid.
        """
        spans = [(m.start(), m.end()) for m in _WORDS.finditer(line)]
        negated = defaulted = False
        first = 0
        if forms and spans:
            word = line[spans[0][0] : spans[0][1]].lower()
            negated = word == "no"
            defaulted = word in ("default", "defaul", "defau")
            first = int(negated or defaulted)
            if first and len(spans) == 1:
                raise Incomplete("% Incomplete command.")
        live: dict[int, _Live] = {first: {id(self._start): (0, (), self._start)}}
        last = len(spans)
        furthest = first
        for at in range(first, last):
            if at not in live:
                continue
            furthest = at
            self._step(line, spans, at, live)
        ends = live.get(last, {})
        best: tuple[int, tuple[str, ...], Row] | None = None
        for cost, words, node in ends.values():
            closed = _closure(node)
            end = closed.final or (closed.cut if first else None)
            if end is not None and (best is None or cost < best[0]):
                row, emitted = end
                best = (cost, (*words, *emitted.split()), row)
        if best is None:
            if ends:
                raise Incomplete("% Incomplete command.")
            raise Invalid(spans[furthest][0], first=furthest == 0)
        _, words, row = best
        prefix = ("no",) if negated else ("default",) if defaulted else ()
        full = (*prefix, *words)
        return Reading(
            text=" ".join(full), words=words, row=row, negated=negated, defaulted=defaulted
        )

    def _step(
        self, line: str, spans: list[tuple[int, int]], at: int, live: dict[int, _Live]
    ) -> None:
        start, end = spans[at]
        word = line[start:end]
        small = word.lower()
        partial: list[tuple[int, tuple[str, ...], _Arc, str]] = []
        exact: list[tuple[int, tuple[str, ...], _Arc, str]] = []
        taken = False
        for cost, words, node in list(live[at].values()):
            closed = _closure(node)
            for arc, emitted in closed.keywords.get(small[0], ()):
                if arc.keyword == small:
                    exact.append((cost, words, arc, emitted))
                elif arc.keyword.startswith(small):
                    partial.append((cost, words, arc, emitted))
            for arc, emitted in closed.arguments:
                taken |= self._argument(line, spans, at, live, (cost, words, arc, emitted))
        chosen = exact or partial
        if not exact and len({arc.keyword for _, _, arc, _ in partial}) > 1:
            if not taken:
                raise Ambiguous(line[:end])
            chosen = []
        for cost, words, arc, emitted in chosen:
            shown = (*words, *emitted.split(), *((arc.shown,) if arc.shown else ()))
            _keep(live, at + 1, cost, shown, arc.target)

    def _argument(
        self,
        line: str,
        spans: list[tuple[int, int]],
        at: int,
        live: dict[int, _Live],
        state: tuple[int, tuple[str, ...], _Arc, str],
    ) -> bool:
        cost, words, arc, emitted = state
        accept = arc.accept
        if accept is None:
            return False
        start, end = spans[at]
        before = (*words, *emitted.split())
        if arc.kind == "LINE":
            _keep(live, len(spans), cost + arc.cost, (*before, line[start:].rstrip()), arc.target)
            return True
        shown = accept(line[start:end])
        if shown is not None:
            _keep(live, at + 1, cost + arc.cost, (*before, shown), arc.target)
            return True
        if (
            arc.kind == "IFACE"
            and at + 1 < len(spans)
            and line[start:end].replace("-", "").isalpha()
        ):
            shown = accept(line[start:end] + line[spans[at + 1][0] : spans[at + 1][1]])
            if shown is not None:
                _keep(live, at + 2, cost + arc.cost, (*before, shown), arc.target)
                return True
        return False


def _keep(live: dict[int, _Live], at: int, cost: int, words: tuple[str, ...], node: _Node) -> None:
    states = live.setdefault(at, {})
    held = states.get(id(node))
    if held is None or cost < held[0]:
        states[id(node)] = (cost, words, node)
