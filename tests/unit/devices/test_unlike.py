"""What runs after a push against what was promised: hidden lines are no failure, lost ones are."""

import pytest

from catnet_controller.devices.contact import difference, unlike
from catnet_controller.ios.diff import compare

RUNNING = "hostname r1\ninterface Loopback0\n no ip mroute-cache\nno ip routing\nend\n"


@pytest.mark.parametrize(
    ("added", "place"),
    [("no lldp run\n", "end\n"), (" no ip nbar protocol-discovery\n", "no ip routing\n")],
)
def test_a_no_that_was_typed_need_not_be_shown(added: str, place: str) -> None:
    change = compare(RUNNING, RUNNING.replace(place, added + place))
    typed = [command.text for command in change.commands]
    assert added.strip() in typed
    assert unlike(RUNNING, change.predicted, typed) == ""
    assert difference(RUNNING, change.predicted, typed) is None
    assert f"+{added.rstrip()}" in unlike(RUNNING, change.predicted).splitlines()


@pytest.mark.parametrize("line", ["no ip mroute-cache", "no ip routing"])
def test_a_no_that_was_there_and_is_gone_is_a_difference(line: str) -> None:
    change = compare(RUNNING, RUNNING.replace("hostname r1", "hostname r2"))
    typed = [command.text for command in change.commands]
    after = change.predicted.replace(f" {line}\n", "").replace(f"{line}\n", "")
    assert line in unlike(after, change.predicted, typed)


@pytest.mark.parametrize("line", ["no cdp enable", "description x", "no ip split-horizon"])
def test_what_a_device_shows_must_be_shown(line: str) -> None:
    port = "hostname r1\ninterface Loopback0\n"
    change = compare(port, f"{port} {line}\n")
    typed = [command.text for command in change.commands]
    left = unlike(port, change.predicted, typed)
    assert left.splitlines() == [" interface Loopback0", f"+ {line}"]
