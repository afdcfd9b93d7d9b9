"""What a device says after a line: harmless only when known to be, questions only when expected."""

import pytest

from catnet_controller.ios.answers import asks, judge

CARET = "                   ^\n% Invalid input detected at '^' marker.\n\n"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\r\n\r\n",
        "% Warning: portfast should only be enabled on ports connected to a single host.",
        "% Access VLAN does not exist. Creating vlan 10",
        "% Interface Gi1 IPv4 disabled and address(es) removed due to enabling VRF X",
        "Interface GigabitEthernet0/1 set to default configuration",
        "Enter TEXT message.  End with the character '#'.",
        "*Nov 22 18:00:00.123: %SYS-5-CONFIG_I: Configured from console by u on vty0 (10.0.0.5)",
        "Rollback Confirmed Change: Rollback will begin in one minute.",
        'Enter "configure confirm" if you wish to keep what you\'ve configured',
    ],
)
def test_harmless(answer: str) -> None:
    assert judge("interface GigabitEthernet0/1", answer) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (CARET, "% Invalid input detected at '^' marker."),
        ("% Incomplete command.\n\n", "% Incomplete command."),
        ('% Ambiguous command:  "a"', '% Ambiguous command:  "a"'),
        ("Bad mask /24 for address 201.191.20.0", "Bad mask /24 for address 201.191.20.0"),
        ("BGP is already running; AS is 65000", "BGP is already running; AS is 65000"),
        ("Command authorization failed.", "Command authorization failed."),
        ("something nobody has seen", "something nobody has seen"),
        (
            "Warning: This command is no longer supported",
            "Warning: This command is no longer supported",
        ),
    ],
)
def test_refused(answer: str, reason: str) -> None:
    assert judge("ip address 10.0.0.1 255.255.255.0", answer) == reason


def test_two_lines_are_one_reason() -> None:
    said = "% 10.40.254.0 overlaps with GigabitEthernet0/1\nGi0/0: incorrect IP address assignment"
    reason = judge("ip address 10.40.254.1 255.255.255.0", said)
    assert reason is not None
    assert "\n" not in reason
    assert reason.startswith("% 10.40.254.0 overlaps")


def test_the_question_of_no_username_is_expected() -> None:
    said = (
        "This operation will remove all username related configurations with same name."
        "Do you want to continue? [confirm]"
    )
    assert judge("no username bob", said) is None
    assert judge("ntp server 10.0.0.1", said) is not None
    assert [ask.bare for ask in asks("no username bob")] == [True]


def test_only_removals_ask() -> None:
    assert asks("username bob secret x") == ()
    assert asks("aaa new-model") == ()
    assert asks("no aaa new-model") != ()
    assert asks("no crypto pki trustpoint T")[0].reply == "yes"
