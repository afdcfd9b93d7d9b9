"""Devices whose ports route by default: nothing is taken for equal that is not."""

import pytest

from catnet_controller.ios.diff import compare

HEAD = "hostname r1\n"
ONE = "interface GigabitEthernet1/1\n{}"
TWO = "interface GigabitEthernet1/2\n{}"
ROUTED = " no ip address\n"
SWITCHED = " switchport\n switchport mode access\n"
RUNNING = HEAD + ONE.format(SWITCHED) + TWO.format(ROUTED)


@pytest.mark.parametrize(
    ("one", "two", "line", "origin"),
    [
        (SWITCHED, SWITCHED, "switchport", "f:6"),
        (ROUTED, ROUTED, "interface GigabitEthernet1/1", "f:2"),
        (" no switchport\n no ip address\n", ROUTED, "no switchport", "f:3"),
        (SWITCHED, " no switchport\n", "no switchport", "f:6"),
    ],
)
def test_what_would_switch_or_route_otherwise_is_refused(
    one: str, two: str, line: str, origin: str
) -> None:
    desired = HEAD + ONE.format(one) + TWO.format(two).replace("GigabitEthernet", "gi")
    origins = [f"f:{number}" for number in range(1, desired.count("\n") + 1)]
    change = compare(RUNNING, desired, origins=origins)
    assert change.commands == ()
    assert [(said.line, said.origin) for said in change.refusals] == [(line, origin)]
    assert "routes unless it says `switchport`" in change.refusals[0].reason


def test_other_lines_of_such_a_device_are_planned() -> None:
    change = compare(RUNNING, RUNNING.replace(ROUTED, f" description x\n{ROUTED}"))
    assert [command.text for command in change.commands] == [
        "interface GigabitEthernet1/2",
        "description x",
    ]
    new = compare(RUNNING, f"{RUNNING}interface Vlan10\n ip address 10.0.0.1 255.255.255.0\n")
    assert new.refusals == ()


def test_a_part_that_does_not_speak_of_it_is_planned() -> None:
    part = TWO.format(" description x\n")
    assert compare(RUNNING, part, scope="partial").refusals == ()
    wrong = compare(RUNNING, TWO.format(" switchport\n"), scope="partial")
    assert [said.line for said in wrong.refusals] == ["switchport"]
    right = compare(RUNNING, ONE.format(" switchport\n description x\n"), scope="partial")
    assert [command.text for command in right.commands][-1] == "description x"


def test_a_device_that_switches_by_default_may_be_told_so() -> None:
    switched = HEAD + ONE.format(" switchport mode access\n")
    assert compare(switched, HEAD + ONE.format(SWITCHED)).empty
    routed = HEAD + ONE.format(" no switchport\n")
    assert [c.text for c in compare(routed, HEAD + ONE.format(SWITCHED)).commands] == [
        "interface GigabitEthernet1/1",
        "switchport",
        "switchport mode access",
    ]
