"""A node of the model that can be changed: its lines in order, found by identity."""

from collections import Counter

from catnet_controller.ios import acl
from catnet_controller.ios.rows import Kind, Match
from catnet_controller.ios.rules import match
from catnet_controller.ios.tree import Node, Shape
from catnet_controller.ios.words import CLOSERS, canonical

_NONE: Counter[str] = Counter()


class Branch:
    """A node that can be changed. Children are opened only when something below changes."""

    __slots__ = (
        "_found",
        "_keys",
        "_kids",
        "_near",
        "_rules",
        "_texts",
        "last",
        "node",
        "raw",
        "text",
        "twice",
    )  # fmt: skip

    def __init__(self, node: Node) -> None:
        self.node = node
        self.text = node.text
        self.raw = node.raw
        self._kids: list[Branch] | None = None
        self._found: tuple[str, str, Match | None] | None = None
        self._keys: dict[tuple[str, ...], Branch] | None = None
        self._rules: tuple[list[Branch], list[int]] | None = None
        self._near: dict[tuple[str, ...], tuple[str, ...]] | None = None
        self.last: dict[str, Branch] = {}
        """The last line of a family, by the pattern of its row, where one was placed already."""
        self.twice: set[tuple[str, ...]] = set()
        self._texts: Counter[str] = _NONE

    def key(self, mode_name: str) -> tuple[str, ...]:
        """What this line has in common with those that exclude it."""
        text = self.text if mode_name == "acl" else canonical(self.text, mode_name)
        return identity(mode_name, text)

    def found(self, mode_name: str) -> Match | None:
        """What is known of this line; asked again and again when a place is looked for."""
        if self._found is None or self._found[0] is not self.text or self._found[1] != mode_name:
            known = match(mode_name, canonical(self.text, mode_name))
            self._found = self.text, mode_name, known
        return self._found[2]

    @property
    def kids(self) -> list["Branch"]:
        if self._kids is None:
            self._kids = [Branch(child) for child in self.node.children]
        return self._kids

    def keys(self, mode_name: str) -> dict[tuple[str, ...], "Branch"]:
        """The children by identity. A section that stands twice is one; other equals are kept."""
        if self._keys is None:
            keys: dict[tuple[str, ...], Branch] = {}
            self.twice = set()
            for kid in [*self.kids]:
                if kid.node.shape is Shape.NOISE or kid.text in CLOSERS:
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

    def near(self, mode_name: str) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Keys of the children that another line replaces or is refused for, by what both share."""
        if self._near is None:
            self._near = {}
            for key, kid in self.keys(mode_name).items():
                found = kid.found(mode_name)
                if found is None or found.negative:
                    continue
                if found.row.near or found.row.once:
                    self._near[found.row.shared(canonical(kid.text, mode_name))] = key
        return self._near

    def single(self, mode_name: str, key: tuple[str, ...]) -> None:
        """Keep the first of the lines with one identity (a list printed over several lines)."""
        first = self.keys(mode_name).get(key)
        if key in self.twice and first is not None:
            self.kids[:] = [
                kid
                for kid in self.kids
                if kid is first or kid.node.shape is Shape.NOISE or kid.key(mode_name) != key
            ]
            self.twice.discard(key)

    def rules(self) -> tuple[list["Branch"], list[int]]:
        """Of an access list: the entries and their numbers (0 where none is printed)."""
        if self._rules is None:
            kids = [kid for kid in self.kids if kid.node.shape is not Shape.NOISE]
            read = [acl.entry(kid.text) for kid in kids]
            self._rules = kids, [number or 0 for number, _ in read]
            self._texts = Counter(rule for _, rule in read)
        return self._rules

    def has(self, rule: str) -> bool:
        """True when the access list holds the entry at any number."""
        self.rules()
        return self._texts[rule] > 0

    def said(self, rule: str) -> None:
        self.rules()
        self._texts[rule] += 1

    def unsaid(self, rule: str) -> None:
        self.rules()
        self._texts[rule] -= 1

    def end(self) -> int:
        """The place behind the last line that is not noise."""
        end = len(self.kids)
        while end and self.kids[end - 1].node.shape is Shape.NOISE:
            end -= 1
        return end

    def forget(self) -> None:
        self._keys = None
        self._near = None
        self._rules = None
        self.last.clear()

    def freeze(self) -> Node:
        node = self.node
        if self._kids is None and self.text is node.text and self.raw is node.raw:
            return node
        children = node.children if self._kids is None else tuple([k.freeze() for k in self._kids])
        return Node(self.text, self.raw, node.line, node.shape, node.body, children)


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
