"""The model of IOS: what a typed line does to the configuration and to the section one is in."""

import pytest

from catnet_controller.ios.diff import compare
from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.predict import Model, type_line
from catnet_controller.ios.rules import known, opens

RUNNING = """hostname r1
!
vrf definition A
!
interface Loopback0
 ip address 10.0.0.1 255.255.255.255
!
interface GigabitEthernet0/1
 description uplink
 vrf forwarding A
 ip address 10.1.0.1 255.255.255.0
 ip address 10.2.0.1 255.255.255.0 secondary
!
interface GigabitEthernet0/2
 no ip address
 shutdown
!
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 description x
 !
 address-family ipv4
  neighbor 10.0.0.2 activate
 exit-address-family
!
ip access-list extended L
 10 permit tcp any any eq www
 20 deny   ip any any
!
end
"""


def typed(*lines: str, running: str = RUNNING) -> str:
    model = Model(parse(running))
    for line in lines:
        model.type(model.path, line)
        assert model.refusal is None, (line, model.refusal)
    return dump(model.tree())


def changed(old: str, new: str) -> str:
    assert old in RUNNING
    return RUNNING.replace(old, new)


def test_re_entry_replaces() -> None:
    assert typed("hostname r2") == changed("hostname r1", "hostname r2")
    assert typed("int gi0/1", "description new") == changed("description uplink", "description new")


def test_a_global_line_leaves_the_section() -> None:
    after = type_line(parse(RUNNING), ("interface GigabitEthernet0/1",), "hostname r2")
    assert after.path == ()
    assert dump(after.tree) == changed("hostname r1", "hostname r2")


def test_sections_are_entered_and_left() -> None:
    tree = parse(RUNNING)
    one = type_line(tree, (), "router bgp 65000")
    assert one.path == ("router bgp 65000",)
    two = type_line(one.tree, one.path, "address-family ipv4")
    assert two.path == ("router bgp 65000", "address-family ipv4")
    assert type_line(two.tree, two.path, "exit-address-family").path == one.path
    assert type_line(two.tree, two.path, "exit").path == one.path
    assert type_line(two.tree, two.path, "end").path == ()
    assert dump(two.tree) == RUNNING


def test_a_vrf_change_drops_the_addresses() -> None:
    after = typed("interface Gi0/1", "no vrf forwarding")
    assert "10.1.0.1" not in after
    assert "10.2.0.1" not in after


def test_a_new_interface_stands_where_ios_prints_it() -> None:
    after = typed("interface Loopback5", "ip address 10.0.0.5 255.255.255.255")
    assert after == changed(
        "10.0.0.1 255.255.255.255\n",
        "10.0.0.1 255.255.255.255\ninterface Loopback5\n ip address 10.0.0.5 255.255.255.255\n",
    )


def test_a_port_cannot_be_removed() -> None:
    after = type_line(parse(RUNNING), (), "no interface gi0/1")
    assert after.refusal == "% Removal of physical interfaces is not permitted."
    assert dump(after.tree) == RUNNING


def test_default_interface_empties_it() -> None:
    after = typed("default interface gi0/1")
    assert "interface GigabitEthernet0/1\n no ip address\n!" in after


def test_no_neighbor_takes_everything_of_it() -> None:
    assert "10.0.0.2" not in typed("router bgp 65000", "no neighbor 10.0.0.2 remote-as")


def test_entries_by_number() -> None:
    after = typed("ip access-list extended L", "15 permit udp any any eq 53", "no 20")
    assert after == changed(" 20 deny   ip any any\n", " 15 permit udp any any eq domain\n")


def test_a_number_can_be_taken_once() -> None:
    model = Model(parse(RUNNING))
    model.type((), "ip access-list extended L")
    model.type(model.path, "10 permit udp any any")
    assert model.refusal == "% Duplicate sequence number"


def test_a_line_typed_without_number_goes_to_the_end() -> None:
    after = typed("ip access-list extended L", "permit udp any any")
    assert " 30 permit udp any any\n!\nend" in after


@pytest.mark.parametrize("line", ["no access-list 10", "no access-list 10 permit 10.0.0.2"])
def test_no_access_list_drops_the_whole_list(line: str) -> None:
    running = "access-list 10 permit 10.0.0.1\naccess-list 10 permit 10.0.0.2\nhostname a\n"
    assert typed(line, running=running) == "hostname a\n"


def test_shutdown_and_back() -> None:
    opened = typed("interface Gi0/2", "no shutdown")
    assert opened == changed(" no ip address\n shutdown\n", " no ip address\n")
    assert typed("interface Gi0/2", "shutdown", running=opened) == RUNNING


def test_exec_timeout() -> None:
    running = "line vty 0 4\n exec-timeout 5 0\n"
    never = typed("line vty 0 4", "no exec-timeout", running=running)
    assert never == "line vty 0 4\n exec-timeout 0 0\n"
    assert typed("line vty 0 4", "default exec-timeout", running=running) == "line vty 0 4\n"


def test_ranges_of_lines_are_cut_and_spanned() -> None:
    running = "line vty 0 4\n exec-timeout 5 0\nline vty 5 15\n exec-timeout 5 0\n"
    spanned = typed("line vty 0 15", "transport input ssh", "no exec-timeout", running=running)
    assert spanned.count(" transport input ssh\n") == 2
    assert spanned.count(" exec-timeout 0 0\n") == 2
    cut = typed("line vty 0 2", "transport input ssh", running=running)
    assert cut.startswith(
        "line vty 0 2\n exec-timeout 5 0\n transport input ssh\nline vty 3 4\n exec-timeout 5 0\n"
    )


def test_a_banner_is_typed_whole() -> None:
    assert "banner motd ^C\n hello\n^C\n" in typed("banner motd #\n hello\n#")


def test_trunks_are_sets() -> None:
    after = typed(
        "interface Gi0/2",
        "switchport trunk allowed vlan 10,20",
        "switchport trunk allowed vlan add 11",
    )
    assert " switchport trunk allowed vlan 10,11,20\n" in after


def test_what_is_known() -> None:
    assert opens((), "interface GigabitEthernet0/1")
    assert not opens((), "hostname x")
    row = known(("interface GigabitEthernet0/1",), "description x")
    assert row is not None
    assert row.source
    assert known((), "frobnicate") is None


def test_the_primary_address_goes_after_the_secondary() -> None:
    port = ("interface GigabitEthernet0/1",)
    early = type_line(parse(RUNNING), port, "no ip address 10.1.0.1 255.255.255.0")
    assert early.refusal == "Must delete secondary before primary"
    assert dump(early.tree) == RUNNING
    less = type_line(parse(RUNNING), port, "no ip address 10.2.0.1 255.255.255.0 secondary")
    none = type_line(less.tree, port, "no ip address")
    assert none.refusal is None
    assert "10.1.0.1" not in dump(none.tree)


@pytest.mark.parametrize("numbers", ["10 10", "x 10", "10"])
def test_numbering_a_list_anew_is_no_line_of_a_configuration(numbers: str) -> None:
    running = "hostname r1\nip access-list extended A\n permit ip any any\nend\n"
    desired = running.replace("end\n", f"ip access-list resequence A {numbers}\nend\n")
    assert compare(running, desired).refusals
