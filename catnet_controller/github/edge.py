"""Settings of the GitHub edge in; its read side, write side and access check out."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from catnet_controller.github.auth import App
from catnet_controller.github.client import Client, Route
from catnet_controller.github.comments import NEEDS, Comments
from catnet_controller.github.crew import Crew
from catnet_controller.github.issues import Issues
from catnet_controller.github.records import Records
from catnet_controller.github.source import Source
from catnet_controller.github.statuses import Statuses
from catnet_controller.github.viewer import Viewer
from catnet_controller.models import (
    AnswerMessage,
    CommentMessage,
    IssueMessage,
    ReactionMessage,
    RecordMessage,
    StatusMessage,
)
from catnet_controller.ports import Clock


class Writer:
    """Implements ports.Reporter."""

    def __init__(self, *, client: Client) -> None:
        self._client = client
        self._records = Records(client=client)
        self._statuses = Statuses(client=client)
        viewer = Viewer(client=client)
        self._comments = Comments(client=client, viewer=viewer)
        self._issues = Issues(client=client, viewer=viewer)

    async def status(self, message: StatusMessage) -> None:
        await self._statuses.status(message)

    async def comment(self, message: CommentMessage, remote: str | None) -> str:
        return await self._comments.comment(message, remote)

    async def issue(self, message: IssueMessage, remote: str | None) -> str:
        return await self._issues.issue(message, remote)

    async def reaction(self, message: ReactionMessage) -> None:
        """To a comment that is gone nothing is to be said."""
        await self._client.write(
            "POST",
            f"{self._client.root}/issues/comments/{message.comment}/reactions",
            {"content": message.content},
            needs=NEEDS,
            allow={404, 410},
        )

    async def record(self, message: RecordMessage, remote: str | None) -> str:
        return await self._records.record(message, remote)

    async def answer(self, message: AnswerMessage, remote: str | None) -> str:
        return await self._comments.answer(message, remote)


class Edge:
    """Everything of GitHub for one repository; use as an async context manager.

    ``source`` implements ports.Repository, ``reporter`` ports.Reporter and
    ``crew`` ports.Crew. See Client and Source for
    the arguments. Nothing is sent before the first call.
    """

    def __init__(
        self,
        *,
        repository: str,
        branch: str,
        api_url: str,
        token: Callable[[], str] | str | App,
        clock: Clock,
        cache: Path,
        wanted: Callable[[str], bool],
        timeout: float = 10.0,
        deadline: float | None = None,
        write_spacing: float = 1.0,
        pause: float = 0.5,
        on_rate_limit: Callable[[int], None] | None = None,
        route: Route | None = None,
    ) -> None:
        self._client = Client(
            repository=repository,
            api_url=api_url,
            token=token,
            clock=clock,
            timeout=timeout,
            deadline=deadline,
            write_spacing=write_spacing,
            pause=pause,
            on_rate_limit=on_rate_limit,
            route=route,
        )
        self.source = Source(client=self._client, branch=branch, cache=cache, wanted=wanted)
        self.reporter = Writer(client=self._client)
        self.crew = Crew(client=self._client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def verify_access(self) -> None:
        """For the start and every hour: the repository is ours, writable, and not renamed.

        Raises RepositoryMoved, GithubDenied, GithubUnavailable or RateLimited.
        """
        await self._client.verify_access()

    async def close(self) -> None:
        await self._client.close()
