"""Running, desired and last applied to the configuration that is aimed at.

In full mode the aim is the desired text and what the device owns by itself. In partial mode it is
a three-way merge, as ``kubectl apply`` does it: desired lines are there, lines applied last time
and no longer desired are gone, everything else stays.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from catnet_controller.ios import names
from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.rows import Kind
from catnet_controller.ios.rules import match
from catnet_controller.ios.secrets import alike

_VLAN = re.compile(r"vlan \d+$")
_PUT = re.compile(r"switchport (?:access|voice) vlan \d+$")


@dataclass(slots=True)
class Aim:
    """What the device shall have, and what was decided on the way."""

    section: Section
    warnings: list[str] = field(default_factory=list)
    unmanaged: int = 0
    cleared: set[str] = field(default_factory=set)
    """Ports that desired does not name: they go back to their default."""
    typed: Collection[str] = ()
    """Lines that were typed: a ``no`` of them that a device may hide need not be shown."""


def full(running: Section, desired: Section, typed: Collection[str] = ()) -> Aim:
    """The aim when desired speaks for the whole device."""
    aim = Aim(Section(()), typed=typed)
    _full(running, desired, aim.section, aim)
    return aim


def partial(running: Section, desired: Section, applied: Section | None) -> Aim:
    """The aim when desired speaks only for what it names."""
    aim = Aim(running.copy())
    _partial(aim.section, desired, applied, aim)
    aim.unmanaged = _unmanaged(aim.section, desired)
    return aim


def _full(running: Section, desired: Section, into: Section, aim: Aim) -> None:
    there, items, index = running.index, into.items, into.index
    for item in desired.items:
        old = there.get(item.key)
        if old is item and not item.negative and item.key not in index:
            items.append(item)
            index[item.key] = item
            continue
        if satisfied(item, old) or absent(item):
            continue
        if old is None and item.text in aim.typed and _hides(item):
            continue
        if _own(item):
            if old is not None:
                into.add(old.copy())
            else:
                aim.warnings.append(f"`{item.text}` is made by devices themselves; it is not typed")
            continue
        new = into.add(_taken(item, old))
        if item.section is not None:
            new.section = Section(item.section.path)
            _full(
                old.section if old and old.section else Section(item.section.path),
                item.section,
                new.section,
                aim,
            )
    wanted = desired.index
    for old in running.items:
        if old.key not in index and old.key not in wanted:
            _device_made(old, into, aim)


def _device_made(old: Item, into: Section, aim: Aim) -> None:
    """Keep what is the device's own though desired does not say it (rule 15)."""
    row = old.row
    if row is not None and (row.made or (old.negative and not row.on and not row.both)):
        into.add(old.copy())
    elif old.text.startswith("interface ") and _port(old.text[10:]):
        kept = Item(old.text, old.key, old.found, old.line, (), Section((old.text,)))
        for child in old.section.items if old.section else ():
            if (child.row is not None and child.row.made) or child.text == "shutdown":
                assert kept.section is not None
                kept.section.add(child.copy())
        into.add(kept)
        if old.section is not None and _differs(old.section, kept.section):
            aim.cleared.add(old.text)
    elif row is not None and row.fixed:
        into.add(old.copy())
        if row.kind is Kind.SECTION or row.mode == "config":
            aim.warnings.append(f"`{old.text}` is not in the desired text and stays as it is")


def _own(item: Item) -> bool:
    """True for a block that only a device makes: certificates are never compared."""
    return item.kind is Kind.BLOCK and item.row is not None and item.row.fixed


def vlans(running: Section, desired: Section, aim: Aim) -> None:
    """VLANs that a port's line makes: IOS creates the VLAN that a port is put into.

    ("% Access VLAN does not exist. Creating vlan N".) A VLAN that came so stays while a port uses
    it; one that will come so is planned as a line of its own. Where the device keeps its VLANs
    outside the running-config (VTP server or client: none is shown) nothing is to be said.
    """
    # A port that stays as it is asks for nothing but that its VLAN stays.
    there = aim.section.index
    spare = any(i.key not in there and _VLAN.match(i.text) for i in running.items)
    before = running.index
    ports = [
        (item, found)
        for item in desired.items
        if spare or before.get(item.key) is not item
        for found in _used(item)
    ]
    if not ports:
        return
    shown = any(
        item.text.startswith("vlan ") and _VLAN.match(item.text)
        for item in (*running.items, *desired.items)
    ) or any(item.text in ("vtp mode transparent", "vtp mode off") for item in running.items)
    for port, line in ports:
        text = f"vlan {line.text.rsplit(maxsplit=1)[-1]}"
        found = match("config", text)
        if found is None or text == "vlan 1" or found.key in aim.section.index:
            continue
        old = running.index.get(found.key)
        if old is not None:
            if old.section is None or not old.section.items:
                aim.section.add(old.copy())
            continue
        had = before.get(port.key)
        has = had.section.index.get(line.key) if had and had.section else None
        if shown and (has is None or has.text != line.text):
            aim.section.add(Item(text, found.key, found, line.line, (), Section((text,))))
            aim.warnings.append(f"`{text}` is made because `{port.text}` is put into it")


