"""A prefix list is never empty while it is edited, and no rule stands in it twice."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catnet_controller.ios.diff import compare
from catnet_controller.ios.parse import parse
from catnet_controller.ios.predict import Model, predict

COVERS: dict[str, frozenset[int]] = {
    **{f"10.{n}.0.0/16": frozenset({n}) for n in range(3)},
    "10.0.0.0/15 le 16": frozenset({0, 1}),
    "0.0.0.0/0 le 32": frozenset(range(3)),
}
RULES = [f"{verdict} {prefix}" for verdict in ("permit", "deny") for prefix in COVERS]
lists = st.lists(st.sampled_from(RULES), min_size=1, max_size=5, unique=True).flatmap(
    lambda rules: st.lists(
        st.integers(1, 8), min_size=len(rules), max_size=len(rules), unique=True
    ).map(lambda numbers: dict(zip(sorted(numbers), rules, strict=True)))
)
HEAD = "hostname r1\n"
STEM = "ip prefix-list P seq "


def text(rules: dict[int, str]) -> str:
    return HEAD + "".join(f"{STEM}{number} {rule}\n" for number, rule in rules.items())


def entries(model: Model) -> dict[int, str]:
    lines = [node.text.removeprefix(STEM) for node in model.tree().nodes if STEM in node.text]
    found = {int(line.split()[0]): line.split(None, 1)[1] for line in lines}
    assert len(found) == len(lines)
    return dict(sorted(found.items()))


def verdict(rules: dict[int, str], prefix: int) -> str:
    """Of the first entry that takes the prefix; none denies."""
    said = (rule.split(None, 1) for rule in rules.values())
    return next((one for one, what in said if prefix in COVERS.get(what, ())), "deny")


@settings(max_examples=300, deadline=None)
@given(lists, lists)
@example({1: "deny 10.0.0.0/16", 6: "permit 10.0.0.0/16"}, {6: "deny 10.0.0.0/16"})
def test_no_moment_permits_what_neither_side_permits(
    old: dict[int, str], new: dict[int, str]
) -> None:
    change = compare(text(old), text(new))
    assert not change.refusals
    model = Model(parse(text(old)))
    told = any("for a moment" in warning for warning in change.warnings)
    for command in change.commands:
        model.type((), command.text)
        assert model.refusal is None, command
        now = entries(model)
        assert now
        assert len(set(now.values())) == len(now)
        for prefix in range(3):
            if verdict(now, prefix) == "permit" and not told:
                assert "permit" in (verdict(old, prefix), verdict(new, prefix)), now
    assert entries(model) == new
    assert compare(predict(change.predicted, change.reverse), text(old)).empty


def test_a_deny_that_changes_above_others_is_told() -> None:
    old = {5: "deny 10.0.0.0/16", 10: "permit 0.0.0.0/0 le 32"}
    change = compare(text(old), text({**old, 5: "deny 10.1.0.0/16"}))
    assert change.warnings == (
        f"`{STEM}5 deny 10.0.0.0/16` changes: for a moment it is not in the list",
    )
    assert [command.text for command in change.commands] == [
        f"no {STEM}5 deny 10.0.0.0/16",
        f"{STEM}5 deny 10.1.0.0/16",
    ]


def test_the_last_number_is_free_for_the_entry_that_stands_in() -> None:
    change = compare(text({4294967294: RULES[0]}), text({4294967294: RULES[1]}))
    assert change.commands[0].text == f"{STEM}4294967293 deny 0.0.0.0/0 le 32"
    assert change.predicted == text({4294967294: RULES[1]})


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        (f"{STEM}10 permit 10.0.0.0/16", True),
        (f"{STEM}5 permit 10.0.0.0/16", False),
        (f"{STEM}10 permit 10.0.0.0/16 le 24", False),
        (f"{STEM}10 deny 10.0.0.0/16", False),
        ("ip prefix-list Q seq 10 permit 10.0.0.0/16", False),
    ],
)
def test_a_rule_at_two_numbers_is_refused(line: str, refused: bool) -> None:
    model = Model(parse(text({5: "permit 10.0.0.0/16"})))
    model.type((), line)
    assert (model.refusal is not None) is refused


def test_a_rule_that_left_its_number_comes_back_at_another() -> None:
    model = Model(parse(text({5: "permit 10.0.0.0/16"})))
    for line in (
        f"{STEM}10 deny 10.1.0.0/16",
        f"no {STEM}5 permit 10.0.0.0/16",
        f"{STEM}5 permit 10.2.0.0/16",
        f"{STEM}15 permit 10.0.0.0/16",
    ):
        model.type((), line)
        assert model.refusal is None, line
    assert entries(model) == {
        5: "permit 10.2.0.0/16",
        10: "deny 10.1.0.0/16",
        15: "permit 10.0.0.0/16",
    }
