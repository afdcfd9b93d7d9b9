"""What IOS refuses though the syntax is right: a full line, where it stands, the configuration, and
the text of the refusal."""

# ruff: noqa: ARG001  every judge takes the same arguments

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

from catnet_controller.ios import names
from catnet_controller.ios.tree import Path
from catnet_controller.simulator.configuration import Configuration

Judge = Callable[[Configuration, Path, tuple[str, ...], bool], str | None]
"""Configuration, section, words without ``no``, whether that was there; the refusal or None."""


def refuse(
    running: Configuration, path: Path, words: tuple[str, ...], *, negated: bool
) -> str | None:
    """The text IOS prints when it refuses this line, or None."""
    inside = path[-1].split(" ")[0] if path else ""
    for section, first, judge in _JUDGES:
        if section == inside and words[: len(first)] == first:
            text = judge(running, path, words, negated)
            if text is not None:
                return text
    return None


def _mask(text: str) -> int | None:
    """Prefix length of a mask, None when its ones are not together."""
    value = int(IPv4Address(text))
    ones = value.bit_count()
    return ones if value == (0xFFFFFFFF << (32 - ones)) & 0xFFFFFFFF else None


@lru_cache(maxsize=4096)
def _span(address: str, mask: str) -> tuple[int, int] | None:
    """The first and the last address of a network as numbers; None when it is none.

    Remembered: each new address is compared with those of every other interface.
    """
    try:
        length = _mask(mask)
        value = int(IPv4Address(address))
    except ValueError:
        return None
    if length is None:
        return None
    hosts = (1 << (32 - length)) - 1
    return value & ~hosts, value | hosts


def _vrf(lines: tuple[str, ...]) -> str:
    for line in lines:
        if line.startswith(("vrf forwarding ", "ip vrf forwarding ")):
            return line.rsplit(" ", 1)[1]
    return ""


