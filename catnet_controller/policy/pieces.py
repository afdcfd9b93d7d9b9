"""Pieces of configuration: numbered lines of several files in, one text with origins out.

Sections that several pieces open are put together; comments are dropped, so that a commit which
changes only those gives the same desired text and touches no device. What the device could hold
once only, and the pieces say twice, is a problem that names both places.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from catnet_controller.ios import rules
from catnet_controller.ios.parse import parse
from catnet_controller.ios.redact import redact
from catnet_controller.ios.rows import Kind
from catnet_controller.ios.tree import Node, Path, Shape
from catnet_controller.ios.words import canonical
from catnet_controller.models import Problem

CONTROL = re.compile(
    "[\x00-\x02\x04-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff]"
)
"""Characters that no file may hold, once its line ends are plain newlines.

Tab and newline are text, and chr(3) delimits banners. Among the rest are line ends that only some
programs see, and marks that make text look other than it is.
"""

MAX_LINE = 8192
"""Characters; the command line of IOS takes 254, and few lines of a file may be longer."""

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}|\{\{|\{%-?\s*(?:if|for|set|else|elif|end\w+)\b")
_SECRET = re.compile(r"""\s*secret\(\s*(["'])[A-Za-z0-9_][A-Za-z0-9_.-]*\1\s*\)\s*""")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file (rendered, if it is a template) taken apart; ``numbers`` has a line of it per line."""

    file: str
    nodes: Sequence[Node]
    numbers: tuple[int, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """The lines of a device, the ``file:line`` of each, and where the pieces contradict."""

    lines: tuple[str, ...]
    origins: tuple[str, ...]
    problems: tuple[Problem, ...]


def read(file: str, lines: Sequence[tuple[int, str]]) -> Piece:
    """Take a piece apart; ``lines`` come with their number in ``file``."""
    numbers = tuple(number for number, _ in lines)
    for number, line in lines:
        if len(line) > MAX_LINE:
            message = f"a line has at most {MAX_LINE} characters"
            return Piece(file, (), numbers, (Problem(file=file, line=number, message=message),))
    tree = parse("".join(f"{line}\n" for _, line in lines))
    problems = []
    for one in tree.problems:
        number = numbers[one.line - 1] if one.line else 0
        problems.append(Problem(file=file, line=number, message=_shown(one.message)))
    for number, line in lines:
        for found in _PLACEHOLDER.finditer(line):
            if not _SECRET.fullmatch(found[1] or ""):
                hint = '{{ secret("name") }} is what can stand here; templates end in .j2'
                problems.append(Problem(file=file, line=number, message=f"`{found[0]}`: {hint}"))
                # To look for the end of each that has none takes the square of their number.
                break
    return Piece(file, tree.nodes, numbers, tuple(problems))


def _shown(message: str) -> str:
    """A complaint of the parser, which ends in the line it is about, without its secret."""
    head, colon, line = message.partition(": ")
    return f"{head}{colon}{redact(line)}"


@dataclass(slots=True)
class _Part:
    """A node of the result, the piece it was first met in, and what is below it."""

    node: Node
    piece: Piece
    below: "_Siblings"

    @property
    def number(self) -> int:
        return self.piece.numbers[self.node.line - 1]

    @property
    def place(self) -> str:
        return f"{self.piece.file}:{self.number}"


@dataclass(slots=True)
class _Siblings:
    """Parts in order, and which of them a line that comes again belongs to."""

    ordered: list[_Part] = field(default_factory=list)
    first: dict[str, _Part] = field(default_factory=dict)


def merge(pieces: Sequence[Piece]) -> Merged:
    """One configuration out of pieces; what stands in two of them once is kept once."""
    top = _Siblings()
    for piece in pieces:
        _add(top, [node for node in piece.nodes if not _ends(node)], piece)
    written = list(_written(top, 0))
    return Merged(
        lines=tuple(text for text, _ in written),
        origins=tuple(origin for _, origin in written),
        problems=tuple(_contradictions(top, ())),
    )


def _add(siblings: _Siblings, nodes: Sequence[Node], piece: Piece) -> None:
    for node in nodes:
        if node.shape is Shape.NOISE:
            continue
        line = canonical(node.text)
        part = siblings.first.get(line) if node.shape is Shape.LINE else None
        again = part is not None and not node.children
        if part is None or (again and (part.piece is piece or _repeats(line))):
            part = _Part(node, piece, _Siblings())
            siblings.ordered.append(part)
            if node.shape is Shape.LINE and not again:
                siblings.first[line] = part
        _add(part.below, node.children, piece)


def _ends(node: Node) -> bool:
    """The last line of a whole configuration; it says nothing of its own."""
    return node.text == "end" and all(child.shape is Shape.NOISE for child in node.children)


def _repeats(line: str) -> bool:
    """Remarks, and what closes a section, mean something each time they come."""
    return line.startswith(("remark ", "exit")) or " remark " in line


def _contradictions(siblings: _Siblings, path: Path) -> Iterator[Problem]:
    mode = rules.mode(path)
    once: dict[tuple[str, ...], _Part] = {}
    entries: _Part | None = None
    above: _Part | None = None
    for part in siblings.ordered:
        line = canonical(part.node.text)
        found = rules.match(mode, line)
        if found is None:
            if above is not None and _flat(above, line):
                message = f"`{redact(part.node.text)}` belongs below `{above.node.text}`: indent it"
                yield Problem(file=part.piece.file, line=part.number, message=message)
                continue
        elif found.row.kind is Kind.ENTRY:
            if entries is not None and entries.piece is not part.piece and not line[0].isdigit():
                message = (
                    f"`{path[-1] if path else line}` has entries in {entries.place} already; "
                    "their order counts, so they stand in one file or carry numbers"
                )
                yield Problem(file=part.piece.file, line=part.number, message=message)
            entries = entries or part
        elif found.row.kind in (Kind.SINGLE, Kind.FLAG, Kind.BLOCK) and not found.row.vlans:
            other = once.setdefault(found.key, part)
            if (canonical(other.node.text), other.node.body) != (line, part.node.body):
                here, there = redact(part.node.text), redact(other.node.text)
                message = f"`{here}` contradicts `{there}` of {other.place}"
                yield Problem(file=part.piece.file, line=part.number, message=message)
        yield from _contradictions(part.below, (*path, line))
        above = part if found is not None and found.row.kind is Kind.SECTION else above


def _flat(above: _Part, line: str) -> bool:
    """A line unknown here that is known in the section before it: the indentation is missing."""
    mode = rules.mode((canonical(above.node.text),))
    return not above.below.ordered and rules.match(mode, line) is not None


def _written(siblings: _Siblings, depth: int) -> Iterator[tuple[str, str]]:
    for part in siblings.ordered:
        node, piece = part.node, part.piece
        for offset, text in enumerate((" " * depth + node.text, *node.body)):
            yield text, f"{piece.file}:{piece.numbers[node.line - 1 + offset]}"
        yield from _written(part.below, depth + 1)
