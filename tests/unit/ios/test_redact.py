"""No secret of any form leaves in a line, a diff or a transcript; a changed one looks changed."""

import time

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
    "ip dhcp snooping database ftp://cat:{}@192.0.2.9/db",
    " path scp://backup:{}@192.0.2.9/cfg",
    " enrollment url http://u:{}@192.0.2.9/certsrv",
    " cli copy running-config ftp://cat:{}@192.0.2.9/",
    " add http://u:{}@members.dyndns.org/nic/update?hostname=<h>&myip=<a>",
    " add http://members.dyndns.org/nic/update?user=u&password={}",
    "   authentication mode hmac-sha-256 {}",
    "   authentication mode hmac-sha-256 7 {}",
    " ip rsvp authentication key {}",
    "snmp-server user u g v3 auth sha other priv aes 128 {}",
    "snmp-server user u g v3 auth sha-2 256 other priv 3des {} access 10",
    "snmp-server host 10.0.0.1 traps version 3 priv {}",
    "snmp mib community-map {} engineid 80000009",
    "rmon event 1 log trap {} owner o",
    " authentication username u password 7 {}",
    " authentication text {}",
    " set session-key inbound ah 256 {}",
    " set session-key inbound esp 256 cipher {} authenticator other",
    " set session-key inbound esp 256 cipher other authenticator {}",
    " ipv4 etr map-server 10.0.0.1 key {}",
    "ap dot1x username u password 0 {} secret 0 other",
    "ap dot1x username u password 0 other secret 0 {}",
    "server-private a key {}",
    "radius-server key my {} key",
    "Enable Secret {}",
    "USERNAME a PASSWORD 0 {}",
    "ena sec {}",
    "en p 7 {}",
    "user a priv 15 sec 5 {}",
    "snmp-s comm {} ro",
    "snmp-server  community  {}",
    "snmp-server\tcommunity\t{} RO",
    "enable  secret\t5  {}",
    " standby 1 authentication  md5  key-string  {} timeout 30",
    "enable secret `{}` more",
    "event manager environment _snmp_community {}",
    ' action 1 cli command "enable secret {}"',
    "crypto key export rsa K pem terminal 3des {}",
    "enable secret <secret> {}",
    'enable secret {{{{ secret("x") }}}} {}',
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
        "snmp-server group ops v3 priv",
        "ip ssh server algorithm mac hmac-sha2-256 hmac-sha2-512",
        "ip domain name example.net",
        "username x privilege 15",
        "crypto key generate rsa modulus 2048",
        "r1(config)#crypto key zeroize rsa",
        "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac",
        " integrity sha256 sha384",
        " neighbor 10.0.0.1 send-community both",
        " authentication remote rsa-sig",
        " authentication mode md5",
        " isis authentication mode md5 level-2",
        " standby 1 authentication md5 key-chain K",
        " tunnel key 1234567",
        "ntp server 192.0.2.1 key 1 prefer",
        "ip community-list expanded as1_community permit _1:",
        " mka pre-shared-key key-chain K",
        "mpls ldp password required for X",
        "r1: the host key of 192.0.2.1 is not known",
    ],
)
def test_not_hidden(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("snmp-server community x RO 10", "snmp-server community <secret> RO 10"),
        (
            "snmp-server user u g v3 auth sha x priv aes 128 y access 10",
            "snmp-server user u g v3 auth sha <secret> priv aes 128 <secret> access 10",
        ),
        ("crypto isakmp key x address 192.0.2.1", "crypto isakmp key <secret> address 192.0.2.1"),
        (" isis password x level-2", " isis password <secret> level-2"),
        (" path scp://u:a@b:c@192.0.2.9/cfg", " path scp://u:<secret>@192.0.2.9/cfg"),
        (
            "a.cfg:3: `snmp-server community x RO`: refused; `enable secret x y`: too",
            "a.cfg:3: `snmp-server community <secret> RO`: refused; `enable secret <secret>`: too",
        ),
    ],
)
def test_the_rest_of_the_line_stays(line: str, shown: str) -> None:
    assert redact(line) == shown
    assert redact(shown) == shown


WORDS = ["key", "secret", "password", "authentication", "md5", "snmp-server", "host", "`", " ", "-"]


@pytest.mark.parametrize("word", [*WORDS, "://a:", "<secret", "{{ secret(", "x"])
def test_a_long_line_takes_no_longer_than_many_short_ones(word: str) -> None:
    began = time.process_time()
    redact(f"{word} " * 20_000 + "key")
    redact("key " + word * 20_000 + "@")
    assert time.process_time() - began < 2


def test_a_quoted_line_is_hidden_too() -> None:
    said = f"configs/a.cfg:3: `username bob privilege 15 secret {SECRET}`: refused"
    assert SECRET not in redact(said)


def test_certificates_are_hidden() -> None:
    assert redact("  30820321 30820209 A0030201") == "  <secret>"


def test_twice_is_once() -> None:
    for path in corpus():
        for key in (None, b"k"):
            text = redact(read(path), key)
            assert redact(text, key) == text


@pytest.mark.parametrize("form", HIDDEN)
def test_what_is_hidden_stays_as_it_is(form: str) -> None:
    text = redact(form.format(SECRET), b"k")
    assert redact(text, b"k") == text
    quoted = f"a.cfg:3: `{text.strip()}`: refused; `x`"
    assert redact(quoted, b"k") == quoted


def test_a_changed_secret_is_seen_to_change() -> None:
    one = "hostname a\nusername x secret 9 $9$aaa$first\n"
    change = compare(one, one.replace("first", "second"), mark=b"key")
    shown = render(change.diff).splitlines()
    assert [line[:22] for line in shown] == ["-username x secret 9 <", "+username x secret 9 <"]
    assert shown[0][1:] != shown[1][1:]
    assert "first" not in str(change.diff)
    assert "second" not in str(change.diff)
