"""Definitions that are named and not there: they go while a use stays, or a use comes without.

IOS takes most of both without a word, and a list that is not there permits everything.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.tree import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A use of ``name`` whose definition goes, or is not there: then ``definition`` is empty.

    ``fatal`` when the device would not keep the use, or not let go of the definition.
    """

    name: str
    definition: str
    use: str
    line: int
    path: Path
    effect: str
    fatal: bool

    def __str__(self) -> str:
        place = f" in `{self.path[-1]}`" if self.path else ""
        if not self.definition:
            return f"`{self.use}`{place} names `{self.name}`, which is not there: {self.effect}"
        return f"`{self.definition}` goes, but `{self.use}`{place} still names it: {self.effect}"


@dataclass(frozen=True, slots=True)
class _Kind:
    defined: re.Pattern[str]
    used: str
    """Uses of the definition ``{0}``, more of them than ``named`` tells the names of."""
    named: re.Pattern[str]
    """Uses whose names are for certain those of definitions."""
    effect: str
    without: str
    """What a use does that comes without the definition."""
    fatal: bool = False
    entries: bool = False
    """True for what entries of access lists use."""

    def names(self, text: str) -> Iterator[str]:
        """What a line uses of this kind."""
        for found in self.named.finditer(text):
            for word in " ".join(filter(None, found.groups())).split():
                if word not in _BUILT_IN:
                    yield word


_BUILT_IN = frozenset({"exact-match", "class-default"})
_OPEN = "a list that is not there permits everything"
_REFUSED = "the device refuses that"
# Sources: IP Addressing and IP Application Services command references (ip access-group: "If the
# specified access list does not exist, all packets are passed"); IP Routing: BGP, match and
# neighbor commands; facts 4 (a deleted VRF takes the addresses of its interfaces along); Object
# Groups for ACLs, Restrictions: "You cannot remove an object group or make an object group empty
# if it is used in an ACL".
_KINDS = tuple(
    _Kind(re.compile(defined), used, re.compile(named), *rest)
    for defined, used, named, *rest in (
        (
            r"(?:ip access-list (?:standard|extended)|ipv6 access-list) (\S+)$",
            (
                r"(?:ip access-group|ipv6 traffic-filter|(?:ipv6 )?access-class|match access-group"
                r"(?: name)?|match address|(?:neighbor \S+ )?distribute-list) {0}(?: |$)"
                r"|match ip(?:v6)? (?:address|next-hop|route-source) (?!prefix-list )(?:\S+ )*"
                r"{0}(?: |$)|ip nat \S+ source list {0} |ntp access-group \S+ {0}$"
                r"|snmp-server community .* {0}$"
            ),
            (
                r"^(?:ip access-group|ipv6 traffic-filter|(?:ipv6 )?access-class"
                r"|match access-group(?: name)?|match address"
                r"|(?:neighbor \S+ )?distribute-list(?! prefix| gateway| route-map)) (\S+)(?: |$)"
                r"|^match ip(?:v6)? (?:address|next-hop|route-source) (?!prefix-list )(.+)$"
                r"|^ip nat \S+ source list (\S+) |^ntp access-group \S+ (\S+)$"
            ),
            _OPEN,
            _OPEN,
        ),
        (
            r"ip(?:v6)? prefix-list (\S+) seq ",
            (
                r"(?!ip(?:v6)? prefix-list ).*\b(?:prefix-list|distribute-list prefix) (?:\S+ )*"
                r"{0}(?: |$)"
            ),
            (
                r"^neighbor \S+ prefix-list (\S+) (?:in|out)$|^distribute-list prefix (\S+)"
                r"|^match ip(?:v6)? \S+ prefix-list (.+)$"
            ),
            _OPEN,
            _OPEN,
        ),
        (
            r"ip as-path access-list (\S+) ",
            r"match as-path (?:\S+ )*{0}(?: |$)|neighbor \S+ filter-list {0} |filter-list {0} ",
            r"^match as-path (.+)$|^(?:neighbor \S+ )?filter-list (\S+) (?:in|out)$",
            _OPEN,
            _OPEN,
        ),
        (
            r"ip community-list (?:standard |expanded )?(\S+)(?: |$)",
            r"match community (?:\S+ )*{0}(?: |$)",
            r"^match community (.+)$",
            _OPEN,
            _OPEN,
        ),
        (
            r"route-map (\S+) (?:permit|deny) \d+$",
            r"(?!route-map ).*\broute-map {0}(?: |$)|(?:import|export) map {0}$",
            r"^(?!route-map ).*\broute-map (\S+)(?: |$)|^(?:import|export) map (\S+)$",
            "what it chose and changed is chosen and changed no longer",
            "what it shall choose and change is not said anywhere",
        ),
        (
            r"policy-map (?:type \S+ )?(\S+)$",
            r"service-policy (?:\S+ )*{0}$",
            r"^service-policy (?:(?:input|output) )?(\S+)$",
            "the device drops the use or keeps the definition",
            _REFUSED,
        ),
        (
            r"class-map (?:type \S+ )?(?:match-any |match-all )?(\S+)$",
            r"class (?:type \S+ )?{0}$",
            r"^class (\S+)$",
            "the device drops the use or keeps the definition",
            _REFUSED,
        ),
        (
            r"key chain (\S+)$",
            r".*\bkey-chain (?:eigrp \S+ )?{0}(?: |$)",
            r"\bkey-chain (?:eigrp \S+ )?(\S+)(?: |$)",
            "without its keys the neighbors are lost",
            "without its keys the neighbors are lost",
        ),
        (
            r"(?:vrf definition|ip vrf) (\S+)$",
            (
                r"(?:ip )?vrf forwarding {0}$|address-family \S+ (?:unicast )?vrf {0}(?: |$)"
                r"|ip(?:v6)? route vrf {0} "
            ),
            r"^(?:ip )?vrf forwarding (\S+)$",
            "the device drops the use with the VRF, and the addresses of its interfaces",
            _REFUSED,
            True,
        ),
        (
            r"object-group (?:network|service|security) (\S+)$",
            r"(?:permit|deny) (?:.* )?(?:object-group|addrgroup) {0}(?: |$)|group-object {0}$",
            r"(?<= object-group )(\S+)|(?<= addrgroup )(\S+)|^group-object (\S+)$",
            "the device keeps a group that is used",
            _REFUSED,
            True,
            True,
        ),
    )
)
_DEFINED = (
    "ip access-list ", "ipv6 access-list ", "ip prefix-list ", "ipv6 prefix-list ", "ip as-path ",
    "ip community-list ", "route-map ", "policy-map ", "class-map ", "key chain ",
    "vrf definition ", "ip vrf ", "object-group ",
)  # fmt: skip
_USED = re.compile(
    r"access-group|traffic-filter|access-class|match |distribute-list|prefix-list|filter-list"
    r"|route-map|port map |service-policy|class |key-chain|forwarding|object|addrgroup| list "
)


