"""Entries of a prefix list that come, to the steps that bring them without an empty moment.

An empty prefix list permits everything (Cisco IOS IP Routing: BGP configuration guide, filtering
by a prefix list), and no list takes one rule at two numbers ("Insertion failed - prefix-list entry
exists"). So what stands at the number goes right before, as does the same rule at another number;
where nothing would be left meanwhile, an entry behind all others denies everything for that
moment, as the end of every list does.
"""

from collections.abc import Iterable, Sequence

from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.steps import Step

_LAST = 4294967294
_DENY = {
    "ip": ("deny 0.0.0.0/0 le 32", "deny 0.0.0.0/0", "deny 0.0.0.0/32"),
    "ipv6": ("deny ::/0 le 128", "deny ::/0", "deny ::/128"),
}
"""Entries that permit nothing: one of them is none of the list's own."""


def entry(item: Item) -> bool:
    """True for an entry of a prefix list, with its number."""
    return item.row is not None and item.row.once and not item.negative


def name(item: Item) -> tuple[str, ...]:
    """The list that an entry is of: its family and its name."""
    return tuple(item.text.split()[:3])


def lists(
    have: Section, come: Iterable[Item]
) -> dict[tuple[str, ...], tuple[list[Item], list[Item]]]:
    """Of each list that an entry comes to: what it holds, and what comes."""
    found: dict[tuple[str, ...], tuple[list[Item], list[Item]]] = {}
    for item in come:
        old = have.index.get(item.key)
        if entry(item) and (old is None or old.text != item.text):
            found.setdefault(name(item), ([], []))[1].append(item)
    for item in have.items if found else ():
        if entry(item) and name(item) in found:
            found[name(item)][0].append(item)
    return found


def plan(have: Sequence[Item], come: Sequence[Item]) -> tuple[list[Step], list[Item]]:
    """The steps for what comes into a list that holds ``have``, and what they take away."""
    steps: list[Step] = []
    taken: list[Item] = []
    held = {_number(item): item for item in have}
    where = {_rule(item): _number(item) for item in have}
    for item in sorted(come, key=_number):
        number, rule = _number(item), _rule(item)
        gone = [n for n in dict.fromkeys((where.get(rule, number), number)) if n in held]
        # What permits goes first: what denies may be what keeps it from its packets.
        gone.sort(key=lambda n: _rule(held[n]).startswith("deny "))
        guard = ""
        if gone and len(gone) == len(held):
            guard = _guard([*have, *come])
            steps.append(Step(path=(), text=guard))
        for one in gone:
            old = held.pop(one)
            where.pop(_rule(old), None)
            taken.append(old)
            steps.append(Step(path=(), text=f"no {old.text}", note=_note(old, bool(guard))))
        steps.append(Step(path=(), text=item.text, line=item.line))
        held[number] = item
        where[rule] = number
        if guard:
            steps.append(Step(path=(), text=f"no {guard}"))
    return steps, taken


def _number(item: Item) -> int:
    return int(item.text.split(None, 5)[4])


def _rule(item: Item) -> str:
    return item.text.split(None, 5)[5]


def _note(old: Item, guarded: bool) -> str:
    """What others of the list may permit meanwhile is worth a word."""
    if guarded or not _rule(old).startswith("deny "):
        return ""
    return f"`{old.text}` changes: for a moment it is not in the list"


def _guard(items: Sequence[Item]) -> str:
    family, word, list_ = name(items[0])
    numbers = {_number(item) for item in items}
    number = min(max(numbers) + 5, _LAST)
    while number in numbers:
        number -= 1
    rules = {_rule(item) for item in items}
    rule = next(one for one in _DENY[family] if one not in rules)
    return f"{family} {word} {list_} seq {number} {rule}"
