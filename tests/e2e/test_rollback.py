"""`catnet rollback` and `catnet backup restore` against the daemon, as an operator types them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.demo.world import World
from catnet_controller.simulator.faults import Fault, What, When
from tests.e2e.test_daemon import DEPLOY, PATIENCE, until
from tests.integration.test_cli_commands import Ended, run

LINE = "ip host rolled 192.0.2.77"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path / "world", time_scale=20.0) as made:
        yield made


async def catnet(world: World, *arguments: str) -> Ended:
    return await run(
        *arguments, "--config", str(world.config), cwd=world.home, environ=world._environment()
    )


async def changed(world: World) -> str:
    """The first look, and a push that changes edge1; the sha of its commit."""
    await world.start_daemon()
    await world.github.wait_status(await world.github.head(), DEPLOY, timeout=PATIENCE)
    text = (world.home / "seed" / "configs" / "edge1.cfg").read_text()
    assert "hostname edge1\n" in text
    sha = await world.github.commit(
        {"configs/edge1.cfg": text.replace("hostname edge1\n", f"hostname edge1\n{LINE}\n")},
        "Name the domain",
    )
    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "success", status.description
    return sha


async def test_an_operator_takes_a_device_back(world: World) -> None:
    sha = await changed(world)
    edge = world.fleet["edge1"]

    looked = await catnet(world, "rollback", "--device", "edge1")
    assert looked.code == 0, looked.err
    assert f"-{LINE}" in looked.out
    assert "nothing was typed" in looked.out
    assert LINE in edge.running()

    done = await catnet(world, "rollback", "--device", "edge1", "--no-dry-run")
    assert done.code == 0, done.err
    assert "edge1 rolled back, verified and saved" in done.out
    assert LINE not in edge.startup()
    status = world.github.statuses(sha).get(DEPLOY)
    assert status is not None

    shown = await catnet(world, "status")
    assert "rolled back" in shown.out
    assert "catnet sync --force" in " ".join(shown.out.split())
    history = await world.api("GET", "/api/v1/deployments/history")
    assert history["deployments"][0]["mode"] == "rollback"
    assert history["deployments"][0]["cause"].startswith("user ")
    page = await catnet(world, "backup", "list", "edge1", "--json")
    listed = json.loads(page.out)
    api = await world.api("GET", "/api/v1/devices/edge1/backups")
    assert [each["id"] for each in api["backups"]] == [each["id"] for each in listed]

    again = await catnet(world, "backup", "restore", listed[0]["id"], "--no-dry-run", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["state"] == "complete"
    assert LINE in edge.startup()


async def test_a_file_of_another_device_is_refused_in_one_line(world: World) -> None:
    await changed(world)
    saved = world.home / "core1.cfg"
    saved.write_text(world.fleet["core1"].running())
    refused = await catnet(
        world, "rollback", "--device", "edge1", "--backup", str(saved), "--no-dry-run"
    )
    assert refused.code == 1
    error, step = refused.err.strip().splitlines()[-2:]
    assert error == "error: core1.cfg is a configuration of core1, not of edge1"
    assert "--force" in step
    unknown = await catnet(world, "rollback", "--device", "edge7")
    assert unknown.code == 1
    assert "no device 'edge7'" in unknown.err


async def test_kill_9_in_the_middle_of_a_rollback(world: World) -> None:
    await changed(world)
    edge = world.fleet["edge1"]
    line = "no ip host rolled"
    edge.inject(Fault(what=What.SLOW, when=When(match=line), times=1, seconds=40.0))
    asked = asyncio.ensure_future(
        catnet(world, "rollback", "--device", "edge1", "--no-dry-run", "--no-wait")
    )
    await until(lambda: any(line in each for _, each in edge.transcript()))
    await world.kill_daemon()
    assert (await asked).code == 0
    await world.start_daemon()
    [made] = [
        each
        for each in (await world.api("GET", "/api/v1/deployments/history"))["deployments"]
        if each["mode"] == "rollback"
    ]
    ended = await world.deployment(made["id"], timeout=PATIENCE)
    assert ended["state"] == "complete", ended["summary"]
    assert LINE not in edge.running()
    assert LINE not in edge.startup()
    assert not edge.pending_revert