def _address(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    here = path[-1].split(" ")[1]
    lines = tuple(node.text for node in running.children(path))
    if negated:
        secondaries = any(line.endswith(" secondary") for line in lines)
        if secondaries and len(words) >= 4 and words[-1] != "secondary":
            return "Must delete secondary before deleting primary"
        return None
    if len(words) < 4 or words[2] in ("dhcp", "negotiated"):
        return None
    address, mask = IPv4Address(words[2]), words[3]
    length = _mask(mask)
    if length is None:
        return f"Bad mask 0x{int(IPv4Address(mask)):08X} for address {address}"
    net = IPv4Network((words[2], length), strict=False)
    if address.is_multicast or address.is_loopback or int(address) == 0:
        return f"Not a valid host address - {address}"
    if length < 31 and address in (net.network_address, net.broadcast_address):
        return f"Bad mask /{length} for address {address}"
    first, last = int(net.network_address), int(net.broadcast_address)
    mine = _vrf(lines)
    for name, others in running.interfaces():
        if name == here:
            continue
        for line in others:
            if not line.startswith("ip address "):
                continue
            parts = line.split(" ")
            theirs = _span(parts[2], parts[3]) if len(parts) > 3 else None
            if theirs is None or theirs[0] > last or first > theirs[1]:
                continue
            if _vrf(others) == mine:
                return (
                    f"% {net.network_address} overlaps with {name}\n"
                    f"{here}: incorrect IP address assignment"
                )
    return None


def _vrf_known(running: Configuration, name: str) -> bool:
    return running.has((), f"vrf definition {name}") or running.has((), f"ip vrf {name}")


def _route(running: Configuration, path: Path, words: tuple[str, ...], negated: bool) -> str | None:
    if words[2] == "vrf" and not _vrf_known(running, words[3]):
        return f"% IP  routing table {words[3]} does not exist"
    line = " ".join(words)
    if negated:
        held = list(running.starts(line))
        return None if held else "%No matching route to delete"
    at = 4 if words[2] == "vrf" else 2
    net, mask = IPv4Address(words[at]), words[at + 1]
    length = _mask(mask)
    if length is None or int(net) & ~int(IPv4Address(mask)) & 0xFFFFFFFF:
        return "%Inconsistent address and mask"
    return None


def _forwarding(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    if not negated and len(words) > 2 and not _vrf_known(running, words[-1]):
        return f"% VRF {words[-1]} not configured."
    return None


def _username(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    if negated:
        return None
    have = f" {next(running.starts(f'username {words[1]} '), '')} "
    kinds = {"password": " secret ", "secret": " password "}
    for kind, other in kinds.items():
        if kind in words[2:] and other in have:
            return (
                "ERROR: Can not have both a user password and a user secret.\n"
                "Please choose one or the other."
            )
    return None


def _bgp(running: Configuration, path: Path, words: tuple[str, ...], negated: bool) -> str | None:
    have = running.first("router bgp ")
    if have is not None and have != words[2] and not negated:
        return f"BGP is already running; AS is {have}"
    return None


def _bgp_neighbor(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    if not path[0].startswith("router bgp "):
        return None
    if negated or len(words) < 3 or words[2] in ("remote-as", "peer-group"):
        return None
    if words[2:4] == ("inherit", "peer-session"):
        return None
    router = path[:1]
    for section in (router, path):
        for line in running.starts(f"neighbor {words[1]} ", section):
            if line.startswith(("remote-as", "peer-group", "inherit peer-session")):
                return None
    return "% Specify remote-as or peer-group commands first"


def _ipv6(running: Configuration, path: Path, words: tuple[str, ...], negated: bool) -> str | None:
    if not negated and not running.has((), "ipv6 unicast-routing"):
        return "%IPv6 routing not enabled"
    return None


def _vlan(running: Configuration, path: Path, words: tuple[str, ...], negated: bool) -> str | None:
    if negated and words[1] == "1":
        return "%Default VLAN 1 may not be deleted."
    return None


def _vlan_name(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    if not negated and len(" ".join(words[1:])) > 32:
        return (
            "%You must disable VTPv1 and VTPv2 or switch to VTPv3 before configuring a VLAN name "
            "longer than 32 characters"
        )
    return None


def _snmp(running: Configuration, path: Path, words: tuple[str, ...], negated: bool) -> str | None:
    if negated and not any(True for _ in running.starts("snmp-server ")):
        return "%SNMP agent not enabled"
    return None


def _interface(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    if negated and names.physical(words[1]):
        return "% Removal of physical interfaces is not permitted."
    return None


def _old_standard(
    running: Configuration, path: Path, words: tuple[str, ...], negated: bool
) -> str | None:
    name = words[3]
    kind = words[2]
    other = "extended" if kind == "standard" else "standard"
    if not negated and running.has((), f"ip access-list {other} {name}"):
        return f"% A named {other} IP access list with this name already exists"
    return None


_JUDGES: tuple[tuple[str, tuple[str, ...], Judge], ...] = (
    ("interface", ("ip", "address"), _address),
    ("interface", ("vrf", "forwarding"), _forwarding),
    ("interface", ("ip", "vrf", "forwarding"), _forwarding),
    ("interface", ("ipv6", "ospf"), _ipv6),
    ("router", ("neighbor",), _bgp_neighbor),
    ("address-family", ("neighbor",), _bgp_neighbor),
    ("vlan", ("name",), _vlan_name),
    ("", ("ip", "route"), _route),
    ("", ("username",), _username),
    ("", ("router", "bgp"), _bgp),
    ("", ("ipv6", "router"), _ipv6),
    ("", ("router", "ospfv3"), _ipv6),
    ("", ("vlan",), _vlan),
    ("", ("snmp-server",), _snmp),
    ("", ("interface",), _interface),
    ("", ("ip", "access-list", "standard"), _old_standard),
    ("", ("ip", "access-list", "extended"), _old_standard),
)
"""Section, first words, judge. Texts: transcripts and the Cisco command references."""
