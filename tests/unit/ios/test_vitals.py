"""What a device prints about itself is read right, and what a change takes down is expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.ios import vitals
from catnet_controller.ios.vitals import Up

BRIEF = "show ip interface brief"
INTERFACES = """\
Interface                  IP-Address      OK? Method Status                Protocol
GigabitEthernet0/0         10.0.0.1        YES NVRAM  up                    up
GigabitEthernet0/1         unassigned      YES unset  administratively down down
GigabitEthernet0/2         unassigned      YES unset  up                    down
TwentyFiveGigE1/0/1        unassigned      YES unset  up                    up
Vlan1                      unassigned      YES manual deleted               down
Gi0/3.100                  10.0.3.1        YES NVRAM  up                    up
Virtual-Access3            unassigned      YES unset  up                    up
"""
INTERFACES_FRR = """\
Interface       Status  VRF             Addresses
---------       ------  ---             ---------
eth0            up      default         192.0.2.1/24
                                        + fe80::1/64
eth1            down    default
"""
BGP = """\
BGP router identifier 192.0.2.1, local AS number 64500
BGP table version is 9, main routing table version 9

Neighbor        V           AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd
192.0.2.9       4        64501   30012   30009        9    0    0 2w6d            12
192.0.2.10      4        64502       0       0        1    0    0 never    Idle (Admin)
*192.0.2.11     4      65000.1      18      19        1    0    0 00:12:01        0
192.0.2.12      4        64504      18      19        1    0    0 00:00:01 Active
2001:DB8:0:1::9
                4        64501      18      19        1    0    0 00:10:42        3
"""
BGP_FRR = """\
Neighbor        V         AS   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down State/PfxRcd   PfxSnt
10.9.0.2        4      65002       107       107        0    0    0 00:05:09            2        3
10.9.0.3        4      65003         0         0        0    0    0    never       Active        0
"""
OSPF = """\

Neighbor ID     Pri   State           Dead Time   Address         Interface
10.0.0.2          1   FULL/DR         00:00:33    10.1.1.2        GigabitEthernet0/0
10.0.0.3          0   FULL/  -        00:00:39    10.1.2.2        Gi0/1
10.0.0.4          1   2WAY/DROTHER    00:00:39    10.1.3.2        Vlan20
10.0.0.5          1   EXSTART/BDR     00:00:39    10.1.4.2        Vlan30
"""
EIGRP = """\
EIGRP-IPv4 Neighbors for AS(100)
H   Address                 Interface              Hold Uptime   SRTT   RTO  Q  Seq
                                                   (sec)         (ms)       Cnt Num
0   10.1.1.2                Gi0/0                    12 00:03:12    1   100  0  5
"""


def test_interfaces() -> None:
    up = vitals.read({BRIEF: INTERFACES}, brief=BRIEF)
    assert up.interfaces == (
        "GigabitEthernet0/0",
        "TwentyFiveGigE1/0/1",
        "GigabitEthernet0/3.100",
    )
    assert vitals.read({BRIEF: INTERFACES_FRR}, brief=BRIEF).interfaces == ("eth0",)


@pytest.mark.parametrize(
    "line, answer, peers",
    [
        (
            "show ip bgp summary",
            BGP,
            ("BGP 192.0.2.9", "BGP 192.0.2.11", "BGP 2001:DB8:0:1::9"),
        ),
        ("show ip bgp summary", BGP_FRR, ("BGP 10.9.0.2",)),
        (
            "show ip ospf neighbor",
            OSPF,
            (
                "OSPF 10.0.0.2 on GigabitEthernet0/0",
                "OSPF 10.0.0.3 on GigabitEthernet0/1",
                "OSPF 10.0.0.4 on Vlan20",
            ),
        ),
        ("show ip eigrp neighbors", EIGRP, ("EIGRP 10.1.1.2 on GigabitEthernet0/0",)),
        ("show ip bgp summary", "% BGP not active\n", ()),
        ("show ip ospf neighbor", "% Invalid input detected at '^' marker.\n", ()),
    ],
)
def test_neighbours(line: str, answer: str, peers: tuple[str, ...]) -> None:
    assert vitals.read({line: answer}, brief=BRIEF).neighbours == peers


@given(st.text(), st.sampled_from(["show ip bgp summary", "show ip ospf neighbor", "x", BRIEF]))
def test_any_answer_is_read(answer: str, line: str) -> None:
    up = vitals.read({line: answer}, brief=BRIEF)
    assert vitals.lost(up, up) == ()


def test_only_what_is_configured_is_asked_for() -> None:
    assert vitals.questions("hostname r1\nend\n", brief=BRIEF) == (BRIEF,)
    text = "router bgp 1\n address-family ipv4 vrf A\nrouter ospf 1\nrouter eigrp X\n"
    assert vitals.questions(text, brief=BRIEF) == (
        BRIEF,
        "show ip bgp summary",
        "show ip bgp vpnv4 all summary",
        "show ip ospf neighbor",
        "show ip eigrp neighbors",
    )


OLD = """\
hostname r1
interface GigabitEthernet0/0
 ip address 10.1.1.1 255.255.255.0
