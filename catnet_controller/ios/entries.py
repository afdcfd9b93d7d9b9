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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import lt

from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.steps import Step
from catnet_controller.ios.tree import Path

_CROWDED = (
    "no number is free between the entries around it, and IOS cannot number an IPv6 list anew; "
    "make a list of another name and let the interfaces use that"
)


@dataclass(slots=True, kw_only=True)
class _Rules:
    """The entries of a list by their place, each with the comments that stand before it.

    The last one has no text: it stands for the end, with the comments that no entry follows.
    """

    texts: list[str]
    numbers: list[int]
    """Where none is shown: ten more than the one before."""
    lines: list[int]
    remarks: dict[int, list[Item]]

    def said(self, place: int) -> list[str]:
        return [remark.text for remark in self.remarks.get(place, ())]


def plan(header: str, have: Section, want: Section) -> Iterator[Step]:
    """The steps that turn one access list into the other."""
    path: Path = (header,)
    if not have.items:
        for item in want.items:
            yield Step(path=path, text=_line(path, _number(item), item.text), line=item.line)
        return
    if _texts(have) == _texts(want):
        return
    numbered = any(item.body for item in have.items)
    if not numbered and not header.startswith("ipv6"):
        yield from _unnumbered(path, have, want)
        return
    yield from _edits(path, _rules(have), _rules(want))


def equal(header: str, have: Section, want: Section) -> bool:
    """True when nothing would have to be typed."""
    first, second = _texts(have), _texts(want)
    if first == second:
        return True
    first, second = ([text for text in s if not text.startswith("remark")] for s in (first, second))
    return first == second and next(plan(header, have, want), None) is None


def _texts(section: Section) -> list[str]:
    return [item.text for item in section.items]


def _number(item: Item) -> int:
    return int(item.body[0]) if item.body else 0


def _line(path: Path, number: int, text: str) -> str:
    if not number:
        return text
    return f"sequence {number} {text}" if path[0].startswith("ipv6") else f"{number} {text}"


def _rules(section: Section) -> _Rules:
    entries: list[Item] = []
    remarks: dict[int, list[Item]] = {}
    for item in section.items:
        if item.text.startswith("remark"):
            remarks.setdefault(len(entries), []).append(item)
        else:
            entries.append(item)
    numbers: list[int] = []
    last = 0
    for item in entries:
        last = int(item.body[0]) if item.body else last + 10
        numbers.append(last)
    return _Rules(
        texts=[*(item.text for item in entries), ""],
        numbers=[*numbers, last + 10],
        lines=[*(item.line for item in entries), 0],
        remarks=remarks,
    )


def _unnumbered(path: Path, have: Section, want: Section) -> Iterator[Step]:
    """A list whose numbers the device does not print; comments cannot be placed there."""
    had, has = ([i for i in s.items if i.text.startswith("remark")] for s in (have, want))
    said, say = Counter(item.text for item in had), Counter(item.text for item in has)
    lines = {item.text: item.line for item in has}
    old, new = (
        [i for i in s.items if not i.text.startswith("remark")] if some else s.items
        for s, some in ((have, had), (want, has))
    )
    before, after = [i.text for i in old], [i.text for i in new]
    if before != after:
        staying = set(after)
        if after[: len(before)] == before:
            for item in new[len(before) :]:
                yield Step(path=path, text=item.text, line=item.line)
        elif [text for text in before if text in staying] == after:
            for text in reversed(before):
                if text not in staying:
                    yield Step(path=path, text=f"no {text}")
        else:
            yield Step(path=(), text=_resequence(path, 10))
            numbers = list(range(10, len(old) * 10 + 10, 10))
            yield from _edits(
                path,
                _Rules(texts=before, numbers=numbers, lines=[], remarks={}),
                _Rules(
                    texts=after,
                    numbers=[0] * len(after),
                    lines=[item.line for item in new],
                    remarks={},
                ),
            )
    for text in (said - say).elements():
        yield Step(path=path, text=f"no {text}")
    for text in (say - said).elements():
        yield Step(path=path, text=text, line=lines[text])


def _resequence(path: Path, step: int) -> str:
    return f"ip access-list resequence {path[0].split()[-1]} {step} {step}"


