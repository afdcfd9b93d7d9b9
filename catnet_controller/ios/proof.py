"""What a configuration is and what it shall be to the first line in which they differ, if any.

The planner says when nothing is left to type; this says, without asking it, whether that is true.
"""

from collections import Counter

from catnet_controller.ios import acl, ordering
from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.merge import satisfied


def unlike(have: Section, want: Section) -> Item | None:
    """The first line that one has and the other has not, or that stands in another order."""
    if have.same(want):
        return None
    if want.mode == "acl":
        return _entries(have, want)
    if want.mode == "certificates":
        return None
    now, then = have.index, want.index
    for item in want.items:
        old = now.get(item.key)
        if old is item or satisfied(item, old):
            continue
        if old is None or old.text != item.text or old.body != item.body:
            return item
        if found := _below(old, item):
            return found
    for item in have.items:
        if item.key not in then and not _silent(item):
            return item
    return _order(have, want)


def _below(old: Item, item: Item) -> Item | None:
    if old.section is None and item.section is None:
        return None
    path = (item.text,)
    return unlike(old.section or Section(path), item.section or Section(path))


def _silent(item: Item) -> bool:
    """True for a ``no`` that the device shows by itself."""
    return item.negative and (item.row is None or not (item.row.on or item.row.both))


def _order(have: Section, want: Section) -> Item | None:
    """The first line out of order among lines whose order has meaning."""
    elsewhere = ordering.moved(have, want)
    return next((item for item in have.items if id(item) in elsewhere), None)


def _entries(have: Section, want: Section) -> Item | None:
    """Comments of a list that is shown without numbers have no place that a line could name."""
    placed = any(item.body for item in have.items) or (have.path or want.path)[0].startswith("ipv6")
    one, other = ([i for i in s.items if placed or not _comment(i)] for s in (have, want))
    for item, old in zip(other, one, strict=False):
        if item.text != old.text:
            return item
    if len(one) != len(other):
        longer = one if len(one) > len(other) else other
        return longer[min(len(one), len(other))]
    if placed:
        return None
    said = Counter(item.text for item in have.items if _comment(item))
    say = Counter(item.text for item in want.items if _comment(item))
    changed = (say - said) + (said - say)
    return next((i for i in (*want.items, *have.items) if i.text in changed), None)


def displaced(have: Section, want: Section) -> list[str]:
    """Access lists whose comments stand elsewhere than wanted, by their header."""
    return [
        item.text
        for item in want.items
        if item.section is not None
        and item.section.mode == "acl"
        and (old := have.index.get(item.key)) is not None
        and old is not item
        and old.section is not None
        and [i.text for i in old.section.items] != [i.text for i in item.section.items]
        and Counter(i.text for i in old.section.items)
        == Counter(i.text for i in item.section.items)
    ]


def _comment(item: Item) -> bool:
    return acl.remark(item.text)
