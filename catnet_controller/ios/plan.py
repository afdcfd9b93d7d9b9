"""From the configuration a device has to the one that is aimed at: the steps, in a safe order.

Definitions come before their use and go after their last use; a new line is there before the old
one goes, unless both cannot be there together. Every choice is read from the rows of knowledge.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catnet_controller.ios import entries, names, ordering, prefixes, sets, vlans
from catnet_controller.ios.addresses import moving
from catnet_controller.ios.danger import never
from catnet_controller.ios.items import Item, Section, signature
from catnet_controller.ios.merge import absent, satisfied
from catnet_controller.ios.predict import FIRST
from catnet_controller.ios.rows import Kind, Match, Row
from catnet_controller.ios.rules import negation
from catnet_controller.ios.steps import Step, block
from catnet_controller.ios.tree import Path
from catnet_controller.ios.vty import ranges, terminals

LIMIT = 254
"""The longest line IOS takes (facts, wire)."""

_UNKNOWN = "no rule knows this line, so its effect and its way back are unknown"
_RELATIVE = "it says what to add or to take and not which VLANs are allowed; name them all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A line that must not be typed or removed. ``line`` counts in the desired text, 0 if none."""

    text: str
    line: int
    reason: str


class Planner:
    """Plans one change. ``steps`` are what to type, ``stops`` why not to."""

    def __init__(
        self, have: Section, want: Section, cleared: set[str], *, printed: bool = False
    ) -> None:
        """``printed``: a device printed ``want``, so it takes a line that no rule knows again."""
        self.steps: list[Step] = []
        self.stops: list[Stop] = []
        self.warnings: list[str] = []
        self.left: list[str] = []
        """``no`` lines that stay, because nobody knows what was so before them."""
        self._have = have.shallow()
        self._want = want
        self._cleared = cleared
        self._printed = printed

    def run(self) -> None:
        for name in sorted(self._cleared and self._cleared & {i.text for i in self._have.items}):
            self._step((), f"default {name}")
            self._emptied(name)
            # Whether a port is up by default differs between platforms; it stays what it was.
            wanted = next((item for item in self._want.items if item.text == name), None)
            down = wanted is not None and _down(wanted)
            self._step((name,), "shutdown" if down else "no shutdown")
        for item, going in moving(self._have, self._want):
            for address in going:
                self._free(item, address)
        self._section((), self._have, self._want)

    def _emptied(self, name: str) -> None:
        for item in [*self._have.items]:
            if item.text == name:
                wanted = self._want.index.get(item.key)
                bare = Section((name,))
                section = wanted.section.copy() if wanted and wanted.section else bare
                emptied = Item(item.text, item.key, item.found, item.line, (), section)
                self._have.replace(item, emptied)

    # --- sections --------------------------------------------------------------------------------

    def _section(
        self, path: Path, have: Section, want: Section, gone: tuple[str, ...] = ()
    ) -> None:
        if want.mode == "certificates" or have.same(want):
            return
        if want.mode == "acl":
            for step in entries.plan(path[-1], have, want):
                self._say(step)
            return
        # What is one and the same on both sides asks for nothing, unless something drops it.
        now, then = have.index, want.index
        left = [item for item in have.items if then.get(item.key) is not item]
        come = [item for item in want.items if now.get(item.key) is not item]
        wiped = self._wiped(have, want, (*left, *come))
        gone = (*gone, *_stems(left, want))
        moved = ordering.moved(have, want)
        early, late, last = self._removals(have, want, left, wiped, gone, moved=moved)
        for item in early:
            self._take(path, item)
        pending = {id(item): item for item in late}
        dropped = {id(item) for item in early}
        moving = {id(item) for item in have.items if id(item) in moved and ordering.listed(item)}
        dropped |= moving
        if dropped or wiped.pattern:
            new = {id(item) for item in come}
            come = [
                item for item in want.items if id(item) in new or id(item) in dropped or wiped(item)
            ]
        adds = sorted(
            ((_stage(item), place, item) for place, item in enumerate(come)),
            key=lambda one: one[:2],
        )
        lists = prefixes.lists(have, come)
        rivals = Rivals(late)
        for _, _, item in adds:
            if prefixes.entry(item):
                # The whole list with the first of its entries.
                steps, taken = prefixes.plan(*lists.pop(prefixes.name(item), ((), ())))
                for step in steps:
                    self._say(step)
                for gone_too in taken:
                    pending.pop(id(gone_too), None)
                continue
            old = have.index.get(item.key)
            if old is not None and id(old) in moving:
                # Right before it comes back behind the others, so that the list is never empty.
                self.warnings.append(f"`{old.text}` moves: for a moment it is not in the list")
                self._take(path, old)
            if old is not None and (wiped(old) or id(old) in dropped):
                old = None
            for rival in rivals.of(item) if old is None else ():
                if pending.pop(id(rival), None) is not None and item.row and not item.row.near:
                    self._take(path, rival)
            self._put(path, item, old, gone)
        for item in late:
            if id(item) in pending:
                self._take(path, item)
        for item in last:
            self._take(path, item)

    def _wiped(self, have: Section, want: Section, changed: Iterable[Item]) -> "Wiped":
        """What the device drops by itself because of a line that changes here."""
        patterns = []
        for item in changed:
            row = item.row
            if row is None or not row.wipes or item.negative:
                continue
            one, other = have.index.get(item.key), want.index.get(item.key)
            if one is None or other is None or one.text != other.text:
                patterns.append(row.wipes)
        return Wiped("|".join(dict.fromkeys(patterns)))

    def _removals(
        self,
        have: Section,
        want: Section,
        left: list[Item],
        wiped: "Wiped",
        stems: tuple[str, ...],
        *,
        moved: set[int],
    ) -> tuple[list[Item], list[Item], list[Item]]:
        """Lines to take away: before the additions, after them, and at the very end."""
        early: list[Item] = []
        late: list[Item] = []
        last: list[Item] = []
        gone = [i for i in left if i.key not in want.index or _unset(i, want.index[i.key])]
        if moved:
            chosen = {id(item) for item in gone} | moved
            gone = [i for i in have.items if id(i) in chosen]
            gone = [i for i in gone if id(i) not in moved or not ordering.listed(i)]
        for item in gone:
            row = item.row
            if wiped(item) or self._follows(item, stems, want):
                continue
            if row is not None and (_anew(item) or row.loose or row.wipes or _base(item)):
                early.append(item)
            elif row is not None and "last" in row.tags:
                last.append(item)
            else:
                late.append(item)
        order = {id(item): place for place, item in enumerate(gone)}
        late.sort(key=lambda item: (-_stage(item), -order[id(item)]))
        return early, late, last

    @staticmethod
    def _follows(item: Item, stems: tuple[str, ...], want: Section) -> bool:
        """True for a line that goes by itself with one that is removed as well."""
        if not stems or not item.text.removeprefix("no ").startswith(stems):
            return False
        stem = next(one for one in stems if item.text.removeprefix("no ").startswith(one))
        if item.row is not None and item.row.cascade and stems.count(stem) == 1:
            return False
        if item.row is not None and "group" in item.row.tags:
            return False
        return not any(other.text.startswith(stem) for other in want.items)

    # --- lines -----------------------------------------------------------------------------------

    def _put(self, path: Path, item: Item, old: Item | None, gone: tuple[str, ...]) -> None:
        """Make a wanted line so."""
        if satisfied(item, old):
            return
        row = item.row
        changed = old is None or old.text != item.text or old.body != item.body
        if row is None:
            if changed and self._printed and not _odd(item):
                self._step(path, item.text)
            elif changed:
                self.stops.append(Stop(text=item.text, line=item.line, reason=_UNKNOWN))
            elif item.section is not None and old is not None:
                self._section(
                    (*path, item.text), old.section or Section(item.section.path), item.section
                )
            return
        if row.kind is Kind.SECTION and not item.negative and not item.opaque:
            self._enter(path, item, old, row, gone)
            return
        if _odd(item) or (old is not None and _odd(old)):
            if changed or not _same_below(item, old):
                self.stops.append(Stop(text=item.text, line=item.line, reason=_UNKNOWN))
            return
        if not changed or (row.kind is Kind.BLOCK and row.fixed):
            return
        if old is not None and _unset(old, item):
            return
        if row.vlans and (vlans.relative(item.text) or len(item.text) > LIMIT):
            self._allow(path, item, old)
            return
        if old is not None and item.found and sets.adds(item.found, old.text, item.text):
            self._differ(path, item, old, item.found)
            return
        if old is not None and row.change in ("add", "remove") and not old.negative:
            self._take(path, old)
            if row.mode == "route-map" and item.text.startswith("match "):
                self.warnings.append(f"`{path[-1]}` matches more while `{item.text}` comes")
        if row.kind is Kind.BLOCK or item.opaque:
            self._say(block(item, path))
        else:
            self._step(path, item.text, item.line)

    def _allow(self, path: Path, item: Item, old: Item | None) -> None:
        """VLANs that need more than one line: added and taken, so that none that stays drops."""
        if vlans.relative(item.text):
            self.stops.append(Stop(text=item.text, line=item.line, reason=_RELATIVE))
            return
        had = old.text if old is not None and not old.negative else ""
        port = next((one for one in self._have.items if (one.text,) == path), None)
        inside = port.section.items if port is not None and port.section is not None else ()
        if not had and not any(one.text.startswith("switchport ") for one in inside):
            had = f"{item.text.rpartition(' ')[0]} none"
        for line in vlans.steps(had, item.text, LIMIT):
            self._step(path, line, item.line)

    def _differ(self, path: Path, item: Item, old: Item, found: Match) -> None:
        """Values that add up: the new ones come before the old ones go, so one is always there."""
        had, has = sets.values(found, old.text), sets.values(found, item.text)
        if new := sets.line(found, item.text, tuple(one for one in has if one not in had)):
            self._step(path, new, item.line)
        if gone := sets.line(found, old.text, tuple(one for one in had if one not in has)):
            self._step(path, f"no {gone}")

    def _enter(
        self, path: Path, item: Item, old: Item | None, row: Row, gone: tuple[str, ...]
    ) -> None:
        inner = (*path, item.text)
        wanted = item.section or Section(inner)
        if row.made and row.fixed:
            return
        if old is None:
            if path == () and item.text.startswith("interface ") and _absent(item.text):
                reason = "the device has no such port"
                self.stops.append(Stop(text=item.text, line=item.line, reason=reason))
                return
            self._step(path, item.text, item.line)
            self._section(inner, Section(inner), wanted)
            return
        have = old.section or Section(inner)
        if row.change == "replace" and not _same(have, wanted):
            self._step(path, negation(old.found, old.text) if old.found else f"no {old.text}")
            self._step(path, item.text, item.line)
            self._section(inner, Section(inner), wanted)
            return
        if old.text != item.text:
            self._step(path, item.text, item.line)
        self._section(inner, have, wanted, gone)

    def _take(self, path: Path, item: Item) -> None:
        """Take a line away."""
        row = item.row
        if item.found is None or row is None or _odd(item):
            self.stops.append(Stop(text=item.text, line=0, reason=f"to be removed, but {_UNKNOWN}"))
            return
        if item.negative:
            if row.on or row.both:
                self._step(path, item.text[3:])
            elif not absent(item):
                self.left.append(item.text)
            return
        if self._last_lines(item):
            self._step(path, f"no {item.text}")
            return
        if row.fixed or (row.made and row.kind is Kind.BLOCK):
            return
        if path == () and item.text.startswith("interface ") and names.physical(item.text[10:]):
            self._step(path, f"default {item.text}")
            return
        self._step(path, negation(item.found, item.text))

    def _last_lines(self, item: Item) -> bool:
        """True for terminal lines that can go: none of a higher number stays."""
        mine = terminals(item.text)
        return (
            mine is not None
            and mine[0] >= FIRST
            and all(low < mine[0] for low, _ in ranges(self._want))
        )

    def _step(self, path: Path, text: str, line: int = 0) -> None:
        self._say(Step(path=path, text=text, line=line))

    def _say(self, step: Step) -> None:
        reason = step.stop or (never(step.text) if step.path == () else None) or None
        if step.note:
            self.warnings.append(step.note)
        if any(len(line) > LIMIT for line in step.lines):
            self.warnings.append(f"`{step.text}` has lines of more than {LIMIT} characters")
        if reason is None and len(step.text) > LIMIT and not step.lines:
            reason = f"longer than the {LIMIT} characters a device takes in one line"
        if reason is not None:
            self.stops.append(Stop(text=step.text, line=step.line, reason=reason))
            return
        self.steps.append(step)

    def _free(self, item: Item, child: Item) -> None:
        """Take an address away before the rest, with an interface that goes as a whole."""
        if item.key not in self._want.index and not names.physical(item.text[10:]):
            if item.key in self._have.index:
                self._take((), item)
                self._have.remove(item)
            return
        now = self._have.index[item.key]
        if now.section is not None and child.key in now.section.index:
            self._take((item.text,), child)
            less = now.copy()
            assert less.section is not None
            less.section.remove(less.section.index[child.key])
            self._have.replace(now, less)


