"""The lines of a configuration as comparable items, and the sections they stand in, by identity."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from catnet_controller.ios.rows import Kind, Match, Row
from catnet_controller.ios.rules import mode
from catnet_controller.ios.tree import Path

Key = tuple[str, ...]


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
        self._unread: Callable[[Section], None] | None = None

    @classmethod
    def unread(cls, path: Path, read: "Callable[[Section], None]") -> "Section":
        """A section that ``read`` fills when it is looked into."""
        made = cls(path)
        made._unread = read
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
        read, self._unread = self._unread, None
        read(self)

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


def signature(item: Item) -> tuple[object, ...]:
    """Everything below an item, for comparing whole subtrees."""
    if item.section is None:
        return (item.text, item.body)
    inner = sorted((signature(child) for child in item.section.items), key=repr)
    return tuple(inner)
