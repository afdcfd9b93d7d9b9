"""Two configurations to the addresses that move to another interface: these must leave first.

IOS refuses an address whose network another interface still has ("overlaps with").
"""

import ipaddress
from collections.abc import Iterator

from catnet_controller.ios.items import Item, Section


def moving(have: Section, want: Section) -> Iterator[tuple[Item, list[Item]]]:
    """Interfaces and their addresses that must go first, in the order in which they can."""
    now = have.index
    coming = [
        (item.text, network)
        for item in want.items
        if now.get(item.key) is not item
        if item.section is not None and item.text.startswith("interface ")
        for child in item.section.items
        if (network := _network(child)) and not _still(now.get(item.key), child)
    ]
    if not coming:
        return
    for item in [*have.items]:
        if item.section is None or not item.text.startswith("interface "):
            continue
        wanted = want.index.get(item.key)
        going = [
            child
            for child in item.section.items
            if (network := _network(child)) and not _still(wanted, child)
            if any(name != item.text and other.overlaps(network) for name, other in coming)
        ]
        if any(not _secondary(child) for child in going):
            # The primary address goes after all the others, and wherever they stand.
            others = [child for child in item.section.items if _secondary(child)]
            going = [*others, *(child for child in going if not _secondary(child))]
        if going:
            yield item, going


def _network(item: Item) -> ipaddress.IPv4Network | None:
    words = item.text.split()
    if words[:2] != ["ip", "address"] or len(words) < 4:
        return None
    try:
        return ipaddress.IPv4Network(f"{words[2]}/{words[3]}", strict=False)
    except ValueError:
        return None


def _secondary(item: Item) -> bool:
    return item.text.startswith("ip address ") and item.text.endswith(" secondary")


def _still(item: Item | None, child: Item) -> bool:
    if item is None or item.section is None:
        return False
    here = item.section.index.get(child.key)
    return here is not None and here.text == child.text