def _used(port: Item) -> list[Item]:
    inside = port.section.items if port.section and port.text.startswith("interface ") else ()
    return [item for item in inside if _PUT.match(item.text)]


def _differs(section: Section, kept: Section | None) -> bool:
    left = {item.key for item in section.items if not satisfied(item, None)}
    return bool(left - set(kept.index if kept else ()))


def _port(name: str) -> bool:
    return names.physical(name) or name == "Vlan1"


def _taken(item: Item, old: Item | None) -> Item:
    """The desired line; where the device shows the same secret hashed, the device's line."""
    if old is not None and old.text != item.text and alike(old.text, item.text):
        return Item(old.text, item.key, old.found, item.line, old.body)
    return Item(item.text, item.key, item.found, item.line, item.body)


def satisfied(item: Item, old: Item | None) -> bool:
    """True for a ``no`` line that asks for what is so without a line (rule 14)."""
    if not item.negative or (old is not None and not old.negative):
        return False
    return absent(item)


def absent(item: Item) -> bool:
    """True for a ``no`` line that only says that something is not there."""
    return (
        item.negative
        and item.row is not None
        and (item.row.off or item.row.shown or (item.kind is not Kind.FLAG and not item.row.on))
    )


def _hides(item: Item) -> bool:
    """True for a ``no`` that the device prints or not, depending on a default nobody knows."""
    return item.negative and item.row is not None and not (item.row.on or item.row.both)


def _partial(into: Section, desired: Section, applied: Section | None, aim: Aim) -> None:
    for old in applied.items if applied is not None else ():
        here = into.index.get(old.key)
        if here is None or old.key in desired.index:
            continue
        if here.section is not None and old.section is not None:
            _partial(here.section, Section(here.section.path), old.section, aim)
            if here.section.items or _stays(here):
                continue
        if not _stays(here):
            into.remove(here)
    whole = into.mode == "acl"
    if whole:
        into.items.clear()
        into.index.clear()
    for item in desired.items:
        if _own(item):
            continue
        here = into.index.get(item.key)
        if item.negative and item.kind is not Kind.FLAG:
            if here is not None and not here.negative:
                into.remove(here)
            continue
        if item.negative and item.row is not None and item.row.off:
            if here is not None:
                into.remove(here)
            continue
        if here is None:
            into.add(item.copy())
            continue
        new = _taken(item, here)
        here.text, here.body, here.line, here.found = new.text, new.body, new.line, new.found
        if item.section is not None:
            if here.section is None:
                here.section = Section(item.section.path)
            before = applied.index.get(item.key) if applied is not None else None
            _partial(here.section, item.section, before.section if before else None, aim)
    _reorder(into, desired)


def _stays(item: Item) -> bool:
    return (item.row is not None and item.row.fixed) or (
        item.text.startswith("interface ") and _port(item.text[10:])
    )


def _reorder(into: Section, desired: Section) -> None:
    """Ordered lines that desired names stand in its order, before those it does not name."""
    rank = {item.key: place for place, item in enumerate(desired.items)}
    spots = [place for place, item in enumerate(into.items) if item.key in rank]
    if any(_ordered(into.items[place]) for place in spots):
        wanted = sorted((into.items[place] for place in spots), key=lambda item: rank[item.key])
        for place, item in zip(spots, wanted, strict=True):
            into.items[place] = item


def _ordered(item: Item) -> bool:
    return item.row is not None and item.row.ordered


def _unmanaged(section: Section, desired: Section) -> int:
    count = 0
    for item in section.items:
        wanted = desired.index.get(item.key)
        if wanted is None:
            count += 1 + (item.section.lines() if item.section is not None else 0)
        elif item.section is not None and wanted.section is not None:
            count += _unmanaged(item.section, wanted.section)
    return count
