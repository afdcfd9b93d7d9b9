"""What an operator was promised, line by line, of a daemon as it runs: by CLI, API, page, metrics.

The promises go on from one another, on one world: what one sees, the next one types, and so on. A
test that is run without those before it makes up for them first.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime

import aiohttp
import pytest
import pytest_asyncio

from catnet_controller.demo.world import World
from catnet_controller.simulator.faults import Fault, What, When
from tests.integration.test_cli_commands import Ended, run

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PATIENCE = 60.0
BY_HAND = "ip host byhand 192.0.2.88"
UNDO = "no ip host byhand"
PASSWORD = "seven grey geese on a lake"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("acceptance") / "world", time_scale=60.0) as made:
        await made.start_daemon()
        head = await made.github.head()
        await made.github.wait_status(head, "catnet/deploy", timeout=PATIENCE)
        body = {"name": "ada", "role": "operator", "password": PASSWORD}
        await made.api("POST", "/api/v1/users", body)
        made.fleet["edge1"].type([BY_HAND])
        yield made


@pytest.fixture(scope="module")
def kept() -> set[str]:
    """The promises that were tried on this world."""
    return set()


@pytest_asyncio.fixture(loop_scope="module")
async def world(request: pytest.FixtureRequest, lasting: World, kept: set[str]) -> World:
    """The world as the promises before this one left it."""
    for name, promise in list(vars(request.module).items()):
        if name == request.function.__name__:
            break
        if name.startswith("test_") and name not in kept:
            kept.add(name)
            await promise(lasting)
    kept.add(request.function.__name__)
    return lasting


async def catnet(world: World, *arguments: str, stdin: str = "") -> Ended:
    environ = {
        "CATNET_URL": world.url,
        "CATNET_HTTP_TOKEN": world.token,
        "XDG_STATE_HOME": str(world.home / "person"),
    }
    folder = world.home / "elsewhere"
    folder.mkdir(exist_ok=True)
    return await run(*arguments, cwd=folder, environ=environ, stdin=stdin.encode())


async def read(world: World, path: str) -> str:
    headers = {"Authorization": f"Bearer {world.token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(world.url + path) as it:
        assert it.status == 200, path
        return await it.text()


def typed(world: World) -> list[str]:
    return [line for _, line in world.fleet["edge1"].transcript()]


async def test_login_returns_a_token_and_a_wrong_password_does_not(world: World) -> None:
    wrong = await catnet(world, "login", "ada", "--password-stdin", stdin="not this one, no")
    assert (wrong.code, "password is wrong" in wrong.err) == (1, True)
    right = await catnet(world, "login", "ada", "--password-stdin", stdin=PASSWORD)
    assert right.code == 0, right.err
    assert "user ada (operator)" in (await catnet(world, "whoami")).out


async def test_a_dry_run_shows_exactly_what_would_be_sent_and_sends_nothing(
    world: World,
) -> None:
    before = len(typed(world))
    ended = await catnet(world, "deploy", "--device", "edge1", "--json")
    assert ended.code == 0, ended.err
    [job] = json.loads(ended.out)["jobs"]
    assert job["outcome"]["commands"] == [UNDO]
    assert f"-{BY_HAND}" in job["outcome"]["diff"]
    assert BY_HAND in world.fleet["edge1"].running()
    for line in typed(world)[before:]:
        assert line in ("", "exit") or line.startswith(("show ", "terminal ")), line


async def test_no_dry_run_verify_sends_just_that_and_proves_it(world: World) -> None:
    before = len(typed(world))
    ended = await catnet(world, "deploy", "--device", "edge1", "--no-dry-run", "--verify", "--json")
    assert ended.code == 0, ended.err
    [job] = json.loads(ended.out)["jobs"]
    sent = typed(world)[before:]
    # Between what looks and what arms, proves, confirms and saves there is only this.
    assert [line for line in sent if line.startswith(("no ", "ip ", "interface "))] == [UNDO]
    assert "prove" in job["outcome"]["steps"]
    # Before and after: health, and the whole running-config.
    assert sum(line.startswith("show ip interface brief") for line in sent) >= 2
    assert sum(line.startswith("show running-config") for line in sent) >= 2
    assert BY_HAND not in world.fleet["edge1"].startup()


async def test_the_backup_before_the_change_is_a_file_with_its_time(world: World) -> None:
    found = (await world.api("GET", "/api/v1/devices/edge1"))["before"]
    assert re.fullmatch(r"edge1/\d{8}T\d{6}\.\d{3}Z-[0-9a-f]+", found)
    file = world.home / "state/backups" / f"{found}.cfg"
    assert BY_HAND in file.read_text()
    taken = datetime.strptime(found[6:21] + "+0000", "%Y%m%dT%H%M%S%z")
    assert abs(taken.timestamp() - file.stat().st_mtime) < 120


async def test_rollback_of_the_device_restores_it(world: World) -> None:
    ended = await catnet(world, "rollback", "--device", "edge1", "--no-dry-run")
    assert ended.code == 0, ended.err
    assert BY_HAND in world.fleet["edge1"].startup()


async def test_discrepancies_are_listed_and_taken_back(world: World) -> None:
    edge = world.fleet["edge1"]
    edge.inject(Fault(what=What.FORGET, when=When(match=f"^{UNDO}")))
    ended = await catnet(world, "deploy", "--device", "edge1", "--no-dry-run", "--verify")
    edge.clear()
    assert ended.code == 1
    assert f"what runs is not what was promised; still to do: -{BY_HAND}" in ended.out
    assert BY_HAND in edge.running()


async def test_pending_running_complete_by_cli_api_page_and_metrics(world: World) -> None:
    edge = world.fleet["edge1"]
    edge.inject(Fault(what=What.SLOW, when=When(match=f"^{UNDO}"), seconds=900.0))
    words = ("deploy", "--device", "edge1", "--no-dry-run", "--no-wait", "--json")
    number = json.loads((await catnet(world, *words)).out)["id"]
    async with asyncio.timeout(PATIENCE):
        while 'catnet_queue_depth{queue="running"} 1.0' not in await read(world, "/metrics"):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    found = await world.api("GET", f"/api/v1/deployments/{number}")
    assert (found["state"], found["jobs"][0]["state"]) == ("running", "running")
    listed = json.loads((await catnet(world, "deployment", "list", "--json")).out)
    assert [it["id"] for it in listed] == [number]
    assert "running" in await read(world, f"/deployments/{number}")
    edge.clear()
    ended = await catnet(world, "deployment", "watch", str(number))
    assert (ended.code, "complete" in ended.out) == (0, True)
    assert (await world.api("GET", f"/api/v1/deployments/{number}"))["state"] == "complete"
    assert "complete" in await read(world, f"/deployments/{number}")
    assert BY_HAND not in edge.running()


async def test_a_users_deployments_are_found_through_the_user(world: World) -> None:
    got = await world.api("GET", "/api/v1/deployments?cause=user%20ada")
    modes = [it["mode"] for it in got["deployments"]]
    assert modes == ["push", "push", "rollback", "push", "dry-run"]
    ended = await catnet(world, "deployment", "history", "--by", "ada", "--json")
    assert [it["id"] for it in json.loads(ended.out)] == [it["id"] for it in got["deployments"]]
    everything = await world.api("GET", "/api/v1/deployments/history")
    assert len(everything["deployments"]) > len(modes)


async def test_metrics_count_deployments_successes_failures_and_durations(world: World) -> None:
    text = await read(world, "/metrics")

    def value(name: str, **labels: str) -> float:
        told = ",".join(f'{key}="{each}"' for key, each in labels.items())
        found = re.search(rf"(?m)^{re.escape(f'{name}{{{told}}}')} (\S+)$", text)
        assert found, (name, labels)
        return float(found[1])

    history = (await world.api("GET", "/api/v1/deployments/history"))["deployments"]
    counted = Counter((str(it["mode"]), str(it["state"])) for it in history)
    assert {
        ("push", "complete"),
        ("push", "failed"),
        ("rollback", "complete"),
    } <= counted.keys()
    for (mode, state), number in counted.items():
        assert value("catnet_deploy_total", mode=mode, result=state) == number
    for mode in ("push", "rollback", "dry-run"):
        number = sum(count for (one, _), count in counted.items() if one == mode)
        assert value("catnet_deploy_duration_seconds_count", mode=mode) == number
    assert value("catnet_deploy_duration_seconds_sum", mode="push") > 0


async def test_an_error_is_a_line_that_says_what_to_do(world: World) -> None:
    for words in (
        ("rollback", "--device", "edge1", "--backup", "edge1/none"),
        ("device", "remove", "edge1"),
    ):
        ended = await catnet(world, *words)
        assert ended.code == 1, words
        assert re.match(r"error: .+\nnext: .+\n$", ended.err), ended.err
    assert "Traceback" not in world.log.read_text()
