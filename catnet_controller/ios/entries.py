"""Two access lists to the edits between them, which never leave traffic open or locked out.

New entries come from the top down, each at its own number between the ones that stay; only then do
the old ones go, from the bottom up. So at every moment each packet meets either its old verdict or
its new one: an entry that is met first has all the entries of its own version above it. An entry
that moves cannot be there twice (IOS ignores an entry the list already has), so it goes right
before it comes: upwards while the new ones come, downwards while the old ones go.
Comments belong to the entry that follows them and share its number.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.steps import Step
from catnet_controller.ios.tree import Path

_CROWDED = (
    "no number is free between the entries around it, and IOS cannot number an IPv6 list anew; "
    "make a list of another name and let the interfaces use that"
)


@dataclass(slots=True)
class _Rule:
    """An entry with its comments. ``text`` is empty for comments that no entry follows."""

    text: str
    number: int
    line: int = 0
    remarks: Sequence[Item] = ()

    def said(self) -> list[str]:
        return [remark.text for remark in self.remarks]


def plan(header: str, have: Section, want: Section) -> Iterator[Step]:
    """The steps that turn one access list into the other."""
    path: Path = (header,)
    if not have.items:
        for item in want.items:
            yield Step(path=path, text=_line(path, _number(item), item.text), line=item.line)
        return
    if [item.text for item in have.items] == [item.text for item in want.items]:
        return
    numbered = any(item.body for item in have.items)
    if not numbered and not header.startswith("ipv6"):
        yield from _unnumbered(path, have, want)
        return
    old, new = _rules(have), _rules(want)
    if len(old) == len(new) and all(
        one.text == two.text and one.said() == two.said() for one, two in zip(old, new, strict=True)
    ):
        return
    yield from _edits(path, old, new)


def equal(header: str, have: Section, want: Section) -> bool:
    """True when nothing would have to be typed."""
    first, second = ([item.text for item in section.items] for section in (have, want))
    if first == second:
        return True
    first, second = ([text for text in s if not text.startswith("remark")] for s in (first, second))
    return first == second and next(plan(header, have, want), None) is None


def _number(item: Item) -> int:
    return int(item.body[0]) if item.body else 0


def _line(path: Path, number: int, text: str) -> str:
    if not number:
        return text
    return f"sequence {number} {text}" if path[0].startswith("ipv6") else f"{number} {text}"


def _rules(section: Section) -> list[_Rule]:
    rules: list[_Rule] = []
    remarks: tuple[Item, ...] = ()
    last = 0
    for item in section.items:
        text, body = item.text, item.body
        if text.startswith("remark"):
            remarks = (*remarks, item)
            continue
        last = int(body[0]) if body else last + 10
        rules.append(_Rule(text, last, item.line, remarks))
        remarks = ()
    rules.append(_Rule("", last + 10, 0, remarks))
    return rules


def _unnumbered(path: Path, have: Section, want: Section) -> Iterator[Step]:
    """A list whose numbers the device does not print; comments cannot be placed there."""
    every, all_new = _rules(have), _rules(want)
    old = [rule for rule in every if rule.text]
    new = [rule for rule in all_new if rule.text]
    before = [r.text for r in old]
    after = [r.text for r in new]
    had, has = ([item for rule in rules for item in rule.remarks] for rules in (every, all_new))
    said, say = Counter(item.text for item in had), Counter(item.text for item in has)
    lines = {item.text: item.line for item in has}
    if before != after:
        staying = set(after)
        if after[: len(before)] == before:
            for rule in new[len(before) :]:
                yield Step(path=path, text=rule.text, line=rule.line)
        elif [text for text in before if text in staying] == after:
            for rule in reversed(old):
                if rule.text not in staying:
                    yield Step(path=path, text=f"no {rule.text}")
        else:
            yield Step(path=(), text=_resequence(path, 10))
            for place, rule in enumerate(old, 1):
                rule.number, rule.remarks = place * 10, ()
            for rule in new:
                rule.number, rule.remarks = 0, ()
            yield from _edits(path, old, new)
    for text in (said - say).elements():
        yield Step(path=path, text=f"no {text}")
    for text in (say - said).elements():
        yield Step(path=path, text=text, line=lines[text])


def _resequence(path: Path, step: int) -> str:
    return f"ip access-list resequence {path[0].split()[-1]} {step} {step}"


def _edits(path: Path, old: list[_Rule], new: list[_Rule]) -> Iterator[Step]:
    """The edits of a list whose numbers are known."""
    where = {rule.text: place for place, rule in enumerate(old)}
    kept = increasing([where.get(rule.text, -1) for rule in new])
    numbers = _numbers(old, new, kept)
    if numbers is None:
        if path[0].startswith("ipv6"):
            crowded = next(rule for place, rule in enumerate(new) if place not in kept)
            yield Step(path=path, text=crowded.text, line=crowded.line, stop=_CROWDED)
            return
        gaps = _runs([place for place in range(len(new)) if place not in kept])
        room = max((end - start for start, end in gaps), default=0) + 1
        step = max(10, room)
        yield Step(path=(), text=_resequence(path, step))
        for place, rule in enumerate(old, 1):
            rule.number = place * step
        numbers = _numbers(old, new, kept)
        assert numbers is not None
    staying = {new[place].text for place in kept}
    gone = {rule.text: rule for rule in old if rule.text not in staying}
    down: dict[str, tuple[_Rule, int]] = {}
    commented = {rule.text for rule in old if rule.remarks}
    for place, rule in enumerate(new):
        if place in kept and not rule.remarks and rule.text not in commented:
            continue
        number = numbers[place]
        if place in kept:
            before = old[where[rule.text]]
            if before.said() != rule.said():
                yield from _unsaid(path, before)
                yield from _said(path, rule, number)
            continue
        moved = gone.get(rule.text)
        if moved is not None and moved.number < number:
            down[rule.text] = rule, number
            continue
        if moved is not None:
            del gone[rule.text]
        yield from _coming(path, rule, number, moved)
    for text, rule in reversed(gone.items()):
        if text in down:
            yield from _coming(path, *down[text], rule)
        else:
            yield from _without(path, rule)


def _coming(path: Path, rule: _Rule, number: int, moved: _Rule | None) -> Iterator[Step]:
    """A new entry, or one that leaves its old place for a new one."""
    yield from _said(path, rule, number)
    if not rule.text:
        return
    note = ""
    if moved is not None:
        note = f"`{rule.text}` in `{path[0]}` moves: for a moment it is not in the list"
        yield from _without(path, moved)
    yield Step(path=path, text=_line(path, number, rule.text), line=rule.line, note=note)


def _said(path: Path, rule: _Rule, number: int) -> Iterator[Step]:
    for remark in rule.remarks:
        yield Step(path=path, text=_line(path, number, remark.text), line=remark.line)


def _unsaid(path: Path, rule: _Rule) -> Iterator[Step]:
    for remark in rule.remarks:
        number = _number(remark) or rule.number
        yield Step(path=path, text=f"no {_line(path, number, remark.text)}")


def _without(path: Path, rule: _Rule) -> Iterator[Step]:
    yield from _unsaid(path, rule)
    if rule.text:
        word = "no sequence" if path[0].startswith("ipv6") else "no"
        yield Step(path=path, text=f"{word} {rule.number}")


def increasing(places: Sequence[int]) -> set[int]:
    """Indices of the longest increasing run of ``places`` (patience); -1 never counts."""
    tails: list[int] = []
    ends: list[int] = []
    before = [-1] * len(places)
    for index, place in enumerate(places):
        if place < 0:
            continue
        if not tails or place > tails[-1]:
            # What stands in order anyway, which is nearly all of a list.
            before[index] = ends[-1] if ends else -1
            tails.append(place)
            ends.append(index)
            continue
        spot = bisect_left(tails, place)
        before[index] = ends[spot - 1] if spot else -1
        tails[spot] = place
        ends[spot] = index
    kept: set[int] = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        kept.add(index)
        index = before[index]
    return kept


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers to those that follow each other: the first, and the one behind the last."""
    start = end = -1
    for place in places:
        if place != end:
            if end > start:
                yield start, end
            start = place
        end = place + 1
    if end > start:
        yield start, end


