"""A node of the model that can be changed: its lines in order, found by identity."""

from collections import Counter

from catnet_controller.ios import acl
from catnet_controller.ios.rows import Kind, Match, Row
from catnet_controller.ios.rules import look, match
from catnet_controller.ios.tree import NOISE, Node, new
from catnet_controller.ios.words import CLOSERS, canonical


class Entries:
    """The entries of an access list: their lines, numbers (0 where none is printed) and rules."""

    __slots__ = ("_count", "kids", "numbers", "rules")

    def __init__(self, kids: list["Branch"]) -> None:
        read = [acl.entry(kid.text) for kid in kids]
        self.kids = kids
        self.numbers = [number or 0 for number, _ in read]
        self.rules = [rule for _, rule in read]
        self._count = Counter(self.rules)

    def has(self, rule: str) -> bool:
        """True when the access list holds the entry at any number."""
        return self._count[rule] > 0

    def insert(self, place: int, kid: "Branch", number: int, rule: str) -> None:
        self.kids.insert(place, kid)
        self.numbers.insert(place, number)
        self.rules.insert(place, rule)
        self._count[rule] += 1

    def remove(self, place: int) -> None:
        self._count[self.rules[place]] -= 1
        del self.kids[place], self.numbers[place], self.rules[place]


_NEAR = 128
"""How far from its last known place a line is looked for first."""


class Branch:
    """A node that can be changed. Children are opened only when something below changes."""

    __slots__ = (
        "_entries", "_found", "_keys", "_near", "last", "node", "opened", "place", "raw", "text",
        "twice",
    )  # fmt: skip

    def __init__(self, node: Node, place: int = 0) -> None:
        self.place = place
        """About where it stands among its like: others came and went since this was looked up."""
        self.node = node
        self.text = node.text
        self.raw = node.raw
        self.opened: list[Branch] | None = None
        self._found: tuple[str, str, Match | None] | None = None

    def become(self, node: Node) -> None:
        """Be another node from now on, in the same place."""
        self.node = node
        self.text = node.text
        self.raw = node.raw
        self.opened = None
        self._found = None

    def _open(self) -> list["Branch"]:
        self.opened = [Branch(child, place) for place, child in enumerate(self.node.children)]
        self._keys: dict[tuple[str, ...], Branch] | None = None
        self._entries: Entries | None = None
        self._near: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {}
        self.last: dict[str, Branch] = {}
        """The last line of a family, by the pattern of its row, where one was placed already."""
        self.twice: set[tuple[str, ...]] = set()
        return self.opened

    def key(self, mode_name: str) -> tuple[str, ...]:
        """What this line has in common with those that exclude it."""
        if mode_name == "acl":
            return identity(mode_name, self.text)
        text, found = look(mode_name, self.text)
        return found.key if found is not None else ("?", text.removeprefix("no "))

    def found(self, mode_name: str) -> Match | None:
        """What is known of this line; asked again and again when a place is looked for."""
        if self._found is None or self._found[0] is not self.text or self._found[1] != mode_name:
            self._found = self.text, mode_name, look(mode_name, self.text)[1]
        return self._found[2]

    @property
    def kids(self) -> list["Branch"]:
        return self._open() if self.opened is None else self.opened

    def keys(self, mode_name: str) -> dict[tuple[str, ...], "Branch"]:
        """The children by identity. A section that stands twice is one; other equals are kept."""
        if self.opened is None or self._keys is None:
            keys: dict[tuple[str, ...], Branch] = {}
            kids = [*self.kids]
            self.twice.clear()
            for kid in kids:
                if kid.node.shape is NOISE or kid.text in CLOSERS:
                    continue
                key = kid.key(mode_name)
                first = keys.setdefault(key, kid)
                if first is not kid and kid.kids:
                    first.kids.extend(kid.kids)
                    first.forget()
                    self.kids.remove(kid)
                elif first is not kid:
                    self.twice.add(key)
            self._keys = keys
        return self._keys

    def near(self, row: Row) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Keys of the children of a row that another of its lines replaces or is refused for.

        By what both share. No two rows share anything.
        """
        keys = self.keys(row.mode)
        near = self._near.get(row.pattern)
        if near is None:
            near = self._near[row.pattern] = {}
            for key, kid in keys.items():
                if key[0] == row.pattern:
                    text, found = look(row.mode, kid.text)
                    if found is not None and not found.negative:
                        near[row.shared(text)] = key
        return near

    def single(self, mode_name: str, key: tuple[str, ...]) -> None:
        """Keep the first of the lines with one identity (a list printed over several lines)."""
        first = self.keys(mode_name).get(key)
        if key in self.twice and first is not None:
            self.kids[:] = [
                kid
                for kid in self.kids
                if kid is first or kid.node.shape is NOISE or kid.key(mode_name) != key
            ]
            self.twice.discard(key)

    def entries(self) -> Entries:
        """What an access list holds, without its noise."""
        kids = self.kids
        if self._entries is None:
            self._entries = Entries([k for k in kids if k.node.shape is not NOISE])
        return self._entries

    def spot(self, kid: "Branch") -> int:
        """The place of a child; ValueError when it is none. Looked for where it was at last."""
        for reach in (_NEAR, len(self.kids)):
            try:
                kid.place = self.kids.index(kid, max(0, kid.place - reach), kid.place + reach)
            except ValueError:
                continue
            return kid.place
        raise ValueError(kid.text)

    def unkeyed(self) -> None:
        """Find the lines by identity anew: an entry came or went, and ``entries`` knows of it."""
        self._keys = None

    def end(self) -> int:
        """The place behind the last line that is not noise."""
        end = len(self.kids)
        while end and self.kids[end - 1].node.shape is NOISE:
            end -= 1
        return end

    def forget(self) -> None:
        """Find the lines anew: others stand here than before."""
        if self.opened is None:
            return
        self._keys = None
        self._near.clear()
        self._entries = None
        self.last.clear()

    def freeze(self) -> Node:
        node, kids = self.node, self.opened
        if kids is None:
            if self.text is not node.text or self.raw is not node.raw:
                # Kept: it is asked for again, and is one and the same line then.
                _, _, line, shape, body, children = node
                self.node = new(Node, (self.text, self.raw, line, shape, body, children))
            return self.node
        below = [
            kid.node
            if kid.opened is None and kid.text is kid.node.text and kid.raw is kid.node.raw
            else kid.freeze()
            for kid in kids
        ]
        return Node(self.text, self.raw, node.line, node.shape, node.body, tuple(below))


def identity(mode_name: str, text: str) -> tuple[str, ...]:
    """What two lines have in common that exclude each other: the key of the row, or the text."""
    if mode_name == "acl":
        # The number aside, so that what is known of an entry holds for it at any number.
        number, bare = acl.split(text)
        bare = canonical(bare, mode_name)
        found = match(mode_name, bare)
        if found is not None and found.row.kind is Kind.ENTRY:
            return (str(number or ""), acl.rule(bare))
    if found := match(mode_name, text):
        return found.key
    return ("?", text.removeprefix("no "))
