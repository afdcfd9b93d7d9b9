"""Text of a Cisco IOS configuration to a tree, and back byte for byte."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from catnet_controller.ios.rows import Kind
from catnet_controller.ios.rules import known, look, may_open, mode, opens
from catnet_controller.ios.tree import (
    BLOCK,
    LINE,
    NOISE,
    Below,
    Node,
    Path,
    Problem,
    Tree,
    lines,
    new,
)
from catnet_controller.ios.words import CLOSERS, canonical

_NOISE = re.compile(
    r"""\s*(?:!.*|)$ | \#.* | Building\ configuration | Current\ configuration\s*:
    | Using\ \d+\ out\ of | Load\ for\ .*sec | Time\ source\ is | \s*--More--
    | [\w.\-]+(?:\([\w-]+\))?[>\#](?:\s*(?:sh|term|en|ex).*)?\s*$
    """,
    re.VERBOSE,
)
_DELIMITED = re.compile(
    r"""(?: banner\ (?:motd|login|exec|incoming|slip-ppp|prompt-timeout|config-save|text|title)
      | aaa\ authentication\ (?:banner|fail-message)
      | menu\ \S+\ (?:title|prompt)
      | ip\ (?:admission|auth-proxy)\ auth-proxy-banner\ \S+
      )\ +(?P<rest>\S.*)$""",
    re.VERBOSE,
)
_HEX = re.compile(r"\s*[0-9A-Fa-f]{2,8}(?:\s+[0-9A-Fa-f]{2,8})*\s*$")
_CERTIFICATE = re.compile(r"certificate(?: (?:ca|self-signed|rollover|ra-sign|ra-encrypt))* \S+$")
_QUIT = re.compile(r"\s*(?:quit|exit)\s*$")
_MACRO_END = re.compile(r"\s*@\s*$")

DEEPEST = 32
"""Levels of a configuration; IOS itself knows fewer than ten."""

_DEEPER = f"indented deeper than {DEEPEST} levels"


def delimiter(rest: str) -> str:
    """The delimiter at the start of what follows ``banner motd ``.

    The device shows the control character chr(3) as ``^C``; people type any other character.
    """
    return "^C" if rest.startswith("^C") else rest[0]


class Piece(NamedTuple):
    """A line of global config with all below it and the comments behind it."""

    text: str
    node: Node
    lines: int
    comments: int


class Seen:
    """Sections that were parsed before, by their exact text, and what stood in which order."""

    __slots__ = ("flat", "lifted", "nodes", "order", "places")

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.order: list[Piece] = []
        self.places: dict[str, int] = {}
        self.flat = False
        """A line without lines below it could open a section, so flat text is looked for."""
        self.lifted = False
        """A line that opens no section had lines below it."""


def parse(text: str, seen: Seen | None = None) -> Tree:
    """Text to tree. Never raises: what is odd becomes a problem, and no byte is lost.

    Depth is by relative indentation, so one blank, two, four or a tab per level all work. What
    stands deeper than `DEEPEST` counts as of that level.
    ``seen`` remembers sections: the same text again is the same node, with its old line numbers.
    """
    return _Parser(text, Seen() if seen is None else seen).run()


def dump(tree: Tree) -> str:
    """The exact text a tree was parsed from."""
    parts: list[str] = []
    _collect(tree.nodes, parts)
    return "".join(parts)


def whole(text: str) -> bool:
    """True for a running-config that was read to its end: a hostname, and ``end`` as last line."""
    end = False
    for line in reversed(text.splitlines()):
        if line.strip() == "end":
            end = True
            break
        if line.strip() and not _NOISE.match(line):
            return False
    return end and re.search(r"^(?:hostname|switchname) \S", text, re.MULTILINE) is not None


def _collect(nodes: Sequence[Node], parts: list[str]) -> None:
    for _, raw, _, _, _, children in nodes:
        parts.append(raw)
        # The tuple first: it is what most have, and the quicker question.
        if isinstance(children, tuple):
            if children:
                _collect(children, parts)
        elif isinstance(children, Below):
            parts.append(children.raw)
        else:
            _collect(children, parts)


def _nest(nodes: Sequence[Node]) -> Sequence[Node]:
    """Flat text to sections: people write ``interface X`` and its lines at the same indentation.

    A line joins the header above it when that header has no indented lines, the line is known
    there, it is not a global line of its own, and an ``exit`` ends the section: without one the
    indentation was rather lost by mistake, which is for the author to say.
    """
    out: list[Node] = []
    open_: list[tuple[Node, list[Node]]] = []

    def close(depth: int, *, ended: bool = False) -> None:
        while len(open_) > depth:
            header, taken = open_.pop()
            around = open_[-1][1] if open_ else out
            if ended:
                around.append(header._replace(children=tuple(taken)))
            else:
                around += [header, *taken]

    for node in nodes:
        if not open_ and (node.children or node.shape is not LINE or not may_open(node.text)):
            out.append(node)
            continue
        if open_ and node.shape is NOISE and node.text != "!":
            open_[-1][1].append(node)
            continue
        if open_ and node.text in CLOSERS:
            open_[-1][1].append(node)
            close(len(open_) - 1, ended=True)
            continue
        name = None if open_ else "config"
        text = canonical(node.text, name) if node.shape is not NOISE else ""
        path = tuple(canonical(header.text) for header, _ in open_)
        depth = _home(path, text) if open_ and text else 0
        close(depth)
        if text and node.shape is LINE and not node.children and opens(path[:depth], text):
            open_.append((node, []))
        else:
            (open_[-1][1] if open_ else out).append(node)
    close(0)
    return tuple(out)


def _lifted(path: Path, nodes: Sequence[Node]) -> Sequence[Node]:
    """Deeper lines of a line that opens no section belong to the section around it.

    IOS indents what it prints below an SLA operation or a shaper though all is in one mode.
    """
    if not any(node.children for node in nodes):
        return nodes
    out: list[Node] = []
    changed = False
    for node in nodes:
        if not node.children:
            out.append(node)
            continue
        text = canonical(node.text, mode(path))
        row = known(path, text)
        if (
            row is not None
            and row.kind is not Kind.SECTION
            and all(
                child.shape is NOISE or known(path, canonical(child.text, mode(path)))
                for child in node.children
            )
        ):
            out.append(node._replace(children=()))
            out.extend(_lifted(path, node.children))
            changed = True
            continue
        inner = _lifted((*path, text), node.children)
        changed = changed or inner is not node.children
        out.append(node if inner is node.children else node._replace(children=inner))
    return tuple(out) if changed else nodes


def _home(path: Path, text: str) -> int:
    """How many of the open sections a flat line stays in."""
    top = known((), text)
    if top is not None and not top.loose:
        return 0
    for depth in range(len(path), 0, -1):
        row = known(path[:depth], text)
        if row is not None and not row.blank:
            return depth
    return 0


class _Open:
    """A node whose children are still coming."""

    __slots__ = ("body", "children", "indent", "line", "raw", "shape", "text")

    def __init__(self, indent: int, text: str, raw: str, line: int) -> None:
        self.indent = indent
        self.text = text
        self.raw = raw
        self.line = line
        self.shape = LINE
        self.body: tuple[str, ...] = ()
        self.children: list[Node] = []

    def close(self) -> Node:
        return Node(self.text, self.raw, self.line, self.shape, self.body, tuple(self.children))


# A line that is no noise, opens no block, and is indented by blanks alone.
_LINE = r"""(?:[^\s!\#\-BCULTabcikm]
    |(?!banner[ ]|aaa[ ]authentication[ ][bf]|menu[ ]|ip[ ]admission[ ]
    |ip[ ]auth-proxy[ ]|macro[ ]name[ ]|certificate[ ]|key-string)[abcikm])[^\n\#>\t\r]*"""
_PLAIN = re.compile(
    # A comment does not end a section that an indented line goes on with, so it is seen what comes.
    rf"({_LINE}\n(?:[ ]+{_LINE}\n)*)((?:!\n)*)(?={_LINE}(?:\n|\Z)|\Z)",
    re.VERBOSE,
)


def _section(text: str, place: int, problems: list[Problem]) -> Node:
    """A section of plain lines from line ``place`` on, each below the one that is indented less."""
    end = text.index("\n") + 1
    first = text[:end]
    if "\n  " not in text:
        return Node(first.strip(), first, place, children=Below(text[end:], place + 1))
    stack = [_Open(0, first.strip(), first, place)]
    for number, raw in enumerate(lines(text[end:]), place + 1):
        bare = raw.lstrip()
        indent = len(raw) - len(bare)
        while stack[-1].indent >= indent:
            closed = stack.pop().close()
            stack[-1].children.append(closed)
        if len(stack) >= DEEPEST:
            _too_deep(number, bare.rstrip(), problems)
            closed = stack.pop().close()
            stack[-1].children.append(closed)
        stack.append(_Open(indent, bare.rstrip(), raw, number))
    while len(stack) > 1:
        closed = stack.pop().close()
        stack[-1].children.append(closed)
    return stack[0].close()


def _too_deep(line: int, text: str, problems: list[Problem]) -> None:
    """Said of the first line only: below it there may be a thousand more."""
    if not any(each.message.startswith(_DEEPER) for each in problems):
        problems.append(Problem(line, f"{_DEEPER}: {text}"))


def _header(line: str) -> bool:
    """True for a line that opens a section in global config."""
    found = look("config", line)[1]
    return found is not None and found.row.kind is Kind.SECTION and not found.negative


def _comments(after: int, number: int) -> list[Node]:
    """Comments without words that follow line ``after``."""
    return [new(Node, ("!", "!\n", after + 1 + i, NOISE, (), ())) for i in range(number)]


class _Parser:
    def __init__(self, text: str, seen: Seen) -> None:
        self.text = text
        self.seen = seen
        # Apart from those of other texts: what stands twice in this one has two line numbers.
        self.fresh: dict[str, Node] = {}
        self.order: list[Piece] = []
        self.stack = [_Open(-1, "", "", 0)]
        self.pending: list[tuple[int, Node]] = []
        self.problems: list[Problem] = []

    @cached_property
    def lines(self) -> list[str]:
        return lines(self.text)

    def run(self) -> Tree:
        at = place = 0
        seen = self.seen
        while place < len(self.text):
            found = _PLAIN.match(self.text, place)
            if found is not None:
                at = self.plain(at, found)
                place = found.end()
                if seen.order:
                    at, place = self.again(at, place, found[0])
                continue
            begun = at
            at = self.take(at)
            place += sum(map(len, self.lines[begun:at]))
        self.flush(0)
        self.unwind(0)
        seen.nodes.update(self.fresh)
        if not seen.order:
            seen.order = self.order
            seen.places = {piece.text: place for place, piece in enumerate(self.order)}
        nodes: Sequence[Node] = tuple(self.stack[0].children)
        if seen.flat:
            nodes = _nest(nodes)
        return Tree(_lifted((), nodes) if seen.lifted else nodes, tuple(self.problems))

    def again(self, at: int, place: int, last: str) -> tuple[int, int]:
        """Take what stands behind ``last`` as it was seen, as far as it does.

        A piece ends where it ended before when the one behind it is the same as well.
        """
        order = self.seen.order
        following = self.seen.places.get(last, len(order)) + 1
        if following + 1 >= len(order):
            return at, place
        text, below = self.text, self.stack[0].children
        piece = order[following]
        if not text.startswith(piece.text, place):
            return at, place
        for number in range(following + 1, len(order)):
            after = order[number]
            end = place + len(piece.text)
            if not text.startswith(after.text, end):
                break
            below.append(piece.node)
            at += piece.lines
            place = end
            if piece.comments:
                below += _comments(at - piece.comments, piece.comments)
            piece = after
        return at, place

    def plain(self, at: int, found: re.Match[str]) -> int:
        """Take a line of global config with all below it, where that is simple."""
        seen = self.seen
        piece, comments = found.group(0, 2)
        text = found[1] if comments else piece
        count = text.count("\n")
        end = at + count
        node = seen.nodes.get(text)
        if node is None:
            if count == 1:
                node = new(Node, (text.strip(), text, end, LINE, (), ()))
                seen.flat = seen.flat or may_open(node.text)
            else:
                node = _section(text, at + 1, self.problems)
                if not seen.lifted and ("\n  " in text or not _header(node.text)):
                    seen.lifted = _lifted((), (node,))[0] is not node
            self.fresh[text] = node
        if self.pending:
            self.flush(1)
        if len(self.stack) > 1:
            self.unwind(1)
        below = self.stack[0].children
        below.append(node)
        number = len(comments) // 2
        if number:
            below += _comments(end, number)
        if not seen.order:
            self.order.append(new(Piece, (piece, node, count + number, number)))
        return end + number

    def take(self, at: int) -> int:
        raw = self.lines[at]
        expanded = raw.expandtabs(8) if "\t" in raw else raw
        text = raw.strip()
        indent = len(expanded) - len(expanded.lstrip())
        if _NOISE.match(raw):
            self.pending.append((indent, Node(text, raw, at + 1, NOISE)))
            return at + 1
        depth = len(self.stack)
        while self.stack[depth - 1].indent >= indent:
            depth -= 1
        if self.pending:
            self.flush(depth)
        self.unwind(depth)
        if len(self.stack) > DEEPEST:
            _too_deep(at + 1, text, self.problems)
            self.unwind(DEEPEST)
        if depth == 1 and indent > 0 and text not in ("end", "exit", "quit"):
            self.problems.append(Problem(at + 1, f"indented line outside any section: {text}"))
        self.seen.flat = self.seen.lifted = True
        node = _Open(indent, text, raw, at + 1)
        following = self.block(node, at)
        self.stack.append(node)
        return following

    def flush(self, depth: int) -> None:
        """Give waiting comments to the innermost section that their indentation allows.

        A comment never closes a section that the next command still belongs to.
        """
        at = len(self.stack)
        for indent, node in self.pending:
            while at > max(depth, 1) and self.stack[at - 1].indent >= indent:
                at -= 1
            self.unwind(at)
            self.stack[-1].children.append(node)
        self.pending.clear()

    def unwind(self, depth: int) -> None:
        while len(self.stack) > max(depth, 1):
            closed = self.stack.pop().close()
            self.stack[-1].children.append(closed)

    def block(self, node: _Open, at: int) -> int:
        """Take the content of a multi-line block; gives the index of the line after it."""
        end = self.block_end(node.text, at)
        if end is None:
            return at + 1
        node.shape = BLOCK
        node.raw = "".join(self.lines[at : end + 1])
        node.body = tuple(line.rstrip("\r\n") for line in self.lines[at + 1 : end + 1])
        return end + 1

    def block_end(self, text: str, at: int) -> int | None:
        if found := _DELIMITED.match(text):
            mark = delimiter(found["rest"])
            marks = ("^C", "\x03") if mark in ("^C", "\x03") else (mark,)
            first = self.lines[at].split(mark, 1)[1]
            if any(one in first for one in marks):
                return at
            for end in range(at + 1, len(self.lines)):
                if any(one in self.lines[end] for one in marks):
                    return end
            self.problems.append(Problem(at + 1, f"banner is never closed by {mark!r}"))
            return len(self.lines) - 1
        if text.startswith("macro name "):
            return self.scan(at, _MACRO_END, "macro is never closed by '@'")
        follows = at + 1 < len(self.lines)
        if _CERTIFICATE.match(text) and follows and _HEX.match(self.lines[at + 1]):
            return self.scan(at, _QUIT, "certificate is never closed by 'quit'")
        if text == "key-string" and follows and _HEX.match(self.lines[at + 1]):
            return self.scan(at, _QUIT, "key-string is never closed by 'quit'")
        return None

    def scan(self, at: int, end: re.Pattern[str], complaint: str) -> int:
        for index in range(at + 1, len(self.lines)):
            if end.match(self.lines[index]):
                return index
        self.problems.append(Problem(at + 1, complaint))
        return len(self.lines) - 1