@dataclass(frozen=True, slots=True)
class Wiped:
    """Tells the lines that the device drops by itself."""

    pattern: str

    def __call__(self, item: Item) -> bool:
        return bool(self.pattern) and re.match(rf"(?:{self.pattern})(?: |$)", item.text) is not None


class Rivals:
    """Lines to take away, by what cannot be there together with them."""

    def __init__(self, gone: Sequence[Item]) -> None:
        self._gone = gone
        self._found: dict[tuple[str, ...], list[Item]] | None = None

    def of(self, item: Item) -> Sequence[Item]:
        """Lines that must go right before this one comes, or that it replaces."""
        if item.row is None or not (item.row.near or item.row.rival):
            return ()
        if self._found is None:
            self._found = {}
            for other in self._gone:
                self._found.setdefault(_rivalry(other), []).append(other)
        return self._found.get(_rivalry(item), ())


def _stems(left: Iterable[Item], want: Section) -> tuple[str, ...]:
    """What lines begin with that go by themselves when a line of this section goes."""
    return tuple(
        f"{item.row.cascade.format(*item.found.words)} "
        for item in left
        if item.key not in want.index and item.found and item.row and item.row.cascade
        if item.row.cascade != "vrf"
    )


def _down(port: Item) -> bool:
    return port.section is not None and any(i.text == "shutdown" for i in port.section.items)


