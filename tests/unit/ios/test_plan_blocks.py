"""Macros are typed whole, and their content counts."""

from catnet_controller.ios.changes import Expect
from catnet_controller.ios.diff import compare, render
from catnet_controller.ios.normal import digest
from catnet_controller.ios.predict import predict

RUNNING = "hostname sw1\nmacro name PORT\nswitchport mode access\nspanning-tree portfast\n@\nend\n"


def test_a_macro_is_typed_with_its_body() -> None:
    change = compare("hostname sw1\nend\n", RUNNING)
    assert [(command.text, command.expect) for command in change.commands] == [
        ("macro name PORT", Expect.TEXT),
        ("switchport mode access", Expect.TEXT),
        ("spanning-tree portfast", Expect.TEXT),
        ("@", Expect.PROMPT),
    ]
    assert digest(change.predicted) == digest(RUNNING)
    assert digest(predict(change.predicted, change.reverse)) == digest("hostname sw1\nend\n")


def test_a_changed_macro_is_seen_and_typed_anew() -> None:
    desired = RUNNING.replace("spanning-tree portfast\n", "")
    assert digest(desired) != digest(RUNNING)
    change = compare(RUNNING, desired)
    assert "-spanning-tree portfast" in render(change.diff)
    assert digest(change.predicted) == digest(desired)
    assert digest(predict(change.predicted, change.reverse)) == digest(RUNNING)
