"""Sets of VLANs that need several lines: each fits, and none drops a VLAN that stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.ios.predict import predict
from catnet_controller.ios.vlans import numbers, steps, text, typed

STEM = "switchport trunk allowed vlan"
PORT = "hostname sw1\ninterface GigabitEthernet1/0/1\n"
MODE = " switchport mode trunk\n"
LONG = ",".join(str(number) for number in range(1, 300, 2))
sets = st.frozensets(st.integers(1, 4094), min_size=1, max_size=120)


def allowed(line: str) -> frozenset[int]:
    return numbers(line.rsplit(maxsplit=1)[-1]) if line else numbers("all")


@given(st.none() | sets | st.just(frozenset[int]()), sets, st.integers(50, 254))
def test_every_line_fits_and_nothing_that_stays_drops(
    old: frozenset[int] | None, new: frozenset[int], limit: int
) -> None:
    now = "" if old is None else f"{STEM} {text(old)}"
    staying = allowed(now) & new
    for line in steps(now, f"{STEM} {text(new)}", limit):
        assert len(line) <= limit
        now = typed(now, line)
        assert staying <= allowed(now)
    assert allowed(now) == new


def test_lines_are_as_long_as_they_may_be() -> None:
    said = steps("", f"{STEM} {LONG}", 254)
    assert len(said) == 3
    assert all(len(line) > 254 - len(",4094") for line in said[:-1])
    full = f"{STEM} add 10,12,14"
    old, new = f"{STEM} 2", f"{STEM} 2,10,12,14"
    assert steps(old, new, len(full)) == [full]
    assert steps(old, new, len(full) - 1) == [f"{STEM} add 10,12", f"{STEM} add 14"]


@pytest.mark.parametrize(
    ("had", "first"),
    [
        ("", f"{STEM} 1,3,"),
        (" switchport mode access\n", f"{STEM} remove 2,4,"),
        (f" {STEM} none\n", f"{STEM} 1,3,"),
        (f" {STEM} 1-299\n", f"{STEM} remove 2,4,"),
    ],
)
def test_a_port_that_may_carry_all_is_narrowed(had: str, first: str) -> None:
    desired = f"{PORT}{MODE} {STEM} {LONG}\n"
    change = compare(PORT + had, desired)
    lines = [command.text for command in change.commands if command.text.startswith(STEM)]
    assert lines[0].startswith(first)
    assert max(len(line) for line in lines) <= 254
    assert digest(change.predicted) == digest(desired)
    assert digest(predict(change.predicted, change.reverse)) == digest(PORT + had)


@pytest.mark.parametrize(
    ("line", "left"),
    [("remove 1-4093", "4094"), ("add 5", "all"), ("except 1-4092", "4093,4094"), ("7", "7")],
)
def test_a_port_without_a_line_carries_all(line: str, left: str) -> None:
    assert typed("", f"{STEM} {line}") == f"{STEM} {left}"


def test_what_is_added_in_a_part_is_refused_too() -> None:
    part = f"interface GigabitEthernet1/0/1\n {STEM} add 20\n"
    change = compare(f"{PORT} {STEM} 10\n", part, scope="partial")
    assert [refusal.line for refusal in change.refusals] == [f"{STEM} add 20"]
