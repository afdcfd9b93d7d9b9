"""What one typed line leaves: the text before, the lines, the text after, and why."""

import pytest

from catnet_controller.ios.changes import Command, Expect
from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.predict import Model, lines

VTY = "line vty 0 4\n login local\n"
PORT = "interface GigabitEthernet0/1\n"
VRFS = (
    "vrf definition A\n rd 1:1\nvrf definition B\n rd 1:2\n"
    "interface Loopback1\n vrf forwarding A\n ip address 10.0.0.1 255.255.255.255\n"
    "interface Loopback2\n vrf forwarding B\n ip address 10.0.0.1 255.255.255.255\n"
    "router bgp 1\n address-family ipv4 vrf A\n address-family ipv4 vrf B\n"
)
LIST = "ip access-list extended L\n"

TYPED: dict[str, tuple[str, list[str], str]] = {
    "one terminal line is a range of one": (
        VTY + "line vty 5 15\n login\n",
        ["line vty 5", "transport input ssh"],
        VTY + "line vty 5 5\n login\n transport input ssh\nline vty 6 15\n login\n",
    ),
    "the lines behind a range that is cut stay": (
        f"{VTY}line vty 5 15\n login\nntp source Loopback0\n",
        ["line vty 0 1", "transport input ssh"],
        (
            "line vty 0 1\n login local\n transport input ssh\nline vty 2 4\n login local\n"
            "line vty 5 15\n login\nntp source Loopback0\n"
        ),
    ),
    "a VLAN of several that are printed together is entered": (
        "vlan 10,20\n",
        ["vlan 20", "name x"],
        "vlan 10\nvlan 20\n name x\n",
    ),
    "lines that were not there come behind those that were": (
        VTY,
        ["line vty 0 7", "transport input ssh"],
        f"{VTY} transport input ssh\nline vty 5 7\n transport input ssh\n",
    ),
    "a range that is all new": (VTY, ["line vty 5 6"], f"{VTY}line vty 5 6\n"),
    "a range that is there stays one": (VTY, ["line vty 0 4"], VTY),
    "no of a line takes those behind it along": (
        VTY + "line vty 5 15\n login\n",
        ["no line vty 7"],
        VTY + "line vty 5 6\n login\n",
    ),
    "comments and exec commands change nothing": (
        VTY,
        ["line vty 0 4", "! a word", "", "do show clock", "exec-timeout 5 0"],
        "line vty 0 4\n exec-timeout 5 0\n login local\n",
    ),
    "an unknown line comes": (PORT, [PORT.strip(), "frob on"], f"{PORT} frob on\n"),
    "an unknown line goes by its beginning": (
        f"{PORT} mtu 1400\n frob on\n",
        [PORT.strip(), "no frob"],
        f"{PORT} mtu 1400\n",
    ),
    "an unknown line goes by itself": (
        f"{PORT} frob on\n frobs\n",
        [PORT.strip(), "no frob on"],
        f"{PORT} frobs\n",
    ),
    "an unknown no is shown": (PORT, [PORT.strip(), "no frob"], f"{PORT} no frob\n"),
    "an unknown no is shown once": (
        f"{PORT} no frob\n",
        [PORT.strip(), "no frob"],
        f"{PORT} no frob\n",
    ),
    "an unknown line goes back to its default": (
        f"{PORT} frob on\n mtu 1400\n",
        [PORT.strip(), "default frob", "mtu 1500"],
        f"{PORT} mtu 1500\n",
    ),
    "a value goes back to its default": (
        f"{PORT} mtu 1400\n",
        [PORT.strip(), "default mtu"],
        PORT,
    ),
    "an address goes back to the no that is shown": (
        f"{PORT} ip address 10.0.0.1 255.0.0.0\n",
        [PORT.strip(), "default ip address"],
        f"{PORT} no ip address\n",
    ),
    "a port that is down stays down when it goes back to its default": (
        f"{PORT} mtu 1400\n shutdown\n",
        ["default interface GigabitEthernet0/1"],
        f"{PORT} no ip address\n shutdown\n",
    ),
    "a port that is not there has no default": (VTY, ["default interface Gi0/1"], VTY),
    "VLANs printed together go apart": (
        "vlan 10,20-21\nhostname a\n",
        ["hostname b", "no vlan 20"],
        "vlan 10\nvlan 21\nhostname b\n",
    ),
    "VLANs printed together stay so while none is named": (
        "vlan 10,20\nhostname a\n",
        ["hostname b"],
        "vlan 10,20\nhostname b\n",
    ),
    "a name server of several goes": (
        "ip name-server 10.0.0.1 10.0.0.2\n",
        ["no ip name-server 10.0.0.1"],
        "ip name-server 10.0.0.2\n",
    ),
    "a port that joins a VRF loses its addresses": (
        f"{PORT} ip address 10.0.0.1 255.0.0.0\n ipv6 address 2001:DB8::1/64\n mtu 1400\n",
        [PORT.strip(), "vrf forwarding A"],
        f"{PORT} vrf forwarding A\n no ip address\n mtu 1400\n",
    ),
    "a port without addresses joins a VRF": (
        f"{PORT} mtu 1400\n",
        [PORT.strip(), "vrf forwarding A"],
        f"{PORT} vrf forwarding A\n mtu 1400\n",
    ),
    "a VRF takes its own uses along": (
        VRFS,
        ["no vrf definition A"],
        (
            "vrf definition B\n rd 1:2\n"
            "interface Loopback1\n no ip address\n"
            "interface Loopback2\n vrf forwarding B\n ip address 10.0.0.1 255.255.255.255\n"
            "router bgp 1\n address-family ipv4 vrf B\n"
        ),
    ),
    "an old VRF as well": (
        "ip vrf A\ninterface Loopback1\n ip vrf forwarding A\n ip address 10.0.0.1 255.0.0.0\n",
        ["no ip vrf A"],
        "interface Loopback1\n no ip address\n",
    ),
    "a neighbor takes all of it along, what is off as well": (
        (
            "router bgp 1\n neighbor 10.0.0.2 remote-as 2\n no neighbor 10.0.0.2 activate\n"
            " neighbor 10.0.0.20 remote-as 2\n address-family ipv6\n"
            "  no neighbor 10.0.0.2 activate\n  neighbor 10.0.0.20 activate\n"
        ),
        ["router bgp 1", "no neighbor 10.0.0.2 remote-as"],
        (
            "router bgp 1\n neighbor 10.0.0.20 remote-as 2\n address-family ipv6\n"
            "  neighbor 10.0.0.20 activate\n"
        ),
    ),
    "an entry typed globally stands with the lists": (
        "hostname a\nip route 10.0.0.0 255.0.0.0 Null0\nsnmp-server community c RO\n",
        ["access-list 10 permit 10.0.0.1"],
        (
            "hostname a\nip route 10.0.0.0 255.0.0.0 Null0\naccess-list 10 permit 10.0.0.1\n"
            "snmp-server community c RO\n"
        ),
    ),
    "a comment may stand twice": (
        f"{LIST} 10 remark x\n 10 permit ip any any\n",
        [LIST.strip(), "20 remark x", "20 deny ip any any"],
        f"{LIST} 10 remark x\n 10 permit ip any any\n 20 remark x\n 20 deny ip any any\n",
    ),
    "a comment stands behind those of its entry, and before it": (
        f"{LIST} 10 permit ip any any\n 20 remark x\n 20 remark y\n 20 deny ip any any\n",
        [LIST.strip(), "20 remark z"],
        (
            f"{LIST} 10 permit ip any any\n 20 remark x\n 20 remark y\n 20 remark z\n"
            " 20 deny ip any any\n"
        ),
    ),
    "a comment may be the last": (
        f"{LIST} 10 permit ip any any\n",
        [LIST.strip(), "20 remark x", "20 remark y"],
        f"{LIST} 10 permit ip any any\n 20 remark x\n 20 remark y\n",
    ),
    "an entry goes behind the comments of its number": (
        f"{LIST} 20 remark x\n 30 permit ip any any\n",
        [LIST.strip(), "20 deny tcp any any"],
        f"{LIST} 20 remark x\n 20 deny tcp any any\n 30 permit ip any any\n",
    ),
    "a list without numbers grows without": (
        f"{LIST} permit tcp any any\n",
        [LIST.strip(), "permit udp any any"],
        f"{LIST} permit tcp any any\n permit udp any any\n",
    ),
    "a number counts in a list that shows none": (
        f"{LIST} permit tcp any any\n permit udp any any\n",
        [LIST.strip(), "no 10", "15 permit icmp any any"],
        f"{LIST} 15 permit icmp any any\n 20 permit udp any any\n",
    ),
    "an entry goes by its text at any number, and only once": (
        f"{LIST} 10 remark x\n 10 permit tcp any any\n 20 remark x\n 20 deny ip any any\n",
        [LIST.strip(), "no remark x", "no permit tcp any any"],
        f"{LIST} 20 remark x\n 20 deny ip any any\n",
    ),
    "an entry goes by its text at its number only": (
        f"{LIST} 10 permit tcp any any\n",
        [LIST.strip(), "no 20 permit tcp any any"],
        f"{LIST} 10 permit tcp any any\n",
    ),
    "what is no entry is not numbered": (
        f"{LIST} permit tcp any any\n !\n remark x\n deny ip any any\n",
        ["ip access-list resequence L 5 5"],
        f"{LIST} 5 permit tcp any any\n !\n 10 remark x\n 10 deny ip any any\n",
    ),
    "an IPv6 entry shows its number in words": (
        "ipv6 access-list L\n sequence 10 permit tcp any any\n",
        ["ipv6 access-list L", "permit udp any any", "no sequence 10"],
        "ipv6 access-list L\n sequence 20 permit udp any any\n",
    ),
}


