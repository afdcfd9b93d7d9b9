"""A parsed configuration to comparable items: one spelling, no noise, keyed by identity.

The rules of normalising are applied here (spelling is in ``words``, entries in ``acl``); each
function names its rule. What comes out keeps the line numbers of what went in.
"""

import re
from collections.abc import Iterable
from functools import partial

from catnet_controller.ios import acl, sets, vlans
from catnet_controller.ios.items import Item, Key, Section
from catnet_controller.ios.parse import delimiter
from catnet_controller.ios.predict import several
from catnet_controller.ios.rows import Kind, Match
from catnet_controller.ios.rules import BOOK, look, match
from catnet_controller.ios.tree import BLOCK, LINE, NOISE, Node, Path, Tree
from catnet_controller.ios.vty import cut, terminals
from catnet_controller.ios.words import CLOSERS, canonical, spelling

# Rule 2: lines that differ between two reads of an unchanged device, or say nothing.
_VOLATILE = re.compile(r"(?:version \S|ntp clock-period |end$|boot-(?:start|end)-marker$)")
_ACCESS_LIST = re.compile(r"access-list (\d+) (.+)$")
# Lines that are none of these stand for themselves, whatever else is in the text.
_PECULIAR = re.compile(
    r"version |ntp clock-period |end$|boot-|access-list |vlan |ip(?:v6)? name-server"
    r"|bgp confederation peers |line vty |remark"
)
_BANNER = re.compile(r"(banner \S+|.*(?:title|prompt|banner|fail-message)) (\S.*)$")


class Known:
    """Items that were loaded before: what stands there again is the same item, not read again.

    Items in here are shared by all that was loaded with it, so they never change, and comparing
    them ends where two are one. Their line numbers are those of the text that was loaded first.
    """

    __slots__ = ("_lines", "_sections", "entries")

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, Key, Match | None]] = {}
        """Entries of access lists by their text without its number, as `_read_entry` reads them."""
        self._lines: dict[Path, dict[str, Item]] = {}
        self._sections: dict[int, tuple[Node, Item]] = {}

    def lines(self, path: Path) -> dict[str, Item]:
        """The lines of a section by the text they were printed with."""
        return self._lines.setdefault(path, {})

    def section(self, node: Node) -> Item | None:
        held = self._sections.get(id(node))
        return held[1] if held is not None else None

    def keep(self, node: Node, item: Item) -> None:
        """Remember the section that a node is; the node is kept so that its identity is."""
        self._sections[id(node)] = node, item

    def clear(self) -> None:
        """Forget all: sections that were not read yet hold on to this, and this to them."""
        self.entries.clear()
        self._lines.clear()
        self._sections.clear()


def load(tree: Tree, known: Known | None = None) -> Section:
    """A parsed configuration as comparable items.

    ``known`` remembers them: load what has the line numbers that count first.
    """
    root = Section(())
    _fill(root, tree.nodes, known or Known())
    # Rule 13: ranges of ``line vty`` with equal content are one range.
    cut(root, ())
    return root


def _fill(section: Section, nodes: Iterable[Node], known: Known) -> None:
    name = section.mode
    if name == "acl":
        _fill_list(section, nodes, known)
        return
    items, index = section.items, section.index
    lines = known.lines(section.path)
    folded: set[int] = set()
    for node in nodes:
        printed, _, line, shape, _, children = node
        if shape is NOISE or printed in CLOSERS:
            continue
        held = known.section(node) if children else lines.get(printed)
        if held is not None and held.key not in index and shape is LINE:
            items.append(held)
            index[held.key] = held
            continue
        text, found = look(name, printed)
        if (
            found is not None
            and found.key not in index
            and shape is LINE
            and not _PECULIAR.match(text)
        ):
            if found.row.plain and not children:
                item = Item(text, found.key, found, line)
                items.append(item)
                index[found.key] = lines[printed] = item
                continue
            if found.row.kind is Kind.SECTION and children and not found.negative:
                inner = Section.unread(
                    (*section.path, text), partial(_fill, nodes=children, known=known)
                )
                item = Item(text, found.key, found, line, (), inner)
                items.append(item)
                index[found.key] = item
                known.keep(node, item)
                continue
        _peculiar(section, name, node, known, folded)


_UNNUMBERED: tuple[str, ...] = ()


def _fill_list(section: Section, nodes: Iterable[Node], known: Known) -> None:
    """Rule 12: entries of an access list count by text and order; numbers are addresses."""
    items, index = section.items, section.index
    lines, entries = known.lines(section.path), known.entries
    for node in nodes:
        printed, _, line, shape, _, children = node
        if shape is not LINE or children or printed in CLOSERS:
            if shape is not NOISE and printed not in CLOSERS:
                _peculiar(section, "acl", node, known, set())
            continue
        held = lines.get(printed)
        if held is not None and held.key not in index:
            items.append(held)
            index[held.key] = held
            continue
        text, body = printed, _UNNUMBERED
        if printed[0].isdecimal() or "sequence " in printed:
            head, _, text = printed.partition(" ")
            if text and head.isdecimal() and head[0] != "0":
                body = (head,)
            else:
                number, text = acl.split(printed)
                body = (str(number),) if number else _UNNUMBERED
        read = entries.get(text)
        if read is None:
            read = entries[text] = _read_entry(text)
        rule, key, found = read
        if found is None:
            _peculiar(section, "acl", node, known, set())
        elif key in index:
            _entry(section, printed, line)
        else:
            item = Item(rule, key, found, line, body)
            items.append(item)
            index[key] = item
            if not rule.startswith("remark"):
                lines[printed] = item


