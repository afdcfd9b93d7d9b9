"""A model of how IOS changes its configuration: a line typed in a section, and what it leaves.

Pure: a tree and a line go in, the new tree and the section one is in then come out. Facts about
lines are in the tables; here are only the few ways in which IOS treats a kind of line.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from catnet_controller.ios import acl, names, vlans
from catnet_controller.ios.changes import Command, Expect
from catnet_controller.ios.parse import delimiter, dump, parse
from catnet_controller.ios.rows import Kind, Match
from catnet_controller.ios.rules import match, mode
from catnet_controller.ios.tree import Node, Path, Shape, Tree
from catnet_controller.ios.words import CLOSERS, canonical

_OPENING = re.compile(r"(banner \S+|.*(?:title|prompt|banner|fail-message)) (\S.*)$")
_ACL_HEADER = re.compile(r"ip access-list (standard|extended) (\d+)$")
_STANDARD = range(1, 100)
_VTY = re.compile(r"line vty (\d+)(?: (\d+))?$")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a typed line leaves: the configuration, the section one is in, and what was refused.

    ``refusal`` is a short reason when IOS would not take the line; the tree is then unchanged.
    """

    tree: Tree
    path: Path
    refusal: str | None = None


def type_line(tree: Tree, path: Path, line: str) -> Typed:
    """Type one line (or a whole block, its physical lines joined by newlines) in a section."""
    model = Model(tree)
    after = model.type(path, line)
    return Typed(model.tree() if model.refusal is None else tree, after, model.refusal)


def predict(running: str, commands: Sequence[Command]) -> str:
    """The running-config after commands were typed one after the other from global config."""
    model = Model(parse(running))
    for line in lines(commands):
        model.type(model.path, line)
    return dump(model.tree())


def lines(commands: Sequence[Command]) -> Iterable[str]:
    """Commands to whole lines: the physical lines of a block are joined by newlines."""
    block: list[str] = []
    for command in commands:
        block.append(command.text)
        if command.expect is Expect.PROMPT:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


class _Branch:
    """A node that can be changed. Children are opened only when something below changes."""

    __slots__ = ("_keys", "_kids", "_rules", "_texts", "node", "raw", "text", "twice")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.text = node.text
        self.raw = node.raw
        self._kids: list[_Branch] | None = None
        self._keys: dict[tuple[str, ...], _Branch] | None = None
        self._rules: tuple[list[_Branch], list[int]] | None = None
        self.twice: set[tuple[str, ...]] = set()
        self._texts: Counter[str] | None = None

    @property
    def kids(self) -> list["_Branch"]:
        if self._kids is None:
            self._kids = [_Branch(child) for child in self.node.children]
        return self._kids

    def keys(self, mode_name: str) -> dict[tuple[str, ...], "_Branch"]:
        """The children by identity. A section that stands twice is one; other equals are kept."""
        if self._keys is None:
            keys: dict[tuple[str, ...], _Branch] = {}
            self.twice = set()
            for kid in [*self.kids]:
                if kid.node.shape is Shape.NOISE or kid.text in CLOSERS:
                    continue
                key = identity(mode_name, canonical(kid.text))
                first = keys.setdefault(key, kid)
                if first is not kid and kid.kids:
                    first.kids.extend(kid.kids)
                    first.forget()
                    self.kids.remove(kid)
                elif first is not kid:
                    self.twice.add(key)
            self._keys = keys
        return self._keys

    def single(self, mode_name: str, key: tuple[str, ...]) -> None:
        """Keep the first of the lines with one identity (a list printed over several lines)."""
        first = self.keys(mode_name).get(key)
        if key in self.twice and first is not None:
            self.kids[:] = [
                kid
                for kid in self.kids
                if kid is first
                or kid.node.shape is Shape.NOISE
                or identity(mode_name, canonical(kid.text)) != key
            ]
            self.twice.discard(key)

    def rules(self) -> tuple[list["_Branch"], list[int]]:
        """Of an access list: the entries and their numbers (0 where none is printed)."""
        if self._rules is None:
            kids = [kid for kid in self.kids if kid.node.shape is not Shape.NOISE]
            self._rules = kids, [acl.entry(kid.text)[0] or 0 for kid in kids]
        return self._rules

    def _counted(self) -> "Counter[str]":
        if self._texts is None:
            self._texts = Counter(acl.entry(kid.text)[1] for kid in self.rules()[0])
        return self._texts

    def has(self, rule: str) -> bool:
        """True when the access list holds the entry at any number."""
        return self._counted()[rule] > 0

    def said(self, rule: str) -> None:
        self._counted()[rule] += 1

    def unsaid(self, rule: str) -> None:
        self._counted()[rule] -= 1

    def end(self) -> int:
        """The place behind the last line that is not noise."""
        end = len(self.kids)
        while end and self.kids[end - 1].node.shape is Shape.NOISE:
            end -= 1
        return end

    def forget(self) -> None:
        self._keys = None
        self._rules = None
        self._texts = None

    def freeze(self) -> Node:
        node = self.node
        if self._kids is None and self.text is node.text and self.raw is node.raw:
            return node
        children = node.children if self._kids is None else tuple(k.freeze() for k in self._kids)
        return Node(self.text, self.raw, node.line, node.shape, node.body, children)


