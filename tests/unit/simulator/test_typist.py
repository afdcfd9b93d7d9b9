"""What typing does besides storing a line: moving, asking, hashing, side effects, refusals."""

import asyncio
import re

import pytest

from catnet_controller.simulator.clock import DeviceClock
from catnet_controller.simulator.configuring import Typist
from catnet_controller.simulator.device import Machine, credential, privilege
from catnet_controller.simulator.dialogue import Answer
from catnet_controller.simulator.faults import Faults

SWITCH = """\
version 16.12
hostname sw1
vrf definition RED
 rd 1:1
 address-family ipv4
 exit-address-family
vlan 10
interface GigabitEthernet1/0/1
 switchport access vlan 10
interface GigabitEthernet1/0/2
 ip address 10.0.0.1 255.255.255.0
 ip address 10.0.1.1 255.255.255.0 secondary
interface Vlan1
 no ip address
class-map match-any CM
 match dscp ef
policy-map PM
 class CM
  priority
line vty 0 4
 password plain
end
"""


@pytest.fixture
async def machine() -> Machine:
    clock = DeviceClock(loop=asyncio.get_running_loop(), scale=1.0, start=0.0)
    return Machine(name="sw1", config=SWITCH, clock=clock, faults=Faults(seed="sw1"))


@pytest.fixture
def typist(machine: Machine) -> Typist:
    return Typist(machine=machine, by="tester")


def typed(typist: Typist, *lines: str) -> Answer:
    answer = Answer()
    for line in lines:
        answer = typist.type(line)
    return answer


@pytest.mark.parametrize(
    ("lines", "prompt"),
    [
        ([], "sw1(config)#"),
        (["int gi1/0/1"], "sw1(config-if)#"),
        (["int gi1/0/2.30"], "sw1(config-subif)#"),
        (["interface loopback 4"], "sw1(config-if)#"),
        (["vrf definition BLUE"], "sw1(config-vrf)#"),
        (["vrf definition BLUE", "address-family ipv4"], "sw1(config-vrf-af)#"),
        (["vrf definition BLUE", "address-family ipv4", "exit-address-family"], "sw1(config-vrf)#"),
        (["policy-map PM", "class CM"], "sw1(config-pmap-c)#"),
        (["policy-map PM", "class CM", "class class-default"], "sw1(config-pmap-c)#"),
        (["policy-map PM", "class CM", "exit"], "sw1(config-pmap)#"),
        (["policy-map PM", "class CM", "vlan 11"], "sw1(config-vlan)#"),
        (["ip access-list extended A"], "sw1(config-ext-nacl)#"),
        (["ip access-list standard B"], "sw1(config-std-nacl)#"),
        (["router ospf 1", "router bgp 1"], "sw1(config-router)#"),
        (["route-map RM permit 10"], "sw1(config-route-map)#"),
        (["archive", "log config"], "sw1(config-archive-log-cfg)#"),
        (["key chain K", "key 1", "key 2"], "sw1(config-keychain-key)#"),
        (["line vty 0 4"], "sw1(config-line)#"),
        (["call-home", 'profile "X"'], "sw1(config-section)#"),
        (["call-home", 'profile "X"', "exit", "exit"], "sw1(config)#"),
        (["hostname a-very-long-name-of-a-switch"], "a-very-long-name-of-(config)#"),
        (["int range gi1/0/1 - 2"], "sw1(config-if-range)#"),
        (["int range gi1/0/1 - 2", "shutdown"], "sw1(config-if-range)#"),
    ],
)
def test_the_prompt_says_where_one_is(typist: Typist, lines: list[str], prompt: str) -> None:
    answer = typed(typist, *lines)
    assert not answer.refused
    assert typist.prompt == prompt


def test_leaving(typist: Typist, machine: Machine) -> None:
    assert typed(typist, "interface vlan 1", "end").left
    other = Typist(machine=machine, by="tester")
    assert not typed(other, "interface vlan 1", "exit").left
    assert typed(other, "exit").left
    assert "%SYS-5-CONFIG_I: Configured from console by console" in machine.log_buffer[-1]


def test_comments_and_blank_lines_do_nothing(typist: Typist, machine: Machine) -> None:
    before = machine.running.text
    assert typed(typist, "", "! interface vlan 7", "   ") == Answer()
    assert machine.running.text == before


def test_a_vrf_takes_the_addresses(typist: Typist, machine: Machine) -> None:
    answer = typed(typist, "interface gi1/0/2", "vrf forwarding RED")
    assert answer.text == (
        "% Interface Gi1/0/2 IPv4 disabled and address(es) removed due to enabling VRF RED\n"
    )
    assert "10.0.0.1" not in machine.running.text
    assert "not configured" in typed(typist, "vrf forwarding NONE").text


def test_a_missing_vlan_is_made(typist: Typist, machine: Machine) -> None:
    answer = typed(typist, "interface gi1/0/1", "switchport access vlan 77")
    assert answer.text == "% Access VLAN does not exist. Creating vlan 77\n"
    assert "\nvlan 77\n" in machine.running.text
    assert typed(typist, "switchport access vlan 77").text == ""


def test_a_port_channel_is_made(typist: Typist, machine: Machine) -> None:
    answer = typed(typist, "interface gi1/0/1", "channel-group 5 mode active")
    assert answer.text == "Creating a port-channel interface Port-channel 5\n"
    assert "\ninterface Port-channel5\n" in machine.running.text


def test_portfast_warns(typist: Typist) -> None:
    text = typed(typist, "interface gi1/0/1", "spanning-tree portfast").text
    assert text.startswith("%Warning: portfast should only be enabled")
    assert "%Portfast has been configured on GigabitEthernet1/0/1" in text


