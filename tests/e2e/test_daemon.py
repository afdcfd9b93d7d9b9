"""The daemon as a process, against simulated devices and GitHub: killed, stopped, deaf."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.demo.ledger import Fault as Refusal
from catnet_controller.demo.ledger import Trouble
from catnet_controller.demo.world import USERNAME, World
from catnet_controller.devices.vault import DEFAULT, Keyring, Vault, new_key
from catnet_controller.errors import DaemonUnreachable
from catnet_controller.simulator.faults import Fault, What, When
from tests import helpers_processes

DEPLOY = "catnet/deploy"
PATIENCE = 45.0
PREFIXES = "".join(f"ip prefix-list OURS seq {n} permit 198.18.{n}.0/24\n" for n in range(10, 40))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, time_scale=20.0) as made:
        yield made


async def until(true: Callable[[], bool]) -> None:
    """Wait for something seen from outside a process, which has no event for it."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def status_that_says(world: World, what: str) -> Any:
    """The daemon's own status, as soon as it has something of this."""
    async with asyncio.timeout(PATIENCE):
        while not (status := await world.api("GET", "/api/v1/status"))[what]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return status


def seeded(world: World, path: str) -> str:
    return (world.home / "seed" / path).read_text(encoding="utf-8")


def more_prefixes(world: World) -> dict[str, str | None]:
    text = seeded(world, "configs/edge1.cfg")
    line = "ip prefix-list OURS seq 5 permit 198.51.100.0/24\n"
    assert line in text
    return {"configs/edge1.cfg": text.replace(line, line + PREFIXES)}


async def first_look(world: World) -> None:
    await world.start_daemon()
    status = await world.github.wait_status(await world.github.head(), DEPLOY, timeout=PATIENCE)
    assert status.state == "success"


def typed(world: World, device: str) -> list[str]:
    return [line for _, line in world.fleet[device].transcript()]


def assert_has_everything(world: World) -> None:
    edge = world.fleet["edge1"]
    for text in (edge.running(), edge.startup()):
        for line in PREFIXES.splitlines():
            assert line in text
    assert not edge.pending_revert


@pytest.mark.parametrize(
    "line", ["seq 11 ", "seq 25 ", "seq 39 ", "configure confirm", "write memory"]
)
async def test_kill_9_during_a_push_ends_in_the_same_state(world: World, line: str) -> None:
    await first_look(world)
    edge = world.fleet["edge1"]
    edge.inject(Fault(what=What.SLOW, when=When(match=line), times=1, seconds=40.0))
    sha = await world.github.commit(more_prefixes(world), "Announce more prefixes")
    await until(lambda: any(line in each for each in typed(world, "edge1")))

    await world.kill_daemon()
    await world.start_daemon()

    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "success", status.description
    assert_has_everything(world)
    (state,) = [
        d for d in (await world.api("GET", "/api/v1/devices"))["devices"] if d["name"] == "edge1"
    ]
    assert (state["sync"], state["revision"]) == ("in-sync", sha)


async def test_what_a_bad_token_kept_back_is_said_once_the_token_is_good(tmp_path: Path) -> None:
    async with World(tmp_path, poll_interval="1s") as world:
        await first_look(world)
        edge = world.fleet["edge1"]
        edge.inject(Fault(what=What.SLOW, when=When(match="seq 20 "), times=1, seconds=40.0))
        sha = await world.github.commit(more_prefixes(world), "Announce more prefixes")
        await until(lambda: any("seq 20 " in each for each in typed(world, "edge1")))
        good, world.github.token = world.github.token, "another one"
        await until(lambda: b"reports held up" in world.log.read_bytes())
        world.github.token = good
        status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
        assert status.state == "success", status.description
        assert b"report given up" not in world.log.read_bytes()


async def test_a_pull_request_that_cannot_be_read_is_said_and_all_else_goes_on(
    world: World,
) -> None:
    refusal = Refusal(
        trouble=Trouble.ANSWER, status=403, message="no", path=r"/pulls/\d+$", times=10**6
    )
    world.github.inject(refusal)
    await first_look(world)
    number = await world.github.open_pull("more", "More", more_prefixes(world))
    status = await status_that_says(world, "held_up")
    assert status["ready"], status["reasons"]
    assert "Give the token this permission" in status["held_up"][f"pull/{number}"]
    world.github.faults.clear()


