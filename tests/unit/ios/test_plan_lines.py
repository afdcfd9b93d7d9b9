"""Ranges of terminal lines grow, and the way back takes away what came."""

import pytest

from catnet_controller.ios.danger import never
from catnet_controller.ios.diff import compare
from catnet_controller.ios.parse import parse
from catnet_controller.ios.predict import Model, predict

RUNNING = "hostname r1\nline vty 0 4\n login local\nend\n"


def test_more_lines_and_back() -> None:
    change = compare(RUNNING, RUNNING.replace("0 4", "0 7"))
    assert [command.text for command in change.commands] == ["line vty 5 7", "login local"]
    assert [command.text for command in change.reverse] == ["no line vty 5 7"]
    assert change.warnings == ()
    assert predict(change.predicted, change.reverse) == RUNNING


@pytest.mark.parametrize("line", ["no line vty 0 4", "no line vty 4", "no line vty"])
def test_the_first_five_lines_stay(line: str) -> None:
    assert never(line)
    model = Model(parse(RUNNING))
    model.type((), line)
    assert model.refusal is not None
    assert compare(RUNNING, RUNNING).empty


def test_a_value_is_taken_away_in_the_innermost_section() -> None:
    running = (
        "interface GigabitEthernet0/0/2\n service instance 1 ethernet\n  encapsulation dot1q 1\n"
        "  xconnect 10.0.0.8 1 encapsulation mpls\n   mtu 9000\n"
    )
    change = compare(running, running.replace("   mtu 9000\n", ""))
    assert change.refusals == ()
    assert change.commands[-1].text == "no mtu"
