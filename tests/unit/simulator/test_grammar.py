"""Typed lines are read as IOS reads them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.simulator import syntax
from catnet_controller.simulator.grammar import Ambiguous, Incomplete, Invalid, Mode, Row, Trouble


@pytest.mark.parametrize(
    ("mode", "typed", "full"),
    [
        ("config", "int gi0/1", "interface GigabitEthernet0/1"),
        ("config", "interface vlan 10", "interface Vlan10"),
        ("config", "int port-channel 3", "interface Port-channel3"),
        ("config", "host R9", "hostname R9"),
        ("config", "snmp-server community c ro", "snmp-server community c RO"),
        ("config", "no ip domain lookup", "no ip domain lookup"),
        ("config", "no username bob", "no username bob"),
        ("config", "no track 7", "no track 7"),
        ("config", "ip route 10.0.0.0 255.0.0.0 gi0/0 track 7",
         "ip route 10.0.0.0 255.0.0.0 GigabitEthernet0/0 track 7"),
        ("config", "username a priv 15 sec 0 x", "username a privilege 15 secret 0 x"),
        ("config", "line vty 0 4", "line vty 0 4"),
        ("config", "router bgp 65000.1", "router bgp 65000.1"),
        ("config", "ntp server ntp.example.net prefer", "ntp server ntp.example.net prefer"),
        ("if", "sw tr al vl add 5,7-9", "switchport trunk allowed vlan add 5,7-9"),
        ("if", "ip addr 10.0.0.1 255.0.0.0 sec", "ip address 10.0.0.1 255.0.0.0 secondary"),
        ("if", "desc  two  blanks", "description two  blanks"),
        ("if", "ipv6 addr 2001:db8::1/64", "ipv6 address 2001:DB8::1/64"),
        ("if", "no desc", "no description"),
        ("if", "default ip mtu", "default ip mtu"),
        ("ext-acl", "permit tcp any host 10.0.0.1 eq 443 log",
         "permit tcp any host 10.0.0.1 eq 443 log"),
        ("bgp", "neigh 10.0.0.1 remote-as 5", "neighbor 10.0.0.1 remote-as 5"),
        ("line", "exec-t 15 0", "exec-timeout 15 0"),
        ("route-map", "set commu 1:2 3:4 add", "set community 1:2 3:4 additive"),
    ],
)  # fmt: skip
def test_abbreviations_become_the_full_text(mode: str, typed: str, full: str) -> None:
    assert syntax.mode(mode).read(typed).text == full


@pytest.mark.parametrize(
    ("mode", "typed", "column"),
    [
        ("config", "logging 0255.255.1", 8),
        ("config", "ip route 10.0.0.0 255.0.0.0 nowhere", 28),
        ("config", "interface GigabitEthernet", 10),
        ("config", "vlan 4x", 5),
        ("if", "ip address 10.0.0.300 255.0.0.0", 11),
        ("if", "duplex quarter", 7),
        ("config", "zzz", 0),
    ],
)
def test_the_caret_points_at_the_word_that_does_not_fit(mode: str, typed: str, column: int) -> None:
    with pytest.raises(Invalid) as caught:
        syntax.mode(mode).read(typed)
    assert caught.value.offset == column


@pytest.mark.parametrize("typed", ["ip route", "logging", "no", "username", "interface", "no ip"])
def test_more_words_are_needed(typed: str) -> None:
    with pytest.raises(Incomplete):
        syntax.mode("config").read(typed)


@pytest.mark.parametrize("typed", ["a", "ip domain-l", "sp"])
def test_an_abbreviation_must_be_unique(typed: str) -> None:
    if typed == "sp":
        assert syntax.mode("config").read("spa mode mst").text == "spanning-tree mode mst"
        return
    with pytest.raises(Ambiguous) as caught:
        syntax.mode("config").read(typed)
    assert str(caught.value) == f'% Ambiguous command:  "{typed}"'


@pytest.mark.parametrize("mode", sorted(syntax.PROMPTS))
def test_every_mode_compiles_and_every_opened_mode_exists(mode: str) -> None:
    for row in syntax.rows(mode):
        assert row.opens is None or row.opens in syntax.PROMPTS
    assert isinstance(syntax.mode(mode), Mode)


@pytest.mark.parametrize("text", ["a [ b", "a b )", "a ( b | c ]", "a NOSUCHKIND"])
def test_a_row_that_is_written_wrongly_is_found_out(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        Mode([Row(text=text)])


@given(st.text(max_size=60), st.sampled_from(sorted(syntax.PROMPTS)))
def test_anything_typed_is_read_or_refused(text: str, mode: str) -> None:
    line = re.sub(r"\s+", " ", text).strip()
    if not line:
        return
    trouble: Trouble | None = None
    try:
        reading = syntax.mode(mode).read(line)
        assert syntax.mode(mode).read(reading.text).text == reading.text
    except Trouble as error:
        trouble = error
    if trouble is not None:
        assert str(trouble).startswith("% ")
        assert not isinstance(trouble, Invalid) or 0 <= trouble.offset < len(line)


@given(st.data())
def test_the_full_text_is_read_as_itself(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(sorted(syntax.PROMPTS)))
    row = data.draw(st.sampled_from(syntax.rows(mode)))
    if re.search(r"[\[\](){}|~<]|\b[A-Z0-9]+\b|[+']|(^|\s)-", row.text):
        return
    words = row.text.split()
    assert syntax.mode(mode).read(row.text).text == " ".join(words)
