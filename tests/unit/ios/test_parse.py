"""Text to tree and back, blocks whole, problems with their lines."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catnet_controller.ios.parse import DEEPEST, Seen, dump, parse, whole
from catnet_controller.ios.tree import Node, Shape, walk
from tests.helpers_ios import corpus, needs_corpus, read

LINE = st.sampled_from(
    [
        "interface Gi0/1", " description x", "  ip address 1.1.1.1 255.0.0.0", "!", "! text", "",
        "banner motd ^C", "banner login #one#", "banner exec $", "^C", "$", "#", "end", "exit",
        "\tshutdown", " certificate ca 01", "  30820321 30820209", "  \tquit", "macro name X", "@",
        "router bgp 1", " address-family ipv4", " exit-address-family", "\r", "key-string", "\x0b",
        "hostname r1", "crypto pki certificate chain T", "R1#show run", "no ip http server",
    ]
)  # fmt: skip


@given(st.lists(LINE), st.sampled_from(["\n", "\r\n", "\r\r\n"]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_byte_is_lost(lines: list[str], end: str, last: bool) -> None:
    text = end.join(lines) + (end if last else "")
    assert dump(parse(text)) == text


@given(st.lists(LINE), st.data())
@settings(max_examples=300, deadline=None)
def test_what_was_seen_changes_no_tree(before: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(before)))
    until = data.draw(st.integers(at, len(before)))
    after = [*before[:at], *data.draw(st.lists(LINE, max_size=3)), *before[until:]]
    seen = Seen()
    texts = ["".join(f"{line}\n" for line in lines) for lines in (before, after)]
    for text in texts:
        tree, alone = parse(text, seen), parse(text)
        assert dump(tree) == text
        assert _unplaced(tree.nodes) == _unplaced(alone.nodes)
        assert tree.problems == alone.problems


def _unplaced(nodes: Sequence[Node]) -> list[object]:
    """All of the nodes but their line numbers, which may be those of the text seen first."""
    return [(n.text, n.raw, n.shape, n.body, _unplaced(n.children)) for n in nodes]


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_is_taken(text: str) -> None:
    assert dump(parse(text)) == text


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_the_corpus_comes_back(path: Path) -> None:
    text = read(path)
    tree = parse(text)
    assert dump(tree) == text
    assert tree.problems == ()
    lines = text.split("\n")
    for _, node in walk(tree.nodes):
        assert lines[node.line - 1].strip() == node.text


def test_the_corpus_is_there() -> None:
    needs_corpus()
    assert len(corpus()) == 64


@pytest.mark.parametrize(
    "banner",
    [
        "banner motd ^C\nhello\n!\ninterface x\n^C\n",
        "banner motd ^Chello^C\n",
        "banner motd #one line#\n",
        "banner login z\n text\n% error\nEOF\n^ caret\nz\n",
        "banner exec \x03\nbody\n\x03\n",
    ],
)
def test_a_banner_is_one_node(banner: str) -> None:
    tree = parse(f"{banner}hostname r1\n")
    assert [node.shape for node in tree.nodes] == [Shape.BLOCK, Shape.LINE]
    assert tree.nodes[1].text == "hostname r1"


def test_an_open_banner_is_a_problem() -> None:
    tree = parse("hostname r1\nbanner motd #\nnever closed\nend\n")
    assert [(p.line, p.message) for p in tree.problems] == [(2, "banner is never closed by '#'")]


def test_certificates_and_macros_are_whole() -> None:
    text = (
        "crypto pki certificate chain T\n certificate ca 01\n  30820321 30820209\n  D697DF7F 28\n"
        "  \tquit\nmacro name M\nshutdown\n# c\n@\nhostname r1\n"
    )
    tree = parse(text)
    assert [node.text for node in tree.nodes] == [
        "crypto pki certificate chain T", "macro name M", "hostname r1",
    ]  # fmt: skip
    assert tree.nodes[0].children[0].body[-1] == "  \tquit"


@pytest.mark.parametrize("first", ["", "! a comment among them\n", "interface Gi0/1\n\tshutdown\n"])
def test_what_is_indented_without_end_is_a_problem_and_keeps_its_text(first: str) -> None:
    text = "hostname r1\n" + first + "".join(f"{' ' * n}x{n}\n" for n in range(2500))
    tree = parse(text)
    assert dump(tree) == text
    (problem,) = tree.problems
    assert problem.message == f"indented deeper than {DEEPEST} levels: x{DEEPEST}"
    assert text.splitlines()[problem.line - 1].strip() == f"x{DEEPEST}"


def test_flat_text_is_nested() -> None:
    tree = parse(
        "interface Gi0/1\nip address 1.1.1.1 255.0.0.0\nexit\nip route 2.0.0.0 255.0.0.0 Null0"
    )
    assert [node.text for node in tree.nodes][-1].startswith("ip route")
    assert tree.nodes[0].children[0].text.startswith("ip address")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hostname r1\nend\n", True),
        ("hostname r1\n!\nend\n\nr1#", True),
        ("hostname r1\ninterface Gi0/1\n", False),
        ("end\n", False),
        ("", False),
        ("hostname r1\nend\nntp server 1.1.1.1\n", False),
    ],
)
def test_whole(text: str, expected: bool) -> None:
    assert whole(text) is expected
