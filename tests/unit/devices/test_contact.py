"""The verbs on a device are judged by what it shows, with transcripts of real devices."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.contact import Contact, Timing, untypable
from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.platforms import IOS
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import (
    ArmRefused,
    DeviceBusy,
    IncompleteRead,
    RollbackPending,
    SaveFailed,
)
from catnet_controller.ios.changes import Command, Expect
from catnet_controller.models import Device
from tests.helpers_devices import ScriptedWire, terminal

CREDENTIAL = Credential(username="catnet", password="pw")


class _Clock:
    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def contact(tmp_path: Path) -> Contact:
    return Contact(
        device=Device(name="r1", host="192.0.2.1"),
        platform=IOS,
        credential=CREDENTIAL,
        hostkeys=HostKeys(tmp_path / "known_hosts"),
        backups=Backups(tmp_path),
        clock=_Clock(),
        timing=Timing(connect=1, command=1, revert_minutes=5, minute=60, rollback=1, pause=0.001),
        slots=asyncio.Semaphore(1),
    )


async def logged_in(device: ScriptedWire) -> Terminal:
    talk = terminal(device, patience=1.0)
    await talk.settle(CREDENTIAL)
    return talk


def device(answer: Callable[[str], str | None]) -> ScriptedWire:
    def full(line: str) -> str:
        said = answer(line)
        if said is not None:
            return said
        return "Current privilege level is 15\nr1#" if line == "show privilege" else "r1#"

    return ScriptedWire(full, greeting="\nr1#")


async def test_saved_is_what_says_ok(contact: Contact) -> None:
    said = (
        "Building configuration...\n  Compressed configuration from 106098 bytes to 30504 "
        "bytes[OK]\nr1#"
    )
    wire = device(lambda line: said if line == "write memory" else None)
    await contact.save(await logged_in(wire))
    assert wire.typed[-1] == "write memory"


async def test_config_of_another_image_is_overwritten(contact: Contact) -> None:
    question = (
        "Warning: Attempting to overwrite an NVRAM configuration previously written\n"
        "by a different version of the system image.\n"
        "Overwrite the previous NVRAM configuration?[confirm]"
    )
    wire = device(lambda line: question if line == "write memory" else None)
    talk = await logged_in(wire)
    write = wire.write

    def keys(data: bytes) -> None:
        if data == b"y":
            wire.say("\nBuilding configuration...\n[OK]\nr1#")
        else:
            write(data)

    wire.write = keys  # type: ignore[method-assign]
    await contact.save(talk)
    assert talk.ready


async def test_config_too_large_for_nvram_is_not_cut(contact: Contact) -> None:
    question = "Compressed configuration is too large for nvram\nTruncate config?? [no]: "
    wire = device(lambda line: question if line == "write memory" else None)
    with pytest.raises(SaveFailed, match="too large"):
        await contact.save(await logged_in(wire))
    assert wire.typed[-1] == "no"


async def test_busy_nvram_is_tried_again(contact: Contact) -> None:
    answers = ["startup-config file open failed (Device or resource busy)\nr1#"] * 2 + [
        "Building configuration...\n[OK]\nr1#"
    ]
    wire = device(lambda line: answers.pop(0) if line == "write memory" else None)
    await contact.save(await logged_in(wire))
    assert answers == []


@pytest.mark.parametrize(
    "said",
    [
        "Configuration mode is locked by process '484' user 'NETCONF' from terminal '64'. Later.",
        "Configuration locked. Ascii config in progress.",
    ],
)
async def test_locked(contact: Contact, said: str) -> None:
    wire = device(lambda line: f"{said}\nr1#" if line.startswith("configure") else None)
    with pytest.raises(DeviceBusy, match="ocked"):
        await contact.arm(await logged_in(wire))
    assert wire.typed[-1] == "configure terminal revert timer 5"


async def test_no_archive(contact: Contact) -> None:
    said = "%Turn config archive on before using Rollback Confirmed Change\n\nr1#"
    wire = device(lambda line: said if line.startswith("configure") else None)
    with pytest.raises(ArmRefused, match="archive on"):
        await contact.arm(await logged_in(wire))


TIMER = (
    "Time configured(or reconfigured): 22:50:48 UTC Sat Feb 21 2009\n"
    "Timer type: absolute timer\nTimer value: 2 min\nUser: {user}\n\n"
)


@pytest.mark.parametrize("timer", ["%No Rollback Confirmed Change pending\n", ""])
async def test_armed_is_what_shows_a_timer(contact: Contact, timer: str) -> None:
    """Configuration mode alone is no proof: it is left again with nothing typed."""

    def answer(line: str) -> str | None:
        if line.startswith("configure terminal"):
            return "r1(config)#"
        return f"{timer}r1(config)#" if line.startswith("do show") else None

    wire = device(answer)
    talk = await logged_in(wire)
    with pytest.raises(ArmRefused):
        await contact.arm(talk)
    if timer:
        assert talk.ready
        assert wire.typed[-2:] == ["end", "configure confirm"]


@pytest.mark.parametrize(("user", "ours"), [("catnet", True), ("bob", False), ("console", False)])
async def test_whose_timer_it_is(contact: Contact, user: str, ours: bool) -> None:
    wire = device(
        lambda line: f"{TIMER.format(user=user)}r1#" if line.startswith("show archive") else None
    )
    talk = await logged_in(wire)
    if ours:
        assert await contact.pending(talk)
    else:
        with pytest.raises(RollbackPending, match=user):
            await contact.pending(talk)


CONFIG = "version 15.7\nhostname r1\nend"


async def test_load_and_time_above_a_config_are_not_of_it(contact: Contact) -> None:
    said = (
        "Load for five secs: 2%/0%; one minute: 3%; five minutes: 3%\n"
        "Time source is NTP, 12:00:00.123 UTC Mon Nov 2 2026\n\n"
        f"Building configuration...\n\nCurrent configuration : 30 bytes\n!\n{CONFIG}\n\nr1#"
    )
    wire = device(lambda line: said if line == "show running-config" else None)
    reading = await contact.read(await logged_in(wire))
    assert reading.text.startswith("Building configuration...")
    assert reading.text.endswith("\nend\n")


async def test_config_that_is_cut_is_read_once_more(contact: Contact) -> None:
    answers = ["version 15.7\nhostname r1\n\nr1#", f"{CONFIG}\n\nr1#"]
    wire = device(lambda line: answers.pop(0) if line == "show running-config" else None)
    reading = await contact.read(await logged_in(wire))
    assert reading.text == f"{CONFIG}\n"


async def test_config_that_stays_cut_is_refused_without_its_secrets(contact: Contact) -> None:
    said = "version 15.7\nenable secret 5 $1$hush$abcdefghijklmnopqrstu.\n\nr1#"
    wire = device(lambda line: said if line == "show running-config" else None)
    with pytest.raises(IncompleteRead) as caught:
        await contact.read(await logged_in(wire), keep=True)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        (Command(text="description plain ascii"), True),
        (Command(text="description für"), True),
        (Command(text="description why?"), False),
        (Command(text="why?", expect=Expect.TEXT), True),
        (Command(text="a\tb"), False),
        (Command(text="a\x1ab"), False),
        (Command(text="a\nb"), False),
        (Command(text="x" * 254), True),
        (Command(text="x" * 255), False),
    ],
)
def test_what_a_terminal_takes(command: Command, taken: bool) -> None:
    assert (untypable(command) is None) is taken
