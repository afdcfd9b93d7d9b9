"""A person at a terminal: types lines into a simulated device and reads what comes back."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from catnet_controller.simulator.fleet import SimulatedDevice

ROUTER = """\
Building configuration...

Current configuration : 999 bytes
!
! Last configuration change at 22:14:23 UTC Fri May 28 2021 by boxen
!
version 15.7
service timestamps debug datetime msec
service timestamps log datetime msec
!
hostname R1
!
boot-start-marker
boot-end-marker
!
enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0
!
no aaa new-model
!
no ip domain lookup
ip domain name example.net
!
username catnet privilege 15 secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0
!
archive
 path flash:archive
!
interface Loopback0
 ip address 10.255.0.1 255.255.255.255
!
interface GigabitEthernet0/0
 description management
 ip address 192.0.2.1 255.255.255.0
!
interface GigabitEthernet0/1
 no ip address
 shutdown
!
router bgp 65000
 bgp log-neighbor-changes
 neighbor 192.0.2.2 remote-as 65001
!
ip route 0.0.0.0 0.0.0.0 192.0.2.254
!
line con 0
line vty 0 4
 transport input ssh
!
end
"""


class Person:
    """Types and reads; ``prompt`` is what ended the last reading."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self._read = ""
        self.prompt = ""

    async def until(self, pattern: str, *, timeout: float = 5.0) -> str:
        """Everything up to a text that matches at the end of what has come."""
        compiled = re.compile(pattern)
        async with asyncio.timeout(timeout):
            while (found := compiled.search(self._read)) is None:
                try:
                    data = await self._process.stdout.read(65536)
                except (asyncssh.Error, OSError) as error:
                    raise EOFError(self._read) from error
                if not data:
                    raise EOFError(self._read)
                self._read += data
        text, self._read = self._read[: found.end()], self._read[found.end() :]
        self.prompt = found[0].strip("\r\n")
        return str(text).replace("\r\n", "\n")

    def write(self, text: str) -> None:
        self._process.stdin.write(text)

    async def type(
        self, line: str, *, pattern: str = r"(?:^|\n)[\w.-]+(\([\w.+-]+\))?[#>]$"
    ) -> str:
        """One line; gives what was printed between its echo and the next prompt."""
        self.write(f"{line}\r")
        text = await self.until(pattern)
        echoed = text.split("\n", 1)
        body = echoed[1] if len(echoed) > 1 else ""
        return body[: len(body) - len(self.prompt)]

    async def configure(self, *lines: str) -> None:
        for line in ("configure terminal", *lines, "end"):
            answer = await self.type(line)
            assert "%" not in answer, (line, answer)


async def settled(true: Callable[[], bool], *, timeout: float = 5.0) -> None:
    """Let the event loop run until something is true."""
    async with asyncio.timeout(timeout):
        while not true():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0)


@asynccontextmanager
async def person(
    device: SimulatedDevice, *, username: str = "catnet", password: str = "catnet"
) -> AsyncIterator[Person]:
    """Somebody logged in, past the first prompt, without a pager."""
    async with asyncssh.connect(
        device.host,
        device.port,
        username=username,
        password=password,
        known_hosts=(
            [asyncssh.import_public_key(device.known_hosts_line.split(" ", 1)[1])],
            [],
            [],
        ),
        client_keys=None,
        config=None,
    ) as connection:
        process = await connection.create_process(term_type="vt100", encoding="utf-8")
        someone = Person(process)
        await someone.until(r"[#>]$")
        await someone.type("terminal length 0")
        yield someone
        process.close()


def typed_twice(device: SimulatedDevice, kind: str = "ip route ") -> list[str]:
    """Configuration lines that were typed although the device had them: by another session, or
    again. What a device undid by itself, or was told to undo, may be typed again."""
    undone, kept, fresh, found = device.rollbacks(), set[str](), set[str](), []
    for at, (_, line) in enumerate(device.transcript()):
        while undone and undone[0] <= at:
            undone.pop(0)
            fresh.clear()
        if line == "configure confirm":
            kept |= fresh
            fresh.clear()
        elif line.startswith(kind):
            if line in kept or line in fresh:
                found.append(line)
            fresh.add(line)
    return found


def taken_in_turns(device: SimulatedDevice, kind: str = "ip route ") -> bool:
    """Whether two sessions typed configuration by turns: two writers on the device at once."""
    writers = [session for session, line in device.transcript() if line.startswith(kind)]
    changes = [here for here, before in zip(writers, [0, *writers], strict=False) if here != before]
    return len(changes) != len(set(changes))
