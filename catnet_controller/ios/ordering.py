"""Lines whose order has meaning: the families of such lines, and what can stay where it stands."""

from catnet_controller.ios.items import Item, Section

Family = tuple[str, ...]


def family(item: Item) -> Family | None:
    """The lines that have an order with this one; None where order says nothing.

    The class that takes the rest is always the last.
    """
    found = item.found
    if found is None or not found.row.ordered or item.text == "class class-default":
        return None
    if listed(item):
        # Of lists that stand line by line each has its own order: the name, then the entry.
        return (found.row.pattern, *found.words[:-1])
    return (found.row.pattern,)


def listed(item: Item) -> bool:
    """True for an entry of a list that has no header: each line names the list."""
    return item.row is not None and "listed" in item.row.tags


def moved(have: Section, want: Section) -> set[int]:
    """The ids of lines of ``have`` that are wanted, and elsewhere among their like.

    Those stay in their place that the wanted ones begin with, in their order.
    """
    wanted: dict[Family, list[Item]] = {}
    for item in _ordered(want):
        if (name := family(item)) is not None:
            wanted.setdefault(name, []).append(item)
    elsewhere: set[int] = set()
    at = dict.fromkeys(wanted, 0)
    for item in _ordered(have) if wanted else ():
        name = family(item)
        if name is None or name not in wanted:
            continue
        if at[name] < len(wanted[name]) and item.key == wanted[name][at[name]].key:
            at[name] += 1
        elif item.key in want.index:
            elsewhere.add(id(item))
    return elsewhere


def _ordered(section: Section) -> list[Item]:
    """Asked of every line of a configuration, so nothing but the cheap question."""
    return [item for item in section.items if item.found is not None and item.found.row.ordered]
