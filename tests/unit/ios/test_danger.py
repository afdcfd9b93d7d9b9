"""Commands that are never sent, that can cut CatNet off, or that disturb traffic."""

import pytest

from catnet_controller.ios.changes import Command
from catnet_controller.ios.danger import dangers


def kinds(*lines: str) -> list[tuple[str, str]]:
    commands = [Command(text=line.strip(), depth=len(line) - len(line.lstrip())) for line in lines]
    return [(danger.command, danger.kind) for danger in dangers(commands)]


@pytest.mark.parametrize(
    "line",
    ["reload", "do reload", "write erase", "erase startup-config", "crypto key zeroize rsa",
     "no line vty 0 4", "no vlan 1", "boot system flash:x", "config-register 0x2142",
     "key config-key password-encrypt x"],
)  # fmt: skip
def test_never(line: str) -> None:
    assert kinds(line) == [(line, "never")]


def test_management() -> None:
    found = kinds(
        "line vty 0 4", " transport input telnet", " access-class X in", " exit",
        "no username a", "aaa new-model", "ip ssh version 1", "archive", " path flash:",
    )  # fmt: skip
    assert [kind for _, kind in found] == ["management"] * len(found)
    assert {line for line, _ in found} == {
        "transport input telnet", "access-class X in", "no username a", "aaa new-model",
        "ip ssh version 1", "path flash:",
    }  # fmt: skip


def test_disruptive() -> None:
    assert kinds("interface Gi0/1", " shutdown", " description x") == [("shutdown", "disruptive")]
    assert kinds("no router ospf 1") == [("no router ospf 1", "disruptive")]


def test_ordinary_lines_are_not_dangerous() -> None:
    assert kinds("ntp server 10.0.0.1", "username new secret x", "vlan 10", " name users") == []
