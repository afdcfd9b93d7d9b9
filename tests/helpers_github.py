"""A GitHub stand-in with a small repository, and the edge of CatNet that talks to it."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from catnet_controller.demo.standin import GithubStandIn
from catnet_controller.github.auth import App
from catnet_controller.github.edge import Edge
from catnet_controller.models import CommentMessage

TOKEN = "ghp_token_of_the_stand_in"
SECRET = "It's a Secret to Everybody"
SEED = {
    "README.md": "# network\n",
    "inventory.yaml": "devices: {}\n",
    "configs/edge1.cfg": "hostname edge1\nend\n",
    "configs/common/ntp.cfg": "ntp server 192.0.2.1\n",
    "docs/notes.txt": "not wanted\n",
}


class RealClock:
    """Implements ports.Clock; ``ahead`` seconds are added to what the machine says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def wanted(path: str) -> bool:
    return path == "inventory.yaml" or path.startswith("configs/")


def note(pull: int, body: str, *, hidden: bool = False) -> CommentMessage:
    return CommentMessage(pull=pull, body=body, hidden=hidden)


def write_seed(home: Path) -> Path:
    seed = home / "seed"
    for path, text in SEED.items():
        target = seed / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return seed


@contextlib.asynccontextmanager
async def hub(home: Path, *, webhook_url: str | None = None) -> AsyncIterator[GithubStandIn]:
    """A running stand-in with the seed committed."""
    async with GithubStandIn(
        token=TOKEN,
        webhook_secret=SECRET,
        webhook_url=webhook_url,
        home=home / "hub",
        seed=write_seed(home),
    ) as running:
        yield running
        assert not running.violations


def edge(
    running: GithubStandIn,
    home: Path,
    *,
    clock: RealClock | None = None,
    token: str | Callable[[], str] | App = TOKEN,
    deadline: float = 10.0,
    spacing: float = 0.0,
    heard: list[int] | None = None,
) -> Edge:
    return Edge(
        repository=running.repository,
        branch=running.branch,
        api_url=running.url,
        token=token,
        clock=clock or RealClock(),
        cache=home / "cache",
        wanted=wanted,
        timeout=5.0,
        deadline=deadline,
        write_spacing=spacing,
        pause=0.01,
        on_rate_limit=None if heard is None else heard.append,
    )
