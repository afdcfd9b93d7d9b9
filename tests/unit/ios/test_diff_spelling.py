"""Abbreviations are expanded where they stand for the keyword, and nowhere else."""

import re

import pytest

from catnet_controller.ios.diff import compare
from catnet_controller.ios.rules import BOOK
from catnet_controller.ios.words import canonical


def _sample(pattern: str) -> str:
    """A line that a row takes, its placeholders filled."""
    words: list[str] = []
    for word in re.findall(r"<\.\.\.>|\[\.\.\.\]|\.\.\.|\S+", pattern):
        if word == "[...]":
            continue
        bare = word.strip("<>")
        if "|" in bare:
            words.append(bare.split("|")[0])
        elif word in ("<...>", "...", "*", "<#>") or word.startswith("<"):
            words.append("7")
        else:
            words.append(word)
    return " ".join(words)


def _words(row_pattern: str, text: str) -> str:
    literals = [w for w in row_pattern.split() if re.fullmatch(r"[\w-]+", w)]
    return " ".join(word for word in text.split() if word in literals)


@pytest.mark.parametrize("mode", sorted(BOOK.modes()))
def test_no_keyword_of_a_mode_is_taken_for_an_abbreviation(mode: str) -> None:
    old = re.compile(r"ip domain-|address-family \S+ unicast")
    for row in BOOK.rows:
        text = _sample(row.pattern)
        if row.mode == mode and not old.match(text):
            assert _words(row.pattern, canonical(text, mode)) == _words(row.pattern, text)


@pytest.mark.parametrize(
    ("mode", "typed", "printed"),
    [
        ("dhcp", "host 10.0.0.5 255.255.255.0", "host 10.0.0.5 255.255.255.0"),
        ("dhcp", "hostn x", "hostn x"),
        ("config", "hostn x", "hostname x"),
        ("config", "ip add x", "ip add x"),
        ("interface", "ip add 10.0.0.1 255.0.0.0", "ip address 10.0.0.1 255.0.0.0"),
        ("bgp", "address-family ipv4 unicast vrf A", "address-family ipv4 vrf A"),
        ("ospf", "address-family ipv4 unicast", "address-family ipv4 unicast"),
        ("eigrp", "address-family ipv4 unicast vrf A", "address-family ipv4 unicast vrf A"),
        ("config", "enable secret 0 gi1/1", "enable secret 0 gi1/1"),
        ("config", "snmp-server community se0/1 ro", "snmp-server community se0/1 RO"),
        ("config", "username a secret 0 pass 7 x", "username a secret 0 pass 7 x"),
    ],
)
def test_spelling_is_that_of_the_mode(mode: str, typed: str, printed: str) -> None:
    assert canonical(typed, mode) == printed


def test_a_pool_for_one_host_is_typed_as_written() -> None:
    pool = "ip dhcp pool P\n host 10.0.0.5 255.255.255.0\n client-identifier 0100.11\n"
    change = compare("hostname r1\n", f"hostname r1\n{pool}")
    assert "host 10.0.0.5 255.255.255.0" in [command.text for command in change.commands]
    assert "host 10.0.0.5 255.255.255.0\n" in change.predicted
