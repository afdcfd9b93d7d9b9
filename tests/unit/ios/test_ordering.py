"""Order that has meaning is planned, shown and proved; order that has none is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catnet_controller.ios.diff import compare, render
from catnet_controller.ios.normal import digest
from catnet_controller.ios.parse import parse
from catnet_controller.ios.predict import Model, predict

HEAD = "hostname r1\n"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ip name-server 10.0.0.1\n", "ip name-server 10.0.0.2\n"),
        ("ip as-path access-list 1 permit ^1_\n", "ip as-path access-list 1 deny _2_\n"),
        ("ip community-list standard C deny 1:1\n", "ip community-list standard C permit 1:2\n"),
        (
            "ip extcommunity-list expanded C deny 1:1\n",
            "ip extcommunity-list expanded C permit 1:.*\n",
        ),
        (
            "aaa group server tacacs+ G\n server name A\n",
            " server name B\n",
        ),
        ("policy-map P\n class A\n  priority\n", " class B\n  fair-queue\n"),
    ],
)
def test_an_order_that_counts_is_seen_and_shown(one: str, two: str) -> None:
    header, _, inner = one.partition("\n")
    first = f"{HEAD}{one}{two}"
    second = f"{HEAD}{header}\n{two}{inner}" if two.startswith(" ") else f"{HEAD}{two}{one}"
    assert digest(first) != digest(second)
    change = compare(first, second)
    assert change.commands
    said = render(change.diff).splitlines()
    moved = (inner or one).splitlines()[0].strip()
    assert next(line[1:].strip() for line in said if line[0] == "-") == moved
    assert next(line[1:].strip() for line in said if line[0] == "+") == moved
    assert digest(change.predicted) == digest(second)
    assert digest(predict(change.predicted, change.reverse)) == digest(first)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ip as-path access-list 1 permit ^1_\n", "ip as-path access-list 2 deny _2_\n"),
        ("ip community-list standard C deny 1:1\n", "ip community-list expanded C permit 1:2\n"),
        ("ip community-list 1 deny 1:1\n", "ip community-list 2 permit 1:2\n"),
        ("ip community-list 1 deny 1:1\n", "ip as-path access-list 1 permit ^1_\n"),
    ],
)
def test_the_order_of_the_lists_says_nothing(one: str, two: str) -> None:
    assert digest(HEAD + one + two) == digest(HEAD + two + one)
    assert compare(HEAD + one + two, HEAD + two + one).empty


def test_the_class_for_the_rest_is_last_wherever_it_stands() -> None:
    first = f"{HEAD}policy-map P\n class class-default\n  fair-queue\n class A\n  priority\n"
    second = f"{HEAD}policy-map P\n class A\n  priority\n class class-default\n  fair-queue\n"
    assert compare(first, second).empty


def test_a_part_puts_what_it_names_in_its_order() -> None:
    servers = [f"ip name-server 10.0.0.{n}\n" for n in range(4)]
    running = HEAD + "".join(servers)
    part = servers[2] + servers[0]
    change = compare(running, part, scope="partial")
    assert [command.text for command in change.commands] == [
        "no ip name-server 10.0.0.0",
        "no ip name-server 10.0.0.1",
        "no ip name-server 10.0.0.3",
        "ip name-server 10.0.0.1",
        "ip name-server 10.0.0.0",
        "ip name-server 10.0.0.3",
    ]
    wanted = HEAD + servers[2] + servers[1] + servers[0] + servers[3]
    assert digest(change.predicted) == digest(wanted)
    assert compare(change.predicted, part, scope="partial").empty
    assert compare(running, servers[0] + servers[2], scope="partial").empty


ENTRIES = [f"{verdict} _{number}_" for verdict in ("permit", "deny") for number in range(4)]
lists = st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=6, unique=True)


@settings(max_examples=200, deadline=None)
@given(lists, lists)
def test_a_list_is_never_empty_on_the_way(old: list[str], new: list[str]) -> None:
    stem = "ip as-path access-list 1 "
    running, desired = (HEAD + "".join(f"{stem}{e}\n" for e in one) for one in (old, new))
    change = compare(running, desired)
    assert not change.refusals
    model = Model(parse(running))
    for command in change.commands:
        model.type((), command.text)
        assert any(node.text.startswith(stem) for node in model.tree().nodes)
    shown = [node.text.removeprefix(stem) for node in model.tree().nodes if stem in node.text]
    assert shown == new
    back = predict(change.predicted, change.reverse)
    assert [line.removeprefix(stem) for line in back.splitlines()[1:]] == old
    typed = {command.text for command in change.commands}
    told = [entry for entry in new if f"`{stem}{entry}` moves" in str(change.warnings)]
    assert told == [entry for entry in new if {stem + entry, f"no {stem}{entry}"} <= typed]
