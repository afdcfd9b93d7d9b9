"""Three daemons as processes on one PostgreSQL database: work shared, taken over, done once."""

import asyncio
import json
import math
import os
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from catnet_controller.demo.world import World, free_port
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_postgres import Cluster
from tests.helpers_simulator import taken_in_turns, typed_twice

DEPLOY = "catnet/deploy"
PATIENCE = 60.0
TAKEN_OVER = 30.0
"""Seconds in which the jobs of a killed daemon are to be done by another."""
LINE = "ntp server 198.51.100.77"


class Daemon:
    """One of them: a process with an address and a log of its own."""

    def __init__(self, world: "Several", number: int) -> None:
        self._world = world
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = world.home / f"daemon{number}.log"
        self._config = world.home / f"catnet{number}.yaml"
        own = world.config.read_text().replace(world.url.rpartition(":")[2], str(port))
        own, found = re.subn(r"(webhook_listen: .*:)\d+", rf"\g<1>{free_port()}", own)
        assert found == 1
        self._config.write_text(own)
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        arguments = ["-m", "catnet_controller", "run", "--config", str(self._config)]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdout=log, stderr=log, env=self._world.environment()
            )

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def ready(self) -> tuple[int, dict[str, str]]:
        """Status and reasons of its readiness; 0 while nobody listens."""
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.url}/readyz") as answer:
                return answer.status, (await answer.json())["reasons"]
        except aiohttp.ClientConnectionError:
            return 0, {}

    async def until_ready(self, status: int) -> dict[str, str]:
        async with asyncio.timeout(PATIENCE):
            while True:
                now, reasons = await self.ready()
                if now == status:
                    return reasons
                await asyncio.sleep(0.1)

    def began(self) -> set[int]:
        """The jobs it began."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{")
        return {line["job"] for line in lines if line.get("event") == "job started"}


class Several(World):
    """The world with a database; its own daemon is never started."""

    def __init__(self, home: Path, database: str) -> None:
        super().__init__(home, poll_interval="1s")
        self._database = database

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._environment(), "CATNET_STORE_URL": self._database}

    async def daemons(self, count: int) -> list[Daemon]:
        text = self.config.read_text()
        text = text.replace("  path: state\n", "  path: state\n  url: env:CATNET_STORE_URL\n")
        text = text.replace("  mode: push\n", "  mode: push\n  concurrency: 1\n")
        self.config.write_text(text)
        made = [Daemon(self, number) for number in range(count)]
        for each in made:
            await each.start()
            self._stack.push_async_callback(each.kill)
        for each in made:
            await each.until_ready(200)
        return made


@pytest.fixture
async def world(tmp_path: Path, postgres: Cluster) -> AsyncIterator[Several]:
    async with Several(tmp_path, postgres.database("daemons")) as made:
        yield made


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.timeout(180)
async def test_work_is_shared_taken_over_and_nothing_is_done_twice(
    world: Several, postgres: Cluster
) -> None:
    """One is killed with a device armed; then the database is away while its lease runs out."""
    daemons = await world.daemons(3)
    began = time.monotonic()
    asked = len(world.github.requests)
    first = await world.github.head()
    assert (await world.github.wait_status(first, DEPLOY, timeout=PATIENCE)).state == "success"

    names = list(world.fleet.names)
    slow = Fault(what=What.SLOW, when=When(match=f"^{LINE}", after=True), seconds=200.0)
    for name in names:
        world.fleet[name].inject(slow)
    before = [each.began() for each in daemons]
    files: dict[str, str | None] = {}
    for name in names:
        text = (world.home / "seed" / f"configs/{name}.cfg").read_text()
        files[f"configs/{name}.cfg"] = f"{text}{LINE}\n"
    sha = await world.github.commit(files, "One more clock")
    await until(lambda: all(world.fleet[name].pending_revert for name in names))
    assert all(each.began() > was for each, was in zip(daemons, before, strict=True)), "shared"

    lost = daemons[0].began() - before[0]
    killed = time.monotonic()
    await daemons[0].kill()
    for name in names:
        world.fleet[name].clear()
    left = daemons[1:]
    await asyncio.sleep(0.5)
    postgres.stop()
    try:
        for each in left:
            reasons = await each.until_ready(503)
            assert "is away" in reasons["store"], reasons
    finally:
        postgres.start()
    for each in left:
        await each.until_ready(200)
    await until(lambda: bool(lost <= left[0].began() | left[1].began()))
    took = time.monotonic() - killed
    assert took < TAKEN_OVER
    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "success", status.description
    for name in names:
        device = world.fleet[name]
        assert LINE in device.startup()
        assert not device.pending_revert
        assert typed_twice(device, "ntp server") == []
        assert not taken_in_turns(device, "ntp server")

    # A look at the branch on behalf of a trigger is unconditional.
    polls = [
        each
        for each in world.github.requests[asked:]
        if each.path.endswith("/git/ref/heads/main") and "If-None-Match" in each.headers
    ]
    once = math.ceil((time.monotonic() - began) / 0.9)
    assert 3 < len(polls) <= once + 2, "one of them polls"
    said = Counter(
        (each.sha, each.context, each.state, each.description) for each in world.github.posted()
    )
    # What was sent as the reporter died, or its database, is sent again; nothing else is.
    twice = [each for each, count in said.items() if count > 1]
    assert len(twice) <= 1, twice
    assert max(said.values()) <= 2, twice
    print(f"taken over after {took:.1f} s; {len(polls)} polls, of {once} possible; twice {twice}")