def _odd(item: Item) -> bool:
    """True for a line that opens no section as far as is known, and yet has lines below it."""
    return item.kind is not Kind.SECTION and item.section is not None and bool(item.section.items)


def _unset(old: Item, new: Item) -> bool:
    """True for a value that goes though desired names it: ``no ip address``."""
    return new.negative and not old.negative and new.kind is not Kind.FLAG


def _base(item: Item) -> bool:
    """True for a ``no`` whose end other lines of the section need (a port that switches again)."""
    return item.negative and item.row is not None and item.row.on and item.row.stage < 10


def _anew(item: Item) -> bool:
    """True for an ordered line that goes before what comes; those of lists go one by one."""
    return ordering.family(item) is not None and not ordering.listed(item)


def _same_below(item: Item, old: Item | None) -> bool:
    return old is not None and signature(item) == signature(old)


def _stage(item: Item) -> int:
    if item.row is None:
        return 99
    if item.row.mode == "config" and item.row.stage == 50 and item.row.kind is not Kind.SECTION:
        return 90 if item.text.split(" ", 1)[0] != "username" else 50
    return item.row.stage


def _rivalry(item: Item) -> tuple[str, ...]:
    row = item.row
    assert item.found is not None or row is None
    if row is None or item.found is None:
        return ("", item.text)
    if row.rival:
        return ("rival", row.rival.format(*item.found.words))
    if row.near:
        return ("near", *row.shared(item.text))
    return ("", item.text)


def _absent(text: str) -> bool:
    return names.physical(text[10:])


def _same(have: Section, want: Section) -> bool:
    return [(i.text, i.body) for i in have.items] == [(i.text, i.body) for i in want.items]
