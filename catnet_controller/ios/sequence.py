"""How IOS edits an access list: an entry typed, removed, or all of them numbered anew."""

import re
from bisect import bisect_left, bisect_right

from catnet_controller.ios import acl
from catnet_controller.ios.branch import Branch
from catnet_controller.ios.tree import Path, made


def enter(branch: Branch, at: Path, text: str) -> str | None:
    """Type an entry; gives the refusal of the device, if any.

    An entry that the list has at any number changes nothing (Cisco IOS, IP Access List Entry
    Sequence Numbering: "matches an already existing entry (except for the sequence number)").
    """
    number, rule = acl.entry(text)
    held = branch.entries()
    if number is None:
        _append(branch, at, text, rule)
        return None
    comment = acl.remark(rule)
    if not comment and held.has(rule):
        return None
    if held.kids and not held.numbers[-1]:
        number_all(branch, at, 10, 10)
        held = branch.entries()
    low, high = bisect_left(held.numbers, number), bisect_right(held.numbers, number)
    there = held.rules[low:high]
    if comment and rule in there:
        return None
    if not comment and not all(map(acl.remark, there)):
        return "% Duplicate sequence number"
    position = low if comment else high
    while comment and position < high and acl.remark(held.rules[position]):
        position += 1
    end = position == len(held.kids)
    index = branch.end() if end else branch.kids.index(held.kids[position], position)
    new = Branch(made(_numbered_text(at, number, rule), len(at)))
    branch.kids.insert(index, new)
    held.insert(position, new, number, rule)
    branch.unkeyed()
    return None


def _append(branch: Branch, at: Path, text: str, rule: str) -> None:
    held = branch.entries()
    if not acl.remark(rule) and held.has(rule):
        return
    number = (held.numbers[-1] if held.numbers else 0) and held.numbers[-1] + 10
    if number:
        text = _numbered_text(at, number, rule)
    new = Branch(made(text, len(at)))
    branch.kids.insert(branch.end(), new)
    held.insert(len(held.kids), new, number, rule)
    branch.unkeyed()


def remove(branch: Branch, at: Path, bare: str) -> None:
    """Take an entry away, by its number or by its text."""
    held = branch.entries()
    if bare.isdigit() or re.fullmatch(r"sequence \d+", bare):
        number = int(bare.rsplit(maxsplit=1)[-1])
        if held.kids and not held.numbers[-1]:
            number_all(branch, at, 10, 10)
            held = branch.entries()
        span = range(bisect_left(held.numbers, number), bisect_right(held.numbers, number))
        gone = [n for n in span if not acl.remark(held.rules[n])]
    else:
        wanted, rule = acl.entry(bare)
        gone = [
            n
            for n, one in enumerate(held.rules)
            if one == rule and wanted in (None, held.numbers[n])
        ][:1]
    for position in reversed(gone):
        kid = held.kids[position]
        del branch.kids[branch.kids.index(kid, position)]
        held.remove(position)
    branch.unkeyed()


def number_all(branch: Branch, at: Path, start: int, step: int) -> None:
    """Give every entry a number; a comment has that of the entry that follows it."""
    held = branch.entries()
    number, numbers = start, []
    stem = "sequence " if at[-1].startswith("ipv6 ") else ""
    blank = " " * len(at)
    for kid, rule in zip(held.kids, held.rules, strict=True):
        numbers.append(number)
        kid.text = f"{stem}{number} {rule}"
        kid.raw = f"{blank}{kid.text}\n"
        if not rule.startswith("remark"):
            number += step
    held.numbers = numbers
    branch.unkeyed()


def _numbered_text(at: Path, number: int, rule: str) -> str:
    stem = "sequence " if at[-1].startswith("ipv6 ") else ""
    return f"{stem}{number} {rule}"
