"""A device at the end of a wire, by script: what it says on each line, cut into any pieces."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from catnet_controller.devices.platforms import IOS
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import ConnectionLost
from catnet_controller.models import Device

Answer = Callable[[str], str]


class ScriptedWire:
    """Echoes each line and says what ``answer`` gives for it; ``cut`` bytes at a time.

    ``greeting`` is sent unasked. An answer of None's stead is the empty text: silence.
    """

    def __init__(
        self, answer: Answer, *, greeting: str = "", cut: int = 65536, echo: bool = True
    ) -> None:
        self._answer = answer
        self._cut = cut
        self._echo = echo
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._line = ""
        self.typed: list[str] = []
        self.dropped = False
        self.say(greeting)

    def say(self, text: str) -> None:
        data = text.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
        self._waiting.extend(data[i : i + self._cut] for i in range(0, len(data), self._cut))
        if data:
            self._news.set()

    def hang_up(self) -> None:
        self.dropped = True
        self._news.set()

    async def read(self) -> bytes:
        while not self._waiting:
            if self.dropped:
                raise ConnectionLost("the device closed the session")
            self._news.clear()
            await self._news.wait()
        await asyncio.sleep(0)
        return self._waiting.popleft()

    def write(self, data: bytes) -> None:
        for letter in data.decode("utf-8", "surrogateescape"):
            if letter == "\n":
                line, self._line = self._line, ""
                self.typed.append(line)
                self.say((line + "\n" if self._echo else "\n") + self._answer(line))
            else:
                self._line += letter

    def drop(self) -> None:
        self.dropped = True

    async def closed(self) -> None:
        """Nothing lingers."""


def terminal(wire: ScriptedWire, *, patience: float = 5.0) -> Terminal:
    return Terminal(
        wire=wire, device=Device(name="r1", host="192.0.2.1"), platform=IOS, patience=patience
    )


def answers(table: dict[str, str], otherwise: str) -> Answer:
    """Answers by the line typed."""
    return lambda line: table.get(line, otherwise)


def lines(text: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in text)