@pytest.mark.parametrize("name", TYPED)
def test_typed(name: str) -> None:
    running, said, after = TYPED[name]
    model = Model(parse(running))
    for line in said:
        model.type(model.path, line)
        assert model.refusal is None, (line, model.refusal)
    assert dump(model.tree()) == after


@pytest.mark.parametrize(
    ("path", "line", "refusal"),
    [
        (("interface Loopback9",), "no description", "the section is gone"),
        (("interface Loopback9",), "description x", "the section is gone"),
        (("interface Loopback9",), "default mtu", "the section is gone"),
        ((), "no line vty 0 4", "% Can't delete last 5 VTY lines"),
        ((), "no interface Vlan1", "% Removal of physical interfaces is not permitted."),
    ],
)
def test_what_is_refused_changes_nothing(path: tuple[str, ...], line: str, refusal: str) -> None:
    running = f"{VTY}interface Vlan1\n ip address 10.0.0.1 255.0.0.0\n"
    model = Model(parse(running))
    model.type(path, line)
    assert model.refusal == refusal
    assert dump(model.tree()) == running


def test_a_line_is_taken_where_it_is_known() -> None:
    port = ("interface GigabitEthernet0/1",)
    assert Model.level((*port, "service instance 1 ethernet"), "hostname a") == ((), "hostname a")
    family = ("router bgp 1", "address-family ipv4")
    assert Model.level(family, "bgp router-id 10.0.0.1")[0] == family
    assert Model.level(family, "template peer-policy P")[0] == family[:1]
    # A mode that takes any line takes what is known nowhere else.
    map_ = ("parameter-map type inspect P",)
    assert Model.level((*map_, "frob"), "audit-trail on") == (map_, "audit-trail on")
    assert Model.level(map_, "hostname a") == ((), "hostname a")
    assert Model.level(port, "frob on") == (port, "frob on")


def test_a_block_that_was_not_closed_is_typed_as_far_as_it_goes() -> None:
    block = [Command(text=text, expect=Expect.TEXT) for text in ("banner motd #", "hello")]
    assert [*lines([Command(text="hostname a"), *block])] == ["hostname a", "banner motd #\nhello"]
    assert [*lines([])] == []
