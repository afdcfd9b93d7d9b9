"""Settings that are on with a value unless the device prints ``no``."""

import pytest

from catnet_controller.ios.diff import compare
from catnet_controller.ios.predict import predict

NONE = "hostname r1\nend\n"
OFF = "hostname r1\nno logging console\nend\n"
VALUE = "hostname r1\nlogging console warnings\nend\n"


@pytest.mark.parametrize(
    ("running", "desired", "commands"),
    [
        (NONE, OFF, ["no logging console"]),
        (OFF, NONE, ["logging console"]),
        (VALUE, OFF, ["no logging console"]),
        (OFF, VALUE, ["logging console warnings"]),
    ],
)
def test_console_messages(running: str, desired: str, commands: list[str]) -> None:
    change = compare(running, desired)
    assert [command.text for command in change.commands] == commands
    assert change.predicted == desired
    assert predict(change.predicted, change.reverse) == running
