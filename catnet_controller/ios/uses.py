"""Definitions that go while something that stays still names them: what uses them, and what then.

IOS takes most such removals without a word, and a list that is not there permits everything.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.tree import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A use whose definition goes. ``fatal`` when the device would not keep the use at all."""

    definition: str
    use: str
    line: int
    path: Path
    effect: str
    fatal: bool

    def __str__(self) -> str:
        place = f" in `{self.path[-1]}`" if self.path else ""
        return f"`{self.definition}` goes, but `{self.use}`{place} still names it: {self.effect}"


@dataclass(frozen=True, slots=True)
class _Kind:
    defined: re.Pattern[str]
    used: str
    effect: str
    fatal: bool = False


_OPEN = "a list that is not there permits everything"
# Sources: IP Addressing and IP Application Services command references (ip access-group: "If the
# specified access list does not exist, all packets are passed"); IP Routing: BGP, match and
# neighbor commands; facts 4 (a deleted VRF takes the addresses of its interfaces along).
_KINDS = tuple(
    _Kind(re.compile(defined), used, effect, fatal)
    for defined, used, effect, fatal in (
        (
            r"(?:ip access-list (?:standard|extended)|ipv6 access-list) (\S+)$",
            (
                r"(?:ip access-group|ipv6 traffic-filter|(?:ipv6 )?access-class|match access-group"
                r"(?: name)?|match address|(?:neighbor \S+ )?distribute-list) {0}(?: |$)"
                r"|match ip(?:v6)? (?:address|next-hop|route-source) (?!prefix-list )(?:\S+ )*"
                r"{0}(?: |$)|ip nat \S+ source list {0} |ntp access-group \S+ {0}$"
                r"|snmp-server community .* {0}$"
            ),
            _OPEN,
            False,
        ),
        (
            r"ip(?:v6)? prefix-list (\S+) seq ",
            (
                r"(?!ip(?:v6)? prefix-list ).*\b(?:prefix-list|distribute-list prefix) (?:\S+ )*"
                r"{0}(?: |$)"
            ),
            _OPEN,
            False,
        ),
        (
            r"ip as-path access-list (\S+) ",
            r"match as-path (?:\S+ )*{0}(?: |$)|neighbor \S+ filter-list {0} |filter-list {0} ",
            _OPEN,
            False,
        ),
        (
            r"ip community-list (?:standard |expanded )?(\S+)(?: |$)",
            r"match community (?:\S+ )*{0}(?: |$)",
            _OPEN,
            False,
        ),
        (
            r"route-map (\S+) (?:permit|deny) \d+$",
            r"(?!route-map ).*\broute-map {0}(?: |$)|(?:import|export) map {0}$",
            "what it chose and changed is chosen and changed no longer",
            False,
        ),
        (
            r"policy-map (?:type \S+ )?(\S+)$",
            r"service-policy (?:\S+ )*{0}$",
            "the device drops the use or keeps the definition",
            False,
        ),
        (
            r"class-map (?:type \S+ )?(?:match-any |match-all )?(\S+)$",
            r"class (?:type \S+ )?{0}$",
            "the device drops the use or keeps the definition",
            False,
        ),
        (
            r"key chain (\S+)$",
            r".*\bkey-chain (?:eigrp \S+ )?{0}(?: |$)",
            "without its keys the neighbors are lost",
            False,
        ),
        (
            r"(?:vrf definition|ip vrf) (\S+)$",
            (
                r"(?:ip )?vrf forwarding {0}$|address-family \S+ (?:unicast )?vrf {0}(?: |$)"
                r"|ip(?:v6)? route vrf {0} "
            ),
            "the device drops the use with the VRF, and the addresses of its interfaces",
            True,
        ),
    )
)


def loose(have: Section, aim: Section) -> Iterator[Loose]:
    """Uses in ``aim`` of what ``have`` defines and ``aim`` does not."""
    before = _defined(item for item in have.items if item.key not in aim.index)
    if not before:
        return
    after = _defined(aim.items)
    gone = {one: text for one, text in before.items() if one not in after}
    if not gone:
        return
    names = {name for _, name in gone}
    patterns = [
        (re.compile(kind.used.format(re.escape(name))), kind, text)
        for (kind, name), text in gone.items()
    ]
    for path, item in _all(aim):
        if item.negative or not names.intersection(item.text.split()):
            continue
        for pattern, kind, text in patterns:
            if pattern.match(item.text):
                yield Loose(
                    definition=text,
                    use=item.text,
                    line=item.line,
                    path=path,
                    effect=kind.effect,
                    fatal=kind.fatal,
                )


def _defined(items: Iterable[Item]) -> dict[tuple[_Kind, str], str]:
    found: dict[tuple[_Kind, str], str] = {}
    for item in items:
        if item.text.startswith(
            ("ip ", "ipv6 ", "route-map ", "policy-", "class-", "key ", "vrf ")
        ):
            for kind in _KINDS:
                if one := kind.defined.match(item.text):
                    found.setdefault((kind, one[1]), item.text)
    return found


def _all(section: Section) -> Iterator[tuple[Path, Item]]:
    for item in section.items:
        yield section.path, item
        if item.section is not None and item.section.mode != "acl":
            yield from _all(item.section)