def test_default_interface(typist: Typist, machine: Machine) -> None:
    answer = typed(typist, "default interface gi1/0/2")
    assert answer.text == "Interface GigabitEthernet1/0/2 set to default configuration\n"
    assert "10.0.0.1" not in machine.running.text


def test_secondaries_go_first(typist: Typist) -> None:
    answer = typed(typist, "interface gi1/0/2", "no ip address 10.0.0.1 255.255.255.0")
    assert answer.text == "Must delete secondary before deleting primary\n"


@pytest.mark.parametrize(
    ("line", "stored"),
    [
        ("enable secret x", r"enable secret 9 \$9\$\S+\$\S+"),
        ("username a secret x", r"username a secret 9 \$9\$\S+"),
        ("username a algorithm-type md5 secret x", r"username a secret 5 \$1\$\S+"),
        ("username a algorithm-type sha256 secret x", r"username a secret 8 \$8\$\S+"),
        ("username a privilege 15 password 0 x", "username a privilege 15 password 0 x"),
        ("username a secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0",
         r"username a secret 5 \$1\$mERr\$hx5rVt7rPNoS4wqbXKX7m0"),
        ("ntp authentication-key 1 md5 x", r"ntp authentication-key 1 md5 [0-9A-F]{4} 7"),
        ("enable password x", "enable password x"),
    ],
)  # fmt: skip
def test_what_is_typed_is_not_what_is_shown(
    typist: Typist, machine: Machine, line: str, stored: str
) -> None:
    assert typed(typist, line) == Answer()
    assert re.search(rf"^{stored}$", machine.running.text, re.MULTILINE)


def test_encryption_hides_what_stood_readable(typist: Typist, machine: Machine) -> None:
    typed(typist, "username a password 0 readable", "service password-encryption")
    assert "readable" not in machine.running.text
    assert re.search(r"^ password 7 [0-9A-F]+$", machine.running.text, re.MULTILINE)
    typed(typist, "tacacs server T", "key alsoplain")
    assert re.search(r"^ key 7 [0-9A-F]+$", machine.running.text, re.MULTILINE)
    typed(typist, "key chain K", "key 1", "key-string third")
    assert re.search(
        r"^key chain K\n key 1\n  key-string 7 [0-9A-F]+$", machine.running.text, re.MULTILINE
    )


def test_a_hash_that_is_none_is_refused(typist: Typist, machine: Machine) -> None:
    before = machine.running.text
    answer = typed(typist, "enable secret 5 nohash")
    assert answer.refused
    assert answer.text.startswith("ERROR: The secret you entered is not a valid encrypted secret")
    assert typed(typist, "username a password 7 zz").text == "Invalid encrypted password: zz\n"
    assert machine.running.text == before


def keys(machine: Machine) -> set[str]:
    return {"rsa"} if machine.rsa_key else set()


def test_questions(typist: Typist, machine: Machine) -> None:
    typed(typist, "aaa new-model")
    assert "aaa session-id common" in machine.running.text
    asked = typed(typist, "no aaa new-model").question
    assert asked is not None
    asked.answer("n")
    assert "\naaa new-model\n" in machine.running.text
    asked.answer("y")
    assert "\naaa new-model\n" not in machine.running.text
    asked = typed(typist, "crypto key zeroize rsa").question
    assert asked is not None
    again = asked.answer("perhaps")
    assert again.text == "% Please answer 'yes' or 'no'.\n"
    assert again.question is not None
    again.question.answer("yes")
    assert "rsa" not in keys(machine)
    asked = typed(typist, "crypto key generate rsa").question
    assert asked is not None
    assert "% Generating 2048 bit RSA keys" in asked.answer("2048").text
    assert "rsa" in keys(machine)
    typed(typist, "crypto pki trustpoint TP", "exit")
    asked = typed(typist, "no crypto pki trustpoint TP").question
    assert asked is not None
    asked.answer("yes")
    assert "trustpoint TP" not in machine.running.text


def test_a_certificate_is_kept_as_typed(typist: Typist, machine: Machine) -> None:
    block = typed(typist, "crypto pki certificate chain TP", "certificate self-signed 01").block
    assert block is not None
    assert block.feed("30820330 30820218 A0030201") is None
    assert block.prompt == "sw1(config-pubkey)#"
    assert block.feed("quit") == Answer()
    assert " certificate self-signed 01\n  30820330 30820218 A0030201 \n  \tquit\n" in (
        machine.running.text
    )


def test_a_macro_takes_lines_until_its_end(typist: Typist, machine: Machine) -> None:
    answer = typed(typist, "macro name PARK")
    assert answer.text == "Enter macro commands one per line. End with the character '@'.\n"
    assert answer.block is not None
    for line in ("shutdown", "# a comment"):
        assert answer.block.feed(line) is None
    assert answer.block.feed("@") == Answer()
    assert "\nmacro name PARK\n" in machine.running.text


def test_lists_with_numbers(typist: Typist, machine: Machine) -> None:
    typed(typist, "ip access-list extended A", "permit ip any any", "5 deny tcp any any eq telnet")
    assert " 5 deny tcp any any eq telnet\n" in machine.running.text
    answer = typed(typist, "5 deny udp any any")
    assert answer.text == "% Duplicate sequence number\n"


def test_user_lines() -> None:
    assert credential("privilege 15 secret 9 $9$a$b") == ("9", "$9$a$b")
    assert credential("password plain") == ("0", "plain")
    assert credential("privilege 15") is None
    assert privilege("privilege 15 secret 9 x") == 15
    assert privilege("secret 9 x") == 1