async def test_a_branch_that_cannot_be_planned_makes_the_daemon_unready(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        refusal = Refusal(
            trouble=Trouble.ANSWER, status=403, message="no", path="/git/trees/", times=10**6
        )
        world.github.inject(refusal)
        await world.start_daemon()
        status = await status_that_says(world, "reasons")
        assert "Contents: read" in status["reasons"]["branch"]
        assert status["held_up"] == {}


async def test_sigterm_drains_the_push_and_delivers_its_status(world: World) -> None:
    await first_look(world)
    world.fleet["edge1"].inject(
        Fault(what=What.SLOW, when=When(match="seq 20 "), times=1, seconds=20.0)
    )
    sha = await world.github.commit(more_prefixes(world), "Announce more prefixes")
    await until(lambda: any("seq 20 " in each for each in typed(world, "edge1")))

    assert await world.stop_daemon() == 0

    assert_has_everything(world)
    assert world.github.statuses(sha)[DEPLOY].state == "success"


async def test_a_second_signal_stops_at_once_and_the_next_start_finishes(world: World) -> None:
    await first_look(world)
    world.fleet["edge1"].inject(
        Fault(what=What.SLOW, when=When(match="seq 20 "), times=1, seconds=1200.0)
    )
    sha = await world.github.commit(more_prefixes(world), "Announce more prefixes")
    await until(lambda: any("seq 20 " in each for each in typed(world, "edge1")))

    world.signal_daemon(signal.SIGTERM)
    await until(lambda: b"draining" in world.log.read_bytes())
    began = time.monotonic()
    assert await world.stop_daemon() == 130
    assert time.monotonic() - began < 10, "it did not wait for the device"
    assert b"Traceback" not in world.log.read_bytes()

    world.fleet["edge1"].clear()
    await world.start_daemon()
    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "success", status.description
    assert_has_everything(world)


async def test_a_second_daemon_on_the_same_store_is_refused(world: World) -> None:
    await first_look(world)
    first = world._process
    with pytest.raises(DaemonUnreachable, match="ended with code 1 "):
        await world.start_daemon()
    world._process = first
    assert b"is in use by process" in world.log.read_bytes()
    assert (await world.api("GET", "/api/v1/status"))["ready"] is True


async def test_a_port_for_webhooks_that_is_taken_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = world.github.url.removeprefix("http://")
    monkeypatch.setenv("CATNET_HTTP_WEBHOOK_LISTEN", taken)
    with pytest.raises(DaemonUnreachable, match="ended with code"):
        await world.start_daemon()
    assert f"http.webhook_listen: cannot listen on {taken}" in world.log.read_text("utf-8")


async def test_ports_that_exclude_each_other_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATNET_HTTP_LISTEN", "127.0.0.1:18731")
    monkeypatch.setenv("CATNET_HTTP_WEBHOOK_LISTEN", "0.0.0.0:18731")
    with pytest.raises(DaemonUnreachable, match="ended with code"):
        await world.start_daemon()
    told = "http.webhook_listen 0.0.0.0:18731 and http.listen 127.0.0.1:18731 have one port"
    assert told in world.log.read_text("utf-8")


async def test_a_receiver_that_hangs_ends_with_a_killed_daemon(world: World) -> None:
    await first_look(world)
    assert world._process is not None
    [process] = helpers_processes.receivers(world._process.pid)
    os.kill(process, signal.SIGSTOP)
    await world.kill_daemon()
    await until(lambda: not helpers_processes.running(process))
    await first_look(world)


async def test_a_lost_webhook_is_made_good_by_polling(tmp_path: Path) -> None:
    async with World(tmp_path, poll_interval="1s") as world:
        await first_look(world)
        sha = await world.github.commit(more_prefixes(world), "Announce", webhook=False)
        status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
        assert status.state == "success", status.description
        assert_has_everything(world)


async def test_one_port_for_everything_is_the_daemons_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATNET_HTTP_WEBHOOK_LISTEN", world.url.removeprefix("http://"))
    world.github.webhook_url = f"{world.url}/webhook/github"
    await first_look(world)
    assert world._process is not None
    assert helpers_processes.receivers(world._process.pid) == []
    sha = await world.github.commit(more_prefixes(world), "Announce more prefixes")
    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "success", status.description


async def test_the_process_that_takes_webhooks_survives_kills(world: World) -> None:
    await first_look(world)

    async def pushed(message: str, files: dict[str, str | None]) -> None:
        sha = await world.github.commit(files, message)
        status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
        assert status.state == "success", status.description

    def receivers() -> list[int]:
        assert world._process is not None
        return helpers_processes.receivers(world._process.pid)

    [first] = receivers()
    assert not any(secret in helpers_processes.told(first) for secret in world.secrets)
    await pushed("Announce more prefixes", more_prefixes(world))
    assert_has_everything(world)
    # Told, not polled: the interval is longer than the test.
    assert b'"verdict": "accepted"' in world.log.read_bytes()

    helpers_processes.end([first])
    await until(lambda: bool(receivers()))
    await pushed("Take them back", {"configs/edge1.cfg": seeded(world, "configs/edge1.cfg")})

    # Gone with its daemon, however that ends, so that the next one gets the port.
    [second] = receivers()
    await world.kill_daemon()
    await until(lambda: not helpers_processes.running(second))
    await world.start_daemon()
    await pushed("Announce them again", more_prefixes(world))
    assert await world.stop_daemon() == 0


async def test_what_happened_while_it_was_down_is_found_at_start(world: World) -> None:
    await first_look(world)
    assert await world.stop_daemon() == 0
    sha = await world.github.commit(more_prefixes(world), "Announce", webhook=False)
    await world.start_daemon()
    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "success", status.description
    assert_has_everything(world)


async def test_a_rollback_asked_for_by_a_comment_survives_a_kill(world: World) -> None:
    text = world.config.read_text()
    asked_for = "github:\n  deployments: true\n  commands: {enabled: true, users: ada}\n"
    world.config.write_text(text.replace("github:\n", asked_for))
    await first_look(world)
    number = await world.github.open_pull("more", "More prefixes", more_prefixes(world))
    sha = await world.github.merge_pull(number)
    await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    edge = world.fleet["edge1"]
    edge.inject(Fault(what=What.SLOW, when=When(match="seq 20 "), times=1, seconds=40.0))
    before = len(typed(world, "edge1"))
    asked = await world.github.add_comment(
        number, "/catnet rollback edge1", login="ada", webhook=True
    )
    await until(lambda: any("seq 20 " in each for each in typed(world, "edge1")[before:]))

    await world.kill_daemon()
    await world.start_daemon()

    mark = f"catnet:answer:{asked.id}"
    answer = await world.github.wait_comment(number, containing=mark, timeout=PATIENCE)
    assert "edge1 rolled back, verified and saved" in answer.body
    await until(lambda: asked.reactions == ["eyes", "rocket"])
    assert "seq 20 permit" not in edge.startup()
    assert len([each for each in world.github.comments(number) if mark in each.body]) == 1
    assert {each.states[-1][0] for each in world.github.records if each.sha == sha} == {"success"}


async def test_a_revision_with_problems_touches_no_device_and_lists_them(world: World) -> None:
    await first_look(world)
    broken = seeded(world, "inventory.yaml").replace("    port:", "    prot:", 1)
    sha = await world.github.commit({"inventory.yaml": broken}, "Mistype")
    status = await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    assert status.state == "failure"
    assert "inventory.yaml:" in status.description
    assert "prot" in status.description
    assert not [
        line for name in world.fleet.names for line in typed(world, name) if "conf" in line[:4]
    ]


async def test_no_secret_is_in_anything_it_writes(world: World) -> None:
    await first_look(world)
    sha = await world.github.commit(more_prefixes(world), "Announce more prefixes")
    await world.github.wait_status(sha, DEPLOY, timeout=PATIENCE)
    pages = [
        await world.api("GET", f"/api/v1/{path}") for path in ("devices", "deployments/history")
    ]
    assert await world.stop_daemon() == 0
    written = [
        path.read_bytes()
        for path in world.home.rglob("*")
        if path.is_file() and not path.is_relative_to(world.home / "github")
    ]
    written.append(repr(pages).encode())
    for secret in world.secrets:
        assert not [text for text in written if secret.encode() in text]


async def test_logins_of_credentials_yaml_show_nowhere(world: World) -> None:
    text = world.config.read_text()
    own = re.search(r"(?m)^  credentials:\n(?:    .*\n)+", text)
    assert own is not None
    world.config.write_text(text.replace(own[0], "  credentials_key: file:key\n"))
    key = new_key()
    (world.home / "key").write_text(key)
    vault = Vault(world.home / "credentials.yaml", keyring=lambda: Keyring(key, source="test"))
    login = {"username": USERNAME, "password": world._password}
    vault.set(DEFAULT, login | {"password": "not-yet-the-right-one"})
    await world.start_daemon()
    await until(lambda: b"refused the user of credential" in world.log.read_bytes())
    # Corrected while it runs, the next look takes it.
    vault.set(DEFAULT, login)
    await world.api("POST", "/api/v1/gitops/sync", {"force": True})
    status = await world.github.wait_status(await world.github.head(), DEPLOY, timeout=PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while status.state != "success":
            await asyncio.sleep(0.05)
            status = world.github.statuses(await world.github.head())[DEPLOY]
    shown = [await world.api("GET", f"/api/v1/{path}") for path in ("devices", "status")]
    assert await world.stop_daemon() == 0
    written = [
        path.read_bytes()
        for path in world.home.rglob("*")
        if path.is_file() and path.name != "key" and not path.is_relative_to(world.home / "github")
    ]
    written.append(repr(shown).encode())
    for secret in (*world.secrets, "not-yet-the-right-one", key):
        assert not [text for text in written if secret.encode() in text]
