"""What the way back does not undo is told before anything is typed."""

import pytest

from catnet_controller.ios.diff import compare
from catnet_controller.ios.predict import predict

HEAD = "hostname r1\n"
PORT = f"{HEAD}interface Loopback0\n"


@pytest.mark.parametrize(
    ("running", "desired", "left"),
    [
        (PORT, f"{PORT} no ip mroute-cache\n", ["no ip mroute-cache"]),
        (PORT, f"{PORT} no cdp enable\n", []),
        (f"{PORT} no ip mroute-cache\n", PORT, []),
        (f"{PORT} no ip mroute-cache\n", f"{PORT} ip mroute-cache\n", []),
        (HEAD, f"{HEAD}no lldp run\nno ip routing\n", ["no ip routing", "no lldp run"]),
        (HEAD, f"{HEAD}no ip http server\nno aaa new-model\n", []),
        (HEAD, PORT + " no ip mroute-cache\n", []),
    ],
)
def test_a_no_whose_opposite_nobody_knows_is_told(
    running: str, desired: str, left: list[str]
) -> None:
    change = compare(running, desired)
    assert change.refusals == ()
    said = "the way back leaves `{}`: no rule knows what was so without that line"
    told = [warning for warning in change.warnings if "way back" in warning]
    assert sorted(told) == [said.format(line) for line in left]
    back = predict(change.predicted, change.reverse)
    assert sorted(line.strip() for line in back.splitlines() if line.strip() in left) == left


@pytest.mark.parametrize("header", ["line aux 0", "line vty 0 4"])
def test_lines_that_cannot_go_are_told(header: str) -> None:
    change = compare(HEAD, f"{HEAD}{header}\n exec-timeout 5 0\n")
    assert [command.text for command in change.commands] == [header, "exec-timeout 5 0"]
    assert not [command for command in change.reverse if command.text.startswith("no line")]
    assert any("the way back is not complete" in warning for warning in change.warnings)


def test_what_cannot_go_stays_and_is_told() -> None:
    change = compare(f"{HEAD}line con 0\n exec-timeout 5 0\n", HEAD)
    assert change.empty
    assert change.diff == ()
    assert change.warnings == ("`line con 0` is not in the desired text and stays as it is",)
    renamed = compare(HEAD, "ip routing\n")
    assert "no hostname" not in " ".join(command.text for command in renamed.commands)
    assert "`hostname r1` is not in the desired text and stays as it is" in renamed.warnings
