"""A number of lines comes in, a running-config as of a real access switch and edge router goes out.

The parts are those of facts measured before: a fifth of the lines in one access list, the rest
ports, routes, neighbours, prefix lists and users of the ports.
"""

import random
from collections.abc import Iterator

_HEAD = """\
version 17.9
service timestamps log datetime msec
service password-encryption
!
hostname bench
!
aaa new-model
aaa authentication login default local
ip domain name example.net
!
"""
_TAIL = """\
!
ip forward-protocol nd
no ip http server
!
snmp-server location rack 7
ntp server 192.0.2.1
!
line con 0
 stopbits 1
line vty 0 4
 transport input ssh
!
end
"""


def running(lines: int, *, device: int = 0) -> str:
    """About this many lines; the same numbers give the same text, other devices other names."""
    first = device * 10_000
    room = max(40, lines - _HEAD.count("\n") - _TAIL.count("\n"))
    ports = "".join(_fill(_ports(first), room * 5 // 10))
    bgp = "router bgp 65000\n" + "".join(_fill(_neighbours(first), room // 10)) + "!\n"
    routes = "".join(_fill(_routes(first), room // 10))
    lists = "".join(_fill(_prefixes(first), room // 10))
    filters = "ip access-list extended EDGE\n" + "".join(_fill(_entries(first), room * 2 // 10))
    return _HEAD + ports + bgp + routes + filters + "!\n" + lists + _TAIL


def one_list(entries: int, *, device: int = 0) -> str:
    """A device with one access list of this many entries."""
    made = "".join(_fill(_entries(device * 10_000), entries))
    return f"{_HEAD}ip access-list extended EDGE\n{made}{_TAIL}"


def changed(text: str, *, percent: float = 1.0, seed: int = 1) -> str:
    """The text with this share of its lines changed, as people change them."""
    rng = random.Random(seed)
    lines = text.splitlines(keepends=True)
    candidates = [number for number, line in enumerate(lines) if _edited(line, rng) != line]
    wanted = max(1, round(len(lines) * percent / 100))
    for number in rng.sample(candidates, min(wanted, len(candidates))):
        lines[number] = _edited(lines[number], rng)
    return "".join(lines)


def _edited(line: str, rng: random.Random) -> str:
    if line.startswith((" description ", " neighbor ")) and "description" in line:
        return f"{line.rstrip()} moved\n"
    if line.startswith(" switchport access vlan "):
        return f" switchport access vlan {rng.randint(2000, 3000)}\n"
    if line.startswith((" permit tcp", " deny udp")):
        return f"{line.rsplit(' ', 1)[0]} {rng.randint(6000, 7000)}\n"
    if line.startswith("ip route "):
        return f"{line.rstrip()} 250\n"
    return line


def _fill(parts: Iterator[str], lines: int) -> Iterator[str]:
    while lines > 0:
        part = next(parts)
        lines -= part.count("\n")
        yield part


def _ports(number: int) -> Iterator[str]:
    while True:
        slot, port = divmod(number, 48)
        yield (
            f"interface GigabitEthernet{slot // 8 + 1}/{slot % 8}/{port + 1}\n"
            f" description desk {number} in room {number % 97}\n"
            f" switchport access vlan {number % 900 + 10}\n"
            " switchport mode access\n"
            " switchport port-security maximum 3\n"
            " storm-control broadcast level 1.00\n"
            " spanning-tree portfast\n"
            "!\n"
        )
        number += 1


def _neighbours(number: int) -> Iterator[str]:
    while True:
        peer = f"10.{number >> 14 & 255}.{number >> 6 & 255}.{(number & 63) * 4 + 1}"
        yield (
            f" neighbor {peer} remote-as {64512 + number % 1000}\n"
            f" neighbor {peer} description site {number}\n"
        )
        number += 1


def _routes(number: int) -> Iterator[str]:
    while True:
        yield (
            f"ip route 172.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
            f" 255.255.255.255 192.0.2.{number % 250 + 1}\n"
        )
        number += 1


def _prefixes(number: int) -> Iterator[str]:
    while True:
        name, place = divmod(number, 20)
        yield (
            f"ip prefix-list SITE-{name} seq {place * 5 + 5} permit"
            f" 10.{number >> 8 & 255}.{number & 255}.0/24\n"
        )
        number += 1


def _entries(number: int) -> Iterator[str]:
    while True:
        host = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        if number % 5 == 4:
            yield f" deny udp any host {host} eq {number % 900 + 7100}\n"
        else:
            yield f" permit tcp host {host} any eq {number % 900 + 7100}\n"
        number += 1
