"""No secret of any form leaves in a line, a diff or a transcript; a changed one looks changed."""

import pytest

from catnet_controller.ios.diff import compare, render
from catnet_controller.ios.redact import redact
from tests.helpers_ios import corpus, read

SECRET = "S3cr3tV4lue"
HIDDEN = [
    "enable secret 9 {}",
    "enable password {}",
    "enable secret level 5 {}",
    "username a privilege 15 secret 5 {}",
    "username a secret {}",
    "username a privilege 15 algorithm-type scrypt secret {}",
    "username a password 7 {}",
    " key 7 {}",
    " key {}",
    "  key-string 7 {}",
    " key-string {}",
    " server-key 7 {}",
    " client 10.0.0.1 server-key {}",
    "tacacs-server key 7 {}",
    "radius-server host 10.0.0.1 auth-port 1812 key 7 {}",
    " server-private 10.0.0.1 key 7 {}",
    "snmp-server community {} RO 10",
    "snmp-server host 10.0.0.1 version 2c {}",
    "snmp-server host 10.0.0.1 vrf M version 2c {} config",
    "snmp-server user u g v3 auth sha {} priv aes 128 other",
    "ntp authentication-key 1 md5 {} 7",
    "crypto isakmp key {} address 10.0.0.1",
    " pre-shared-key address 10.0.0.1 key {}",
    "  pre-shared-key local 6 {}",
    " neighbor 10.0.0.1 password 7 {}",
    " ip ospf message-digest-key 1 md5 7 {}",
    " ip ospf authentication-key {}",
    " area 0 virtual-link 10.0.0.1 message-digest-key 1 md5 7 {}",
    " standby 1 authentication md5 key-string {}",
    " standby 1 authentication {}",
    " ppp chap password 7 {}",
    " ip nhrp authentication {}",
    " password 7 {}",
    " password {}",
    " authentication local pre-share key {}",
    "vtp password {}",
    "isis password {}",
    " wpa-psk ascii 0 {}",
]


@pytest.mark.parametrize("form", HIDDEN)
@pytest.mark.parametrize("before", ["", "no ", "+", "- ", "r1(config)#", "r1(config-line)# no "])
def test_hidden(form: str, before: str) -> None:
    line = before + form.format(SECRET)
    assert SECRET not in redact(line)
    assert "<secret>" in redact(line)
    one, other = redact(line, b"k"), redact(before + form.format("An0therValue"), b"k")
    assert SECRET not in one
    assert one != other


@pytest.mark.parametrize(
    "line",
    [
        "service password-encryption",
        "key chain EIGRP",
        " key 1",
        "aaa authentication login default group tacacs+ local",
        " ip ospf authentication key-chain K",
        " authentication order mab dot1x",
        "ip ssh version 2",
        "security passwords min-length 8",
        "interface GigabitEthernet0/1",
        "snmp-server enable traps snmp authentication",
    ],
)
def test_not_hidden(line: str) -> None:
    assert redact(line) == line


def test_a_quoted_line_is_hidden_too() -> None:
    said = f"configs/a.cfg:3: `username bob privilege 15 secret {SECRET}`: refused"
    assert SECRET not in redact(said)


def test_certificates_are_hidden() -> None:
    assert redact("  30820321 30820209 A0030201") == "  <secret>"


def test_twice_is_once() -> None:
    for path in corpus():
        text = redact(read(path))
        assert redact(text) == text


def test_a_changed_secret_is_seen_to_change() -> None:
    one = "hostname a\nusername x secret 9 $9$aaa$first\n"
    change = compare(one, one.replace("first", "second"), mark=b"key")
    shown = render(change.diff).splitlines()
    assert [line[:22] for line in shown] == ["-username x secret 9 <", "+username x secret 9 <"]
    assert shown[0][1:] != shown[1][1:]
    assert "first" not in str(change.diff)
    assert "second" not in str(change.diff)
