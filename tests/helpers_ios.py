"""Corpus of real configurations, and realistic changes to them, for the tests of the ios room."""

import itertools
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

SHARED = Path(os.environ.get("CATNET_SHARED") or Path(__file__).parents[1].parent / "shared")
CONFIGS = SHARED / "data" / "configs"

# Grammar files, partial outputs and desired text: not a device's running-config.
_NOT_DEVICES = re.compile(
    r"batfish__cisco_|batfish__ios-track|tricky|multi-platform|hier_config__|300_node|ntc-templates__.*partition|banner_newline"
)


def corpus(*, devices: bool = False) -> list[Path]:
    """Every configuration of the corpus, or only those that are true device text."""
    found = sorted(CONFIGS.glob("*.cfg"))
    return [path for path in found if not (devices and _NOT_DEVICES.search(path.name))]


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def needs_corpus() -> None:
    if not CONFIGS.is_dir():
        pytest.skip(f"the corpus is not beside the project ({CONFIGS})")


# --- changes -------------------------------------------------------------------------------------

Lines = list[str]
Change = Callable[[random.Random, Lines], Lines | None]
"""A change gives the new lines, or None where the configuration has nothing to change so."""

CHANGES: dict[str, Change] = {}


def change(made: Change) -> Change:
    CHANGES[made.__name__] = made
    return made