def _numbers(old: list[_Rule], new: list[_Rule], kept: set[int]) -> list[int] | None:
    """A number for every wanted entry; None when there is no room between those that stay."""
    where = {rule.text: rule.number for rule in old}
    taken = sorted(rule.number for rule in old if rule.text)
    used = set(taken)
    given = [where[rule.text] if place in kept else 0 for place, rule in enumerate(new)]
    coming = [place for place in range(len(new)) if place not in kept]
    for start, place in _runs(coming):
        low = given[start - 1] if start else 0
        high = None if place == len(new) or not new[place].text else given[place]
        chosen = _chosen(new[start:place], low, high, taken, used)
        if chosen is None:
            return None
        given[start:place] = chosen
    if new and not new[-1].text:
        given[-1] = max([0, *given[:-1], *taken]) + 10
    return given


def _chosen(
    run: list[_Rule], low: int, high: int | None, taken: list[int], used: set[int]
) -> list[int] | None:
    """Numbers for entries that come together between two; ``used`` is ``taken`` as a set."""
    wished = [rule.number for rule in run]
    if (
        all(wished)
        and all(low < one and (high is None or one < high) and one not in used for one in wished)
        and wished == sorted(set(wished))
        and all(rule.line for rule in run)
    ):
        return wished
    if high is None:
        first = max([low, *taken]) // 10 * 10 + 10
        return [first + 10 * place for place in range(len(run))]
    following = taken[bisect_left(taken, low + 1)] if taken else high
    upper = min(high, following)
    step = (upper - low) // (len(run) + 1)
    if step:
        return [low + step * (place + 1) for place in range(len(run))]
    free = [one for one in range(low + 1, min(high, low + 10000)) if one not in used]
    return free[: len(run)] if len(free) >= len(run) else None
