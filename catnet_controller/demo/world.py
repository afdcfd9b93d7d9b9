"""The world around a daemon: simulated devices, a GitHub stand-in, and the daemon as a process.

Everything is real but the vendor: SSH to the devices, HTTP and signed webhooks to the stand-in,
git below it, and `catnet run` as its own process, started as in production.
"""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Self

import aiohttp

from catnet_controller.demo.standin import GithubStandIn
from catnet_controller.errors import DaemonUnreachable
from catnet_controller.models import Revision
from catnet_controller.policy import desired
from catnet_controller.simulator.fleet import DeviceSpec, Fleet

REPOSITORY = "acme/network-config"
USERNAME = "catnet"
READY_SECONDS = 30.0

_SETTINGS = """\
github:
  repository: {repository}
  branch: main
  api_url: {api_url}
  token: env:CATNET_DEMO_GITHUB_TOKEN
  webhook_secrets: [env:CATNET_DEMO_WEBHOOK_SECRET]
  poll_interval: {poll_interval}
  write_spacing: 50ms
deploy:
  mode: push
  revert_timer: 5m
drift:
  interval: 0s
devices:
  known_hosts: known_hosts
  credentials:
    default:
      username: {username}
      password: env:CATNET_DEMO_PASSWORD
store:
  path: state
http:
  listen: 127.0.0.1:{port}
  webhook_listen: 127.0.0.1:{webhook_port}
  public_url: http://127.0.0.1:{port}
  token: env:CATNET_DEMO_TOKEN
log:
  level: info
  format: json
"""


def sample_files() -> dict[str, bytes]:
    """The sample config repository by path, from the installed package or the source tree."""
    packaged = resources.files("catnet_controller.demo") / "sample-repo"
    root = Path(str(packaged))
    if not root.is_dir():
        root = Path(__file__).parents[2] / "sample-repo"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


