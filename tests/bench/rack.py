"""The simulated fleet that benches work on, in a process of its own, near or a long way off."""

import asyncio
import logging
import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from catnet_controller.app import machine
from catnet_controller.simulator.fleet import DeviceSpec, Fleet
from catnet_controller.simulator.samples import config

USER = PASSWORD = "catnet"
_LOOPBACKS = 60
_BLOCK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A device to work on."""

    name: str
    host: str
    port: int
    known_hosts: str


def unlimited() -> None:
    """As many file descriptors as the system gives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def running(number: int) -> str:
    """About 300 lines."""
    loopbacks = "".join(
        f"interface Loopback{n}\n description service {n}\n"
        f" ip address 10.{n}.{number // 250}.{number % 250 + 1} 255.255.255.255\n!\n"
        for n in range(100, 100 + _LOOPBACKS)
    )
    head, line, tail = config(number).partition("interface GigabitEthernet")
    return head + loopbacks + line + tail


@contextmanager
def rack(devices: int, *, delay: float = 0.0) -> Iterator[list[Target]]:
    """Devices that answer; ``delay`` is how many seconds every byte is under way, each way."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(far, devices, delay), daemon=True)
    process.start()
    far.close()
    try:
        yield near.recv()
    finally:
        near.close()
        process.join(10)
        process.kill()


def _serve(far: "Connection[Any, Any]", devices: int, delay: float) -> None:
    # A client that leaves in the middle of a word is no news here.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    machine.run(_live(far, devices, delay))


async def _live(far: "Connection[Any, Any]", devices: int, delay: float) -> None:
    unlimited()
    specs = [DeviceSpec(name=f"sim{n}", config=running(n)) for n in range(1, devices + 1)]
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(Fleet(specs))
        targets = []
        for name in fleet.names:
            device = fleet[name]
            port, line = device.port, device.known_hosts_line
            if delay:
                server = await stack.enter_async_context(await _far_away(device.port, delay))
                port = server.sockets[0].getsockname()[1]
                line = line.replace(f":{device.port} ", f":{port} ", 1)
            targets.append(Target(name=name, host=device.host, port=port, known_hosts=line))
        far.send(targets)
        over = asyncio.Event()
        # The other end is closed when the bench is over, or dead.
        asyncio.get_running_loop().add_reader(far.fileno(), over.set)
        await over.wait()


async def _far_away(port: int, delay: float) -> asyncio.Server:
    """A TCP proxy that hands on every byte ``delay`` seconds later, in order, without limit."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as group:
            group.create_task(_carry(reader, back, delay))
            group.create_task(_carry(there, writer, delay))

    return await asyncio.start_server(connected, "127.0.0.1", 0)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    data = b"."
    while data:
        try:
            data = await reader.read(_BLOCK)
        except OSError:
            data = b""
        loop.call_later(delay, _hand_on, writer, data)


def _hand_on(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data:
        writer.write(data)
    else:
        writer.close()
