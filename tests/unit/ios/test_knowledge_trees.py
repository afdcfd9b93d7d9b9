"""Random small configurations drawn from the rows of knowledge: there, back, and nothing twice."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catnet_controller.ios.diff import compare
from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.predict import predict
from catnet_controller.ios.rows import Kind, Row
from catnet_controller.ios.rules import BOOK, match, negation

_SECTIONS = {
    "interface": ("interface Loopback1", "interface Loopback2", "interface Tunnel7"),
    "ospf": ("router ospf 1", "router ospf 2"),
    "eigrp": ("router eigrp 10",),
    "route-map": ("route-map A permit 10", "route-map A permit 20"),
    "dhcp": ("ip dhcp pool P",),
    "key": (),
    "vlan": ("vlan 20", "vlan 30"),
    "isakmp": ("crypto isakmp policy 10",),
    "archive": ("archive",),
    "config": (),
}
_ODD = re.compile(
    r"enable algorithm|banner|message|prompt|ip address|vrf|switchport|encapsulation|version"
    r"|hostname|\[\.\.\.\] "
)


def plain(row: Row) -> bool:
    """True for a row of which random words make a line that stands for itself."""
    if row.kind not in (Kind.SINGLE, Kind.LIST, Kind.FLAG, Kind.ORDERED) or row.loose:
        return False
    special = row.made or row.fixed or row.never or row.vlans or row.near or row.rival
    return not (
        special or row.wipes or row.cascade or row.default or row.tags & {"fan", "action"}
    ) and (_ODD.search(row.pattern) is None)


def line(row: Row, number: int) -> str:
    """A line of a row; ``number`` varies what is identity and what is value."""
    words = []
    for place, word in enumerate(row.pattern.split()):
        varied = number // (place + 1) % 3
        if word == "<#>":
            words.append(str(varied + 1))
        elif word in ("*", "..."):
            words.append(f"v{varied}")
        elif word == "[...]":
            words.extend(["v"] * (varied == 1))
        elif word.startswith("<") and "|" not in word:
            words.append(f"n{varied}")
        elif "|" in word:
            choices = word.strip("<>").split("|")
            words.append(choices[number % len(choices)])
        else:
            words.append(re.sub(r"<\w+>", "x", word))
    return " ".join(words)


def settled(mode: str, row: Row, text: str) -> bool:
    """True when the line is taken by its own row, and says something."""
    found = match(mode, text)
    return found is not None and found.row is row and not (row.on and row.kind is Kind.FLAG)


ROWS = {mode: [row for row in BOOK.rows if row.mode == mode and plain(row)] for mode in _SECTIONS}


@st.composite
def body(draw: st.DrawFn, mode: str, indent: str, most: int) -> str:
    chosen = draw(st.lists(st.sampled_from(ROWS[mode]), max_size=most, unique=True))
    made: dict[tuple[str, ...], str] = {}
    for row in chosen:
        text = line(row, draw(st.integers(0, 11)))
        if settled(mode, row, text) and (found := match(mode, text)):
            made.setdefault(found.key, text)
    return "".join(f"{indent}{text}\n" for text in made.values())


@st.composite
def configuration(draw: st.DrawFn) -> str:
    parts = [draw(body("config", "", 6))]
    for mode, headers in _SECTIONS.items():
        for header in headers:
            if draw(st.booleans()):
                start = " no ip address\n" if mode == "interface" else ""
                parts.append(f"{header}\n{start}{draw(body(mode, ' ', 5))}")
    return "hostname r1\n" + "".join(parts) + "end\n"


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(configuration(), configuration())
def test_there_and_back(running: str, desired: str) -> None:
    assert dump(parse(running)) == running
    change = compare(running, desired)
    assert change.refusals == ()
    assert not [warning for warning in change.warnings if "way back" in warning]
    assert predict(running, change.commands) == change.predicted
    again = compare(change.predicted, desired)
    assert ([c.text for c in again.commands], again.diff) == ([], ())
    back = predict(change.predicted, change.reverse)
    left = compare(back, running)
    assert ([c.text for c in left.commands], left.diff) == ([], ())


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(configuration(), configuration())
def test_a_partial_text_keeps_what_it_does_not_name(running: str, desired: str) -> None:
    named = desired.removeprefix("hostname r1\n").removesuffix("end\n")
    change = compare(running, named, scope="partial")
    assert change.refusals == ()
    assert not [c.text for c in change.commands if c.text.startswith("no interface")]
    again = compare(change.predicted, named, scope="partial")
    assert ([c.text for c in again.commands], again.diff) == ([], ())


def test_the_negation_of_a_line_is_that_of_its_row() -> None:
    """What takes a line away must be taken by the same row, or the line would stay in the model."""
    elsewhere = set()
    for row in BOOK.rows:
        if row.kind in (Kind.ENTRY, Kind.BLOCK) or row.loose or row.never:
            continue
        for number in range(12):
            text = line(row, number)
            found = match(row.mode, text)
            if found is None or found.row is not row:
                continue
            back = match(row.mode, negation(found, text))
            if back is None or back.key != found.key:
                elsewhere.add(row.pattern)
    # One that goes with the line it stands for, and one that goes back to its default.
    assert elsewhere == {"enable algorithm-type ...", "exec-timeout ..."}