def mutate(text: str, kind: str, seed: int) -> str | None:
    """The configuration after one realistic change, or None when it does not apply."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    made = CHANGES[kind](random.Random(seed), lines)
    return None if made is None else "\n".join(made)


def _where(lines: Lines, pattern: str) -> list[int]:
    """Lines that match, outside banners and certificates."""
    wanted = re.compile(pattern)
    found: list[int] = []
    inside: str | None = None
    for number, line in enumerate(lines):
        if inside is not None:
            if inside in line:
                inside = None
            continue
        if opened := re.match(r"banner \S+ (\^C|\S)(.*)", line):
            if opened[1] not in opened[2]:
                inside = opened[1]
        elif re.match(r" certificate \S+.* \S+$", line) and "quit" not in line:
            inside = "quit"
        if wanted.match(line):
            found.append(number)
    return found


def _end(lines: Lines, start: int) -> int:
    """The line after the section that begins at ``start``."""
    depth = len(lines[start]) - len(lines[start].lstrip())
    at = start + 1
    while at < len(lines) and lines[at].startswith(" " * (depth + 1)):
        at += 1
    return at


def _pick(rng: random.Random, lines: Lines, pattern: str) -> int | None:
    found = _where(lines, pattern)
    return rng.choice(found) if found else None


def _without(lines: Lines, start: int, end: int | None = None) -> Lines:
    return lines[:start] + lines[start + 1 if end is None else end :]


def _with(lines: Lines, at: int, *new: str) -> Lines:
    return [*lines[:at], *new, *lines[at:]]


def _global(lines: Lines, *new: str) -> Lines:
    ends = _where(lines, r"end$")
    return _with(lines, ends[-1] if ends else len(lines), *new)


def _sub(rng: random.Random, lines: Lines, pattern: str, old: str, new: str) -> Lines | None:
    at = _pick(rng, lines, pattern)
    if at is None:
        return None
    changed = re.sub(old, new, lines[at], count=1)
    return None if changed == lines[at] else [*lines[:at], changed, *lines[at + 1 :]]


def _drop(rng: random.Random, lines: Lines, pattern: str) -> Lines | None:
    at = _pick(rng, lines, pattern)
    return None if at is None else _without(lines, at)


def _drop_section(rng: random.Random, lines: Lines, pattern: str) -> Lines | None:
    at = _pick(rng, lines, pattern)
    return None if at is None else _without(lines, at, _end(lines, at))


_PORT = r"interface (?:Gigabit|Fast|TenGigabit)?Ethernet[\d/]+$"
_ANY_INTERFACE = r"interface \S+$"


@change
def describe_interface(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, _ANY_INTERFACE)
    if at is None:
        return None
    end = _end(lines, at)
    kept = [line for line in lines[at + 1 : end] if not line.startswith(" description")]
    return [*lines[: at + 1], f" description made {rng.randint(1, 999)}", *kept, *lines[end:]]


@change
def undescribe_interface(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r" description ")


@change
def readdress_interface(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(
        rng,
        lines,
        r" ip address \d+\S+ \S+$",
        r"address \S+ \S+",
        f"address 172.29.{rng.randint(0, 255)}.1 255.255.255.0",
    )


@change
def unaddress_interface(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r" ip address \d+\S+ \S+$")
    if at is None or (at + 1 < len(lines) and "secondary" in lines[at + 1]):
        return None
    return [*lines[:at], " no ip address", *lines[at + 1 :]]


@change
def add_secondary(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r" ip address \d+\S+ \S+$")
    address = f"172.28.{rng.randint(0, 255)}.1 255.255.255.0 secondary"
    return None if at is None else _with(lines, at + 1, f" ip address {address}")


@change
def drop_secondary(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r" ip address .* secondary$")


@change
def toggle_shutdown(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, _ANY_INTERFACE)
    if at is None:
        return None
    end = _end(lines, at)
    kept = [line for line in lines[at + 1 : end] if line != " shutdown"]
    if len(kept) == end - at - 1:
        kept.append(" shutdown")
    return [*lines[: at + 1], *kept, *lines[end:]]


@change
def drop_port(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, _PORT)


@change
def empty_port(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, _PORT)
    return None if at is None else _without(lines, at + 1, _end(lines, at))


@change
def add_loopback(rng: random.Random, lines: Lines) -> Lines | None:
    number = rng.randint(1000, 2000)
    return _global(
        lines,
        f"interface Loopback{number}",
        " description made",
        f" ip address 172.30.{number % 256}.1 255.255.255.255",
    )


@change
def drop_virtual_interface(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"interface (?:Loopback|Tunnel|Vlan(?!1$)|Port-channel)\d+$")


@change
def move_address(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r" ip address 1\d+\S+ \S+$")
    if at is None or (at + 1 < len(lines) and "secondary" in lines[at + 1]):
        return None
    number = rng.randint(2000, 3000)
    moved = _global(lines, f"interface Loopback{number}", lines[at])
    return [*moved[:at], " no ip address", *moved[at + 1 :]]


@change
def add_subinterface(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"interface GigabitEthernet[\d/]+$")
    if at is None:
        return None
    tag = rng.randint(3000, 3900)
    return _global(
        lines,
        f"{lines[at]}.{tag}",
        f" encapsulation dot1Q {tag}",
        f" ip address 172.27.{tag % 256}.1 255.255.255.0",
    )


@change
def drop_subinterface(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"interface \S+\.\d+$")


@change
def change_tag(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(
        rng, lines, r" encapsulation dot1Q \d+$", r"dot1Q \d+", f"dot1Q {rng.randint(3901, 4000)}"
    )


@change
def drop_interface_line(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, _ANY_INTERFACE)
    if at is None or _end(lines, at) == at + 1:
        return None
    gone = rng.randrange(at + 1, _end(lines, at))
    return _without(lines, gone, _end(lines, gone))


@change
def move_vrf(rng: random.Random, lines: Lines) -> Lines | None:
    names = [lines[n].split()[-1] for n in _where(lines, r"vrf definition \S+$")]
    at = _pick(rng, lines, r" vrf forwarding \S+$")
    others = [name for name in names if at is not None and name != lines[at].split()[-1]]
    if at is None or not others:
        return None
    return [*lines[:at], f" vrf forwarding {rng.choice(others)}", *lines[at + 1 :]]


@change
def leave_vrf(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r" vrf forwarding \S+$")


@change
def add_vrf(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(
        lines,
        f"vrf definition MADE{rng.randint(1, 99)}",
        f" rd 65000:{rng.randint(100, 999)}",
        " !",
        " address-family ipv4",
        " exit-address-family",
    )


@change
def delete_vrf(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"vrf definition \S+$")
    if at is None:
        return None
    name = re.escape(lines[at].split()[-1])
    uses = rf".* vrf {name}(?: |$)|.*vrf forwarding {name}$"
    gone = _without(lines, at, _end(lines, at))
    while True:
        found = _where(gone, uses)
        if not found:
            return gone
        gone = _without(gone, found[0], _end(gone, found[0]))


@change
def add_vlan(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(lines, f"vlan {rng.randint(1100, 1900)}", f" name made{rng.randint(1, 99)}")


@change
def drop_vlan(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"vlan \d+$")


@change
def rename_vlan(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r" name \S+$", r"name \S+", f"name n{rng.randint(1, 999)}")


@change
def access_vlan(rng: random.Random, lines: Lines) -> Lines | None:
    """The device makes a VLAN that a port is put into, so desired names it as well."""
    number = rng.randint(2000, 3000)
    made = _sub(rng, lines, r" switchport access vlan", r"vlan \d+", f"vlan {number}")
    return None if made is None else _global(made, f"vlan {number}", f" name users{number}")


@change
def trunk_vlans(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(
        rng,
        lines,
        r" switchport trunk allowed vlan \d",
        r"vlan \S+",
        f"vlan {rng.randint(2, 99)},{rng.randint(100, 999)}-1001",
    )


@change
def set_banner(rng: random.Random, lines: Lines) -> Lines | None:
    if _where(lines, r"banner (?:motd|exec) "):
        return None
    body = [f"  made {rng.randint(1, 99)}", "", "interface Vlan1", " shutdown", "!", "^ and # end"]
    return _global(lines, "banner motd ^C", *body, "^C")


@change
def drop_banner(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"banner \S+ \^C$")
    if at is None:
        return None
    return _without(lines, at, next(n for n in range(at + 1, len(lines)) if "^C" in lines[n]) + 1)


@change
def edit_banner(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"banner \S+ \^C$")
    return None if at is None else _with(lines, at + 1, f"! more {rng.randint(1, 99)} ~ | @")


@change
def rename_host(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"hostname \S+$", r"hostname \S+", f"hostname h{rng.randint(1, 999)}")


_ENTRY = r" (?:\d+ )?(?:permit|deny) +(?:ip|tcp|udp|icmp|\d|host|any)"


def _list(rng: random.Random, lines: Lines) -> tuple[int, int] | None:
    at = _pick(rng, lines, r"ip access-list (?:standard|extended) \S+$")
    return None if at is None else (at + 1, _end(lines, at))


def _renumber(lines: Lines, start: int, end: int) -> Lines:
    """Desired text without numbers, as people write it."""
    bare = [re.sub(r"^ \d+ ", " ", line) for line in lines[start:end]]
    return [*lines[:start], *bare, *lines[end:]]


@change
def insert_entry(rng: random.Random, lines: Lines) -> Lines | None:
    found = _list(rng, lines)
    if found is None:
        return None
    port = rng.randint(8000, 8999)
    extended = lines[found[0] - 1].split()[2] == "extended"
    rule = f" permit tcp any any eq {port}" if extended else f" permit 172.26.0.{port % 250 + 1}"
    bare = _renumber(lines, *found)
    return _with(bare, rng.randint(*found), rule)


@change
def insert_entries(rng: random.Random, lines: Lines) -> Lines | None:
    found = _list(rng, lines)
    if found is None or lines[found[0] - 1].split()[2] != "extended":
        return None
    rules = [f" permit udp any host 172.25.0.{n} eq snmp" for n in range(1, 16)]
    return _with(_renumber(lines, *found), rng.randint(*found), *rules)


@change
def delete_entry(rng: random.Random, lines: Lines) -> Lines | None:
    found = _list(rng, lines)
    if found is None or found[1] - found[0] < 2:
        return None
    return _without(_renumber(lines, *found), rng.randrange(*found))


@change
def swap_entries(rng: random.Random, lines: Lines) -> Lines | None:
    found = _list(rng, lines)
    if found is None or found[1] - found[0] < 2:
        return None
    one, other = rng.sample(range(*found), 2)
    bare = _renumber(lines, *found)
    bare[one], bare[other] = bare[other], bare[one]
    return bare


@change
def replace_entries(rng: random.Random, lines: Lines) -> Lines | None:
    found = _list(rng, lines)
    if found is None or lines[found[0] - 1].split()[2] != "extended":
        return None
    rules = [f" permit tcp any host 172.24.0.{n}" for n in range(1, 5)]
    return [*lines[: found[0]], *rules, *lines[found[1] :]]


@change
def remark_entry(rng: random.Random, lines: Lines) -> Lines | None:
    found = _list(rng, lines)
    if found is None:
        return None
    return _with(_renumber(lines, *found), rng.randrange(*found), f" remark made {rng.random()}")


@change
def drop_list(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"ip access-list (?:standard|extended) \S+$")


@change
def numbered_insert(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"access-list \d\d? permit")
    if at is None:
        return None
    number = lines[at].split()[1]
    return _with(lines, at, f"access-list {number} permit 172.23.{rng.randint(0, 255)}.1")


@change
def numbered_delete(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r"access-list \d+ (?:permit|deny)")


@change
def prefix_entry(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(
        rng,
        lines,
        r"ip prefix-list \S+ seq \d+ permit",
        r"permit \S+",
        f"permit 172.{rng.randint(16, 31)}.0.0/16",
    )


@change
def drop_prefix_entry(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r"ip prefix-list \S+ seq \d+")


@change
def add_route_map(rng: random.Random, lines: Lines) -> Lines | None:
    name = f"RM-MADE{rng.randint(1, 99)}"
    return _global(
        lines,
        f"route-map {name} permit 10",
        " set local-preference 200",
        f"route-map {name} deny 20",
    )


@change
def drop_route_map_entry(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"route-map \S+ (?:permit|deny) \d+")


@change
def flip_route_map(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"route-map \S+ permit \d+", "permit", "deny")


@change
def add_neighbor(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"router bgp \d+$")
    if at is None:
        return None
    peer = f"172.22.{rng.randint(0, 255)}.1"
    return _with(
        lines, at + 1, f" neighbor {peer} remote-as 65001", f" neighbor {peer} description m"
    )


@change
def drop_neighbor(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r" neighbor \S+ remote-as \d+")
    if at is None:
        return None
    stem = f"neighbor {lines[at].split()[1]} "
    return [line for line in lines if not line.strip().removeprefix("no ").startswith(stem)]


@change
def remote_as(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(
        rng,
        lines,
        r" neighbor \S+ remote-as \d+",
        r"remote-as \d+",
        f"remote-as {rng.randint(1, 999)}",
    )


@change
def drop_routing_line(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"router (?:ospf|bgp|eigrp|rip|isis)")
    if at is None or _end(lines, at) == at + 1:
        return None
    gone = rng.randrange(at + 1, _end(lines, at))
    if "remote-as" in lines[gone] or "peer-group" in lines[gone]:
        return None
    return _without(lines, gone, _end(lines, gone))


@change
def drop_routing_process(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"router (?:ospf|bgp|eigrp|rip|isis)")


@change
def renumber_bgp(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"router bgp \d+$", r"bgp \d+", f"bgp {rng.randint(60000, 61000)}")


@change
def add_network(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"router ospf \d+")
    if at is None:
        return None
    return _with(lines, at + 1, f" network 172.21.{rng.randint(0, 255)}.0 0.0.0.255 area 0")


@change
def add_route(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(lines, f"ip route 172.20.{rng.randint(0, 255)}.0 255.255.255.0 Null0")


@change
def drop_route(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r"ip route ")


@change
def route_distance(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"ip route \S+ \S+ \S+$", r"$", f" {rng.randint(2, 250)}")


@change
def add_ntp(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(lines, f"ntp server 172.19.0.{rng.randint(1, 250)}")


@change
def drop_ntp(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r"ntp server ")


@change
def add_logging(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(lines, f"logging host 172.18.0.{rng.randint(1, 250)}")


@change
def add_user(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(lines, f"username u{rng.randint(1, 99)} privilege 1 secret 9 $9$abc$def")


@change
def drop_user(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r"username \S+ ")


@change
def change_user(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"username \S+ .*secret \d", r"secret .*", "secret 9 $9$new$new")


@change
def add_community(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(lines, f"snmp-server community c{rng.randint(1, 99)} RO")


@change
def drop_snmp(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r"snmp-server ")


@change
def drop_timeout(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r" exec-timeout ")


@change
def line_transport(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r" transport input ", r"input .*", "input telnet ssh")


@change
def join_lines(rng: random.Random, lines: Lines) -> Lines | None:
    found = _where(lines, r"line vty 5 \d+$")
    if not found:
        return None
    gone = _without(lines, found[0], _end(lines, found[0]))
    last = lines[found[0]].split()[-1]
    return [f"line vty 0 {last}" if line == "line vty 0 4" else line for line in gone]


@change
def add_class(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"policy-map (?!type|system)\S+$")
    if at is None or _end(lines, at) == at + 1:
        return None
    name = f"CM-MADE{rng.randint(1, 99)}"
    made = _with(lines, at + 1, f" class {name}", "  set dscp af11")
    return _global(made, f"class-map match-any {name}", " match dscp ef")


@change
def swap_classes(rng: random.Random, lines: Lines) -> Lines | None:
    for at in _where(lines, r"policy-map (?!type|system)\S+$"):
        starts = [
            n
            for n in range(at + 1, _end(lines, at))
            if re.match(r" class (?!class-default)", lines[n])
        ]
        if len(starts) > 1:
            a, b = starts[0], starts[1]
            c = _end(lines, b)
            return [*lines[:a], *lines[b:c], *lines[a:b], *lines[c:]]
    return None


@change
def drop_policy(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"policy-map (?!type|system)\S+$")
    if at is None:
        return None
    name = re.escape(lines[at].split()[-1])
    gone = _without(lines, at, _end(lines, at))
    return [line for line in gone if not re.match(rf".*service-policy .*{name}$", line)]


@change
def swap_servers(rng: random.Random, lines: Lines) -> Lines | None:
    found = _where(lines, r" server name ")
    for one, other in itertools.pairwise(found):
        if other == one + 1:
            swapped = [*lines]
            swapped[one], swapped[other] = swapped[other], swapped[one]
            return swapped
    return None


@change
def edit_sla(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r" +frequency \d+", r"\d+", str(rng.randint(61, 300)))


@change
def add_pool(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(
        lines,
        f"ip dhcp pool MADE{rng.randint(1, 9)}",
        " network 172.17.0.0 255.255.255.0",
        " default-router 172.17.0.1",
    )


@change
def drop_pool(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop_section(rng, lines, r"ip dhcp pool ")


@change
def toggle_global(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"no (?!aaa|license|platform|crypto)\S+ ")
    if at is None:
        return None
    return [*lines[:at], lines[at].removeprefix("no "), *lines[at + 1 :]]


@change
def drop_global(rng: random.Random, lines: Lines) -> Lines | None:
    pattern = (
        r"(?!boot|hostname|end|version|crypto|license|switch|line|banner|macro|interface|vrf"
        r"|ip vrf)[a-z]\S* "
    )
    at = _pick(rng, lines, pattern)
    return None if at is None else _without(lines, at, _end(lines, at))


@change
def name_servers(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"ip name-server ", r"server ", "server 172.16.0.53 ")


@change
def edit_action(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r" action \S+ syslog", r'msg ".*"', 'msg "made"')


@change
def key_string(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"  key-string 7", r"7 .*", "7 070C285F4D06")


@change
def drop_remark(rng: random.Random, lines: Lines) -> Lines | None:
    return _drop(rng, lines, r" (?:\d+ )?remark ")


@change
def insert_entry_ipv6(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"ipv6 access-list \S+$")
    if at is None:
        return None
    end = _end(lines, at)
    bare = [re.sub(r"^ sequence \d+ ", " ", line) for line in lines[at + 1 : end]]
    bare.insert(rng.randint(0, len(bare)), f" permit tcp any any eq {rng.randint(8000, 9000)}")
    return [*lines[: at + 1], *bare, *lines[end:]]


@change
def numbered_swap(rng: random.Random, lines: Lines) -> Lines | None:
    found = _where(lines, r"access-list \d+ (?:permit|deny)")
    for one, other in itertools.pairwise(found):
        if other == one + 1 and lines[one].split()[1] == lines[other].split()[1]:
            swapped = [*lines]
            swapped[one], swapped[other] = swapped[other], swapped[one]
            return swapped
    return None


@change
def change_list_type(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"ip access-list standard [A-Za-z]\S*$")
    if at is None:
        return None
    header = lines[at].replace("standard", "extended")
    return [*lines[:at], header, " permit ip any any", *lines[_end(lines, at) :]]


@change
def certificate(rng: random.Random, lines: Lines) -> Lines | None:
    hexes = [n for n, line in enumerate(lines) if re.match(r" +[0-9A-F]{8} [0-9A-F]{8} ", line)]
    if not hexes:
        return None
    at = rng.choice(hexes)
    return [
        *lines[:at],
        f"  {rng.randrange(16**8):08X} {lines[at].split(None, 1)[1]}",
        *lines[at + 1 :],
    ]


@change
def banner_one_line(rng: random.Random, lines: Lines) -> Lines | None:
    if _where(lines, r"banner login "):
        return None
    return _global(lines, f"banner login ^Cmade {rng.randint(1, 99)}^C")


def _in_interface(rng: random.Random, lines: Lines, stem: str, line: str) -> Lines | None:
    """Set a value of an interface that has an address."""
    at = _pick(rng, lines, r" ip address \d+\S+ \S+$")
    if at is None:
        return None
    start = next(n for n in range(at, -1, -1) if lines[n].startswith("interface "))
    end = _end(lines, start)
    kept = [one for one in lines[start + 1 : end] if not one.startswith(stem)]
    place = next(n for n, one in enumerate(kept) if one == lines[at]) + 1
    while place < len(kept) and kept[place].startswith(" ip address "):
        place += 1
    return [*lines[: start + 1], *kept[:place], line, *kept[place:], *lines[end:]]


@change
def ospf_cost(rng: random.Random, lines: Lines) -> Lines | None:
    return _in_interface(rng, lines, " ip ospf cost", f" ip ospf cost {rng.randint(1, 999)}")


@change
def interface_mtu(rng: random.Random, lines: Lines) -> Lines | None:
    return _in_interface(rng, lines, " ip mtu", f" ip mtu {rng.randint(1300, 1499)}")


@change
def helper_address(rng: random.Random, lines: Lines) -> Lines | None:
    line = f" ip helper-address 172.16.9.{rng.randint(1, 250)}"
    return _in_interface(rng, lines, " ip helper-address", line)


@change
def standby_group(rng: random.Random, lines: Lines) -> Lines | None:
    line = f" standby {rng.randint(200, 250)} priority {rng.randint(101, 200)}"
    return _in_interface(rng, lines, " nothing", line)


@change
def redirects_off(rng: random.Random, lines: Lines) -> Lines | None:
    return _in_interface(rng, lines, " no ip redirects", " no ip redirects")


@change
def filter_port(rng: random.Random, lines: Lines) -> Lines | None:
    made = _in_interface(rng, lines, " ip access-group", " ip access-group MADE-IN in")
    if made is None:
        return None
    return _global(
        made,
        "ip access-list extended MADE-IN",
        " permit tcp any any established",
        " deny ip any any log",
    )


@change
def port_to_bundle(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"interface \S*Ethernet[\d/]+$")
    if at is None or any("channel-group" in one for one in lines[at : _end(lines, at)]):
        return None
    number = rng.randint(40, 60)
    made = _with(lines, _end(lines, at), f" channel-group {number} mode active")
    return _global(made, f"interface Port-channel{number}", " description made")


@change
def bgp_network(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"router bgp \d+$")
    net = f" network 172.31.{rng.randint(0, 255)}.0 mask 255.255.255.0"
    return None if at is None else _with(lines, at + 1, net)


@change
def bgp_neighbor_value(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r" neighbor \d\S+ remote-as \d+")
    if at is None:
        return None
    peer = lines[at].split()[1]
    stem = f" neighbor {peer} timers"
    kept = [one for one in lines if not one.startswith(stem)]
    return _with(kept, kept.index(lines[at]) + 1, f"{stem} {rng.randint(5, 9)} 30")


@change
def bgp_group(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"router bgp \d+$")
    name = f"PG{rng.randint(1, 99)}"
    return (
        None
        if at is None
        else _with(
            lines,
            at + 1,
            f" neighbor {name} peer-group",
            f" neighbor {name} remote-as 65099",
            f" neighbor 172.31.255.{rng.randint(1, 250)} peer-group {name}",
        )
    )


@change
def ospf_passive(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"router ospf \d+")
    if at is None:
        return None
    end = _end(lines, at)
    line = " passive-interface Loopback0"
    if any("passive-interface" in one for one in lines[at:end]):
        return None
    return _with(lines, at + 1, line)


@change
def set_logging_buffer(rng: random.Random, lines: Lines) -> Lines | None:
    kept = [line for line in lines if "logging buffered" not in line]
    return _global(kept, f"logging buffered {rng.randint(5000, 90000)}")


@change
def set_location(rng: random.Random, lines: Lines) -> Lines | None:
    kept = [line for line in lines if not line.startswith("snmp-server location")]
    return _global(kept, f"snmp-server location row  {rng.randint(1, 99)}")


@change
def set_timestamps(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"service timestamps log", r"log .*", "log datetime msec localtime")


@change
def set_domain(rng: random.Random, lines: Lines) -> Lines | None:
    kept = [line for line in lines if not re.match(r"ip domain[ -]name (?!vrf)", line)]
    return _global(kept, f"ip domain name made{rng.randint(1, 99)}.example")


@change
def set_enable_secret(rng: random.Random, lines: Lines) -> Lines | None:
    return _sub(rng, lines, r"enable secret", r"secret .*", "secret 9 $9$made$made")


@change
def add_tacacs(rng: random.Random, lines: Lines) -> Lines | None:
    name = f"made{rng.randint(1, 99)}"
    return _global(
        lines,
        f"tacacs server {name}",
        " address ipv4 172.16.8.1",
        f"aaa group server tacacs+ G-{name}",
        f" server name {name}",
    )


@change
def add_sla(rng: random.Random, lines: Lines) -> Lines | None:
    number = rng.randint(500, 900)
    return _global(
        lines,
        f"ip sla {number}",
        " icmp-echo 172.16.7.1",
        "  frequency 30",
        f"ip sla schedule {number} life forever start-time now",
        f"track {number} ip sla {number} reachability",
    )


@change
def add_applet(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(
        lines,
        f"event manager applet MADE{rng.randint(1, 99)}",
        " event none",
        ' action 1.0 cli command "enable"',
        ' action 2.0 syslog msg "two  blanks"',
    )


@change
def add_key_chain(rng: random.Random, lines: Lines) -> Lines | None:
    return _global(
        lines, f"key chain MADE{rng.randint(1, 99)}", " key 1", "  key-string 7 070C285F4D06"
    )


@change
def console_line(rng: random.Random, lines: Lines) -> Lines | None:
    at = _pick(rng, lines, r"line con 0$")
    if at is None:
        return None
    end = _end(lines, at)
    kept = [one for one in lines[at + 1 : end] if not one.startswith(" exec-timeout")]
    return [*lines[: at + 1], f" exec-timeout {rng.randint(1, 9)} 0", *kept, *lines[end:]]


@change
def several(rng: random.Random, lines: Lines) -> Lines | None:
    made: Lines = lines
    for kind in rng.sample(sorted(set(CHANGES) - {"several"}), 6):
        made = CHANGES[kind](rng, made) or made
    return made


def own() -> list[tuple[str, str]]:
    """The project's own configurations by name, for where the corpus is not at hand."""
    root = Path(__file__).parents[1]
    found = [(path.name, path.read_text("utf-8")) for path in (root / "sample-repo").rglob("*.cfg")]
    cases = (root / "tests" / "cases" / "ios").glob("*.yaml")
    found += [(path.name, yaml.safe_load(path.read_text("utf-8"))["running"]) for path in cases]
    return sorted((name, re.sub(r"\{\{.*?\}\}", "made", text)) for name, text in found)