def _peculiar(section: Section, name: str, node: Node, known: Known, folded: set[int]) -> None:
    """Take a line that stands for several, for none, or for something that stands there."""
    leaf = not node.children and node.shape is LINE
    text = canonical(node.text, name)
    if section.path == ():
        if _VOLATILE.match(text):
            return
        found = _ACCESS_LIST.match(text)
        if found is not None and acl.numbered(int(found[1])):
            _fold(section, found[1], found[2], node, folded)
            return
    before = len(section.items)
    each = several(text)
    for one in each:
        _add(section, name, one, node, known)
    if len(each) == 1 and len(section.items) > before and _same_everywhere(section.items[-1]):
        if leaf:
            known.lines(section.path).setdefault(node.text, section.items[-1])
        else:
            known.keep(node, section.items[-1])


def _same_everywhere(item: Item) -> bool:
    """True for an item that nothing but its own text decides, whatever stands around it.

    Not so: comments of access lists, which are told apart by their number among equals, and
    ranges of terminal lines, which are cut to those of the other text.
    """
    return not (acl.remark(item.text) or terminals(item.text))


def _fold(section: Section, number: str, rest: str, node: Node, folded: set[int]) -> None:
    """Rule 11: ``access-list N ...`` is an entry of ``ip access-list ... N``.

    ``folded`` are the items made here: any other of that name may be shared, and is copied.
    """
    header = f"ip access-list {acl.family(int(number))} {number}"
    found = match("config", header)
    key = found.key if found else (header,)
    item = section.index.get(key)
    if item is None:
        item = section.add(Item(header, key, found, node.line, (), Section((header,))))
    elif id(item) not in folded:
        shared, item = item, item.copy()
        section.replace(shared, item)
    folded.add(id(item))
    assert item.section is not None
    _entry(item.section, rest, node.line)


def _add(section: Section, name: str, text: str, node: Node, known: Known) -> None:
    found = match(name, text)
    kind = found.row.kind if found else None
    if kind is Kind.ENTRY:
        _entry(section, text, node.line)
        return
    if node.shape is BLOCK:
        label, body = _body(text, node)
        found = match(name, label)
        key = found.key if found else ("?", label)
        section.add(Item(label, key, found, node.line, body))
        return
    if _implied(found, text):
        return
    if found is not None and found.row.vlans:
        old = section.index.get(found.key)
        if old is not None or not vlans.relative(text):
            text = vlans.typed(old.text if old else "", text)
        if vlans.everything(text):
            if old is not None:
                section.remove(old)
            return
        if old is not None:
            section.replace(old, Item(text, found.key, found, old.line))
            return
    if found is not None and sets.adds(found, text):
        old = section.index.get(found.key)
        whole = sets.joined(found, old.text, text) if old and sets.adds(found, old.text) else text
        text = sets.line(found, whole, tuple(sorted(sets.values(found, whole))))
        if old is not None and sets.adds(found, old.text):
            section.replace(old, Item(text, found.key, found, old.line))
            return
    item = Item(text, found.key if found else ("?", text), found, node.line)
    if node.children or (kind is Kind.SECTION and not (found and found.negative)):
        item.section = Section.unread(
            (*section.path, text), partial(_fill, nodes=node.children, known=known)
        )
    section.add(item)


def _implied(found: Match | None, text: str) -> bool:
    """Rule 14: lines that say what is so anyway, on both sides."""
    if found is None:
        return False
    row = found.row
    if row.default and text == row.default:
        return True
    return row.kind is Kind.FLAG and row.on and not found.negative


_ENTRY = {word: BOOK.find("acl", f"{word} any") for word in ("permit", "deny")}
"""What is known of nearly all entries, which are alike but for their text."""


def _read_entry(text: str) -> tuple[str, Key, Match | None]:
    """An entry without its number to its rule, its key, and what is known of it, if it is one."""
    rule = acl.rule(text)
    if rule is not text or acl.remark(text):
        text = spelling(text, "acl")
        rule = acl.rule(text)
    word, more, _ = text.partition(" ")
    found = (_ENTRY.get(word) if more else None) or BOOK.find("acl", text)
    if found is not None and found.row.kind is not Kind.ENTRY:
        found = None
    return rule, ("entry", rule), found


def _entry(section: Section, line: str, place: int) -> None:
    """Add an entry; one that stands there already counts once, a comment every time."""
    number, text = acl.split(line)
    rule, key, found = _read_entry(text)
    copies = 0
    while key in section.index:
        if not acl.remark(rule):
            return
        copies += 1
        key = ("entry", rule, str(copies))
    item = Item(rule, key, found, place, (str(number),) if number else ())
    section.items.append(item)
    section.index[key] = item


def _body(text: str, node: Node) -> tuple[str, tuple[str, ...]]:
    """Rules 3 and 4: a block to its label and its content in one form."""
    if found := _BANNER.match(text):
        content = "\n".join([node.raw.partition("\n")[0].strip(), *node.body])
        start = content.find(found[2].split()[0])
        content = content[start:] if start >= 0 else content
        content = content.replace("\x03", "^C")
        mark = delimiter(content)
        content = content[len(mark) :].partition(mark)[0]
        if mark == "^C" and content.startswith("C") and node.raw.count("^CC"):
            content = content[1:]
        lines = [line.rstrip() for line in content.replace("\r", "").split("\n")]
        while lines and not lines[0]:
            lines.pop(0)
        while lines and not lines[-1]:
            lines.pop()
        return f"{found[1]} ^C", tuple(lines)
    if text.startswith("macro name "):
        return text, tuple(line.rstrip() for line in node.body[:-1])
    hexadecimal = "".join("".join(line.split()) for line in node.body[:-1])
    return text, (hexadecimal.upper(),)
