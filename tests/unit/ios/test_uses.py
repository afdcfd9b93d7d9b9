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


GROUPS = """hostname r1
object-group network NETS
 host 10.0.0.1
object-group network ALL
 group-object NETS
ip access-list extended L
 10 permit ip object-group NETS any
"""


@pytest.mark.parametrize(
    ("gone", "use"),
    [
        ("object-group network NETS\n host 10.0.0.1\n", "permit ip object-group NETS any"),
        ("object-group network NETS\n host 10.0.0.1\n", "group-object NETS"),
    ],
)
def test_a_group_in_use_is_refused(gone: str, use: str) -> None:
    change = compare(GROUPS, GROUPS.replace(gone, ""))
    assert change.commands == ()
    assert use in [refusal.line for refusal in change.refusals]
    assert all("the device keeps a group that is used" in one.reason for one in change.refusals)


def test_a_group_goes_after_its_last_use() -> None:
    lists = GROUPS[GROUPS.index("ip access-list") :]
    change = compare(GROUPS, GROUPS.replace(lists, "").replace(" group-object NETS\n", ""))
    assert change.refusals == ()
    assert change.warnings == ()


@pytest.mark.parametrize(
    ("use", "name", "effect"),
    [
        ("interface Gi0/1\n ip access-group X in", "X", "permits everything"),
        ("line vty 0 4\n access-class 10 in", "10", "permits everything"),
        ("router bgp 1\n neighbor 10.0.0.2 prefix-list X in", "X", "permits everything"),
        ("router bgp 1\n neighbor 10.0.0.2 filter-list 7 out", "7", "permits everything"),
        ("router bgp 1\n neighbor 10.0.0.2 distribute-list 7 out", "7", "permits everything"),
        ("router ospf 1\n distribute-list prefix X in", "X", "permits everything"),
        ("route-map R permit 10\n match ip address prefix-list P X", "X", "permits everything"),
        ("route-map R permit 10\n match ip address 10 X", "10", "permits everything"),
        ("route-map R permit 10\n match as-path 7", "7", "permits everything"),
        ("route-map R permit 10\n match community X exact-match", "X", "permits everything"),
        ("class-map C\n match access-group name X", "X", "permits everything"),
        ("router bgp 1\n neighbor 10.0.0.2 route-map X out", "X", "not said anywhere"),
        ("interface Gi0/1\n service-policy input X", "X", "the device refuses that"),
        ("policy-map Q\n class X", "X", "the device refuses that"),
        ("interface Gi0/1\n vrf forwarding X", "X", "the device refuses that"),
        ("interface Gi0/1\n ip rip authentication key-chain X", "X", "the neighbors are lost"),
        ("ip nat inside source list X interface Gi0/1 overload", "X", "permits everything"),
        ("ip access-list extended M\n permit ip addrgroup X any", "X", "the device refuses that"),
        ("object-group network A\n group-object X", "X", "the device refuses that"),
    ],
)
def test_a_use_that_comes_without_a_definition_is_told(use: str, name: str, effect: str) -> None:
    known = "hostname r1\nip prefix-list P seq 5 permit 10.0.0.0/8\n"
    change = compare(known, f"{known}{use}\n")
    said = [warning for warning in change.warnings if f"names `{name}`, which is not" in warning]
    assert len(said) == 1
    assert effect in said[0]
    assert "names `P`" not in str(change.warnings)
    assert "names `exact-match`" not in str(change.warnings)
    # What stands there already is told no more.
    again = compare(f"{known}{use}\n", f"{known}{use}\nip cef distributed\n")
    assert [warning for warning in again.warnings if "which is not there" in warning] == []


def test_uses_of_what_is_there_or_built_in_are_fine() -> None:
    assert compare("hostname r1\n", FILTER).warnings == ()
    groups = compare("hostname r1\n", GROUPS)
    assert [warning for warning in groups.warnings if "which is not there" in warning] == []
    for use in (
        "policy-map P\n class class-default\n  fair-queue\n",
        "router ospf 1\n distribute-list route-map R in\n",
        "no ip access-list extended L\n",
    ):
        known = "hostname r1\nroute-map R permit 10\n"
        assert "which is not there" not in str(compare(known, known + use).warnings)
