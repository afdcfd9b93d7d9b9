"""A parsed configuration to comparable items: one spelling, no noise, keyed by identity.

The rules of normalising are applied here (spelling is in ``words``, entries in ``acl``); each
function names its rule. What comes out keeps the line numbers of what went in.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from catnet_controller.ios import acl, sets, vlans
from catnet_controller.ios.parse import delimiter
from catnet_controller.ios.predict import several
from catnet_controller.ios.rows import Kind, Match, Row
from catnet_controller.ios.rules import BOOK, match, mode
from catnet_controller.ios.tree import Node, Path, Shape, Tree
from catnet_controller.ios.words import CLOSERS, canonical, spelling

Key = tuple[str, ...]

# Rule 2: lines that differ between two reads of an unchanged device, or say nothing.
_VOLATILE = re.compile(r"(?:version \S|ntp clock-period |end$|boot-(?:start|end)-marker$)")
_ACCESS_LIST = re.compile(r"access-list (\d+) (.+)$")
# Lines that are none of these stand for themselves, whatever else is in the text.
_PECULIAR = re.compile(
    r"version |ntp clock-period |end$|boot-|access-list |vlan |ip(?:v6)? name-server"
    r"|bgp confederation peers |line vty |remark"
)
_BANNER = re.compile(r"(banner \S+|.*(?:title|prompt|banner|fail-message)) (\S.*)$")


@dataclass(slots=True, eq=False)
class Item:
    """A line with its place in the comparison. ``body`` is the content of a block, in one form."""

    text: str
    key: Key
    found: Match | None
    line: int = 0
    body: tuple[str, ...] = ()
    section: "Section | None" = None

    @property
    def row(self) -> Row | None:
        return self.found.row if self.found else None

    @property
    def kind(self) -> Kind | None:
        return self.found.row.kind if self.found else None

    @property
    def negative(self) -> bool:
        return self.found.negative if self.found else self.text.startswith("no ")

    @property
    def opaque(self) -> bool:
        """True for a header whose lines are content that no mode takes: a macro."""
        return self.kind is Kind.SECTION and not self.negative and self.section is None

    def copy(self) -> "Item":
        """A copy whose section can be changed without changing this one."""
        section = self.section.copy() if self.section is not None else None
        return Item(self.text, self.key, self.found, self.line, self.body, section)


class Section:
    """The items inside a header (or of the whole configuration), in order, by key.

    One that was read from a text reads its lines when it is looked into: most sections of two
    configurations are the same, and the same needs no looking into.
    """

    __slots__ = ("_clashes", "_index", "_items", "_unread", "path")

    def __init__(self, path: Path, items: Iterable[Item] = ()) -> None:
        self.path = path
        self._items = [*items]
        self._index = {item.key: item for item in self._items}
        self._clashes: list[tuple[Item, Item]] = []
        self._unread: tuple[Sequence[Node], Known] | None = None

    @classmethod
    def unread(cls, path: Path, nodes: Sequence[Node], known: "Known") -> "Section":
        """The section that these nodes are."""
        made = cls(path)
        made._unread = nodes, known
        return made

    @property
    def items(self) -> list[Item]:
        """The lines, in order."""
        if self._unread is not None:
            self._read()
        return self._items

    @property
    def index(self) -> dict[Key, Item]:
        """The lines by what they exclude."""
        if self._unread is not None:
            self._read()
        return self._index

    @property
    def clashes(self) -> list[tuple[Item, Item]]:
        """Two lines of one identity with different values: the second won."""
        if self._unread is not None:
            self._read()
        return self._clashes

    @property
    def mode(self) -> str:
        return mode(self.path)

    def _read(self) -> None:
        assert self._unread is not None
        nodes, known = self._unread
        self._unread = None
        _fill(self, nodes, known)

    def add(self, item: Item) -> Item:
        """Add an item, or merge it into its equal (rule 10)."""
        old = self.index.get(item.key)
        if old is None:
            self.items.append(item)
            self.index[item.key] = item
            return item
        if old.text == item.text and old.body == item.body and not old.section and not item.section:
            return old
        # Made anew, because the old one may stand in another section as well.
        new = old.copy()
        if new.section is not None and item.section is not None:
            for child in item.section.items:
                new.section.add(child)
        if old.text != item.text or old.body != item.body:
            if old.kind is not Kind.SECTION:
                self.clashes.append((old, item))
            new.text, new.body, new.line, new.found = item.text, item.body, item.line, item.found
        self.replace(old, new)
        return new

    def remove(self, item: Item) -> None:
        self.items.remove(item)
        del self.index[item.key]

    def copy(self) -> "Section":
        made = Section(self.path)
        for item in self.items:
            made.add(item.copy())
        return made

    def shallow(self) -> "Section":
        """A copy of this level only; the items are shared."""
        return Section(self.path, self.items)

    def replace(self, old: Item, new: Item) -> None:
        """Put an item of the same identity in the place of another."""
        self.items[self.items.index(old)] = new
        self.index[old.key] = new

    def same(self, other: "Section") -> bool:
        """True when every line, below as well, is the same in the same order."""
        if self is other:
            return True
        if len(self.items) != len(other.items):
            return False
        for one, two in zip(self.items, other.items, strict=True):
            if one is two:
                continue
            if one.key != two.key or one.text != two.text or one.body != two.body:
                return False
            below, wanted = one.section, two.section
            if below is None or wanted is None:
                if below is not wanted:
                    return False
            elif not below.same(wanted):
                return False
        return True

    def lines(self) -> int:
        """How many lines, those of the sections below included."""
        return sum(1 + (i.section.lines() if i.section else 0) for i in self.items)


class Known:
    """Items that were loaded before: what stands there again is the same item, not read again.

    Items in here are shared by all that was loaded with it, so they never change, and comparing
    them ends where two are one. Their line numbers are those of the text that was loaded first.
    """

    __slots__ = ("_lines", "_sections")

    def __init__(self) -> None:
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
        self._lines.clear()
        self._sections.clear()


def load(tree: Tree, known: Known | None = None) -> Section:
    """A parsed configuration as comparable items.

    ``known`` remembers them: load what has the line numbers that count first.
    """
    root = Section(())
    _fill(root, tree.nodes, known or Known())
    _vty(root)
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
        if shape is Shape.NOISE or printed in CLOSERS:
            continue
        held = known.section(node) if children else lines.get(printed)
        if held is not None and held.key not in index and shape is Shape.LINE:
            items.append(held)
            index[held.key] = held
            continue
        text = canonical(printed, name)
        found = None if _PECULIAR.match(text) or shape is Shape.BLOCK else match(name, text)
        if found is not None and found.key not in index:
            if found.row.plain and not children:
                item = Item(text, found.key, found, line)
                items.append(item)
                index[found.key] = lines[printed] = item
                continue
            if found.row.kind is Kind.SECTION and children and not found.negative:
                inner = Section.unread((*section.path, text), children, known)
                item = Item(text, found.key, found, line, (), inner)
                items.append(item)
                index[found.key] = item
                known.keep(node, item)
                continue
        _peculiar(section, name, node, known, folded)


def _fill_list(section: Section, nodes: Iterable[Node], known: Known) -> None:
    """Rule 12: entries of an access list count by text and order; numbers are addresses."""
    items, index = section.items, section.index
    lines = known.lines(section.path)
    for node in nodes:
        printed, _, line, shape, _, children = node
        if shape is Shape.NOISE or printed in CLOSERS:
            continue
        if children or shape is not Shape.LINE:
            _peculiar(section, "acl", node, known, set())
            continue
        held = lines.get(printed)
        if held is not None and held.key not in index:
            items.append(held)
            index[held.key] = held
            continue
        number, text = acl.split(printed)
        rule, key, found = _read_entry(text)
        if found is None or found.row.kind is not Kind.ENTRY:
            _peculiar(section, "acl", node, known, set())
        elif key in index:
            _entry(section, printed, line)
        else:
            item = Item(rule, key, found, line, (str(number),) if number else ())
            items.append(item)
            index[key] = item
            if not acl.remark(rule):
                lines[printed] = item


def _peculiar(section: Section, name: str, node: Node, known: Known, folded: set[int]) -> None:
    """Take a line that stands for several, for none, or for something that stands there."""
    leaf = not node.children and node.shape is Shape.LINE
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
    if node.shape is Shape.BLOCK:
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
        item.section = Section.unread((*section.path, text), node.children, known)
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


@lru_cache(maxsize=131072)
def _read_entry(text: str) -> tuple[str, Key, Match | None]:
    """An entry without its number to its rule, its key, and what is known of it."""
    text = spelling(text, "acl")
    rule = acl.rule(text)
    word, more, _ = text.partition(" ")
    found = (_ENTRY.get(word) if more else None) or BOOK.find("acl", text)
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


# --- lines of terminals --------------------------------------------------------------------------

_LINE = re.compile(r"line vty (\d+)(?: (\d+))?$")


def _vty(root: Section) -> None:
    """Rule 13: ranges of ``line vty`` with equal content are one range."""
    cut(root, ())


def terminals(text: str) -> tuple[int, int] | None:
    """The first and the last number of a ``line vty`` header."""
    found = _LINE.match(text)
    return (int(found[1]), int(found[2] or found[1])) if found else None


def _terminals(root: Section) -> list[Item]:
    return [item for item in root.items if item.text.startswith("line vty ")]


def ranges(root: Section) -> list[tuple[int, int]]:
    """The ranges of ``line vty`` that the sections name, in order."""
    return sorted(found for item in _terminals(root) if (found := terminals(item.text)))


def cut(root: Section, edges: Iterable[int]) -> None:
    """Split the ``line vty`` ranges at ``edges`` (first numbers of a range); join equal ones."""
    single: dict[int, Item] = {}
    place: int | None = None
    for item, span in [(i, found) for i in _terminals(root) if (found := terminals(i.text))]:
        place = root.items.index(item) if place is None else place
        root.remove(item)
        for number in range(span[0], span[1] + 1):
            single[number] = item
    if place is None:
        return
    starts = set(edges)
    runs: list[list[int]] = []
    for number in sorted(single):
        if (
            runs
            and runs[-1][-1] == number - 1
            and number not in starts
            and _same(single[runs[-1][-1]], single[number])
        ):
            runs[-1].append(number)
        else:
            runs.append([number])
    for offset, run in enumerate(runs):
        header = f"line vty {run[0]} {run[-1]}"
        old = single[run[0]]
        item = Item(header, ("", ""), match("config", header), old.line, (), Section((header,)))
        item.key = item.found.key if item.found else (header,)
        assert item.section is not None
        for child in old.section.items if old.section else ():
            item.section.add(child.copy())
        root.items.insert(place + offset, item)
        root.index[item.key] = item


def _same(one: Item, other: Item) -> bool:
    return one is other or signature(one) == signature(other)


def signature(item: Item) -> tuple[object, ...]:
    """Everything below an item, for comparing whole subtrees."""
    if item.section is None:
        return (item.text, item.body)
    inner = sorted((signature(child) for child in item.section.items), key=repr)
    return tuple(inner)
