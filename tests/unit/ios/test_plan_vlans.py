"""A port that is put into a VLAN which is not there makes it."""

from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.ios.predict import predict

RUNNING = """hostname sw1
vlan 10
 name users
interface GigabitEthernet1/0/1
 switchport access vlan 10
end
"""
DESIRED = RUNNING.replace("access vlan 10", "access vlan 77")


def test_the_vlan_is_planned_and_predicted() -> None:
    change = compare(RUNNING, DESIRED)
    assert [command.text for command in change.commands] == [
        "vlan 77",
        "interface GigabitEthernet1/0/1",
        "switchport access vlan 77",
    ]
    assert "\nvlan 77\n" in change.predicted
    assert any("vlan 77" in warning for warning in change.warnings)
    assert compare(change.predicted, DESIRED).commands == ()
    assert digest(predict(change.predicted, change.reverse)) == digest(RUNNING)


def test_a_port_that_is_in_the_vlan_already_changes_nothing() -> None:
    assert compare(DESIRED, f"! again\n{DESIRED}").empty


def test_a_device_that_shows_no_vlans_keeps_them_elsewhere() -> None:
    running = RUNNING.replace("vlan 10\n name users\n", "", 1)
    change = compare(running, running.replace("access vlan 10", "access vlan 77"))
    assert "vlan 77" not in [command.text for command in change.commands]


def test_partial_as_well() -> None:
    port = "interface GigabitEthernet1/0/1\n switchport access vlan 77\n"
    change = compare(RUNNING, port, scope="partial")
    assert change.commands[0].text == "vlan 77"
    assert compare(change.predicted, port, scope="partial").commands == ()


def test_a_vlan_that_is_desired_itself_is_no_surprise() -> None:
    change = compare(RUNNING, DESIRED.replace("interface", "vlan 77\n name more\ninterface"))
    assert [command.text for command in change.commands][:2] == ["vlan 77", "name more"]
    assert change.warnings == ()
