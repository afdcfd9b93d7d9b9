"""The tree of a configuration: immutable nodes that keep order, line numbers and the exact text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, overload

Path = tuple[str, ...]
"""The header lines of the sections around a line, outermost first; ``()`` is global config."""


class Shape(StrEnum):
    """What a node is to the parser of the device."""

    LINE = "line"
    BLOCK = "block"
    """A line that takes following physical lines as opaque content: banner, certificate, macro."""
    NOISE = "noise"
    """Nothing to the device: comments, blank lines, headers, prompts."""


# To look a member up costs more than most of what is asked of a line, and it is asked of each.
LINE, BLOCK, NOISE = Shape.LINE, Shape.BLOCK, Shape.NOISE


class Node(NamedTuple):
    """A line and what stands below it.

    ``text`` has no indentation and no trailing blanks; of a block it is the line that opens it,
    and ``body`` holds the physical lines that follow, the closing one included. ``raw`` is the
    exact text of this node without its children. ``line`` counts from 1; 0 means made, not read.
    """

    text: str
    raw: str
    line: int = 0
    shape: Shape = LINE
    body: tuple[str, ...] = ()
    children: Sequence["Node"] = ()


class Below(Sequence[Node]):
    """The plain lines below a header, all of one depth, made into nodes when they are looked at.

    Most sections of two configurations are the same, and the same needs no looking into.
    """

    __slots__ = ("_first", "_nodes", "raw")

    def __init__(self, raw: str, first: int) -> None:
        self.raw = raw
        """The exact text of the lines, each with its line break."""
        self._first = first
        self._nodes: tuple[Node, ...] | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The lines; the first one has the line number that was given."""
        if self._nodes is None:
            self._nodes = tuple(
                [
                    new(Node, (line.strip(), line, number, LINE, (), ()))
                    for number, line in enumerate(lines(self.raw), self._first)
                ]
            )
        return self._nodes

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | Sequence[Node]:
        return self.nodes[index]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return self.raw.count("\n")

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.nodes == tuple(other)

    def __hash__(self) -> int:
        return hash(self.nodes)


def lines(text: str) -> list[str]:
    """The lines of a text with their line breaks; only ``\n`` ends a line of IOS."""
    pieces = text.split("\n")
    last = pieces.pop()
    found = [piece + "\n" for piece in pieces]
    return [*found, last] if last else found


# Without the call in between that a named tuple makes: as many as there are lines.
new = tuple.__new__


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the parser could not make sense of; nothing is lost by it."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole configuration. ``origins`` is filled by whoever knows where lines come from."""

    nodes: Sequence[Node] = ()
    problems: tuple[Problem, ...] = ()


def walk(nodes: Sequence[Node], path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node in the order of the text, with the headers around it."""
    for node in nodes:
        yield path, node
        if node.children:
            yield from walk(node.children, (*path, node.text))


def made(text: str, depth: int, *, children: Sequence[Node] = ()) -> Node:
    """A node that was not read: its raw text is one blank of indentation per section."""
    return Node(text=text, raw=f"{' ' * depth}{text}\n", children=children)
