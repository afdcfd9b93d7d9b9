"""What a device says of its interfaces and neighbours, read and judged: text in, what is wrong out.

Layouts are those of the Cisco IOS command references (interface, BGP, OSPF, EIGRP) and of
FRRouting's vtysh, which differ in columns, not in what stands first on a line.
"""

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from catnet_controller.ios import names
from catnet_controller.ios.parse import parse
from catnet_controller.ios.tree import Shape

_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\S+)?)"
_BRIEF = re.compile(r"^(\S+)\s+\S+\s+(?:YES|NO)\s+\S+\s+(.*\S)\s+(\S+)\s*$", re.MULTILINE)
_BRIEF_FRR = re.compile(r"^(\S+)\s+(up|down)\s+\S+", re.MULTILINE)
_BGP = re.compile(rf"^\*?({_ADDRESS})\s+4\s+[\d.]+(?:\s+\S+){{6}}\s+(\S+)", re.MULTILINE)
_BGP_BREAK = re.compile(rf"^(\*?{_ADDRESS})[ \t]*\n(?=\s+4\s)", re.MULTILINE)
_OSPF = re.compile(r"^(\d\S*)\s+\d+\s+(\w+)/.*?(\S+)\s*$", re.MULTILINE)
_EIGRP = re.compile(rf"^\d+\s+({_ADDRESS})\s+(\S+)\s", re.MULTILINE)
_SUCCESS = re.compile(r"Success rate is (\d+) percent")
_UNKNOWN = re.compile(
    r"^\s*% ?(?:Invalid input|Incomplete|Ambiguous|Unknown) ?|^Command authorization failed",
    re.MULTILINE,
)
_LONGEST = 500
"""Letters of a line that a pattern of a user is searched in."""
_SECTION = re.compile(r"^(?:router (?P<what>bgp|ospf|eigrp)\b| address-family (?P<family>.+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What is up: interfaces by their long names, neighbours as ``<protocol> <who>``."""

    interfaces: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()


def questions(running: str, *, brief: str) -> tuple[str, ...]:
    """The `show` lines whose answers say what is up; ``brief`` is the platform's for interfaces.

    Neighbours are asked for only where the configuration has a section that could make some.
    """
    found = {brief: None}
    for line in running.splitlines():
        section = _SECTION.match(line)
        if section is None:
            continue
        family = section["family"] or ""
        if section["what"] == "bgp":
            found["show ip bgp summary"] = None
        elif section["what"] == "ospf":
            found["show ip ospf neighbor"] = None
        elif section["what"] == "eigrp":
            found["show ip eigrp neighbors"] = None
        elif family.startswith(("vpnv4", "ipv4 vrf")) and "show ip bgp summary" in found:
            found["show ip bgp vpnv4 all summary"] = None
        elif family.startswith("ipv6") and "show ip bgp summary" in found:
            found["show bgp ipv6 unicast summary"] = None
    return tuple(found)


def read(answers: Mapping[str, str], *, brief: str) -> Up:
    """What is up by these answers, by the `show` lines that were asked."""
    up: dict[str, None] = {}
    peers: dict[str, None] = {}
    for line, answer in answers.items():
        if line == brief:
            up.update(dict.fromkeys(_interfaces(answer)))
        elif "bgp" in line:
            joined = _BGP_BREAK.sub(r"\1 ", answer)
            for row in _BGP.finditer(joined):
                if row[2].isdigit():
                    peers[f"BGP {row[1]}"] = None
        elif "ospf" in line:
            for row in _OSPF.finditer(answer):
                if row[2].upper() in ("FULL", "2WAY"):
                    peers[f"OSPF {row[1]} on {_long(row[3])}"] = None
        else:
            for row in _EIGRP.finditer(answer):
                peers[f"EIGRP {row[1]} on {_long(row[2])}"] = None
    return Up(interfaces=tuple(up), neighbours=tuple(peers))


def _interfaces(answer: str) -> Iterator[str]:
    ios = False
    for row in _BRIEF.finditer(answer):
        ios = True
        # Sessions of dial-in users come and go by themselves.
        if row[2] == row[3] == "up" and not row[1].startswith("Virtual-Access"):
            yield _long(row[1])
    if not ios:
        for row in _BRIEF_FRR.finditer(answer):
            if row[2] == "up":
                yield row[1]


def _long(name: str) -> str:
    # FRR writes the address of the port behind the name: `eth0:192.0.2.1`.
    plain = re.sub(r"(?<=[A-Za-z0-9]):\d+\.\d+\.\d+\.\d+$", "", name)
    return names.interface(plain) or plain


def lost(before: Up, now: Up) -> tuple[str, ...]:
    """What was up and is not any more, in words."""
    gone = [each for each in before.interfaces if each not in now.interfaces]
    deaf = [each for each in before.neighbours if each not in now.neighbours]
    named = [*(f"interface {each}" for each in gone), *(f"neighbour {each}" for each in deaf)]
    return tuple(f"{each} was up, is down" for each in named)


def excused(up: Up, before: str, after: str) -> Up:
    """``up`` without what the change itself takes down, told by the two configurations."""
    old, new = _Config(before), _Config(after)
    return replace(
        up,
        interfaces=tuple(one for one in up.interfaces if not new.takes_down(one, old)),
        neighbours=tuple(one for one in up.neighbours if not new.takes_away(one, old)),
    )


class _Config:
    """The few facts of a configuration that say what may be down."""

    def __init__(self, text: str) -> None:
        self.interfaces: dict[str, frozenset[str]] = {}
        self.routers: dict[str, set[str]] = {}
        for node in parse(text).nodes:
            words = node.text.split()
            lines = {child.text for child in node.children if child.shape is not Shape.NOISE}
            if words[:1] == ["interface"] and len(words) > 1:
                name = names.interface(" ".join(words[1:])) or words[1]
                self.interfaces[name] = frozenset(lines)
            elif words[:1] == ["router"] and len(words) > 1:
                kept = self.routers.setdefault(words[1].upper(), set())
                kept |= lines
                for child in node.children:
                    kept |= {one.text for one in child.children}

    def takes_down(self, name: str, old: "_Config") -> bool:
        """Whether the interface, or the one it is a part of, is shut or gone in this one only."""
        for one in (name, name.partition(".")[0]):
            if one in old.interfaces and one not in self.interfaces:
                return True
            now = self.interfaces.get(one, frozenset())
            if "shutdown" in now and "shutdown" not in old.interfaces.get(one, frozenset()):
                return True
        return False

    def takes_away(self, neighbour: str, old: "_Config") -> bool:
        protocol, who, *on = neighbour.split()
        if protocol not in self.routers:
            return True
        now, then = self.routers[protocol], old.routers.get(protocol, set())
        if protocol == "BGP":
            named = f"neighbor {who} "
            shut = f"neighbor {who} shutdown"
            was = any(line.startswith(named) for line in then)
            left = any(line.startswith(named) for line in now)
            return (was and not left) or any(line.startswith(shut) for line in now - then)
        interface = on[-1] if on else ""
        if self.takes_down(interface, old):
            return True
        mine = self.interfaces.get(interface, frozenset())
        gone = old.interfaces.get(interface, frozenset()) - mine
        if any(line.startswith(f"ip {protocol.lower()} ") and " area " in line for line in gone):
            return True
        if _passive(now, interface) and not _passive(then, interface):
            return True
        return any(_covers(line, old.interfaces.get(interface, ())) for line in then - now)


def _passive(lines: set[str], interface: str) -> bool:
    if f"no passive-interface {interface}" in lines:
        return False
    return f"passive-interface {interface}" in lines or "passive-interface default" in lines


def _covers(line: str, interface: Sequence[str] | frozenset[str]) -> bool:
    """Whether a `network` line of a router is about the address of an interface."""
    words = line.split()
    if words[:1] != ["network"] or len(words) < 2:
        return False
    for each in interface:
        own = each.split()
        if own[:2] != ["ip", "address"] or len(own) < 4:
            continue
        try:
            address = int(ipaddress.IPv4Address(own[2]))
            network = int(ipaddress.IPv4Address(words[1]))
            wild = int(ipaddress.IPv4Address(words[2])) if len(words) > 2 else 0xFF
        except ValueError:
            continue
        if (address | wild) == (network | wild):
            return True
    return False


def answers_ping(answer: str) -> bool:
    """Whether a `ping` got at least one reply."""
    found = _SUCCESS.search(answer)
    return found is not None and int(found[1]) > 0


def unknown(answer: str) -> bool:
    """Whether the device does not take the line that was asked."""
    return _UNKNOWN.search(answer) is not None


def judged(*, show: str, expect: str, pattern: str, answer: str, before: str = "") -> str | None:
    """Why the answer is not what a check wants (``match``, ``no-match`` or ``unchanged``); None
    when it is.

    A pattern is searched in each line by itself. ``before`` is the `fingerprint` of the answer
    before the change. What the device printed is not told: it may hold secrets.
    """
    if unknown(answer):
        return f"`{show}`: the device does not take this line"
    found = _matching(pattern, answer)
    if expect == "match" and not found:
        return f"`{show}`: no line matches /{pattern}/"
    if expect == "no-match" and found:
        count = f"{len(found)} line{'' if len(found) == 1 else 's'}"
        return f"`{show}`: /{pattern}/ matches {count}"
    if expect == "unchanged" and fingerprint(pattern, answer) != before:
        return f"`{show}`: not as before the change"
    return None


def fingerprint(pattern: str, answer: str) -> str:
    """A digest of the lines that match; the lines themselves may hold secrets."""
    text = "\n".join(_matching(pattern, answer))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _matching(pattern: str, answer: str) -> list[str]:
    compiled = re.compile(pattern)
    lines = (line.rstrip()[:_LONGEST] for line in answer.splitlines())
    return [line for line in lines if line and compiled.search(line)]
