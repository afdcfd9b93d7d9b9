"""How IOS edits an access list: an entry typed, removed, or all of them numbered anew."""

import re
from bisect import bisect_left, bisect_right

from catnet_controller.ios import acl
from catnet_controller.ios.branch import Branch, identity
from catnet_controller.ios.rules import mode
from catnet_controller.ios.tree import Path, Shape, made
from catnet_controller.ios.words import canonical


def enter(branch: Branch, at: Path, text: str) -> str | None:
    """Type an entry; gives the refusal of the device, if any.

    An entry that the list has at any number changes nothing (Cisco IOS, IP Access List Entry
    Sequence Numbering: "matches an already existing entry (except for the sequence number)").
    """
    number, rule = acl.entry(text)
    keys = branch.keys(mode(at))
    kids, numbers = branch.rules()
    if number is None:
        _append(branch, at, text, rule)
        return None
    comment = acl.remark(rule)
    if (str(number), rule) in keys or (not comment and branch.has(rule)):
        return None
    if kids and not numbers[-1]:
        number_all(branch, at, 10, 10)
        kids, numbers = branch.rules()
        keys = branch.keys(mode(at))
    low, high = bisect_left(numbers, number), bisect_right(numbers, number)
    if not comment and any(not acl.remark(acl.entry(k.text)[1]) for k in kids[low:high]):
        return "% Duplicate sequence number"
    position = low if comment else high
    while comment and position < high and acl.remark(acl.entry(kids[position].text)[1]):
        position += 1
    index = branch.kids.index(kids[position], position) if position < len(kids) else branch.end()
    new = Branch(made(_numbered_text(at, number, rule), len(at)))
    branch.said(rule)
    branch.kids.insert(index, new)
    keys[(str(number), rule)] = new
    kids.insert(position, new)
    numbers.insert(position, number)
    return None


def _append(branch: Branch, at: Path, text: str, rule: str) -> None:
    kids, numbers = branch.rules()
    if not acl.remark(rule) and branch.has(rule):
        return
    number = (numbers[-1] if numbers else 0) and numbers[-1] + 10
    if number:
        text = _numbered_text(at, number, rule)
    new = Branch(made(text, len(at)))
    branch.said(rule)
    branch.kids.insert(branch.end(), new)
    branch.keys(mode(at))[(str(number or ""), rule)] = new
    kids.append(new)
    numbers.append(number)


def remove(branch: Branch, at: Path, bare: str) -> None:
    """Take an entry away, by its number or by its text."""
    kids, numbers = branch.rules()
    if bare.isdigit() or re.fullmatch(r"sequence \d+", bare):
        number = int(bare.rsplit(maxsplit=1)[-1])
        if kids and not numbers[-1]:
            number_all(branch, at, 10, 10)
            kids, numbers = branch.rules()
        span = range(bisect_left(numbers, number), bisect_right(numbers, number))
        gone = [n for n in span if not acl.remark(acl.entry(kids[n].text)[1])]
    else:
        wanted, rule = acl.entry(bare)
        gone = [
            n
            for n, kid in enumerate(kids)
            if acl.entry(kid.text)[1] == rule and wanted in (None, numbers[n])
        ][:1]
    for position in reversed(gone):
        kid = kids[position]
        branch.unsaid(acl.entry(kid.text)[1])
        del branch.kids[branch.kids.index(kid, position)]
        del kids[position], numbers[position]
        branch.keys(mode(at)).pop(identity(mode(at), canonical(kid.text)), None)


def number_all(branch: Branch, at: Path, start: int, step: int) -> None:
    """Give every entry a number; a comment has that of the entry that follows it."""
    number = start
    for kid in branch.kids:
        if kid.node.shape is Shape.NOISE:
            continue
        _, rule = acl.entry(kid.text)
        kid.text = _numbered_text(at, number, rule)
        kid.raw = f"{' ' * len(at)}{kid.text}\n"
        if not acl.remark(rule):
            number += step
    branch.forget()


def _numbered_text(at: Path, number: int, rule: str) -> str:
    if at[-1].startswith("ipv6 "):
        return f"sequence {number} {rule}"
    return f"{number} {rule}"
