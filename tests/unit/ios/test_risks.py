"""What a reviewer must not overlook in a change."""

import pytest

from catnet_controller.ios.changes import Command, Expect
from catnet_controller.ios.risks import risks


def typed(*lines: str) -> list[Command]:
    """One blank before a line is one section around it."""
    return [Command(text=line.strip(), depth=len(line) - len(line.lstrip())) for line in lines]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), ()),
        (("interface Loopback1", " description new", "exit"), ()),
        (("ntp server 192.0.2.1",), ()),
        (("ip route 198.51.100.0 255.255.255.0 Null0",), ("routing",)),
        (("no ip route 198.51.100.0 255.255.255.0 Null0",), ("routing",)),
        (("router bgp 65000", " neighbor 192.0.2.9 remote-as 65001"), ("routing",)),
        (("interface Gi0/1", " ip ospf cost 5"), ("routing",)),
        (("no interface Loopback1",), ("removes interfaces",)),
        (("default interface GigabitEthernet0/1",), ("removes interfaces",)),
        (("interface GigabitEthernet0/1", " shutdown"), ("shuts interfaces",)),
        (("interface GigabitEthernet0/1", " no shutdown"), ()),
        (("tacacs server T", " timeout 5"), ("AAA",)),
        (("line vty 0 4", " exec-timeout 5 0"), ("management access",)),
        (("no username old",), ("management access", "AAA")),
        (
            ("no interface Loopback1", "ip prefix-list P permit any"),
            ("routing", "removes interfaces"),
        ),
    ],
)
def test_risks_are_named_the_gravest_first(
    lines: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert risks(typed(*lines)) == expected


def test_the_text_of_a_banner_is_not_a_command() -> None:
    banner = [
        Command(text="banner login ^", expect=Expect.TEXT),
        Command(text="router bgp is not typed here", expect=Expect.TEXT),
        Command(text="^"),
    ]
    assert risks(banner) == ()
