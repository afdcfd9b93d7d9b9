"""The simulator as a program: a generated fleet, reached over SSH and over its control socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.cli.commands import simulator
from catnet_controller.simulator.faults import What
from catnet_controller.simulator.fleet import DeviceSpec, Fleet
from catnet_controller.simulator.main import serve
from tests.helpers_simulator import ROUTER, person


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Fleet, Path]]:
    """Three generated devices and their control socket."""
    ready: asyncio.Future[Fleet] = asyncio.get_running_loop().create_future()
    socket = tmp_path / "control"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            serve(
                devices=3,
                host="127.0.0.1",
                base_port=0,
                state=tmp_path / "state",
                ready=ready.set_result,
                control=socket,
            )
        )
        yield await ready, socket
        task.cancel()


async def ask(socket: Path, *requests: object) -> list[dict[str, object]]:
    reader, writer = await asyncio.open_unix_connection(socket)
    replies = []
    for request in requests:
        text = request if isinstance(request, str) else json.dumps(request)
        writer.write(text.encode() + b"\n")
        replies.append(json.loads(await reader.readline()))
    writer.close()
    await writer.wait_closed()
    return replies


async def test_a_generated_fleet_can_be_used(served: tuple[Fleet, Path]) -> None:
    fleet, _ = served
    assert fleet.names == ("sim1", "sim2", "sim3")
    for name in fleet.names:
        async with person(fleet[name]) as someone:
            assert someone.prompt == f"{name}#"
            await someone.type("configure terminal revert timer 5")
            assert fleet[name].pending_revert
            await someone.type("end")
            await someone.type("configure confirm")
            assert "[OK]" in await someone.type("write memory")


async def test_the_rack_sees_and_does_everything(served: tuple[Fleet, Path]) -> None:
    fleet, socket = served
    assert socket.stat().st_mode & 0o777 == 0o600
    listed, typed, saved, injected, facts, running = await ask(
        socket,
        {"do": "devices"},
        {"do": "type", "device": "sim1", "lines": ["ip host a 192.0.2.1"], "by": "ann"},
        {"do": "save", "device": "sim1"},
        {
            "do": "inject",
            "device": "sim1",
            "fault": {"what": "reject", "when": {"match": "zz"}, "text": "no"},
        },
        {"do": "facts", "device": "sim1"},
        {"do": "running", "device": "sim1"},
    )
    devices = listed["result"]
    assert isinstance(devices, list)
    assert [device["port"] for device in devices] == [fleet[name].port for name in fleet.names]
    assert typed["ok"]
    assert saved["ok"]
    assert injected["ok"]
    assert isinstance(facts["result"], dict)
    assert facts["result"]["saved"] is True
    assert "ip host a 192.0.2.1" in str(running["result"])
    async with person(fleet["sim1"]) as someone:
        await someone.type("configure terminal")
        assert await someone.type("ip host zz 192.0.2.1") == "no\n"


@pytest.mark.parametrize(
    "request_",
    [
        "not json",
        "[]",
        {"do": "nothing"},
        {"do": "running", "device": "none"},
        {"do": "running"},
        {"do": "type", "device": "sim1", "lines": ["nonsense"]},
        {"do": "type", "device": "sim1", "lines": 4},
        {"do": "inject", "device": "sim1", "fault": {"what": "unheard"}},
        {"do": "inject", "device": "sim1", "fault": {"what": "hang", "when": {"match": "("}}},
        {"do": "advance", "device": "sim1", "seconds": "x"},
    ],
)
async def test_a_wrong_request_is_answered(served: tuple[Fleet, Path], request_: object) -> None:
    (reply,) = await ask(served[1], request_)
    assert reply["ok"] is False
    assert reply["error"]


async def test_a_port_that_is_taken_is_said_plainly() -> None:
    async with Fleet([DeviceSpec(name="a", config=ROUTER)]) as fleet:
        port = fleet["a"].port
        with pytest.raises(OSError, match="in use"):
            async with Fleet([DeviceSpec(name="b", config=ROUTER, port=port)]):
                pass


def test_the_help_lists_every_fault() -> None:
    text = " ".join((simulator.help or "").split())
    listed = text.partition("FAULT is one of: ")[2].partition(".")[0].split(", ")
    assert sorted(listed) == sorted(What)
