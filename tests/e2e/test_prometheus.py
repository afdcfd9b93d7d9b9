"""A real Prometheus beside a running daemon: metrics, rules and every query of the dashboard."""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from catnet_controller.demo.world import World, free_port

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/catnet.json"
PATIENCE = 45.0

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="Prometheus is not installed (Debian package prometheus)",
)


def promtool(*arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(
        ["promtool", *arguments], cwd=RULES, input=given, capture_output=True, check=False
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def test_the_shipped_rules_speak_when_they_should_and_only_then() -> None:
    promtool("check", "config", "prometheus.yml")
    said = promtool("test", "rules", "tests.yml")
    assert "SUCCESS" in said
    tried = (RULES / "tests.yml").read_text()
    for group in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert tried.count(rule["alert"]) >= 2, "tested silent, and tested firing"


class Prometheus:
    """A server that scrapes the daemon twice a second, with the rules as they are shipped."""

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        settings = yaml.safe_load((RULES / "prometheus.yml").read_text())
        settings["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
        settings["rule_files"] = [str(RULES / name) for name in settings["rule_files"]]
        settings["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))

    async def __aenter__(self) -> "Prometheus":
        self._http = aiohttp.ClientSession(f"http://127.0.0.1:{self._port}")
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                "prometheus",
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                stdout=log,
                stderr=log,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def query(self, text: str) -> list[dict[str, Any]]:
        async with self._http.get("/api/v1/query", params={"query": text}) as answer:
            got = await answer.json()
        assert got["status"] == "success", got
        found: list[dict[str, Any]] = got["data"]["result"]
        return found

    async def until(self, text: str) -> list[dict[str, Any]]:
        """What the query gives once it gives something."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    # It is not there yet, or answers 503 while it starts.
                    with contextlib.suppress(aiohttp.ClientError):
                        if found := await self.query(text):
                            return found
                    await asyncio.sleep(0.2)
        except TimeoutError:
            pytest.fail(f"nothing came of {text}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, time_scale=60.0, poll_interval="2s") as made:
        yield made


def queries() -> list[str]:
    board = json.loads(DASHBOARD.read_text())
    return [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in board["panels"]
        for target in panel["targets"]
    ]


async def test_it_scrapes_the_daemon_and_every_query_of_the_dashboard_gives_data(
    world: World, tmp_path: Path
) -> None:
    await world.start_daemon()
    (tmp_path / "scraper").mkdir()
    async with Prometheus(tmp_path / "scraper", world.url.removeprefix("http://")) as it:
        # Both ends of an increase: the counters are there, at 0, before anything happens.
        await it.until('catnet_deploy_total{mode="check",result="complete"} == 0')
        head = await world.github.head()
        await world.github.wait_status(head, "catnet/deploy", timeout=PATIENCE)
        await world.api("POST", "/api/v1/deployments", {"mode": "check"})
        await it.until('catnet_deploy_total{mode="check",result="complete"} == 1')
        lab = {"name": "lab9", "host": "198.51.100.9"}
        await world.api("POST", "/api/v1/devices", lab)
        await it.until('catnet_device_info{device="lab9"}')
        for query in queries():
            await it.until(query)
        text = await page(world)
        await world.api("DELETE", "/api/v1/devices/lab9")
        await it.until('catnet_device_info unless catnet_device_info{device="lab9"}')
        await it.until('absent(catnet_device_info{device="lab9"})')
        assert await it.query('{__name__=~"catnet_.*",device="lab9"}') == []
        await it.until("catnet:devices_in_sync:ratio == 1")
        firing = await it.query('ALERTS{alertstate="firing"}')
        assert firing == []
    promtool("check", "metrics", given=text)
    ended = rb'(?m)^catnet_deploy_total\{mode="push",result="complete"\} 1\.0$'
    assert re.search(ended, text)


async def page(world: World) -> bytes:
    async with aiohttp.ClientSession() as http, http.get(f"{world.url}/metrics") as answer:
        assert answer.status == 200
        return await answer.read()
