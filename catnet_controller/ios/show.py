"""Two configurations to the difference people read: hierarchical, in order, without secrets."""

from collections.abc import Iterator

from catnet_controller.ios import entries, ordering
from catnet_controller.ios.changes import DiffLine, Sign
from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.merge import satisfied
from catnet_controller.ios.redact import redact


def difference(have: Section, want: Section, key: bytes | None) -> tuple[DiffLine, ...]:
    """The lines that differ, under the headers they stand in.

    ``key`` is that of the marks that tell changed secrets apart; whoever has it can test guesses.
    """
    return tuple(
        DiffLine(sign=line.sign, text=redact(line.text, key), depth=line.depth)
        for line in _section(have, want, 0)
    )


def _section(have: Section, want: Section, depth: int) -> Iterator[DiffLine]:
    if have.same(want):
        return
    if want.mode == "acl":
        yield from _entries(have, want, depth)
        return
    moved = ordering.moved(have, want)
    now, then = have.index, want.index
    lost = [i for i in have.items if i.key not in then or id(i) in moved]
    for item in lost:
        if not _hidden(item):
            yield from _whole(Sign.REMOVE, item, depth)
    for item in want.items:
        old = now.get(item.key)
        if old is not None and id(old) in moved:
            old = None
        if old is item or satisfied(item, old):
            continue
        if old is None:
            yield from _whole(Sign.ADD, item, depth)
            continue
        if old.text != item.text or old.body != item.body:
            yield from _line(Sign.REMOVE, old, depth)
            yield from _line(Sign.ADD, item, depth)
        inner = _inner(old, item, depth)
        if inner and old.text == item.text:
            yield DiffLine(sign=Sign.KEEP, text=item.text, depth=depth)
        yield from inner


def _inner(old: Item, item: Item, depth: int) -> list[DiffLine]:
    if old.section is None and item.section is None:
        return []
    one = old.section or Section((item.text,))
    other = item.section or Section((item.text,))
    return list(_section(one, other, depth + 1))


def _hidden(item: Item) -> bool:
    return item.negative and not (item.row is not None and item.row.on)


def _whole(sign: Sign, item: Item, depth: int) -> Iterator[DiffLine]:
    yield from _line(sign, item, depth)
    for child in item.section.items if item.section is not None else ():
        if not satisfied(child, None):
            yield from _whole(sign, child, depth + 1)


def _line(sign: Sign, item: Item, depth: int) -> Iterator[DiffLine]:
    if item.row is not None and item.row.mode == "acl":
        number = f"{item.body[0]} " if item.body else ""
        yield DiffLine(sign=sign, text=f"{number}{item.text}", depth=depth)
        return
    yield DiffLine(sign=sign, text=item.text, depth=depth)
    if item.text.endswith(" ^C") or item.opaque:
        for line in (*item.body, "@" if item.opaque else "^C"):
            yield DiffLine(sign=sign, text=line, depth=depth)


def _entries(have: Section, want: Section, depth: int) -> Iterator[DiffLine]:
    """Entries in the order of the list; what moved is shown where it was and where it will be."""
    if entries.equal("/".join(have.path) or "ip access-list", have, want):
        return
    old, new = [i.text for i in have.items], [i.text for i in want.items]
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    end = 0
    while end < min(len(old), len(new)) - first and old[-1 - end] == new[-1 - end]:
        end += 1
    places = {text: place for place, text in enumerate(old)}
    kept = entries.increasing([places.get(text, -1) for text in new[first : len(new) - end]])
    stays = {new[first + place] for place in kept}
    removed = [i for i in have.items[first : len(old) - end] if i.text not in stays]
    at = 0
    for place, item in enumerate(want.items[first : len(new) - end]):
        if place in kept:
            while at < len(removed) and places[removed[at].text] < places[item.text]:
                yield from _line(Sign.REMOVE, removed[at], depth)
                at += 1
            continue
        yield from _line(Sign.ADD, item, depth)
    for item in removed[at:]:
        yield from _line(Sign.REMOVE, item, depth)