def identity(mode_name: str, text: str) -> tuple[str, ...]:
    """What two lines have in common that exclude each other: the key of the row, or the text."""
    if found := match(mode_name, text):
        if found.row.kind is Kind.ENTRY:
            number, rule = acl.entry(text)
            return (str(number or ""), rule)
        return found.key
    return ("?", text.removeprefix("no "))


class Model:
    """A configuration that lines are typed into. ``refusal`` is the answer to the last line."""

    def __init__(self, tree: Tree) -> None:
        self._root = _Branch(Node("", "", children=_ended(tree.nodes)))
        self._problems = tree.problems
        self.path: Path = ()
        self.refusal: str | None = None

    def tree(self) -> Tree:
        """The configuration as it is now."""
        return Tree(self._root.freeze().children, self._problems)

    def type(self, path: Path, line: str) -> Path:
        """Type a line; gives the section one is in then, which is kept in ``path`` as well."""
        self.refusal = None
        after = path
        parts = self._parts(path)
        for part in parts:
            after = self._type(part, line)
        self.path = path if len(parts) > 1 and after == parts[-1] else after
        return self.path

    def _parts(self, path: Path) -> list[Path]:
        """The sections that a range of lines stands for: one, unless the range spans several."""
        found = _VTY.match(path[0]) if len(path) == 1 else None
        if found is None:
            return [path]
        first, last = int(found[1]), int(found[2] or found[1])
        inside: list[Path] = [
            (canonical(kid.text),)
            for low, high, kid in self._ranges()
            if first <= low and high <= last
        ]
        return inside or [path]

    def _ranges(self) -> list[tuple[int, int, _Branch]]:
        found = ((_VTY.match(canonical(kid.text)), kid) for kid in self._root.kids)
        return [(int(f[1]), int(f[2] or f[1]), kid) for f, kid in found if f]

    def _lines(self, text: str) -> bool:
        """Enter a range of lines: cut the ranges there are to it; False when it is all new."""
        found = _VTY.match(text)
        if found is None:
            return False
        first, last = int(found[1]), int(found[2] or found[1])
        covered: set[int] = set()
        for low, high, kid in self._ranges():
            covered.update(range(low, high + 1))
            edges = sorted({low, high + 1, *(e for e in (first, last + 1) if low < e <= high)})
            if len(edges) > 2:
                place = self._root.kids.index(kid)
                node = kid.freeze()
                headers = [f"line vty {a} {b - 1}" for a, b in itertools.pairwise(edges)]
                self._root.kids[place : place + 1] = [
                    _Branch(replace(node, text=one, raw=f"{one}\n")) for one in headers
                ]
        self._root.forget()
        new = [number for number in range(first, last + 1) if number not in covered]
        if not covered.intersection(range(first, last + 1)):
            return False
        if new:
            header = f"line vty {new[0]} {new[-1]}"
            made = match("config", header)
            if made is not None:
                self._enter(self._root, (), made, header)
        return True

    def _type(self, path: Path, line: str) -> Path:
        first = line.partition("\n")[0]
        text = canonical(first)
        if text == "end":
            return ()
        if text in CLOSERS:
            return path[:-1]
        if not text or text.startswith(("!", "do ")):
            return path
        bare = text.removeprefix("no ").removeprefix("default ")
        at = self.level(path, bare)
        if text.startswith("default "):
            self._default(at, bare)
            return at
        if text.startswith("no "):
            self._no(at, text, bare)
            return at
        return self._positive(at, text, line)

    @staticmethod
    def level(path: Path, bare: str) -> Path:
        """The section that takes a line: the innermost where it is known, else where one is."""
        loose: Path | None = None
        for depth in range(len(path), -1, -1):
            level = path[:depth]
            if found := match(mode(level), bare) or match(mode(level), f"no {bare}"):
                if not found.row.blank:
                    return level
                loose = level if loose is None else loose
        return path if loose is None else loose

    def _branch(self, path: Path) -> _Branch | None:
        branch = self._root
        for depth, header in enumerate(path):
            found = branch.keys(mode(path[:depth])).get(identity(mode(path[:depth]), header))
            if found is None:
                return None
            branch = found
        return branch

    def _positive(self, at: Path, text: str, line: str) -> Path:
        name = mode(at)
        found = match(name, text)
        if at == () and (numbered := _numbered(text)):
            return self._numbered(at, *numbered)
        if at == () and text.startswith("ip access-list resequence "):
            self._resequence(text)
            return at
        branch = self._branch(at)
        if branch is None:
            self.refusal = "the section is gone"
            return at
        self._apart(branch, at, text)
        if found is not None and found.row.kind is Kind.SECTION:
            if at == () and self._lines(text):
                return (text,)
            if at == () and (one := _ACL_HEADER.match(text)):
                self._fold(one[2], text)
            self._enter(branch, at, found, text)
            return (*at, text)
        if found is not None and found.row.kind is Kind.ENTRY:
            self._entry(branch, at, text)
        elif found is not None and found.row.kind is Kind.BLOCK:
            self._put(branch, at, _block(line, len(at)), found)
        else:
            self._line(branch, at, text, found)
        return at

    def _line(self, branch: _Branch, at: Path, text: str, found: Match | None) -> None:
        if found is None:
            self._put(branch, at, _made(text, at), None)
            return
        row = found.row
        if row.vlans:
            text = vlans.typed(self._set(branch, found), text)
        if (row.kind is Kind.FLAG and row.on) or (row.default and text == row.default):
            self._drop(branch, at, found.key)
            return
        old = branch.keys(row.mode).get(found.key)
        if old is not None and old.text == text and not old.kids:
            return
        if row.wipes:
            self._wipe(branch, at, row.wipes)
        self._put(branch, at, _made(text, at), found)

    @staticmethod
    def _set(branch: _Branch, found: Match) -> str:
        """The set of VLANs as one line, though the device prints it over several."""
        whole = ""
        for kid in branch.kids:
            text = canonical(kid.text)
            if kid.node.shape is not Shape.NOISE and identity(found.row.mode, text) == found.key:
                whole = vlans.typed(whole, text)
        return whole

    def _put(self, branch: _Branch, at: Path, node: Node, found: Match | None) -> _Branch:
        """Store a line: in the place of its equal, else where IOS prints its kind."""
        name = mode(at)
        key = identity(name, node.text)
        keys = branch.keys(name)
        branch.single(name, key)
        old = keys.get(key)
        new = _Branch(node)
        if old is not None:
            branch.kids[branch.kids.index(old)] = new
        else:
            branch.kids.insert(self._position(branch, at, node.text, found), new)
        keys[key] = new
        return new

    def _position(self, branch: _Branch, at: Path, text: str, found: Match | None) -> int:
        """Behind the last line that IOS prints before this one, in the text as it stands."""
        name = mode(at)
        kids = branch.kids
        last = len(kids)
        while last and (kids[last - 1].text in _TAIL or kids[last - 1].node.shape is Shape.NOISE):
            last -= 1
        if found is None:
            return last
        mine = _rank(name, text, found)
        before: int | None = None
        first_of_family: int | None = None
        for position in range(last, 0, -1):
            kid = kids[position - 1]
            if kid.node.shape is Shape.NOISE or kid.text in CLOSERS:
                continue
            shown = canonical(kid.text)
            other = match(name, shown)
            if other is None:
                continue
            if other.row is found.row:
                if found.row.kind is Kind.ORDERED or _rank(name, shown, other) <= mine:
                    return position
                first_of_family = position - 1
            elif first_of_family is not None:
                break
            elif before is None and other.row.place < found.row.place:
                before = position
        if first_of_family is not None:
            return first_of_family
        return self._head(kids, last) if before is None else before

    @staticmethod
    def _head(kids: list[_Branch], last: int) -> int:
        position = 0
        while position < last and kids[position].node.shape is Shape.NOISE:
            position += 1
        return position

    def _enter(self, branch: _Branch, at: Path, found: Match, text: str) -> None:
        """Open a section, making it when it is not there; a new header text replaces the old."""
        old = branch.keys(mode(at)).get(found.key)
        if old is None:
            starts = tuple(_made(line, (*at, text)) for line in _starts(text))
            node = Node(text, f"{' ' * len(at)}{text}\n", children=starts)
            self._put(branch, at, node, found)
        elif canonical(old.text) != text:
            old.text = text
            old.raw = f"{' ' * len(at)}{text}\n"

    def _no(self, at: Path, text: str, bare: str) -> None:
        name = mode(at)
        branch = self._branch(at)
        if branch is None:
            self.refusal = "the section is gone"
            return
        self._apart(branch, at, bare)
        found = match(name, text)
        if at == () and self._no_numbered(bare):
            return
        if found is None:
            self._no_unknown(branch, at, text, bare)
            return
        row = found.row
        if name == "acl":
            self._no_entry(branch, at, bare)
            return
        if row.kind is Kind.SECTION and _stays(found, bare):
            self.refusal = "% Removal of physical interfaces is not permitted."
            return
        old = branch.keys(name).get(found.key)
        if old is None and row.kind in (Kind.LIST, Kind.ORDERED, Kind.SECTION):
            old = self._by_prefix(branch, bare)
            if old is not None:
                found = match(name, canonical(old.text)) or found
        if row.cascade:
            self._cascade(branch, at, row.cascade.format(*found.words), found)
        positive = old is not None and not old.text.startswith("no ")
        if positive:
            if row.wipes:
                self._wipe(branch, at, row.wipes)
            self._drop(branch, at, found.key)
        if row.shown and row.kind is Kind.SINGLE and not row.default:
            self._put(branch, at, _made(row.no, at), found)
        elif row.kind is Kind.FLAG and not row.off and (row.on or not positive):
            self._put(branch, at, _made(text, at), found)
        elif row.default and row.kind is Kind.SINGLE and text.startswith("no "):
            self._put(branch, at, _made(_off(row.default), at), found)

    @staticmethod
    def _apart(branch: _Branch, at: Path, bare: str) -> None:
        """Lines that stand for several (VLANs, name servers) become one line each."""
        if not bare.startswith(_LISTED):
            return
        kids: list[_Branch] = []
        for kid in branch.kids:
            several_ = several(canonical(kid.text)) if kid.node.shape is Shape.LINE else ()
            if len(several_) > 1:
                kids.extend(_Branch(_made(one, at)) for one in several_)
            else:
                kids.append(kid)
        if len(kids) != len(branch.kids):
            branch.kids[:] = kids
            branch.forget()

    def _no_unknown(self, branch: _Branch, at: Path, text: str, bare: str) -> None:
        old = branch.keys(mode(at)).get(identity(mode(at), bare)) or self._by_prefix(branch, bare)
        if old is None or old.text.startswith("no "):
            if old is None:
                self._put(branch, at, _made(text, at), None)
            return
        branch.kids.remove(old)
        branch.forget()

    @staticmethod
    def _by_prefix(branch: _Branch, bare: str) -> _Branch | None:
        head = f"{bare} "
        return next(
            (
                kid
                for kid in branch.kids
                if kid.node.shape is not Shape.NOISE and kid.text.startswith(head)
            ),
            None,
        )

    def _drop(self, branch: _Branch, at: Path, key: tuple[str, ...]) -> None:
        keys = branch.keys(mode(at))
        branch.single(mode(at), key)
        if (old := keys.pop(key, None)) is not None:
            branch.kids.remove(old)

    def _default(self, at: Path, bare: str) -> None:
        branch = self._branch(at)
        if branch is None:
            self.refusal = "the section is gone"
            return
        found = match(mode(at), f"no {bare}")
        if found is None:
            if (old := self._by_prefix(branch, bare)) is not None:
                branch.kids.remove(old)
                branch.forget()
            return
        if found.row.kind is not Kind.SECTION:
            self._drop(branch, at, found.key)
            if found.row.shown and not found.row.default:
                self._put(branch, at, _made(found.row.no, at), found)
            return
        old = branch.keys(mode(at)).get(found.key)
        if old is not None:
            down = any(kid.text == "shutdown" for kid in old.kids)
            shown = [line for line in _starts(bare) if line != "shutdown" or down]
            starts = tuple(_made(line, (*at, bare)) for line in shown)
            node = Node(old.text, old.raw, old.node.line, children=starts)
            self._put(branch, at, node, found)

    def _wipe(self, branch: _Branch, at: Path, pattern: str) -> None:
        """Side effect on the lines of the same section, such as addresses on a VRF change."""
        gone = re.compile(rf"(?:{pattern})(?: |$)")
        kept = [kid for kid in branch.kids if not gone.match(canonical(kid.text))]
        if len(kept) == len(branch.kids):
            return
        branch.kids[:] = kept
        branch.forget()
        if mode(at) == "interface":
            none = match("interface", "no ip address")
            self._put(branch, at, _made("no ip address", at), none)

    def _cascade(self, branch: _Branch, at: Path, head: str, found: Match) -> None:
        """Lines that go with a removed one: a neighbour's, also in the families below."""
        if head == "vrf":
            self._no_vrf(found.words[0])
            return
        stem = f"{head} "
        for kid in [*branch.kids]:
            if kid.text.startswith(stem) or kid.text.startswith(f"no {stem}"):
                branch.kids.remove(kid)
            elif kid.node.children or kid.kids:
                self._cascade(kid, at, head, found)
        branch.forget()

    def _no_vrf(self, name: str) -> None:
        """A deleted VRF takes its use and the addresses of its interfaces with it."""
        for kid in [*self._root.kids]:
            text = canonical(kid.text)
            if text.startswith("interface "):
                at = (text,)
                for use in (f"vrf forwarding {name}", f"ip vrf forwarding {name}"):
                    found = match("interface", use)
                    if found and any(k.text == use for k in kid.kids):
                        self._wipe(kid, at, found.row.wipes)
                        self._drop(kid, at, found.key)
            elif text.startswith("router "):
                gone = [
                    k
                    for k in kid.kids
                    if re.match(rf"address-family \S+ .*vrf {re.escape(name)}( |$)", k.text)
                ]
                for family in gone:
                    kid.kids.remove(family)
                kid.forget()

    # --- access lists ------------------------------------------------------------------------

    def _entry(self, branch: _Branch, at: Path, text: str) -> None:
        number, rule = acl.entry(text)
        keys = branch.keys(mode(at))
        kids, numbers = branch.rules()
        if number is None:
            self._append_entry(branch, at, text, rule)
            return
        if (str(number), rule) in keys:
            return
        if kids and not numbers[-1]:
            self._number(branch, at, 10, 10)
            kids, numbers = branch.rules()
            keys = branch.keys(mode(at))
        comment = acl.remark(rule)
        low, high = bisect_left(numbers, number), bisect_right(numbers, number)
        if not comment and any(not acl.remark(acl.entry(k.text)[1]) for k in kids[low:high]):
            self.refusal = "% Duplicate sequence number"
            return
        position = low if comment else high
        while comment and position < high and acl.remark(acl.entry(kids[position].text)[1]):
            position += 1
        index = branch.kids.index(kids[position]) if position < len(kids) else branch.end()
        new = _Branch(_made(_numbered_text(at, number, text), at))
        branch.said(rule)
        branch.kids.insert(index, new)
        keys[(str(number), rule)] = new
        kids.insert(position, new)
        numbers.insert(position, number)

    def _append_entry(self, branch: _Branch, at: Path, text: str, rule: str) -> None:
        kids, numbers = branch.rules()
        if not acl.remark(rule) and branch.has(rule):
            return
        number = (numbers[-1] if numbers else 0) and numbers[-1] + 10
        if number:
            text = _numbered_text(at, number, text)
        new = _Branch(_made(text, at))
        branch.said(rule)
        branch.kids.insert(branch.end(), new)
        branch.keys(mode(at))[(str(number or ""), rule)] = new
        kids.append(new)
        numbers.append(number)

    def _no_entry(self, branch: _Branch, at: Path, bare: str) -> None:
        kids, numbers = branch.rules()
        if bare.isdigit() or re.fullmatch(r"sequence \d+", bare):
            number = int(bare.rsplit(maxsplit=1)[-1])
            if kids and not numbers[-1]:
                self._number(branch, at, 10, 10)
                kids, numbers = branch.rules()
            span = range(bisect_left(numbers, number), bisect_right(numbers, number))
            gone = [n for n in span if not acl.remark(acl.entry(kids[n].text)[1])]
        else:
            wanted, rule = acl.entry(bare)
            gone = [
                n
                for n, kid in enumerate(kids)
                if acl.entry(kid.text)[1] == rule and wanted in (None, numbers[n])
            ][:1]
        for position in reversed(gone):
            kid = kids[position]
            branch.unsaid(acl.entry(kid.text)[1])
            del kids[position], numbers[position]
            branch.kids.remove(kid)
            branch.keys(mode(at)).pop(identity(mode(at), canonical(kid.text)), None)

    def _number(self, branch: _Branch, at: Path, start: int, step: int) -> None:
        """Give every entry a number; a comment has that of the entry that follows it."""
        number = start
        for kid in branch.kids:
            if kid.node.shape is Shape.NOISE:
                continue
            _, rule = acl.entry(kid.text)
            kid.text = _numbered_text(at, number, rule)
            kid.raw = f"{' ' * len(at)}{kid.text}\n"
            if not acl.remark(rule):
                number += step
        branch.forget()

    def _resequence(self, text: str) -> None:
        words = text.split()
        name, start, step = words[3], int(words[4]), int(words[5])
        for kind in ("standard", "extended"):
            header = f"ip access-list {kind} {name}"
            if _ACL_HEADER.match(header):
                self._fold(name, header)
            branch = self._branch((header,))
            if branch is not None:
                self._number(branch, (header,), start, step)

    def _numbered(self, at: Path, number: str, rest: str) -> Path:
        """``access-list N ...`` typed globally: the entry goes to the end of list N."""
        kind = "standard" if int(number) in _STANDARD or 1300 <= int(number) < 2000 else "extended"
        header = f"ip access-list {kind} {number}"
        branch = self._branch((header,))
        if branch is not None:
            self._entry(branch, (header,), rest)
        else:
            text = f"access-list {number} {rest}"
            self._put(self._root, at, _made(text, at), match("config", text))
        return at

    def _no_numbered(self, bare: str) -> bool:
        """``no access-list N``, also with an entry behind it, drops the whole list."""
        found = re.match(r"access-list (\d+)(?: |$)", bare)
        if found is None:
            found = re.fullmatch(r"ip access-list (?:standard|extended) (\d+)", bare)
        if found is None:
            return False
        pattern = re.compile(
            rf"access-list {found[1]} |ip access-list (?:standard|extended) {found[1]}$"
        )
        self._root.kids[:] = [k for k in self._root.kids if not pattern.match(canonical(k.text))]
        self._root.forget()
        return True

    def _fold(self, number: str, header: str) -> None:
        """Lines ``access-list N ...`` become the section that the header names."""
        stem = f"access-list {number} "
        lines_ = [k for k in self._root.kids if canonical(k.text).startswith(stem)]
        if not lines_:
            return
        children = tuple(_made(canonical(k.text)[len(stem) :], (header,)) for k in lines_)
        position = self._root.kids.index(lines_[0])
        self._root.kids[:] = [k for k in self._root.kids if k not in lines_]
        self._root.kids.insert(position, _Branch(Node(header, f"{header}\n", children=children)))
        self._root.forget()


