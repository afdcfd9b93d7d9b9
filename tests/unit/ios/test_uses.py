"""Definitions that go while something still names them."""

import pytest

from catnet_controller.ios.diff import compare

FILTER = """hostname r1
vrf definition A
 rd 1:1
!
class-map match-any C
 match dscp ef
!
policy-map P
 class C
  priority
!
key chain K
 key 1
!
interface GigabitEthernet0/1
 vrf forwarding A
 ip address 10.0.0.1 255.255.255.0
 ip access-group L in
 ip authentication key-chain eigrp 1 K
 service-policy output P
!
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 prefix-list X in
 neighbor 10.0.0.2 filter-list 7 out
 neighbor 10.0.0.2 route-map R out
!
ip access-list extended L
 10 permit ip any any
!
ip as-path access-list 7 permit ^$
ip prefix-list X seq 5 permit 10.0.0.0/8
ip community-list standard Y permit 65000:1
!
route-map R permit 10
 match community Y
!
end
"""


def without(*starts: str) -> str:
    """The text without the sections or lines that begin so."""
    kept = []
    skip = False
    for line in FILTER.splitlines(keepends=True):
        skip = line.startswith(starts) if not line.startswith(" ") else skip
        if not skip:
            kept.append(line)
    return "".join(kept)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("ip access-list", "`ip access-group L in` in `interface GigabitEthernet0/1` still names"),
        ("ip prefix-list", "`neighbor 10.0.0.2 prefix-list X in` in `router bgp 65000` still"),
        ("ip as-path", "`neighbor 10.0.0.2 filter-list 7 out` in `router bgp 65000` still"),
        ("route-map", "`neighbor 10.0.0.2 route-map R out` in `router bgp 65000` still"),
        ("ip community-list", "`match community Y` in `route-map R permit 10` still names it"),
        ("policy-map", "`service-policy output P` in `interface GigabitEthernet0/1` still"),
        ("class-map", "`class C` in `policy-map P` still names it"),
        ("key chain", "`ip authentication key-chain eigrp 1 K` in `interface Gigabit"),
    ],
)
def test_a_use_that_stays_is_told(start: str, said: str) -> None:
    change = compare(FILTER, without(start))
    assert change.refusals == ()
    assert [one for one in change.warnings if said in one], change.warnings


def test_a_vrf_in_use_is_refused() -> None:
    change = compare(FILTER, without("vrf definition"))
    assert change.commands == ()
    assert "`vrf forwarding A` in `interface GigabitEthernet0/1` still" in change.refusals[0].reason


def test_nothing_is_said_when_the_use_goes_as_well() -> None:
    change = compare(FILTER, without("policy-map", "class-map", "key chain", "interface"))
    assert [one for one in change.warnings if "still names" in one] == []
    assert compare(FILTER, FILTER.replace("seq 5", "seq 10")).warnings == ()
