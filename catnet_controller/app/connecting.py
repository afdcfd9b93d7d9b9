"""Settings come in; whether their token opens a config repository, and what is in it, goes out."""

from dataclasses import dataclass, replace

from catnet_controller.app import wiring
from catnet_controller.app.beside import Beside
from catnet_controller.app.machine import SystemClock
from catnet_controller.models import Snapshot
from catnet_controller.pipeline import snapshot as snapshots
from catnet_controller.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What was found; ``named``: it is the repository of the settings."""

    repository: str
    branch: str
    snapshot: Snapshot
    named: bool


async def connect(settings: Settings, repository: str) -> Connection:
    """Read the branch of this repository once; nothing is written, there or here.

    Raises GithubDenied, RepositoryMoved, GithubUnavailable or RateLimited.
    """
    github = settings.github
    aimed = replace(settings, github=replace(github, repository=repository))
    async with wiring.edge(aimed, SystemClock(), lambda _: None) as edge:
        await edge.verify_access()
        head = await edge.source.head(github.branch)
        assert head is not None, "an unconditional look always has an answer"
        with Beside() as offload:
            snapshot = await snapshots.take(
                edge.source, offload, head.sha, f"branch/{github.branch}"
            )
    return Connection(
        repository=repository,
        branch=github.branch,
        snapshot=snapshot,
        named=repository == github.repository,
    )
