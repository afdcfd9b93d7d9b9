"""Ports that route unless they say ``switchport``: what two texts disagree on about them.

Most devices switch by default and print only ``no switchport``, and so the tables have it. Some
(Catalyst 6500, 7600) route by default and print only ``switchport`` (LAN Switching command
reference, switchport, Command Default). One that prints the line anywhere is of the latter.
"""

import re
from collections.abc import Iterator

from catnet_controller.ios.tree import Tree
from catnet_controller.ios.words import canonical

REASON = (
    "a port of this device routes unless it says `switchport`, as the device prints it, and that "
    "is not changed from here: type it by hand, and name the line where the device shows it"
)


_SAID = re.compile(r"\n[ \t]+switchport[ \t\r]*(?:\n|\Z)")


def unclear(running: Tree, desired: Tree, *, text: str, whole: bool) -> Iterator[tuple[int, str]]:
    """Lines of ``desired``, by number and text, that switch or route a port otherwise.

    ``text`` is that of ``running``. ``whole``: a port that desired names without the line shall
    route.
    """
    # Few devices say it, and to search a text is cheaper than to look below every header.
    if not _SAID.search(text):
        return
    had = _ports(running)
    for name, (line, said) in _ports(desired).items():
        if name not in had or (not said and not whole):
            continue
        if said != had[name][1]:
            yield line, said or name


def _ports(tree: Tree) -> dict[str, tuple[int, str]]:
    """What each interface says of it, and where: ``switchport``, ``no switchport`` or nothing."""
    found: dict[str, tuple[int, str]] = {}
    for node in tree.nodes:
        if not node.text.startswith("int"):
            continue
        said = [one for one in node.children if one.text in ("switchport", "no switchport")]
        place = said[-1] if said else node
        found[canonical(node.text)] = place.line, place.text if said else ""
    return found
