"""Interface names and abbreviations to the one spelling that IOS prints."""

import pytest

from catnet_controller.ios import names
from catnet_controller.ios.words import canonical


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        ("gi0/1", "GigabitEthernet0/1"),
        ("Gi 0/1", "GigabitEthernet0/1"),
        ("te1/1/1", "TenGigabitEthernet1/1/1"),
        ("f0/1", "FastEthernet0/1"),
        ("e0/0", "Ethernet0/0"),
        ("lo0", "Loopback0"),
        ("vl10", "Vlan10"),
        ("po1", "Port-channel1"),
        ("Gi0/0/1.10", "GigabitEthernet0/0/1.10"),
        ("twe1/0/1", "TwentyFiveGigE1/0/1"),
        ("hu1/0/1", "HundredGigE1/0/1"),
        ("GigabitEthernet0/1", "GigabitEthernet0/1"),
        ("CL-1", "CL-1"),
        ("any", "any"),
    ],
)
def test_interface(typed: str, full: str) -> None:
    assert names.interface(typed) == full
    assert names.interface(names.interface(typed)) == full


def test_ports_are_physical_and_the_rest_is_not() -> None:
    assert names.physical("GigabitEthernet0/1")
    assert not any(map(names.physical, ("Loopback0", "Vlan10", "Tunnel1", "GigabitEthernet0/1.5")))


def test_place_is_by_type_then_number() -> None:
    typed = ["Vlan2", "GigabitEthernet0/10", "GigabitEthernet0/2", "Loopback9", "Vlan1"]
    assert sorted(typed, key=names.place) == [
        "Loopback9", "GigabitEthernet0/2", "GigabitEthernet0/10", "Vlan1", "Vlan2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("int gi0/1", "interface GigabitEthernet0/1"),
        ("interface port-channel 48", "interface Port-channel48"),
        ("no shut", "no shutdown"),
        ("desc  two  blanks", "description two  blanks"),
        ("ip addr 10.0.0.1 255.0.0.0", "ip address 10.0.0.1 255.0.0.0"),
        ("logging 10.1.1.1", "logging host 10.1.1.1"),
        ("ip domain-name x.y", "ip domain name x.y"),
        ("exec-timeout 10", "exec-timeout 10 0"),
        ("deny   ip any  any", "deny ip any any"),
        ("ip access-list extended lo1", "ip access-list extended lo1"),
        ("ip route 0.0.0.0 0.0.0.0 di1 name di1", "ip route 0.0.0.0 0.0.0.0 Dialer1 name di1"),
        ('action 1 cli command "a  b"', 'action 1 cli command "a  b"'),
        ("snmp-server community lo1 ro", "snmp-server community lo1 RO"),
    ],
)
def test_canonical(typed: str, printed: str) -> None:
    assert canonical(typed) == printed
    assert canonical(printed) == printed