_TAIL = frozenset({"end"})
_LISTED = ("vlan ", "ip name-server ", "ipv6 name-server ", "bgp confederation peers ")
_VLANS = re.compile(r"vlan ([\d,-]*[,-][\d,-]*)$")
_FAN = re.compile(r"((?:ip|ipv6) name-server(?: vrf \S+)?|bgp confederation peers) (.+)$")


def several(text: str) -> tuple[str, ...]:
    """One printed line to the lines it stands for."""
    if found := _VLANS.match(text):
        return tuple(f"vlan {number}" for number in sorted(vlans.numbers(found[1])))
    if found := _FAN.match(text):
        return tuple(f"{found[1]} {word}" for word in found[2].split())
    return (text,)


def _ended(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes with a line break after the last line, where text was cut without one."""
    if not nodes:
        return nodes
    last = nodes[-1]
    if last.children:
        last = replace(last, children=_ended(last.children))
    elif not last.raw.endswith("\n"):
        last = replace(last, raw=f"{last.raw}\n")
    return nodes if last is nodes[-1] else (*nodes[:-1], last)


def _made(text: str, at: Path) -> Node:
    return Node(text, f"{' ' * len(at)}{text}\n")


def _block(line: str, depth: int) -> Node:
    """A typed block as IOS prints it: chr(3) as delimiter, shown ``^C``; a macro ends in ``@``."""
    first, *rest = line.split("\n")
    text = canonical(first)
    found = _OPENING.match(text)
    indent = " " * depth
    if found is None:
        raw = "\n".join([indent + text, *rest]) + "\n"
        return Node(text, raw, 0, Shape.BLOCK, tuple(rest))
    mark = delimiter(found[2])
    content = "\n".join([found[2][len(mark) :], *rest])
    content = content.split(mark, 1)[0]
    body = content.split("\n")
    shown = [f"{found[1]} ^C{body[0]}", *body[1:]]
    shown[-1] += "^C"
    return Node(shown[0], "\n".join(shown) + "\n", 0, Shape.BLOCK, tuple(shown[1:]))


def _rank(name: str, text: str, found: Match) -> tuple[object, ...]:
    """What IOS sorts by: the place of the row; interfaces by type, slot and port; numbers."""
    if name == "config" and text.startswith("interface "):
        return (found.row.place, *names.place(text[10:]))
    numbers = tuple(int(word) if word.isdigit() else 0 for word in found.words)
    if found.row.kind is Kind.SECTION and any(numbers):
        return (found.row.place, 0, "", numbers)
    return (found.row.place, 0, "", ())


def _starts(text: str) -> tuple[str, ...]:
    """What IOS shows in a section that was just made."""
    if text.startswith("interface ") and not text.startswith("interface Port-channel"):
        name = text[10:]
        if "." in name:
            return ()
        return ("no ip address", "shutdown") if names.physical(name) else ("no ip address",)
    return ()


def _stays(found: Match, bare: str) -> bool:
    if bare.startswith("interface "):
        return names.physical(bare[10:]) or bare == "interface Vlan1"
    return found.row.fixed


def _numbered(text: str) -> tuple[str, str] | None:
    found = re.match(r"access-list (\d+) (.+)$", text)
    if found is None:
        return None
    number = int(found[1])
    inside = number < 200 or 1300 <= number < 2700
    return (found[1], found[2]) if inside else None


def _numbered_text(at: Path, number: int, text: str) -> str:
    rule = acl.entry(text)[1]
    if at[-1].startswith("ipv6 "):
        return f"sequence {number} {rule}"
    return f"{number} {rule}"


def _off(default: str) -> str:
    """What ``no`` of a setting with a default leaves: ``exec-timeout 0 0`` (never)."""
    return re.sub(r"\d+", "0", default)
