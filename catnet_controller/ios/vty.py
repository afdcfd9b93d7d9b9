"""The ``line vty`` ranges of a configuration, cut and joined to compare range by range."""

import re
from collections.abc import Iterable

from catnet_controller.ios.items import Item, Section, signature
from catnet_controller.ios.rules import match

_LINE = re.compile(r"line vty (\d+)(?: (\d+))?$")


def terminals(text: str) -> tuple[int, int] | None:
    """The first and the last number of a ``line vty`` header."""
    found = _LINE.match(text)
    return (int(found[1]), int(found[2] or found[1])) if found else None


def _terminals(root: Section) -> list[Item]:
    return [
        item
        for item in root.items
        if item.section is not None and item.text.startswith("line vty ")
    ]


def ranges(root: Section) -> list[tuple[int, int]]:
    """The ranges of ``line vty`` that the sections name, in order."""
    return sorted(found for item in _terminals(root) if (found := terminals(item.text)))


def cut(root: Section, edges: Iterable[int]) -> None:
    """Split the ``line vty`` ranges at ``edges`` (first numbers of a range); join equal ones."""
    single: dict[int, Item] = {}
    place: int | None = None
    for item, span in [(i, found) for i in _terminals(root) if (found := terminals(i.text))]:
        place = root.items.index(item) if place is None else place
        root.remove(item)
        for number in range(span[0], span[1] + 1):
            single[number] = item
    if place is None:
        return
    starts = set(edges)
    runs: list[list[int]] = []
    for number in sorted(single):
        if (
            runs
            and runs[-1][-1] == number - 1
            and number not in starts
            and _same(single[runs[-1][-1]], single[number])
        ):
            runs[-1].append(number)
        else:
            runs.append([number])
    for offset, run in enumerate(runs):
        header = f"line vty {run[0]} {run[-1]}"
        old = single[run[0]]
        item = Item(header, ("", ""), match("config", header), old.line, (), Section((header,)))
        item.key = item.found.key if item.found else (header,)
        assert item.section is not None
        for child in old.section.items if old.section else ():
            item.section.add(child.copy())
        root.items.insert(place + offset, item)
        root.index[item.key] = item


def _same(one: Item, other: Item) -> bool:
    return one is other or signature(one) == signature(other)
