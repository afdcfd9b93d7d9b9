"""Text of a configuration to its normal form, and to the digest that tells equal from changed."""

import hashlib
import re

from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.loading import load
from catnet_controller.ios.ordering import family, listed
from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.rows import Kind
from catnet_controller.ios.tree import Node, Tree

# What a device prints around its configuration, or changes by itself between two readings.
_VOLATILE = re.compile(
    r"^(?:Building configuration|Current configuration ?: |Using \d|Load for |Time source is "
    r"|! (?:Last configuration change|NVRAM config last updated|No configuration change since) )"
    r".*\n",
    re.MULTILINE,
)
_CLOCK = re.compile(r"\nntp clock-period \d+ ?(?=\n)")
_HEAD = 2048
"""Letters within which all of the former stand."""


def normal(text: str) -> Tree:
    """The normal form: one spelling, no noise, order only where it has meaning.

    Two configurations that mean the same have the same normal form; so do two reads of a device
    that nobody changed.
    """
    return Tree(_nodes(load(parse(text)), 0))


def digest(text: str) -> str:
    """``sha256:<hex>`` of the normal form."""
    shown = dump(normal(text)).encode("utf-8", "surrogateescape")
    return f"sha256:{hashlib.sha256(shown).hexdigest()}"


def shown(text: str) -> str:
    """``sha256:<hex>`` of a reading as it stands, without what changes by itself.

    Equal means that nothing changed; unlike `digest` it needs no understanding, so it is cheap
    enough for every reading, but another spelling or order of the same makes it differ.
    """
    head = _VOLATILE.sub("", text[:_HEAD]) + text[_HEAD:]
    kept = _CLOCK.sub("", head).strip("\n").encode("utf-8", "surrogateescape")
    return f"sha256:{hashlib.sha256(kept).hexdigest()}"


def _nodes(section: Section, depth: int) -> tuple[Node, ...]:
    nodes = [_node(item, depth) for item in section.items if not _silent(item)]
    if section.mode != "acl":
        free = [node for node, item in _paired(nodes, section) if not ordered(item)]
        free.sort(key=lambda node: (node.text, node.raw))
        kept = [pair for pair in _paired(nodes, section) if ordered(pair[1])]
        # Each list has its own order; that of the lists says nothing.
        kept.sort(key=lambda pair: family(pair[1]) or () if listed(pair[1]) else ())
        nodes = [*free, *(node for node, _ in kept)]
    return tuple(nodes)


def _paired(nodes: list[Node], section: Section) -> list[tuple[Node, Item]]:
    return list(zip(nodes, (i for i in section.items if not _silent(i)), strict=True))


def ordered(item: Item) -> bool:
    """True where the order among its like has meaning (rule 17)."""
    row = item.row
    return row is not None and (row.ordered or row.kind is Kind.ENTRY)


def _silent(item: Item) -> bool:
    """Lines that a device prints or leaves out without a change of meaning (rule 14)."""
    if item.found is None or not item.negative:
        return False
    row = item.found.row
    return row.off or row.shown or (row.kind is not Kind.FLAG and not row.on)


def _node(item: Item, depth: int) -> Node:
    text = item.text
    content: tuple[str, ...] = ()
    if item.kind is Kind.BLOCK or item.opaque:
        if text.startswith("macro "):
            content = (*item.body, "@")
        elif text.endswith(" ^C"):
            content = (*item.body, "^C")
        elif item.body and item.body != ("",):
            # A certificate is one line: what it is, and which.
            text = f"{text} {hashlib.sha256(item.body[0].encode()).hexdigest()[:16]}"
    raw = "".join(f"{line}\n" for line in (" " * depth + text, *content))
    children = _nodes(item.section, depth + 1) if item.section is not None else ()
    return Node(text, raw, item.line, children=children)
