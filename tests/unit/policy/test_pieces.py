"""Pieces of configuration put together, and where they contradict each other."""

import os
import time
from pathlib import Path

import pytest

from catnet_controller.policy import pieces

SHARED = Path(os.environ.get("CATNET_SHARED", Path(__file__).parents[3].parent / "shared"))


def merged(*texts: str) -> pieces.Merged:
    """Merge texts as the files a, b, c..."""
    return pieces.merge(
        [
            pieces.read("abc"[at], list(enumerate(text.split("\n"), start=1)))
            for at, text in enumerate(texts)
        ]
    )


def complaints(*texts: str) -> list[str]:
    return [str(problem) for problem in merged(*texts).problems]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ("hostname a\n", "hostname b\n"),
            ["b:1: `hostname b` contradicts `hostname a` of a:1"],
        ),
        (
            ("interface Vlan1\n description one\n", "!\ninterface vlan1\n description two\n"),
            ["b:3: `description two` contradicts `description one` of a:2"],
        ),
        (
            ("interface Gi0/1\n shutdown\n", "interface GigabitEthernet0/1\n no shutdown\n"),
            ["b:2: `no shutdown` contradicts `shutdown` of a:2"],
        ),
        (
            ("ip http server\n", "no ip http server\n"),
            ["b:1: `no ip http server` contradicts `ip http server` of a:1"],
        ),
        (
            ("banner motd ^Cone^C\n", "banner motd ^Ctwo^C\n"),
            ["b:1: `banner motd ^Ctwo^C` contradicts `banner motd ^Cone^C` of a:1"],
        ),
        (
            ("banner motd ^C\none\n^C\n", "banner motd ^C\ntwo\n^C\n"),
            ["b:1: `banner motd ^C` contradicts `banner motd ^C` of a:1"],
        ),
    ],
)
def test_what_can_be_there_once_is_said_once(texts: tuple[str, ...], expected: list[str]) -> None:
    assert complaints(*texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ("hostname a\n", "hostname a\n"),
        ("ntp server 192.0.2.1\n", "ntp server 192.0.2.2\n"),
        ("ip route 192.0.2.0 255.255.255.0 Null0\n", "ip route 198.51.100.0 255.255.255.0 Null0\n"),
        ("interface Vlan1\n ip address 192.0.2.1 255.255.255.0\n", "interface Vlan1\n mtu 1400\n"),
        ("interface Vlan1\n description a\n", "interface Vlan2\n description b\n"),
        (
            "interface Vlan1\n ip address 192.0.2.1 255.255.255.0\n",
            "interface Vlan1\n ip address 192.0.2.9 255.255.255.0 secondary\n",
        ),
        (
            "interface Gi0/1\n switchport trunk allowed vlan 10\n",
            "interface Gi0/1\n switchport trunk allowed vlan add 20\n",
        ),
        ("banner motd ^C\none\n^C\n", "banner login ^C\ntwo\n^C\n"),
        ("something nobody knows 1\n", "something nobody knows 2\n"),
        ("ip access-list standard A\n permit any\n", "ip access-list standard B\n deny   any\n"),
        (
            "ip access-list extended A\n 10 permit ip any any\n",
            "ip access-list extended A\n 5 deny tcp any any\n",
        ),
    ],
)
def test_what_can_be_there_more_than_once_may(texts: tuple[str, ...]) -> None:
    assert complaints(*texts) == []


def test_the_order_of_access_list_entries_is_not_left_to_the_order_of_files() -> None:
    assert complaints(
        "ip access-list extended A\n deny ip any any\n",
        "ip access-list extended A\n permit tcp any any eq 22\n",
    ) == [
        (
            "b:2: `ip access-list extended A` has entries in a:2 already; their order counts, "
            "so they stand in one file or carry numbers"
        )
    ]


def test_lines_that_lost_their_indentation_are_told_where_they_belong() -> None:
    assert complaints("interface Vlan1\nip address 192.0.2.1 255.255.255.0\n") == [
        "a:2: `ip address 192.0.2.1 255.255.255.0` belongs below `interface Vlan1`: indent it"
    ]


def test_a_line_without_end_is_a_problem_at_once() -> None:
    begun = time.process_time()
    (problem,) = pieces.read("a", [(1, "hostname a"), (2, "{{" * 1_500_000)]).problems
    assert str(problem) == f"a:2: a line has at most {pieces.MAX_LINE} characters"
    (problem,) = pieces.read("a", [(1, "{{" * 4000)]).problems
    assert problem.message.startswith("`{{`: ")
    assert time.process_time() - begun < 5, "seconds; to look for each end takes minutes"


@pytest.mark.parametrize(
    "texts",
    [
        ("enable secret 0 hunter22\n", "enable secret 0 hunter33\n"),
        ("username a secret hunter22\n", "username a secret hunter33\n"),
        ("line vty 0 4\npassword 0 hunter22\n",),
        (" enable secret hunter22\n",),
    ],
)
def test_a_complaint_does_not_say_the_secret(texts: tuple[str, ...]) -> None:
    (found,) = complaints(*texts) or [
        str(problem) for problem in pieces.read("a", list(enumerate(texts[0].split("\n")))).problems
    ]
    assert "hunter" not in found
    assert "secret" in found


def test_a_line_of_two_pieces_is_kept_once_in_the_place_of_the_first() -> None:
    result = merged("a 1\nb 1\n", "c 1\na 1\n")
    assert result.lines == ("a 1", "b 1", "c 1")
    assert result.origins == ("a:1", "a:2", "b:1")


def test_indentation_of_any_width_becomes_one_blank_a_level() -> None:
    result = merged("router bgp 1\n    address-family ipv4\n\t network 192.0.2.0\n")
    assert result.lines == ("router bgp 1", " address-family ipv4", "  network 192.0.2.0")


@pytest.mark.data
@pytest.mark.parametrize("source", ["crafted", "lab-validation", "racc", "napalm", "oxidized"])
def test_what_devices_print_has_no_contradiction(source: str) -> None:
    paths = sorted(SHARED.glob(f"data/configs/{source}__*.cfg"))
    if not paths:
        pytest.skip("needs the shared corpus beside the project")
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace").replace("\r", "")
        result = pieces.merge([pieces.read(path.name, list(enumerate(text.split("\n"), start=1)))])
        assert [str(problem) for problem in result.problems] == []
        assert len(result.origins) == len(result.lines)