class World:
    """Devices, GitHub and the daemon, all on loopback, all below ``home``; an async context.

    ``time_scale`` is how many seconds pass on a device in one real second. ``poll_interval`` is
    the daemon's, as written in catnet.yaml.
    """

    def __init__(self, home: Path, *, time_scale: float = 20.0, poll_interval: str = "30s") -> None:
        self.home = home
        self.token = secrets.token_urlsafe(24)
        self.person = ("demo", secrets.token_urlsafe(12))
        """Name and password of a user who may sign in, once ``add_person`` was called."""
        self._password = secrets.token_urlsafe(12)
        self._github_token = secrets.token_urlsafe(24)
        self._webhook_secret = secrets.token_urlsafe(24)
        self._time_scale = time_scale
        self._poll_interval = poll_interval
        self._stack = contextlib.AsyncExitStack()
        self._port = 0
        self._webhook_port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._http: aiohttp.ClientSession | None = None
        self.fleet: Fleet
        self.github: GithubStandIn

    @property
    def url(self) -> str:
        """Where the status page is."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def webhook_url(self) -> str:
        """Where webhooks are delivered to."""
        return f"http://127.0.0.1:{self._webhook_port}/webhook/github"

    @property
    def config(self) -> Path:
        """The daemon's catnet.yaml."""
        return self.home / "catnet.yaml"

    @property
    def log(self) -> Path:
        """What the daemon wrote to its log."""
        return self.home / "daemon.log"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret of this world; none may be seen in what it produces."""
        kept = (self._password, self._github_token, self._webhook_secret)
        return (self.token, self.person[1], *kept)

    async def __aenter__(self) -> Self:
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _build(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        files = sample_files()
        snapshot = desired.build(files, Revision(sha="0" * 40, ref="branch/main"))
        assert not snapshot.problems, snapshot.problems
        # Each device starts with what the repository wants, and one user with our password.
        specs = [
            DeviceSpec(name=name, config=each.text, username=USERNAME, password=self._password)
            for name, each in snapshot.desired.items()
        ]
        self.fleet = await self._stack.enter_async_context(
            Fleet(specs, time_scale=self._time_scale)
        )
        seed = self.home / "seed"
        self._write_seed(seed, files)
        self.github = await self._stack.enter_async_context(
            GithubStandIn(
                repository=REPOSITORY,
                token=self._github_token,
                webhook_secret=self._webhook_secret,
                home=self.home / "github",
                seed=seed,
            )
        )
        self._port = free_port()
        self._webhook_port = free_port()
        self._write_settings()
        self.github.webhook_url = self.webhook_url
        self._http = await self._stack.enter_async_context(
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.token}"})
        )
        self._stack.push_async_callback(self.stop_daemon)

    def _write_seed(self, seed: Path, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            target = seed / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._on_loopback(content) if path == "inventory.yaml" else content)

    def _on_loopback(self, inventory: bytes) -> bytes:
        """The same inventory with the simulated devices' addresses."""
        text = inventory.decode()
        for name in self.fleet.names:
            pattern = rf"(?m)^(  {re.escape(name)}:\n)    host: .*$"
            where = f"    host: 127.0.0.1\n    port: {self.fleet[name].port}"
            text, found = re.subn(pattern, rf"\g<1>{where}", text)
            assert found == 1, f"{name} must be in the sample inventory once"
        return text.encode()

    def _write_settings(self) -> None:
        known = "".join(f"{self.fleet[name].known_hosts_line}\n" for name in self.fleet.names)
        hosts = self.home / "known_hosts"
        hosts.write_text(known, encoding="utf-8")
        hosts.chmod(0o600)
        self.config.write_text(
            _SETTINGS.format(
                repository=REPOSITORY,
                api_url=self.github.url,
                poll_interval=self._poll_interval,
                username=USERNAME,
                port=self._port,
                webhook_port=self._webhook_port,
            ),
            encoding="utf-8",
        )

    # --- the daemon ----------------------------------------------------------------------------

    async def start_daemon(self) -> None:
        """Start `catnet run` and return when it says that it is ready."""
        notify = self.home / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ready:
            ready.bind(str(notify))
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "catnet_controller",
                    "run",
                    "--config",
                    str(self.config),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **self._environment(), "NOTIFY_SOCKET": str(notify)},  # noqa: TID251 - handed on, not read
                )
            await self._until_ready(ready)

    def _environment(self) -> dict[str, str]:
        return {
            "CATNET_DEMO_GITHUB_TOKEN": self._github_token,
            "CATNET_DEMO_WEBHOOK_SECRET": self._webhook_secret,
            "CATNET_DEMO_PASSWORD": self._password,
            "CATNET_DEMO_TOKEN": self.token,
        }

    async def _until_ready(self, ready: socket.socket) -> None:
        assert self._process is not None
        loop = asyncio.get_running_loop()
        process = self._process

        async def heard() -> None:
            while b"READY=1" not in await loop.sock_recv(ready, 4096):
                pass

        try:
            async with asyncio.timeout(READY_SECONDS), asyncio.TaskGroup() as tasks:
                ended = tasks.create_task(process.wait())
                told = tasks.create_task(heard())
                await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
                ready_now = told.done()
                ended.cancel()
                told.cancel()
        except TimeoutError as error:
            raise DaemonUnreachable(
                f"the daemon was not ready within {READY_SECONDS:.0f} s",
                next_step=f"Read its log: {self.log}.",
            ) from error
        if not ready_now:
            raise DaemonUnreachable(
                f"the daemon ended with code {process.returncode} before it was ready",
                next_step=f"Read its log: {self.log}.",
            )

    async def kill_daemon(self) -> None:
        """kill -9, as the out-of-memory killer does."""
        await self._end(signal.SIGKILL)

    def signal_daemon(self, which: signal.Signals) -> None:
        """Send a signal and do not wait for what it does."""
        assert self._process is not None
        self._process.send_signal(which)

    async def stop_daemon(self) -> int | None:
        """SIGTERM: the daemon drains its jobs and ends. Gives its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
        try:
            async with asyncio.timeout(READY_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

    async def add_person(self) -> None:
        """Make the user of ``person``, an admin."""
        name, password = self.person
        body = {"name": name, "password": password, "role": "admin"}
        await self.api("POST", "/api/v1/users", body)

    # --- asking the daemon ---------------------------------------------------------------------

    async def api(self, method: str, path: str, body: object = None) -> Any:
        """A call of the daemon's API; the JSON of the answer. Raises for an error answer."""
        assert self._http is not None
        async with self._http.request(method, f"{self.url}{path}", json=body) as answer:
            if answer.status >= 400:
                raise DaemonUnreachable(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def deployment(self, number: int, *, timeout: float = 30.0) -> Any:
        """A deployment once it is final."""
        async with asyncio.timeout(timeout):
            async for found in self._states_of(number):
                if found["state"] not in ("pending", "running"):
                    return found
        return None

    async def _states_of(self, number: int) -> AsyncIterator[Any]:
        while True:
            yield await self.api("GET", f"/api/v1/deployments/{number}")
            await asyncio.sleep(0.1)


def free_port() -> int:
    """A port of loopback that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
