"""A model of how IOS changes its configuration: a line typed in a section, and what it leaves.

Pure: a tree and a line go in, the new tree and the section one is in then come out. Facts about
lines are in the tables; here are only the few ways in which IOS treats a kind of line.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catnet_controller.ios import acl, placing, sequence, sets, vlans
from catnet_controller.ios.branch import Branch, identity
from catnet_controller.ios.changes import Command, Expect
from catnet_controller.ios.parse import delimiter, dump, parse
from catnet_controller.ios.rows import Kind, Match, Row
from catnet_controller.ios.rules import match, mode
from catnet_controller.ios.tree import BLOCK, LINE, NOISE, Node, Path, Tree, made
from catnet_controller.ios.words import CLOSERS, canonical

_OPENING = re.compile(r"(banner \S+|.*(?:title|prompt|banner|fail-message)) (\S.*)$")
_ACL_HEADER = re.compile(r"ip access-list (standard|extended) (\d+)$")
FIRST = 5
"""The first terminal line that can be removed (Cisco IOS Terminal Services, ``line vty``)."""
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


class Model:
    """A configuration that lines are typed into. ``refusal`` is the answer to the last line."""

    def __init__(self, tree: Tree) -> None:
        self._root = Branch(Node("", "", children=_ended(tree.nodes)))
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

    def _ranges(self) -> list[tuple[int, int, Branch]]:
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
                    Branch(node._replace(text=one, raw=f"{one}\n")) for one in headers
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

    def _no_lines(self, bare: str) -> bool:
        """``no line vty N``: the lines from N on go; the first five stay."""
        found = _VTY.match(bare)
        if found is None:
            return False
        if int(found[1]) < FIRST:
            self.refusal = "% Can't delete last 5 VTY lines"
            return True
        self._lines(f"line vty {found[1]} {found[2] or found[1]}")
        for low, _, kid in self._ranges():
            if low >= int(found[1]):
                self._root.kids.remove(kid)
        self._root.forget()
        return True

    def _type(self, path: Path, line: str) -> Path:
        first = line.partition("\n")[0]
        text = canonical(first, mode(path))
        if text == "end":
            return ()
        if text in CLOSERS:
            return path[:-1]
        if not text or text.startswith(("!", "do ")):
            return path
        at, text = self.level(path, first)
        if text.startswith("default "):
            self._default(at, _bare(text))
            return at
        if text.startswith("no "):
            self._no(at, text, _bare(text))
            return at
        return self._positive(at, text, line)

    @staticmethod
    def level(path: Path, line: str) -> tuple[Path, str]:
        """The section that takes a line, and its spelling there.

        It is the innermost where the line is known, else where one is.
        """
        loose: tuple[Path, str] | None = None
        for depth in range(len(path), -1, -1):
            name = mode(path[:depth])
            text = canonical(line, name)
            bare = _bare(text)
            rows = [one.row for one in (match(name, bare), match(name, f"no {bare}")) if one]
            if any(not row.blank for row in rows):
                return path[:depth], text
            if rows and loose is None:
                loose = path[:depth], text
        return (path, canonical(line, mode(path))) if loose is None else loose

    def _branch(self, path: Path) -> Branch | None:
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
        if found is not None and found.row.kind is Kind.SECTION and "\n" not in line:
            if at == () and self._lines(text):
                return (text,)
            if at == () and (one := _ACL_HEADER.match(text)):
                self._fold(one[2], text)
            self._enter(branch, at, found, text)
            return (*at, text)
        if found is not None and found.row.kind is Kind.ENTRY:
            self.refusal = sequence.enter(branch, at, text)
        elif found is not None and (found.row.kind is Kind.BLOCK or "\n" in line):
            self._put(branch, at, _block(line, len(at)), found)
        else:
            self._line(branch, at, text, found)
        return at

    def _line(self, branch: Branch, at: Path, text: str, found: Match | None) -> None:
        if found is None:
            self._put(branch, at, made(text, len(at)), None)
            return
        row = found.row
        if row.vlans:
            text = vlans.typed(self._set(branch, found), text)
        on = row.kind is Kind.FLAG and row.on
        if on or (row.default and text == row.default) or (row.vlans and vlans.everything(text)):
            self._drop(branch, at, found.key)
            return
        old = branch.keys(row.mode).get(found.key)
        if old is not None and sets.adds(found, held := canonical(old.text, row.mode), text):
            text = sets.joined(found, held, text)
        if old is not None and old.text == text and not old.kids:
            return
        if row.near or row.once:
            near = branch.near(row)
            if (same := near.get(row.shared(text), found.key)) != found.key:
                if not row.once:
                    self._drop(branch, at, same)
                elif self._has(branch, row, same, text):
                    self.refusal = "%Insertion failed - prefix-list entry exists"
                    return
            near[row.shared(text)] = found.key
        if row.wipes:
            self._wipe(branch, at, row.wipes)
        if row.both and old is not None and old.text.startswith("no "):
            self._drop(branch, at, found.key)
            return
        self._put(branch, at, made(text, len(at)), found)

    @staticmethod
    def _has(branch: Branch, row: Row, key: tuple[str, ...], text: str) -> bool:
        """True when the line of that key still says what ``text`` says."""
        kid = branch.keys(row.mode).get(key)
        return kid is not None and row.shared(canonical(kid.text, row.mode)) == row.shared(text)

    @staticmethod
    def _set(branch: Branch, found: Match) -> str:
        """The set of VLANs as one line, though the device prints it over several."""
        whole = ""
        for kid in branch.kids:
            text = canonical(kid.text)
            if kid.node.shape is not NOISE and identity(found.row.mode, text) == found.key:
                whole = vlans.typed(whole, text)
        return whole

    def _put(self, branch: Branch, at: Path, node: Node, found: Match | None) -> Branch:
        """Store a line: in the place of its equal, else where IOS prints its kind."""
        name = mode(at)
        key = identity(name, node.text)
        keys = branch.keys(name)
        branch.single(name, key)
        old = keys.get(key)
        if old is not None:
            old.become(node)
            return old
        place = placing.position(branch, at, node.text, found)
        new = Branch(node, place)
        branch.kids.insert(place, new)
        keys[key] = new
        return new

    def _enter(self, branch: Branch, at: Path, found: Match, text: str) -> None:
        """Open a section, making it when it is not there; a new header text replaces the old."""
        old = branch.keys(mode(at)).get(found.key)
        if old is None:
            starts = tuple(made(line, len(at) + 1) for line in placing.starts(text))
            node = Node(text, f"{' ' * len(at)}{text}\n", children=starts)
            self._put(branch, at, node, found)
        elif canonical(old.text, mode(at)) != text:
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
        if at == () and (self._no_numbered(bare) or self._no_lines(bare)):
            return
        if found is None:
            self._no_unknown(branch, at, text, bare)
            return
        row = found.row
        if name == "acl":
            sequence.remove(branch, at, bare)
            return
        if row.kind is Kind.SECTION and placing.stays(found, bare):
            self.refusal = "% Removal of physical interfaces is not permitted."
            return
        if name == "interface" and row.pattern == "ip address ..." and _seconds(branch):
            self.refusal = "Must delete secondary before primary"
            return
        old = branch.keys(name).get(found.key)
        if old is None and row.kind in (Kind.LIST, Kind.ORDERED, Kind.SECTION):
            old = self._by_prefix(branch, bare)
            if old is not None:
                found = match(name, canonical(old.text, name)) or found
        if row.cascade:
            self._cascade(branch, at, row.cascade.format(*found.words), found)
        positive = old is not None and not old.text.startswith("no ")
        held = canonical(old.text, name) if old is not None else ""
        if held and sets.adds(found, held, bare) and (left := sets.less(found, held, bare)):
            self._put(branch, at, made(left, len(at)), found)
            return
        if positive:
            if row.wipes:
                self._wipe(branch, at, row.wipes)
            self._drop(branch, at, found.key)
        printed = row.on or row.shown or row.made or not positive
        if row.kind is Kind.SINGLE and (row.on or (row.shown and not row.default)):
            self._put(branch, at, made(row.no, len(at)), found)
        elif row.kind is Kind.FLAG and not row.off and printed:
            self._put(branch, at, made(text, len(at)), found)
        elif row.default and row.kind is Kind.SINGLE and text.startswith("no "):
            self._put(branch, at, made(_off(row.default), len(at)), found)

    @staticmethod
    def _apart(branch: Branch, at: Path, bare: str) -> None:
        """Lines that stand for several (VLANs, name servers) become one line each."""
        if not bare.startswith(_LISTED):
            return
        kids: list[Branch] = []
        for kid in branch.kids:
            several_ = several(canonical(kid.text)) if kid.node.shape is LINE else ()
            if len(several_) > 1:
                kids.extend(Branch(made(one, len(at))) for one in several_)
            else:
                kids.append(kid)
        if len(kids) != len(branch.kids):
            branch.kids[:] = kids
            branch.forget()

    def _no_unknown(self, branch: Branch, at: Path, text: str, bare: str) -> None:
        old = branch.keys(mode(at)).get(identity(mode(at), bare)) or self._by_prefix(branch, bare)
        if old is None or old.text.startswith("no "):
            if old is None:
                self._put(branch, at, made(text, len(at)), None)
            return
        branch.kids.remove(old)
        branch.forget()

    @staticmethod
    def _by_prefix(branch: Branch, bare: str) -> Branch | None:
        head = f"{bare} "
        return next(
            (
                kid
                for kid in branch.kids
                if kid.node.shape is not NOISE and kid.text.startswith(head)
            ),
            None,
        )

    def _drop(self, branch: Branch, at: Path, key: tuple[str, ...]) -> None:
        keys = branch.keys(mode(at))
        branch.single(mode(at), key)
        if (old := keys.pop(key, None)) is not None:
            del branch.kids[branch.spot(old)]

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
                self._put(branch, at, made(found.row.no, len(at)), found)
            return
        old = branch.keys(mode(at)).get(found.key)
        if old is not None:
            down = any(kid.text == "shutdown" for kid in old.kids)
            shown = [line for line in placing.starts(bare) if line != "shutdown" or down]
            starts = tuple(made(line, len(at) + 1) for line in shown)
            node = Node(old.text, old.raw, old.node.line, children=starts)
            self._put(branch, at, node, found)

    def _wipe(self, branch: Branch, at: Path, pattern: str) -> None:
        """Side effect on the lines of the same section, such as addresses on a VRF change."""
        gone = re.compile(rf"(?:{pattern})(?: |$)")
        kept = [kid for kid in branch.kids if not gone.match(canonical(kid.text))]
        if len(kept) == len(branch.kids):
            return
        branch.kids[:] = kept
        branch.forget()
        if mode(at) == "interface":
            none = match("interface", "no ip address")
            self._put(branch, at, made("no ip address", len(at)), none)

    def _cascade(self, branch: Branch, at: Path, head: str, found: Match) -> None:
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

    def _resequence(self, text: str) -> None:
        found = re.fullmatch(r"ip access-list resequence (\S+) (\d+) (\d+)", text)
        if found is None:
            self.refusal = "% Invalid input detected"
            return
        name, start, step = found[1], int(found[2]), int(found[3])
        if name.isdigit():
            self._fold(name, f"ip access-list {acl.family(int(name))} {name}")
        for kind in ("standard", "extended"):
            at = (f"ip access-list {kind} {name}",)
            branch = self._branch(at)
            if branch is not None:
                sequence.number_all(branch, at, start, step)

    def _numbered(self, at: Path, number: str, rest: str) -> Path:
        """``access-list N ...`` typed globally: the entry goes to the end of list N."""
        header = f"ip access-list {acl.family(int(number))} {number}"
        branch = self._branch((header,))
        if branch is not None:
            self.refusal = sequence.enter(branch, (header,), rest)
        else:
            text = f"access-list {number} {rest}"
            self._put(self._root, at, made(text, len(at)), match("config", text))
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
        children = tuple(made(canonical(k.text)[len(stem) :], 1) for k in lines_)
        position = self._root.kids.index(lines_[0])
        self._root.kids[:] = [k for k in self._root.kids if k not in lines_]
        self._root.kids.insert(position, Branch(Node(header, f"{header}\n", children=children)))
        self._root.forget()


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


def _ended(nodes: Sequence[Node]) -> Sequence[Node]:
    """The nodes with a line break after the last line, where text was cut without one."""
    if not nodes:
        return nodes
    last = nodes[-1]
    if last.children:
        last = last._replace(children=_ended(last.children))
    elif not last.raw.endswith("\n"):
        last = last._replace(raw=f"{last.raw}\n")
    return nodes if last is nodes[-1] else (*nodes[:-1], last)


def _block(line: str, depth: int) -> Node:
    """A typed block as IOS prints it: chr(3) as delimiter, shown ``^C``; a macro ends in ``@``."""
    first, *rest = line.split("\n")
    text = canonical(first, "")
    found = _OPENING.match(text)
    indent = " " * depth
    if found is None:
        raw = "\n".join([indent + text, *rest]) + "\n"
        return Node(text, raw, 0, BLOCK, tuple(rest))
    mark = delimiter(found[2])
    content = "\n".join([found[2][len(mark) :], *rest])
    content = content.split(mark, 1)[0]
    body = content.split("\n")
    shown = [f"{found[1]} ^C{body[0]}", *body[1:]]
    shown[-1] += "^C"
    return Node(shown[0], "\n".join(shown) + "\n", 0, BLOCK, tuple(shown[1:]))


def _seconds(branch: Branch) -> bool:
    """True for a port with more addresses than its primary (error texts: Must delete secondary)."""
    return any(
        kid.text.startswith("ip address ") and kid.text.endswith(" secondary")
        for kid in branch.kids
    )


def _bare(text: str) -> str:
    return text.removeprefix("no ").removeprefix("default ")


def _numbered(text: str) -> tuple[str, str] | None:
    found = re.match(r"access-list (\d+) (.+)$", text)
    if found is None:
        return None
    return (found[1], found[2]) if acl.numbered(int(found[1])) else None


def _off(default: str) -> str:
    """What ``no`` of a setting with a default leaves: ``exec-timeout 0 0`` (never)."""
    return re.sub(r"\d+", "0", default)
