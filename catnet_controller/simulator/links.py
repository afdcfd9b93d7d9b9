"""What a device would see of the network around it, told by its configuration and its faults.

There are no other devices: behind every configured neighbour, and at the other end of every subnet
that a routing protocol runs on, somebody is supposed to be there and well.
"""

import ipaddress
import re
from collections.abc import Iterator

from catnet_controller.simulator.device import Machine
from catnet_controller.simulator.faults import What

_Interface = ipaddress.IPv4Interface


def interfaces(machine: Machine) -> Iterator[tuple[str, str, bool, bool]]:
    """Name, address as in `ip address` or empty, whether it is shut, and whether it is up."""
    shut = {name for name, lines in machine.running.interfaces() if "shutdown" in lines}
    for name, lines in machine.running.interfaces():
        address = next((x.split()[2] for x in lines if re.match(r"ip address \d", x)), "")
        down = name in shut
        up = not down and name.partition(".")[0] not in shut and not broken(machine, name)
        yield name, address, down, up


def broken(machine: Machine, what: str) -> bool:
    """Whether a fault holds this interface or neighbour down."""
    return machine.faults.holds(What.DOWN, what, machine.running.text)


def subnets(machine: Machine) -> Iterator[tuple[str, _Interface]]:
    """The subnets of the interfaces that are up, without those of a VRF."""
    up = {name for name, _, _, is_up in interfaces(machine) if is_up}
    for name, lines in machine.running.interfaces():
        if name not in up or any(line.startswith("vrf forwarding") for line in lines):
            continue
        for line in lines:
            words = line.split()
            if words[:2] == ["ip", "address"] and len(words) >= 4:
                try:
                    yield name, _Interface(f"{words[2]}/{words[3]}")
                except ValueError:
                    continue


def reaches(machine: Machine, target: str) -> bool:
    """Whether a packet to the address finds a way out, and somebody there."""
    try:
        address = ipaddress.IPv4Address(target)
    except ValueError:
        return False
    if broken(machine, target):
        return False
    near = [interface for _, interface in subnets(machine)]
    if any(address in interface.network for interface in near):
        return True
    for text in machine.running.starts("ip route "):
        words = text.split()
        try:
            network = ipaddress.IPv4Network(f"{words[0]}/{words[1]}")
            hop = ipaddress.IPv4Address(words[2])
        except (ValueError, IndexError):
            continue
        if address in network and any(hop in interface.network for interface in near):
            return True
    return False


def bgp(machine: Machine) -> str:
    """`show ip bgp summary`."""
    header = next(machine.running.starts("router bgp "), None)
    if header is None:
        return "% BGP not active\n"
    path = (f"router bgp {header}",)
    text = (
        f"BGP router identifier 192.0.2.1, local AS number {header}\n"
        "BGP table version is 1, main routing table version 1\n\n"
        "Neighbor        V           AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd\n"
    )
    lines = list(machine.running.starts("neighbor ", path))
    for line in lines:
        words = line.split()
        if words[1:2] != ["remote-as"]:
            continue
        who = words[0]
        if f"{who} shutdown" in lines:
            state, since = "Idle (Admin)", "never"
        elif broken(machine, who) or not reaches(machine, who):
            state, since = "Active", "never"
        else:
            state, since = "12", "00:10:42"
        text += (
            f"{who:<15} 4 {words[2]:>12}      18      19        1    0    0 {since:<8} {state}\n"
        )
    return text


def ospf(machine: Machine) -> str:
    """`show ip ospf neighbor`: one at the other end of each subnet that OSPF runs on."""
    text = "\nNeighbor ID     Pri   State           Dead Time   Address         Interface\n"
    for name, other in _peers(machine, "ospf"):
        text += f"{other:<15}   1   FULL/DR         00:00:35    {other:<15} {name}\n"
    return text


def eigrp(machine: Machine) -> str:
    """`show ip eigrp neighbors`."""
    text = (
        "EIGRP-IPv4 Neighbors\n"
        "H   Address                 Interface              Hold Uptime   SRTT   RTO  Q  Seq\n"
    )
    for number, (name, other) in enumerate(_peers(machine, "eigrp")):
        text += f"{number}   {other:<23} {name:<22}   12 00:10:42    1   100  0  5\n"
    return text


def _peers(machine: Machine, protocol: str) -> Iterator[tuple[str, str]]:
    for process in machine.running.starts(f"router {protocol} "):
        path = (f"router {protocol} {process}",)
        networks = [
            words for each in machine.running.starts("network ", path) if (words := each.split())
        ]
        passive = set(machine.running.starts("passive-interface ", path))
        for name, interface in subnets(machine):
            lines = dict(machine.running.interfaces())[name]
            direct = any(line.startswith(f"ip {protocol} {process} ") for line in lines)
            if not direct and not any(_covered(interface, words) for words in networks):
                continue
            if name in passive or "default" in passive or name.startswith("Loopback"):
                continue
            other = next((str(host) for host in _hosts(interface)), "")
            if other and not broken(machine, other):
                yield name, other


def _covered(interface: _Interface, words: list[str]) -> bool:
    try:
        network = int(ipaddress.IPv4Address(words[0]))
        wild = int(ipaddress.IPv4Address(words[1])) if len(words) > 1 else 0xFFFFFF
    except ValueError:
        return False
    return (int(interface.ip) | wild) == (network | wild)


def _hosts(interface: _Interface) -> Iterator[ipaddress.IPv4Address]:
    return (host for host in interface.network.hosts() if host != interface.ip)
