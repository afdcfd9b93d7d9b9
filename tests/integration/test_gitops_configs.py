"""The files of the repository: listed and shown without secrets, also while GitHub is away."""

from pathlib import Path

import pytest

from catnet_controller.app.connecting import connect
from catnet_controller.demo.standin import GithubStandIn
from catnet_controller.errors import GithubDenied, NoSuchConfig, NotVisibleYet, RepositoryMoved
from catnet_controller.github.edge import Edge
from catnet_controller.pipeline.configs import Configs
from catnet_controller.settings import load
from tests.helpers_flow import TOKEN, Flow, config, flow


def configs(it: Flow, edge: Edge) -> Configs:
    return Configs(branch="main", triggers=it.store, repository=edge.source, kept=edge.source.kept)


async def test_what_was_seen_once_is_shown_after_a_start_without_github(tmp_path: Path) -> None:
    async with flow(tmp_path) as it:
        shown = configs(it, it.edge)
        with pytest.raises(NotVisibleYet):
            await shown.listed()
        await it.trigger()
        head = await it.github.head()
        assert await shown.connect() == head
        sha, files = await shown.listed()
        assert (sha, list(files)) == (head, ["configs/a.cfg", "configs/b.cfg", "inventory.yaml"])
        # Another process, and nobody listens where GitHub was.
        async with Edge(
            repository=it.github.repository,
            branch="main",
            api_url="http://127.0.0.1:9",
            token=TOKEN,
            clock=it.clock,
            cache=tmp_path / "blobs",
            wanted=lambda _: True,
            timeout=0.5,
        ) as away:
            alone = configs(it, away)
            assert await alone.listed() == (sha, files)
            _, text = await alone.show("configs/a.cfg")
            assert text.startswith("hostname a\n")
            assert "$9$" in config("a")
            assert "$9$" not in text
            with pytest.raises(NoSuchConfig, match=r"there is no ../a in the repository at"):
                await alone.show("../a")


async def test_connect_says_what_is_there_or_in_the_way(tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    (seed / "configs").mkdir(parents=True)
    (seed / "inventory.yaml").write_text("devices:\n  a:\n    hots: 192.0.2.1\n")
    async with GithubStandIn(
        token=TOKEN, webhook_secret="secret", home=tmp_path / "hub", seed=seed
    ) as github:
        text = f"github: {{repository: other/one, token: 'file:token', api_url: '{github.url}'}}\n"
        (tmp_path / "catnet.yaml").write_text(text)
        (tmp_path / "token").write_text(TOKEN)
        settings = load(tmp_path / "catnet.yaml")
        found = await connect(settings, github.repository)
        assert (found.named, found.snapshot.revision.sha) == (False, await github.head())
        assert str(found.snapshot.problems[0]).startswith("inventory.yaml:")
        with pytest.raises(RepositoryMoved):
            await connect(settings, "other/one")
        (tmp_path / "token").write_text("wrong-token")
        with pytest.raises(GithubDenied):
            await connect(load(tmp_path / "catnet.yaml"), github.repository)
