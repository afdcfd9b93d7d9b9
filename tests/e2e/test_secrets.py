"""A full run, with a secret of every kind in it; then everything it left is searched for each."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from catnet_controller.demo.world import USERNAME, World
from catnet_controller.devices.vault import DEFAULT, Keyring, Vault, new_key
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_processes import below
from tests.integration.test_cli_commands import Ended, run

PATIENCE = 60.0
KEY = new_key()
COMMUNITY = "Sn4mpCommunityOfTheRun"
LOGIN = "first login: seven grey geese"
MISTYPED = "typed into the wrong field"
AS_NAME = "typed-where-the-name-belongs"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path / "world", time_scale=60.0, poll_interval="5s") as made:
        settings = made.config.read_text()
        a, b = settings.index("  credentials:\n"), settings.index("store:\n")
        (made.home / "community").write_text(COMMUNITY)
        (made.home / "key").write_text(KEY)
        made.config.write_text(
            f"{settings[:a]}  credentials_key: file:key\n"
            f"secrets:\n  community: file:community\n{settings[b:]}"
        )
        vault = Vault(
            made.home / "credentials.yaml", keyring=lambda: Keyring(KEY, source="the test")
        )
        vault.set(DEFAULT, {"username": USERNAME, "password": made._password})
        yield made


def wanted(world: World, *more: str) -> dict[str, str | None]:
    text = (world.home / "seed/configs/edge1.cfg").read_text(encoding="utf-8")
    lines = "".join(f"{line}\n" for line in more)
    anchor = "ip prefix-list OURS seq 5 permit 198.51.100.0/24\n"
    assert anchor in text
    return {"configs/edge1.cfg": text.replace(anchor, anchor + lines, 1)}


class Run:
    """Everything that came out, by where."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.out: dict[str, bytes] = {}
        self.tokens: list[str] = []

    async def cli(self, *arguments: str, stdin: str = "", token: str = "") -> Ended:
        ended = await run(
            *arguments,
            cwd=self.world.home,
            environ={
                "CATNET_URL": self.world.url,
                "CATNET_CONFIG": "/nowhere/catnet.yaml",
                "CATNET_HTTP_TOKEN": token or self.world.token,
                "XDG_STATE_HOME": str(self.world.home.parent / "person"),
            },
            stdin=stdin.encode(),
        )
        said = ended.out + ended.err
        if arguments[:2] == ("token", "add"):
            # Shown once, to who asked for it.
            self.tokens.append(ended.out.strip())
            said = ended.err
        self.out[f"catnet {' '.join(arguments)}"] = said.encode()
        return ended

    async def web(self) -> None:
        """Every page and every answer there is to read."""
        headers = {"Authorization": f"Bearer {self.world.token}"}
        async with aiohttp.ClientSession(self.world.url, headers=headers) as http:
            numbers = [it["id"] for it in (await self.world.api("GET", HISTORY))["deployments"]]
            paths = ["/", "/metrics", "/readyz", "/devices/edge1", *READS]
            for number in numbers:
                paths += [f"/deployments/{number}", f"/api/v1/deployments/{number}"]
            for path in paths:
                async with http.get(path) as answer:
                    self.out[f"GET {path}"] = str(answer.headers).encode() + await answer.read()
                    assert answer.status == 200, path

    def processes(self, daemon: int) -> None:
        for number in (daemon, *below(daemon)):
            self.out[f"arguments of {number}"] = Path(f"/proc/{number}/cmdline").read_bytes()

    def files(self) -> None:
        """All that is below the run but what holds a secret because that is what it is for."""
        own = {"key", "community"}
        for path in self.world.home.rglob("*"):
            inside = path.relative_to(self.world.home)
            kept = inside.parts[0] == "github" or inside.parts[:2] == ("state", "backups")
            if path.is_file() and not kept and str(inside) not in own:
                self.out[f"file {inside}"] = path.read_bytes()

    def github(self, pull: int) -> None:
        stand_in = self.world.github
        self.out["comments"] = repr([it.body for it in stand_in.comments(pull)]).encode()
        self.out["statuses"] = repr(stand_in.posted()).encode()


HISTORY = "/api/v1/deployments/history"
READS = [
    *("/api/v1/status", "/api/v1/devices", "/api/v1/devices/edge1", HISTORY, "/api/v1/users"),
    *("/api/v1/devices/edge1/backups", "/api/v1/devices/edge1/diff", "/api/v1/tokens"),
    *("/api/v1/audit", "/api/v1/gitops/configs", "/api/v1/gitops/configs/configs/edge1.cfg"),
]


async def ended(world: World, sha: str, *contexts: str) -> dict[str, Any]:
    found = {}
    for context in contexts:
        status = await world.github.wait_status(sha, context, timeout=PATIENCE)
        found[context] = status.state
    return found


async def test_no_secret_is_in_anything_that_a_full_run_leaves(world: World) -> None:
    it = Run(world)
    await world.start_daemon()
    assert world._process is not None
    await ended(world, await world.github.head(), "catnet/deploy")

    # People and machines get in, and fail to.
    for words, stdin in (
        (("user", "add", "ada", "--role", "admin", "--password-stdin"), LOGIN),
        (("token", "add", "ci", "--role", "operator"), ""),
        (("login", "ada", "--password-stdin"), LOGIN),
    ):
        done = await it.cli(*words, stdin=stdin)
        assert done.code == 0, done.err
    assert (await it.cli("login", AS_NAME, "--password-stdin", stdin="x")).code == 1
    assert (await it.cli("login", "ada", "--password-stdin", stdin=MISTYPED)).code == 1

    # A pull request that would read a secret, its plan, its merge, a push that the device refuses.
    secret = '{{ secret("community") }}'
    changes = wanted(
        world,
        f"snmp-server community {secret} RO",
        "interface Loopback77",
        f" description {secret}",
    )
    number = await world.github.open_pull("read-it", "Read a secret", changes)
    comment = await world.github.wait_comment(number, containing="edge1", timeout=PATIENCE)
    assert "Loopback77" in comment.body, comment.body
    sha = await world.github.merge_pull(number)
    assert (await ended(world, sha, "catnet/deploy"))["catnet/deploy"] == "success"
    assert COMMUNITY in world.fleet["edge1"].running(), "it got where it belongs"
    world.fleet["edge1"].inject(Fault(what=What.REJECT, when=When(match="^snmp-server community")))
    text = wanted(world, f"snmp-server community {secret}x RW")
    sha = await world.github.commit(text, "Have it refused")
    assert (await ended(world, sha, "catnet/deploy"))["catnet/deploy"] == "failure"
    world.fleet["edge1"].clear()
    await it.cli("rollback", "--device", "edge1", "--no-dry-run", "--json")
    await world.api("PUT", "/api/v1/log", {"level": "debug"})
    await it.cli("device", "check", "edge1", token=it.tokens[0])

    await it.web()
    it.processes(world._process.pid)
    it.github(number)
    assert await world.stop_daemon() == 0
    it.files()
    session = (world.home.parent / "person/catnet/sessions.json").read_text()
    jwt = session.partition('"token": "')[2].partition('"')[0]
    assert jwt.count(".") == 2

    assert len(it.out) > 40
    assert b"Loopback77" in b"".join(it.out.values())
    for value in (*world.secrets, KEY, COMMUNITY, LOGIN, MISTYPED, AS_NAME, *it.tokens, jwt):
        assert len(value) > 8
        found = [where for where, text in it.out.items() if value.encode() in text]
        assert not found, f"a secret ({value[:3]}…) is in {found}"