def _edits(path: Path, old: _Rules, new: _Rules) -> Iterator[Step]:
    """The edits of a list whose numbers are known."""
    where = {text: place for place, text in enumerate(old.texts)}
    kept = increasing([where.get(text, -1) for text in new.texts])
    coming = [place for place in range(len(new.texts)) if place not in kept]
    numbers = _numbers(old, new, where, coming)
    if numbers is None:
        if path[0].startswith("ipv6"):
            first = coming[0]
            yield Step(path=path, text=new.texts[first], line=new.lines[first], stop=_CROWDED)
            return
        room = max((end - start for start, end in _runs(coming)), default=0) + 1
        step = max(10, room)
        yield Step(path=(), text=_resequence(path, step))
        old.numbers = [place * step for place in range(1, len(old.texts) + 1)]
        numbers = _numbers(old, new, where, coming)
        assert numbers is not None
    staying = {new.texts[place] for place in kept}
    gone = {text: place for place, text in enumerate(old.texts) if text not in staying}
    down: dict[str, int] = {}
    commented = {old.texts[place] for place in old.remarks}
    changing = set(coming).union(new.remarks)
    changing.update(place for place, text in enumerate(new.texts) if text in commented)
    for place in sorted(changing):
        number, text = numbers[place], new.texts[place]
        if place in kept:
            if old.said(where[text]) != new.said(place):
                yield from _unsaid(path, old, where[text])
                yield from _said(path, new, place, number)
            continue
        moved = gone.get(text)
        if moved is not None and old.numbers[moved] < number:
            down[text] = place
            continue
        if moved is not None:
            del gone[text]
        yield from _coming(path, old, new, place, number=number, moved=moved)
    for text, place in reversed(gone.items()):
        if text in down:
            yield from _coming(path, old, new, down[text], number=numbers[down[text]], moved=place)
        else:
            yield from _without(path, old, place)


def _coming(
    path: Path, old: _Rules, new: _Rules, place: int, *, number: int, moved: int | None
) -> Iterator[Step]:
    """A new entry, or one that leaves its old place for a new one."""
    yield from _said(path, new, place, number)
    text = new.texts[place]
    if not text:
        return
    note = ""
    if moved is not None:
        note = f"`{text}` in `{path[0]}` moves: for a moment it is not in the list"
        yield from _without(path, old, moved)
    yield Step(path=path, text=_line(path, number, text), line=new.lines[place], note=note)


def _said(path: Path, rules: _Rules, place: int, number: int) -> Iterator[Step]:
    for remark in rules.remarks.get(place, ()):
        yield Step(path=path, text=_line(path, number, remark.text), line=remark.line)


def _unsaid(path: Path, rules: _Rules, place: int) -> Iterator[Step]:
    for remark in rules.remarks.get(place, ()):
        number = _number(remark) or rules.numbers[place]
        yield Step(path=path, text=f"no {_line(path, number, remark.text)}")


def _without(path: Path, rules: _Rules, place: int) -> Iterator[Step]:
    yield from _unsaid(path, rules, place)
    if rules.texts[place]:
        word = "no sequence" if path[0].startswith("ipv6") else "no"
        yield Step(path=path, text=f"{word} {rules.numbers[place]}")


def increasing(places: Sequence[int]) -> set[int]:
    """Indices of the longest increasing run of ``places`` (patience); -1 never counts."""
    found = [place for place in places if place >= 0]
    if all(map(lt, found, found[1:])):
        # What stands in order anyway, as nearly all lists do.
        return {index for index, place in enumerate(places) if place >= 0}
    tails: list[int] = []
    ends: list[int] = []
    before = [-1] * len(places)
    for index, place in enumerate(places):
        if place < 0:
            continue
        if not tails or place > tails[-1]:
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


def _numbers(
    old: _Rules, new: _Rules, where: Mapping[str, int], coming: Sequence[int]
) -> list[int] | None:
    """A number for every wanted entry; None when there is no room between those that stay.

    ``where`` is the place of each text in ``old``, and ``coming`` the places in ``new`` of what
    does not stay.
    """
    taken = sorted(number for number, text in zip(old.numbers, old.texts, strict=True) if text)
    used = set(taken)
    fresh = set(coming)
    given = [
        0 if place in fresh else old.numbers[where[text]] for place, text in enumerate(new.texts)
    ]
    for start, place in _runs(coming):
        low = given[start - 1] if start else 0
        high = None if place == len(given) or not new.texts[place] else given[place]
        chosen = _chosen(new, range(start, place), low, high, taken=taken, used=used)
        if chosen is None:
            return None
        given[start:place] = chosen
    if new.texts and not new.texts[-1]:
        given[-1] = max([0, *given[:-1], *taken]) + 10
    return given


def _chosen(
    new: _Rules,
    run: Sequence[int],
    low: int,
    high: int | None,
    *,
    taken: Sequence[int],
    used: Collection[int],
) -> list[int] | None:
    """Numbers for entries that come together between two; ``used`` is ``taken`` as a set."""
    wished = [new.numbers[place] for place in run]
    if (
        all(wished)
        and all(low < one and (high is None or one < high) and one not in used for one in wished)
        and wished == sorted(set(wished))
        and all(new.lines[place] for place in run)
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
