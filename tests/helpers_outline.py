"""A second opinion on configurations: what stands in them, read by indentation alone.

Nothing of the ios room is used here, so a mistake in its knowledge does not hide in this judge.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

Fact = tuple[str, ...]
"""The headers around a line and the line; of an access list its name and its entries in order."""

Facts = frozenset[Fact]

_NOISE = re.compile(
    r"[!#]|exit\b|quit$|end$|version |Building |Current |Using |boot-(?:start|end)-|ntp clock-"
)
_FREE = re.compile(r"(?:description|remark|snmp-server (?:location|contact))\b")
_NUMBER = re.compile(r"(?:sequence )?\d+ (?=permit |deny |remark |evaluate |dynamic )")
_HOST = re.compile(r"host (\d+\.\d+\.\d+\.\d+)|(\d+\.\d+\.\d+\.\d+) 0\.0\.0\.0(?!\S)")
# Lines that devices make and keep by themselves (facts, rule 15).
_MADE = re.compile(
    r"negotiation auto|(?:duplex|speed) auto|media-type|transceiver|monitoring$|mmi |multilink "
    r"|switch \d+ provision|license |vlan internal|spanning-tree extend|aaa session-id|redundancy"
    r"|mode \S+$|main-cpu|control-plane|memory |diagnostic |class-map match-any system-cpp"
    r"|policy-map system-cpp|class system-cpp|service-policy input system-cpp|subscriber templating"
    r"|ip forward-protocol nd|login on-success log|crypto pki (?:trustpoint|certificate)|platform "
    r"|certificate|call-home|contact-email|profile|active|destination|voice-card|mgcp |scheduler "
    r"|service-template|mtp |crypto engine|hw-module|virtual-service|activate|ip shared |sdm prefer"
    r"|ip cef$|ip classless$|ip subnet-zero$|version |description |enrollment |revocation-check "
    r"|rsakeypair |subject-name "
)
_PORT = re.compile(
    r"interface (?:\S*Ethernet|\S*GigE|Serial|ATM|POS|Async|Cellular|Embedded|AppG|Vlan1$)[\w/-]*$"
)
# Lines that older images print with others indented below, and newer ones do not.
_FLAT = re.compile(r"shape |icmp-|udp-|tcp-connect|path-|http |dns |ftp |dhcp$")
_ORDERED = re.compile(r"policy-map .*/class (?!class-default)|aaa group .*/server ")
_FIXED = re.compile(r"line |vlan 1$|hostname |voice-port |controller ")


@lru_cache(maxsize=16)
def outline(text: str) -> Facts:
    """The facts of a configuration."""
    facts: set[Fact] = set()
    lists: dict[str, list[str]] = {}
    orders: dict[str, list[str]] = {}
    around: list[tuple[int, str]] = []
    lines = iter(text.replace("\r", "").split("\n"))
    for line in lines:
        if opened := re.match(r"banner (\S+) (\^C|\S)(.*)$", line):
            facts.add((f"banner {opened[1]}", _banner(opened[2], opened[3], lines)))
            continue
        if re.match(r" certificate ", line):
            next((one for one in lines if one.strip() == "quit"), None)
            continue
        said = line.strip()
        if not said or _NOISE.match(said):
            continue
        if line.startswith("macro name "):
            body = [one.rstrip() for one in iter(lambda: next(lines, "@"), "@")]
            facts.add((said, *body))
            continue
        depth = len(line) - len(line.lstrip())
        while around and around[-1][0] >= depth:
            around.pop()
        said = said if _FREE.match(said) else _spelling(said)
        path = tuple(header for _, header in around if not _FLAT.match(header))
        if len(path) == 1 and _ORDERED.match(f"{path[0]}/{said}"):
            orders.setdefault(path[0], []).append(said)
        if numbered := re.match(r"access-list (\d+) (.*)", said):
            lists.setdefault(numbered[1], []).append(numbered[2])
        elif path and re.match(r"ip(?:v6)? access-list ", path[0]):
            lists.setdefault(path[0].split()[-1], []).append(_NUMBER.sub("", said))
        elif not re.match(r"ip(?:v6)? access-list [se\w]+ \S+$|ipv6 access-list ", said):
            facts.update((*each, one) for each in _lines(path) for one in _several(said))
        around.append((depth, said))
    facts.update((header, f"order {' / '.join(ranks)}") for header, ranks in orders.items())
    for name, entries in lists.items():
        rules = [_entry(one) for one in entries if not one.startswith("remark")]
        facts.add((f"list {name}", *dict.fromkeys(rules)))
        facts.add((f"remarks {name}", *sorted(one for one in entries if one[:6] == "remark")))
    return frozenset(facts)


def _spelling(said: str) -> str:
    said = re.sub(r"\s+", " ", said)
    said = re.sub(r"^(no )?ip domain-(name|lookup|list)", r"\1ip domain \2", said)
    return re.sub(r"^(username .* )pass (?=\d)", r"\1password ", said)


def _banner(mark: str, first: str, rest: Iterable[str]) -> str:
    body = [first[1:] if mark == "^C" and first.startswith("C") else first]
    if mark not in first:
        for line in rest:
            body.append(line)
            if mark in line:
                break
    return "\n".join(one.rstrip() for one in "\n".join(body).split(mark)[0].split("\n")).strip("\n")


def _entry(text: str) -> str:
    text = _HOST.sub(lambda found: found[1] or found[2], re.sub(r"\s+", " ", text))
    return re.sub(r"\beq 80\b", "eq www", text)


def _lines(path: Fact) -> Iterable[Fact]:
    """A range of terminal lines to its lines."""
    if path and (found := re.match(r"line vty (\d+) (\d+)$", path[0])):
        return [(f"line vty {n}", *path[1:]) for n in range(int(found[1]), int(found[2]) + 1)]
    return [path]


def _several(said: str) -> Iterable[str]:
    """A line that stands for several."""
    if found := re.match(r"line vty (\d+) (\d+)$", said):
        return [f"line vty {number}" for number in range(int(found[1]), int(found[2]) + 1)]
    if found := re.match(r"vlan ([\d,-]*[,-][\d,-]*)$", said):
        ends = [part.partition("-") for part in found[1].split(",")]
        return [f"vlan {n}" for low, _, high in ends for n in range(int(low), int(high or low) + 1)]
    if found := re.match(r"(switchport trunk allowed vlan) (?:add )?([\d,-]+)$", said):
        ends = [part.partition("-") for part in found[2].split(",")]
        numbers = [n for low, _, high in ends for n in range(int(low), int(high or low) + 1)]
        return [f"{found[1]} {number}" for number in numbers]
    if found := re.match(r"(ip name-server(?: vrf \S+)?|bgp confederation peers) (.+)$", said):
        return [f"{found[1]} {word}" for word in found[2].split()]
    return [said]


def surplus(running: Facts, predicted: Facts, desired: Facts) -> list[Fact]:
    """What the result has though desired has not, and the device does not keep by itself."""
    return [
        fact
        for fact in predicted - desired
        if not (fact[-1].startswith("no ") or _kept(fact, running, desired))
    ]


def _kept(fact: Fact, running: Facts, desired: Facts) -> bool:
    if fact[0].startswith("remarks") and len(fact) == 1:
        return True
    if fact not in running:
        return False
    if any(_MADE.match(one) or _FIXED.match(one) for one in fact):
        return True
    return bool(_PORT.match(fact[0])) and (len(fact) == 1 or fact[-1] == "shutdown")


def missing(running: Facts, predicted: Facts, desired: Facts) -> list[Fact]:
    """What desired has and the result has not, unless saying it says nothing."""
    return [
        fact
        for fact in desired - predicted
        if not fact[-1].startswith("no ")
        and (*fact[:-1], f"no {fact[-1]}") not in running
        and not (fact[0].startswith("remarks") and len(fact) == 1)
    ]


def heads(facts: Iterable[Fact]) -> set[str]:
    """The sections and families of global lines that facts belong to."""
    found = set()
    for fact in facts:
        words = fact[0].removeprefix("no ").split()
        if words[0] in ("list", "remarks"):
            words[0] = "list"
        found.add(" ".join(words) if len(fact) > 1 else " ".join(words[:2]))
        found.add(" ".join(words[:2]))
    return found


def head(command: str) -> set[str]:
    """The names under which ``heads`` may know a command of global configuration."""
    words = command.removeprefix("no ").removeprefix("default ").split()
    if words[:2] in (["ip", "access-list"], ["ipv6", "access-list"]):
        words = [
            "list",
            words[3] if words[2] in ("resequence", "standard", "extended") else words[2],
        ]
    if words[0] == "access-list":
        words = ["list", words[1]]
    return {" ".join(words), " ".join(words[:2])}
