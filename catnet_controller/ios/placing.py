"""Where IOS prints a line that is new, and what it shows in a section that was just made."""

from catnet_controller.ios import names
from catnet_controller.ios.branch import Branch
from catnet_controller.ios.rows import Kind, Match
from catnet_controller.ios.rules import mode
from catnet_controller.ios.tree import Path, Shape
from catnet_controller.ios.words import CLOSERS, canonical

_TAIL = ("end", "class class-default", "class type inspect class-default")
"""Lines that stay last: IOS puts a new class before the default class."""


def position(branch: Branch, at: Path, text: str, found: Match | None) -> int:
    """Behind the last line that IOS prints before this one, in the text as it stands."""
    name = mode(at)
    kids = branch.kids
    last = len(kids)
    while last and (kids[last - 1].text in _TAIL or kids[last - 1].node.shape is Shape.NOISE):
        last -= 1
    if found is None:
        return last
    if found.row.kind is not Kind.SECTION and (behind := _behind(branch, name, found, last)):
        return behind
    mine = _rank(name, text, found)
    family = any(key[0] == found.row.pattern for key in branch.keys(name))
    before: int | None = None
    first_of_family: int | None = None
    for spot in range(last, 0, -1):
        kid = kids[spot - 1]
        if kid.node.shape is Shape.NOISE or kid.text in CLOSERS:
            continue
        other = kid.found(name)
        if other is None:
            continue
        if other.row is found.row:
            shown = canonical(kid.text, name)
            if found.row.kind is Kind.ORDERED or _rank(name, shown, other) <= mine:
                branch.last[found.row.pattern] = kid
                return spot
            first_of_family = spot - 1
        elif first_of_family is not None:
            break
        elif before is None and other.row.place < found.row.place:
            before = spot
            if not family:
                break
    if first_of_family is not None:
        return first_of_family
    return _head(kids, last) if before is None else before


def _behind(branch: Branch, name: str, found: Match, last: int) -> int | None:
    """Behind the line that was the last of its family when one was placed before."""
    kid = branch.last.get(found.row.pattern)
    if kid is None:
        return None
    try:
        spot = branch.spot(kid) + 1
    except ValueError:
        return None
    while spot < last and (next_ := branch.kids[spot].found(name)) and next_.row is found.row:
        spot += 1
    branch.last[found.row.pattern] = last_ = branch.kids[spot - 1]
    last_.place = spot - 1
    return spot


def _head(kids: list[Branch], last: int) -> int:
    first = 0
    while first < last and kids[first].node.shape is Shape.NOISE:
        first += 1
    return first


def _rank(name: str, text: str, found: Match) -> tuple[object, ...]:
    """What IOS sorts by: the place of the row; interfaces by type, slot and port; numbers."""
    if name == "config" and text.startswith("interface "):
        return (found.row.place, *names.place(text[10:]))
    numbers = tuple(int(word) if word.isdigit() else 0 for word in found.words)
    if found.row.kind is Kind.SECTION and any(numbers):
        return (found.row.place, 0, "", numbers)
    return (found.row.place, 0, "", ())


def starts(text: str) -> tuple[str, ...]:
    """What IOS shows in a section that was just made."""
    if text.startswith("interface ") and not text.startswith("interface Port-channel"):
        name = text[10:]
        if "." in name:
            return ()
        return ("no ip address", "shutdown") if names.physical(name) else ("no ip address",)
    return ()


def stays(found: Match, bare: str) -> bool:
    """True for a section that no command removes."""
    if bare.startswith("interface "):
        return names.physical(bare[10:]) or bare == "interface Vlan1"
    return found.row.fixed