def loose(have: Section, aim: Section) -> Iterator[Loose]:
    """Uses in ``aim`` of what ``have`` defines and ``aim`` does not."""
    there = aim.index
    before = _defined(item for item in have.items if item.key not in there)
    if not before:
        return
    after = _defined(aim.items)
    gone = {one: text for one, text in before.items() if one not in after}
    if not gone:
        return
    names = {name for _, name in gone}
    patterns = [
        (re.compile(kind.used.format(re.escape(name))), kind, name, text)
        for (kind, name), text in gone.items()
    ]
    entries = any(kind.entries for kind, _ in gone)
    for path, item in _all(aim, entries=entries):
        if item.negative or not names.intersection(item.text.split()):
            continue
        for pattern, kind, name, text in patterns:
            if pattern.match(item.text):
                yield Loose(
                    name=name,
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
        if item.text.startswith(_DEFINED):
            for kind in _KINDS:
                if one := kind.defined.match(item.text):
                    found.setdefault((kind, one[1]), item.text)
    return found


def _all(section: Section, *, entries: bool) -> Iterator[tuple[Path, Item]]:
    for item in section.items:
        yield section.path, item
        if item.section is not None and (entries or item.section.mode != "acl"):
            yield from _all(item.section, entries=entries)


def missing(have: Section, aim: Section) -> Iterator[Loose]:
    """Uses that come with ``aim`` of what it does not define."""
    new = [
        (path, item, kind, name)
        for path, item in _new(have, aim)
        if not item.negative and _USED.search(item.text)
        for kind in _KINDS
        for name in kind.names(item.text)
    ]
    if not new:
        return
    there = _defined(aim.items)
    # What goes while a use stays is told as that.
    told = _defined(have.items)
    for path, item, kind, name in new:
        if (kind, name) not in there and (kind, name) not in told:
            yield Loose(
                name=name,
                definition="",
                use=item.text,
                line=item.line,
                path=path,
                effect=kind.without,
                fatal=False,
            )


def _new(have: Section, aim: Section) -> Iterator[tuple[Path, Item]]:
    """Lines of ``aim`` that ``have`` does not hold so."""
    now = have.index
    for item in aim.items:
        old = now.get(item.key)
        if old is item:
            continue
        if old is None or old.text != item.text:
            yield aim.path, item
        if item.section is not None:
            below = old.section if old is not None else None
            yield from _new(below or Section(item.section.path), item.section)
