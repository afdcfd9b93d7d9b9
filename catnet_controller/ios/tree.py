"""The tree of a configuration: immutable nodes that keep order, line numbers and the exact text."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

Path = tuple[str, ...]
"""The header lines of the sections around a line, outermost first; ``()`` is global config."""


class Shape(StrEnum):
    """What a node is to the parser of the device."""

    LINE = "line"
    BLOCK = "block"
    """A line that takes following physical lines as opaque content: banner, certificate, macro."""
    NOISE = "noise"
    """Nothing to the device: comments, blank lines, headers, prompts."""


class Node(NamedTuple):
    """A line and what stands below it.

    ``text`` has no indentation and no trailing blanks; of a block it is the line that opens it,
    and ``body`` holds the physical lines that follow, the closing one included. ``raw`` is the
    exact text of this node without its children. ``line`` counts from 1; 0 means made, not read.
    """

    text: str
    raw: str
    line: int = 0
    shape: Shape = Shape.LINE
    body: tuple[str, ...] = ()
    children: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the parser could not make sense of; nothing is lost by it."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole configuration. ``origins`` is filled by whoever knows where lines come from."""

    nodes: tuple[Node, ...] = ()
    problems: tuple[Problem, ...] = ()


def walk(nodes: tuple[Node, ...], path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node in the order of the text, with the headers around it."""
    for node in nodes:
        yield path, node
        if node.children:
            yield from walk(node.children, (*path, node.text))


def made(text: str, depth: int, *, children: tuple[Node, ...] = ()) -> Node:
    """A node that was not read: its raw text is one blank of indentation per section."""
    return Node(text=text, raw=f"{' ' * depth}{text}\n", children=children)
