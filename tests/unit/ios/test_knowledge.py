"""The tables: every row has a source of its own, special traits say where they are stated."""

import re
from collections import Counter

import pytest

from catnet_controller.ios.rows import Kind, Row
from catnet_controller.ios.rules import BOOK, match, mode, negation
from catnet_controller.ios.tables.books import BOOKS, MODES

ROWS = BOOK.rows


def test_every_row_names_a_book_and_its_entry() -> None:
    for row in ROWS:
        book, _, entry = row.source.partition(", ")
        stated = re.fullmatch(r"Cisco IOS .+ command reference", book)
        assert stated or "; FRRouting" in entry, row
        assert entry, row
    named = {row.source.partition(", ")[0] for row in ROWS if "; FRRouting" not in row.source}
    assert named == {*BOOKS.values(), *MODES.values()}


def test_sources_are_specific() -> None:
    said = Counter(row.source for row in ROWS)
    assert len(said) > len(ROWS) * 0.7
    assert max(said.values()) < 20, said.most_common(3)


def special(row: Row) -> bool:
    traits = (row.on, row.off, row.shown, row.both, row.made, row.fixed, row.never, row.asks)
    effects = (row.wipes, row.cascade, row.near, row.rival, row.default)
    return any(traits) or any(effects) or row.change != "overwrite"


def test_a_special_trait_says_where_it_is_stated() -> None:
    for row in filter(special, ROWS):
        assert "; " in row.source, row


def test_what_is_on_by_default_is_listed() -> None:
    """The absent ``no`` of these brings the positive line back; more than the 26 of the facts."""
    on = {row.pattern for row in ROWS if row.on}
    assert on >= {
        "ip classless", "ip subnet-zero", "ip source-route", "ip bootp server", "ip domain lookup",
        "ip cef", "ip gratuitous-arps", "ip igmp snooping", "ip redirects", "ip unreachables",
        "ip proxy-arp", "ip route-cache", "ip split-horizon", "cdp enable", "autostate",
        "keepalive [...]", "switchport", "bgp default ipv4-unicast", "bgp enforce-first-as",
        "bgp fast-external-fallover", "eigrp log-neighbor-changes", "auto-summary", "exec",
        "motd-banner", "exec-banner", "logging on",
    }  # fmt: skip
    said = ("Command Default: enabled", "; FRRouting")
    assert all(any(one in row.source for one in said) for row in ROWS if row.on)


def test_rows_of_one_mode_have_different_patterns() -> None:
    twice = [one for one, n in Counter((r.mode, r.pattern) for r in ROWS).items() if n > 1]
    assert twice == []


def test_every_mode_that_is_opened_has_rows() -> None:
    modes = {row.mode for row in ROWS}
    assert {row.opens for row in ROWS if row.opens} - {"?", "macro"} <= modes


def test_every_mode_but_the_outermost_is_opened() -> None:
    opened = {row.opens for row in ROWS}
    assert {row.mode for row in ROWS} - opened == {"config"}


_EXAMPLES = {"<#>": "7", "<...>": "some thing", "...": "any value", "[...]": "", "*": "value"}


def example(row: Row) -> str:
    """A line that the row is about."""
    words = []
    for word in row.pattern.split():
        if word in _EXAMPLES:
            words.append(_EXAMPLES[word])
        elif "|" in word:
            words.append(word.strip("<>").split("|")[0])
        else:
            words.append(re.sub(r"<(?:\.\.\.|\w+)>", "x7", word))
    return " ".join(word for word in words if word)


@pytest.mark.parametrize("name", sorted({row.mode for row in ROWS}))
def test_every_row_is_found_by_its_own_lines(name: str) -> None:
    """No row is hidden by one before it, and its negation is a line of the same identity."""
    for row in (row for row in ROWS if row.mode == name):
        line = example(row)
        found = match(name, line)
        assert found is not None, line
        if row.kind is Kind.ENTRY or "..." in row.pattern or found.row is not row:
            continue
        gone = negation(found, line)
        assert gone.startswith(("no ", "default ")), (line, gone)
        if gone.startswith("no "):
            other = match(name, gone)
            assert other is not None, (line, gone)
            assert other.negative, (line, gone)


def hidden(row: Row) -> bool:
    found = match(row.mode, example(row))
    return found is not None and found.row is not row and not row.loose and "|" not in row.pattern


def test_few_rows_share_their_lines_with_an_earlier_row() -> None:
    """Rows with open ends overlap by design; a plain row behind another would be dead."""
    plain = [row for row in ROWS if not re.search(r"[<*\[]|\.\.\.", row.pattern)]
    assert [f"{row.mode}: {row.pattern}" for row in plain if hidden(row)] == []


def test_a_path_of_unknown_sections_has_no_mode() -> None:
    assert mode(("frobnicate", "deeper")) == "?"
