"""What people and CatNet did to the stand-in's repository in; what GitHub would know of it out."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from catnet_controller.demo import payloads
from catnet_controller.demo.payloads import Json, Place, PullRequest

QUOTA = 5000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A commit status that was posted. ``id`` grows with each post."""

    id: int
    sha: str
    context: str
    state: str
    description: str
    target_url: str


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment of a pull request. ``edits`` counts how often it was edited."""

    id: int
    pull: int
    login: str
    body: str
    kind: str = "User"
    edits: int = 0
    earlier: list[str] = field(default_factory=list)
    hidden: bool = False
    """Minimised as outdated."""
    reactions: list[str] = field(default_factory=list)
    association: str = "MEMBER"
    created_at: str = "2026-01-01T00:00:00Z"


@dataclass(slots=True, kw_only=True)
class Issue:
    """An issue of the repository."""

    number: int
    login: str
    title: str
    body: str
    state: str = "open"


@dataclass(slots=True, kw_only=True)
class Record:
    """An entry of the list of deployments; ``states`` from the first to the newest."""

    id: int
    sha: str
    environment: str
    payload: object
    states: list[tuple[str, str, str]] = field(default_factory=list)
    """State, description and log URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that was made of the API, and the status it was answered with (0: cut off)."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A webhook delivery and what the receiver answered. ``status`` 0: it did not (``answer``)."""

    guid: str
    event: str
    action: str
    status: int
    answer: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an installation token may do, and when it ends."""

    until: float
    permissions: Mapping[str, str]


class Trouble(StrEnum):
    """What can go wrong with a request of the API."""

    ANSWER = "answer"
    """Answer with ``status`` and ``message``; nothing is done."""
    DROP = "drop"
    """Cut the connection; nothing is done."""
    LOSE = "lose"
    """Do what is asked, then cut the connection."""
    DRIP = "drip"
    """Send the answer a byte at a time, ``seconds`` apart."""
    SECONDARY = "secondary"
    """Secondary rate limit: 403 with Retry-After ``seconds``; without the header when 0."""
    PRIMARY = "primary"
    """403, no requests remaining, reset in ``seconds``."""
    LAG = "lag"
    """Answer as a replica that has not seen the last push: the branch's former commit, or 404."""
    CHANGE = "change"
    """Pass the JSON of the answer through ``edit``."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """Trouble for the next ``times`` requests whose method and path match."""

    trouble: Trouble
    times: int = 1
    method: str = ""
    path: str = ""
    """A regular expression that is searched in the path."""
    status: int = 502
    message: str = "Server Error"
    seconds: float = 1.0
    headers: Mapping[str, str] = field(default_factory=dict)
    edit: Callable[[Any], Any] = lambda data: data


class Ledger:
    """The state of the stand-in, and the news of its changes.

    ``token`` is the only one the API takes, and belongs to ``login``. ``renamed`` (OWNER/NAME)
    makes it redirect what is asked under the configured name; ``gone`` makes it deny that the
    repository is there. ``remaining`` is how many requests the quota still has, ``questions``
    that of GraphQL, which is another.
    """

    def __init__(self, *, repository: str, branch: str, token: str, login: str) -> None:
        self.repository = repository
        self.branch = branch
        self.token = token
        self.login = login
        self.url = ""
        self.archived = False
        self.gone = False
        self.may_push = True
        self.renamed: str | None = None
        self.app: tuple[str, bytes] | None = None
        """Id and public key (PEM) of the GitHub App that is installed on the repository."""
        self.app_permissions = {"contents": "read", "statuses": "write", "pull_requests": "write"}
        self.granted: dict[str, Grant] = {}
        """The installation tokens that were given out."""
        self.unmerged = 0
        """For how many more looks at a pull request its merge is not computed yet."""
        self.remaining = QUOTA
        self.questions = QUOTA
        self.requests: list[Request] = []
        self.violations: list[str] = []
        """Requests that GitHub's description of its API does not allow; each was refused."""
        self.deliveries: list[Sent] = []
        self.pulls: dict[int, PullRequest] = {}
        self.posts: list[Status] = []
        self.notes: list[Comment] = []
        self.issues: list[Issue] = []
        self.records: list[Record] = []
        self.teams: dict[str, dict[str, str]] = {}
        """Members of the organization's teams by slug: login, and ``active`` or ``pending``."""
        self.faults: list[Fault] = []
        self.former: dict[str, str] = {}
        """Where each branch pointed before its last push: what a replica that lags shows."""
        self.ids = itertools.count(1001)
        self._news = asyncio.Condition()

    @property
    def place(self) -> Place:
        return Place(
            name=self.renamed or self.repository,
            branch=self.branch,
            url=self.url,
            archived=self.archived,
            push=self.may_push,
        )

    def statuses(self, sha: str) -> dict[str, Status]:
        """The latest status of each context of a commit."""
        return {status.context: status for status in self.posts if status.sha == sha}

    def shown(self, comment: Comment) -> Json:
        """A comment as the API and webhooks have it."""
        return payloads.comment(
            self.place,
            number=comment.id,
            pull=comment.pull,
            author=payloads.user(comment.login, kind=comment.kind),
            association=comment.association,
            created_at=comment.created_at,
            body=comment.body,
        )

    async def tell(self, change: Callable[[], object]) -> None:
        async with self._news:
            change()
            self._news.notify_all()

    async def until(self, found: Callable[[], T | None], what: str, timeout: float) -> T:
        try:
            async with asyncio.timeout(timeout), self._news:
                while (value := found()) is None:
                    await self._news.wait()
                return value
        except TimeoutError as error:
            raise TimeoutError(f"no {what} within {timeout:g} s") from error
