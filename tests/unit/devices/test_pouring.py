"""A terminal that types ahead, against devices that lose, garble, delay and ask."""

from collections.abc import Callable

import pytest

from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.windowing import Answered, Calm, Window
from catnet_controller.errors import DeviceTimeout, LineRefused, PromptUnexpected
from catnet_controller.ios.changes import Command
from tests.helpers_devices import ScriptedWire, terminal

LINES = [f"ntp server 192.0.2.{n}" for n in range(1, 41)]
PROMPT = "r1(config)#"
LEVEL = "Current privilege level is 15\nr1#"


class Ahead(ScriptedWire):
    """A device that reads what was typed ahead only when it is asked for more output.

    ``spoil`` makes of a line what the device gets of it, newline included; None: as typed.
    """

    def __init__(self, *, spoil: Callable[[str], str] = lambda line: f"{line}\n") -> None:
        super().__init__(self._answered, greeting="\nr1#")
        self._spoil = spoil
        self._unread = ""
        self.most = 0
        self.tables: dict[str, str] = {"show privilege": LEVEL, "configure terminal": PROMPT}
        self.configuring = False

    def _answered(self, line: str) -> str:
        self.configuring = self.configuring or line == "configure terminal"
        return self.tables.get(line, PROMPT if self.configuring else "r1#")

    def write(self, data: bytes) -> None:
        text = data.decode()
        if not self.configuring:
            super().write(data)
            return
        for line in text.splitlines():
            self._unread += self._spoil(line)

    async def read(self) -> bytes:
        if not self._waiting and self._unread:
            # One line of what waits; what is typed in one go waits together.
            self.most = max(self.most, self._unread.count("\n"))
            line, newline, self._unread = self._unread.partition("\n")
            if newline:
                super().write(f"{line}\n".encode())
            else:
                self.say(line)
        return await super().read()


async def pour(
    wire: Ahead, window: Window, *, patience: float = 5.0
) -> tuple[Terminal, list[tuple[str, Answered]]]:
    heard: list[tuple[str, Answered]] = []

    def hear(command: Command, answered: Answered) -> bool:
        heard.append((command.text, answered))
        return "%" not in answered.answer

    talk = terminal(wire, patience=patience)
    await talk.settle(Credential(username="catnet", password="pw"))
    await talk.run("configure terminal")
    await talk.pour([Command(text=line) for line in LINES], window=window, heard=hear)
    return talk, heard


def window() -> Window:
    return Window(lines=64, bytes=2048)


async def test_lines_wait_in_the_device_and_ever_more_of_them() -> None:
    wire = Ahead()
    talk, heard = await pour(wire, window())
    assert [line for line, _ in heard] == LINES
    assert talk.configuring
    assert 8 < wire.most <= 40


async def test_bytes_bound_what_waits() -> None:
    wire = Ahead()
    await pour(wire, Window(lines=64, bytes=3 * len(LINES[-1]) + 5))
    assert wire.most <= 3


async def test_garbled_echo_means_single_lines_from_then_on() -> None:
    wire = Ahead(spoil=lambda line: line.replace("2.7", "2.") + "\n")
    limits = window()
    talk, heard = await pour(wire, limits)
    assert [line for line, _ in heard] == LINES
    assert {one.calm for line, one in heard if line == LINES[6]} == {Calm.GARBLED}
    assert limits.size == 1
    assert talk.configuring
    assert any(line.startswith("! ") for line in wire.typed)


async def test_newline_that_got_lost_does_not_hang() -> None:
    wire = Ahead(spoil=lambda line: line if line == LINES[2] else f"{line}\n")
    talk, heard = await pour(wire, window())
    assert [line for line, _ in heard] == LINES
    assert Calm.LOST in {one.calm for _, one in heard}
    assert talk.configuring


async def test_lines_that_got_lost_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catnet_controller.devices.terminal._LOST_AFTER", 0.05)
    wire = Ahead(spoil=lambda line: "" if line in LINES[2:4] else f"{line}\n")
    limits = window()
    talk, heard = await pour(wire, limits)
    assert [line for line, _ in heard] == LINES
    assert [line for line, one in heard if one.calm is Calm.LOST] == LINES[2:4]
    assert limits.size == 1
    assert talk.configuring


async def test_refusal_stops_what_is_not_yet_typed() -> None:
    wire = Ahead()
    wire.tables[LINES[2]] = f"% no\n{PROMPT}"
    talk, heard = await pour(wire, window())
    assert [line for line, one in heard if one.answer] == [LINES[2]]
    assert len(heard) < len(LINES)
    assert len(heard) == sum(line.startswith("ntp") for line in wire.typed)
    assert talk.configuring


async def test_question_ends_the_session() -> None:
    wire = Ahead()
    wire.tables[LINES[-1]] = "Proceed? [confirm]"
    with pytest.raises(LineRefused, match="Proceed"):
        await pour(wire, window())


async def test_silence_ends_the_session() -> None:
    wire = Ahead()
    wire.tables[LINES[20]] = "\n"
    with pytest.raises(DeviceTimeout):
        await pour(wire, window(), patience=0.1)


async def test_no_line_is_typed_outside_configuration_mode() -> None:
    wire = Ahead()
    wire.tables["configure terminal"] = "Configuration mode is locked by process '4'\nr1#"
    with pytest.raises(PromptUnexpected):
        await pour(wire, window())
    assert not any(line.startswith("ntp") for line in wire.typed)