interface GigabitEthernet0/1
 ip address 10.1.2.1 255.255.255.0
interface GigabitEthernet0/1.5
interface Loopback9
router ospf 1
 network 10.1.0.0 0.0.255.255 area 0
router bgp 64500
 neighbor 192.0.2.9 remote-as 64501
 neighbor 192.0.2.10 remote-as 64501
end
"""
WELL = Up(
    interfaces=("GigabitEthernet0/0", "GigabitEthernet0/1.5", "Loopback9"),
    neighbours=("OSPF 10.0.0.2 on GigabitEthernet0/0", "BGP 192.0.2.9", "BGP 192.0.2.10"),
)


@pytest.mark.parametrize(
    "change, expected",
    [
        (("hostname r1", "hostname r2"), set()),
        ((" ip address 10.1.2.1", " shutdown\n ip address 10.1.2.1"), {"GigabitEthernet0/1.5"}),
        (("interface Loopback9\n", ""), {"Loopback9"}),
        (
            (" ip address 10.1.1.1", " shutdown\n ip address 10.1.1.1"),
            {"GigabitEthernet0/0", "OSPF 10.0.0.2 on GigabitEthernet0/0"},
        ),
        ((" neighbor 192.0.2.9 remote-as 64501\n", ""), {"BGP 192.0.2.9"}),
        (
            ("remote-as 64501\nend", "remote-as 64501\n neighbor 192.0.2.10 shutdown\nend"),
            {"BGP 192.0.2.10"},
        ),
        ((" neighbor 192.0.2.9 remote-as 64501", " neighbor 192.0.2.9 remote-as 64502"), set()),
        (
            (" network 10.1.0.0 0.0.255.255 area 0\n", ""),
            {"OSPF 10.0.0.2 on GigabitEthernet0/0"},
        ),
        ((" network 10.1.0.0 0.0", " passive-interface Loopback9\n network 10.1.0.0 0.0"), set()),
        (
            (" network 10.1.0.0 0.0", " passive-interface default\n network 10.1.0.0 0.0"),
            {"OSPF 10.0.0.2 on GigabitEthernet0/0"},
        ),
    ],
)
def test_what_the_change_takes_down_is_expected(
    change: tuple[str, str], expected: set[str]
) -> None:
    new = OLD.replace(*change)
    assert new != OLD
    left = vitals.excused(WELL, OLD, new)
    assert {*WELL.interfaces, *WELL.neighbours} - {*left.interfaces, *left.neighbours} == expected


def test_what_was_lost_is_named() -> None:
    assert vitals.lost(
        WELL, Up(interfaces=WELL.interfaces[:2], neighbours=WELL.neighbours[1:])
    ) == (
        "interface Loopback9 was up, is down",
        "neighbour OSPF 10.0.0.2 on GigabitEthernet0/0 was up, is down",
    )


@pytest.mark.parametrize(
    "expect, pattern, answer, before, reason",
    [
        ("match", "via 192.0.2.1", "S* 0.0.0.0/0 via 192.0.2.1\n", "", None),
        ("match", "^via", "S* 0.0.0.0/0 via 192.0.2.1\n", "", "no line matches"),
        ("no-match", "ERR", "all well\n", "", None),
        ("no-match", "ERR", "ERR one\nERR key hush\n", "", "matches 2 lines"),
        ("unchanged", ".", "a\nb\n", vitals.fingerprint(".", "a\nb"), None),
        ("unchanged", "^a", "a\nc\n", vitals.fingerprint("^a", "a\nb"), None),
        ("unchanged", ".", "a\nhush\n", vitals.fingerprint(".", "a\nb"), "not as before"),
    ],
)
def test_checks_of_a_user(
    expect: str, pattern: str, answer: str, before: str, reason: str | None
) -> None:
    found = vitals.judged(
        show="show x", expect=expect, pattern=pattern, answer=answer, before=before
    )
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert reason in found
        assert "hush" not in found


@pytest.mark.parametrize(
    "answer, good",
    [
        ("!!!\nSuccess rate is 100 percent (3/3), round-trip min/avg/max = 1/1/1 ms\n", True),
        (".!!\nSuccess rate is 66 percent (2/3)\n", True),
        ("...\nSuccess rate is 0 percent (0/3)\n", False),
        ("% Unrecognized host or address, or protocol not running.\n", False),
    ],
)
def test_ping(answer: str, good: bool) -> None:
    assert vitals.answers_ping(answer) is good
