"""Pieces of configuration: numbered lines of several files in, one text with origins out.

Sections that several pieces open are put together; comments are dropped, so that a commit which
changes only those gives the same desired text and touches no device.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from catnet_controller.ios.parse import parse
from catnet_controller.ios.tree import Node, Shape
from catnet_controller.models import Problem

CONTROL = re.compile("[\x00-\x02\x04-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that no file may hold; chr(3) delimits banners, tab and newline are text."""

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}|\{\{|\{%-?\s*(?:if|for|set|else|elif|end\w+)\b")
_SECRET = re.compile(r"""\s*secret\(\s*(["'])[A-Za-z0-9_][A-Za-z0-9_.-]*\1\s*\)\s*""")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file (rendered, if it is a template) taken apart; ``numbers`` has a line of it per line."""

    file: str
    nodes: tuple[Node, ...]
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
    tree = parse("".join(f"{line}\n" for _, line in lines))
    problems = [
        Problem(file=file, line=numbers[one.line - 1] if one.line else 0, message=one.message)
        for one in tree.problems
    ]
    for number, line in lines:
        for found in _PLACEHOLDER.finditer(line):
            if not _SECRET.fullmatch(found[1] or ""):
                hint = '{{ secret("name") }} is what can stand here; templates end in .j2'
                problems.append(Problem(file=file, line=number, message=f"`{found[0]}`: {hint}"))
    return Piece(file, tree.nodes, numbers, tuple(problems))


@dataclass(slots=True)
class _Part:
    """A node of the result, and the piece it was first met in."""

    node: Node
    piece: Piece
    parts: "_Parts"


@dataclass(slots=True)
class _Parts:
    """Siblings in order, and where a section among them stands."""

    ordered: list[_Part] = field(default_factory=list)
    headers: dict[str, _Part] = field(default_factory=dict)


def merge(pieces: Sequence[Piece]) -> Merged:
    """One configuration out of pieces; what stands in two of them once is kept once."""
    top = _Parts()
    for piece in pieces:
        nodes = (node for node in piece.nodes if not _ends(node))
        _add(top, nodes, piece)
    lines: list[str] = []
    origins: list[str] = []
    for text, origin in _written(top, 0):
        lines.append(text)
        origins.append(origin)
    return Merged(tuple(lines), tuple(origins), ())


def _add(parts: _Parts, nodes: Iterator[Node] | Sequence[Node], piece: Piece) -> None:
    for node in nodes:
        if node.shape is Shape.NOISE:
            continue
        known = parts.headers.get(node.text) if node.shape is Shape.LINE else None
        if known is None:
            known = _Part(node, piece, _Parts())
            parts.ordered.append(known)
            if node.shape is Shape.LINE:
                parts.headers[node.text] = known
        elif not node.children and (known.piece is piece or _repeats(node)):
            parts.ordered.append(_Part(node, piece, _Parts()))
            continue
        _add(known.parts, node.children, piece)


def _ends(node: Node) -> bool:
    """The last line of a whole configuration; it says nothing of its own."""
    return node.text == "end" and all(child.shape is Shape.NOISE for child in node.children)


def _repeats(node: Node) -> bool:
    """Remarks, and what closes a section, mean something each time they come."""
    return node.text.startswith(("remark ", "exit")) or " remark " in node.text


def _written(parts: _Parts, depth: int) -> Iterator[tuple[str, str]]:
    for part in parts.ordered:
        node, piece = part.node, part.piece
        for offset, text in enumerate((" " * depth + node.text, *node.body)):
            yield text, f"{piece.file}:{piece.numbers[node.line - 1 + offset]}"
        yield from _written(part.parts, depth + 1)
