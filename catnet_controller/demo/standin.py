"""A stand-in for GitHub: the part of its REST API that CatNet uses, over a real git repository.

It sends signed webhooks for what is committed and does on request what GitHub does on a bad day.
Everything that was asked of it is kept, so a story or a test can say what must have happened.
"""

import asyncio
import base64
import calendar
import contextlib
import hmac
import itertools
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web

from catnet_controller.demo import payloads
from catnet_controller.demo.payloads import Json, Place, PullRequest
from catnet_controller.demo.worktree import ZERO, Worktree
from catnet_controller.errors import InternalFault

T = TypeVar("T")

_STATES = ("error", "failure", "pending", "success")
_MOST_STATUSES = 1000
_QUOTA = 5000
_SHA = re.compile(r"[0-9a-f]{40}")
_DOCS = "https://docs.github.com/rest"


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


class _Refuse(Exception):
    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Json] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.data: Json = {
            "message": message,
            "documentation_url": _DOCS,
            "status": str(status),
        }
        if errors:
            self.data["errors"] = list(errors)


class GithubStandIn:
    """GitHub for one repository, on loopback; use as an async context manager.

    ``home`` is a working directory, ``seed`` a folder with the files of the first commit. ``url``
    is the base of the API. ``token`` is the only one it takes, and belongs to ``login``.
    ``renamed`` (OWNER/NAME) makes it redirect what is asked under the configured name.
    """

    def __init__(
        self,
        *,
        repository: str = "acme/network-config",
        branch: str = "main",
        token: str,
        webhook_secret: str,
        webhook_url: str | None = None,
        home: Path,
        seed: Path,
        login: str = "catnet-bot",
    ) -> None:
        self.repository = repository
        self.branch = branch
        self.token = token
        self.login = login
        self.webhook_secret = webhook_secret
        self.webhook_url = webhook_url
        self.url = ""
        self.archived = False
        self.gone = False
        self.may_push = True
        self.renamed: str | None = None
        self.requests: list[Request] = []
        self.deliveries: list[Sent] = []
        self._seed = seed
        self._git = Worktree(home, branch=branch, author=repository.partition("/")[0])
        self._pulls: dict[int, PullRequest] = {}
        self._posted: list[Status] = []
        self._comments: list[Comment] = []
        self._faults: list[Fault] = []
        self._lost_webhooks = 0
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1001)
        self.remaining = _QUOTA
        self._former: dict[str, str] = {}
        self._lagging: set[int] = set()
        self._news = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self._git.create(self._seed)
        app = web.Application(middlewares=[self._front], client_max_size=10 * 2**20)
        self._route(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # --- what people do on GitHub ----------------------------------------------------------------

    async def commit(
        self,
        changes: Mapping[str, str | None],
        message: str,
        *,
        branch: str | None = None,
        webhook: bool = True,
    ) -> str:
        """Commit on a branch (the main one by default) and push; None deletes a file."""
        name = branch or self.branch
        async with self._git.lock:
            before = await self._git.resolve(f"refs/heads/{name}")
            sha = await self._git.commit(name, changes, message)
        self._former[name] = before or ""
        if webhook:
            await self._announce_push(name, before or ZERO, sha)
        return sha

    async def open_pull(
        self,
        branch: str,
        title: str,
        changes: Mapping[str, str | None],
        *,
        draft: bool = False,
        fork: str | None = None,
        author: str = "engineer",
        webhook: bool = True,
    ) -> int:
        """A branch with one commit, and a pull request for it; its number.

        ``fork`` (OWNER/NAME) puts the branch into a fork: the base repository then knows its
        commit, but not the branch.
        """
        base = await self.head()
        async with self._git.lock:
            sha = await self._git.commit(branch, changes, title)
            number = next(self._numbers)
            await self._git.keep(f"refs/pull/{number}/head", sha)
            if fork:
                await self._git.delete(branch)
        pull = PullRequest(
            number=number,
            branch=branch,
            base=self.branch,
            title=title,
            sha=sha,
            base_sha=base,
            author=author,
            created_at=_stamp(),
            draft=draft,
            fork=fork,
        )
        self._pulls[number] = pull
        if webhook:
            if not fork:
                await self._announce_push(branch, ZERO, sha)
            await self._announce_pull(pull, "opened")
        return number

    async def update_pull(
        self,
        number: int,
        changes: Mapping[str, str | None],
        message: str,
        *,
        webhook: bool = True,
    ) -> str:
        pull = self._pulls[number]
        before = pull.sha
        async with self._git.lock:
            if pull.fork:
                await self._git.keep(f"refs/heads/{pull.branch}", before)
            pull.sha = await self._git.commit(pull.branch, changes, message)
            await self._git.keep(f"refs/pull/{number}/head", pull.sha)
            if pull.fork:
                await self._git.delete(pull.branch)
        if webhook:
            if not pull.fork:
                await self._announce_push(pull.branch, before, pull.sha)
            await self._announce_pull(pull, "synchronize", before=before)
        return pull.sha

    async def merge_pull(self, number: int, *, webhook: bool = True) -> str:
        """Merge with a merge commit; its sha."""
        pull = self._pulls[number]
        owner = (pull.fork or self.repository).partition("/")[0]
        message = f"Merge pull request #{number} from {owner}/{pull.branch}\n\n{pull.title}"
        async with self._git.lock:
            before = await self.head()
            sha = await self._git.merge(self.branch, pull.sha, message)
        self._former[self.branch] = before
        pull.state, pull.merged = "closed", sha
        if webhook:
            await self._announce_push(self.branch, before, sha)
            await self._announce_pull(pull, "closed")
        return sha

    async def close_pull(self, number: int, *, webhook: bool = True) -> None:
        pull = self._pulls[number]
        pull.state = "closed"
        if webhook:
            await self._announce_pull(pull, "closed")

    async def revert(self, sha: str, *, webhook: bool = True) -> str:
        """`git revert` on the main branch; the new commit."""
        async with self._git.lock:
            before = await self.head()
            new = await self._git.revert(self.branch, sha)
        self._former[self.branch] = before
        if webhook:
            await self._announce_push(self.branch, before, new)
        return new

    async def force_push(self, sha: str, *, webhook: bool = True) -> None:
        """Point the main branch at an earlier commit."""
        async with self._git.lock:
            before = await self.head()
            await self._git.force(self.branch, sha)
        if webhook:
            await self._announce_push(self.branch, before, sha, forced=True)

    async def delete_branch(self, branch: str, *, webhook: bool = True) -> None:
        async with self._git.lock:
            before = await self.head(branch)
            await self._git.delete(branch)
        if webhook:
            await self._announce_push(branch, before, ZERO)

    async def head(self, branch: str | None = None) -> str:
        name = branch or self.branch
        sha = await self._git.resolve(f"refs/heads/{name}")
        if sha is None:
            raise InternalFault(f"the stand-in has no branch {name}")
        return sha

    async def add_comment(
        self, number: int, body: str, *, login: str = "engineer", kind: str = "User"
    ) -> Comment:
        """A comment by somebody else."""
        comment = Comment(id=next(self._ids), pull=number, login=login, body=body, kind=kind)
        await self._tell(lambda: self._comments.append(comment))
        return comment

    async def delete_comment(self, comment: int) -> None:
        await self._tell(
            lambda: self._comments.__setitem__(
                slice(None), [each for each in self._comments if each.id != comment]
            )
        )

    # --- what must have happened -----------------------------------------------------------------

    def statuses(self, sha: str) -> dict[str, Status]:
        """The latest status of each context of a commit."""
        return {status.context: status for status in self._posted if status.sha == sha}

    def posted(self) -> list[Status]:
        """Every status that was posted, in order."""
        return list(self._posted)

    def comments(self, number: int) -> list[Comment]:
        return [replace(each) for each in self._comments if each.pull == number]

    async def wait_status(
        self, sha: str, context: str, *, timeout: float, final: bool = True
    ) -> Status:
        """The status of a context; ``final``: once it is not pending. Raises TimeoutError."""

        def found() -> Status | None:
            status = self.statuses(sha).get(context)
            return None if final and status and status.state == "pending" else status

        return await self._until(found, f"status {context} on {sha[:12]}", timeout)

    async def wait_comment(self, number: int, *, containing: str, timeout: float) -> Comment:
        """A comment of a pull request with this text in it. Raises TimeoutError."""

        def found() -> Comment | None:
            each = (each for each in self.comments(number) if containing in each.body)
            return next(each, None)

        return await self._until(found, f"comment with {containing!r} on {number}", timeout)

    # --- bad days --------------------------------------------------------------------------------

    def inject(self, fault: Fault) -> None:
        self._faults.append(fault)

    def lose_webhooks(self, times: int = 1) -> None:
        """Do not send the next deliveries; they stay in ``deliveries`` with status 0."""
        self._lost_webhooks += times

    async def redeliver(self, guid: str) -> Sent:
        """Send a delivery again, under the same id as GitHub does."""
        sent = next(each for each in self.deliveries if each.guid == guid)
        return await self._deliver(sent.event, sent.body, guid=guid, action=sent.action)

    async def ping(self) -> Sent:
        return await self._send(
            "ping", payloads.ping_event(self._place, url=self.webhook_url or "")
        )

    # --- webhooks --------------------------------------------------------------------------------

    @property
    def _place(self) -> Place:
        return Place(
            name=self.renamed or self.repository,
            branch=self.branch,
            url=self.url,
            archived=self.archived,
            push=self.may_push,
        )

    async def _announce_push(
        self, branch: str, before: str, after: str, *, forced: bool = False
    ) -> None:
        none = after == ZERO or forced
        start = await self.head() if before == ZERO and branch != self.branch else before
        changes = [] if none else await self._git.changes(start, after)
        await self._send(
            "push",
            payloads.push_event(
                self._place,
                branch=branch,
                before=before,
                after=after,
                changes=changes,
                forced=forced,
            ),
        )

    async def _announce_pull(self, pull: PullRequest, action: str, *, before: str = "") -> None:
        payload = payloads.pull_request_event(self._place, pull, action, before=before)
        await self._send("pull_request", payload, action=action)

    async def _send(self, event: str, payload: Json, *, action: str = "") -> Sent:
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        return await self._deliver(event, body, guid=str(uuid.uuid4()), action=action)

    async def _deliver(self, event: str, body: bytes, *, guid: str, action: str) -> Sent:
        status, answer = 0, "not sent: there is no webhook"
        if self._lost_webhooks:
            self._lost_webhooks -= 1
            answer = "lost"
        elif self.webhook_url and self._session is not None:
            signature = hmac.new(self.webhook_secret.encode(), body, sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "GitHub-Hookshot/stand-in",
                "X-GitHub-Delivery": guid,
                "X-GitHub-Event": event,
                "X-GitHub-Hook-ID": "109948940",
                "X-Hub-Signature-256": f"sha256={signature}",
            }
            try:
                async with self._session.post(
                    self.webhook_url, data=body, headers=headers
                ) as response:
                    status, answer = response.status, await response.text()
            except (aiohttp.ClientError, TimeoutError) as error:
                answer = f"{type(error).__name__}: {error}"
        sent = Sent(guid=guid, event=event, action=action, status=status, answer=answer, body=body)
        await self._tell(lambda: self.deliveries.append(sent))
        return sent

    # --- waiting ---------------------------------------------------------------------------------

    async def _tell(self, change: Callable[[], object]) -> None:
        async with self._news:
            change()
            self._news.notify_all()

    async def _until(self, found: Callable[[], T | None], what: str, timeout: float) -> T:
        try:
            async with asyncio.timeout(timeout), self._news:
                while (value := found()) is None:
                    await self._news.wait()
                return value
        except TimeoutError as error:
            raise TimeoutError(f"no {what} within {timeout:g} s") from error

    # --- the API ---------------------------------------------------------------------------------

    def _route(self, app: web.Application) -> None:
        root = "/repos/{owner}/{name}"
        app.router.add_get("/user", self._get_user)
        app.router.add_get(root, self._get_repository)
        app.router.add_get(root + "/git/ref/{ref:.+}", self._get_ref)
        app.router.add_get(root + "/git/commits/{sha}", self._get_git_commit)
        app.router.add_get(root + "/git/trees/{sha}", self._get_tree)
        app.router.add_get(root + "/git/blobs/{sha}", self._get_blob)
        app.router.add_get(root + "/commits/{sha}", self._get_commit)
        app.router.add_get(root + "/commits/{sha}/status", self._get_combined)
        app.router.add_get(root + "/commits/{sha}/statuses", self._get_statuses)
        app.router.add_post(root + "/statuses/{sha}", self._post_status)
        app.router.add_get(root + "/pulls", self._get_pulls)
        app.router.add_get(root + "/pulls/{number:\\d+}", self._get_pull)
        app.router.add_get(root + "/issues/{number:\\d+}/comments", self._get_comments)
        app.router.add_post(root + "/issues/{number:\\d+}/comments", self._post_comment)
        app.router.add_patch(root + "/issues/comments/{id:\\d+}", self._patch_comment)

    @web.middleware
    async def _front(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Faults, token, quota, conditional answers: what every request of the API meets."""
        fault = self._fault(request)
        trouble = fault.trouble if fault else None
        if trouble is Trouble.DROP:
            return self._cut(request)
        try:
            response = await self._served(request, handler, fault)
        except _Refuse as refusal:
            response = _json(refusal.data, status=refusal.status, headers=refusal.headers)
        except web.HTTPException as error:
            response = _json({"message": error.reason, "status": str(error.status)}, error.status)
        finally:
            self._lagging.discard(id(request))
        if trouble is Trouble.LOSE:
            return self._cut(request)
        if request.method == "GET" and response.status == 200:
            body = response.body if isinstance(response.body, bytes) else b""
            etag = f'W/"{sha256(body).hexdigest()}"'
            if request.headers.get("If-None-Match") == etag:
                response = web.Response(status=304)
            response.headers["ETag"] = etag
        if response.status not in (304, 401):
            self.remaining = max(0, self.remaining - 1)
        for name, value in self._quota().items():
            response.headers.setdefault(name, value)
        self._record(request, response.status)
        if fault is not None and trouble is Trouble.DRIP:
            return await _dripped(request, response, fault.seconds)
        return response

    async def _served(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        fault: Fault | None,
    ) -> web.Response:
        given = request.headers.get("Authorization", "").partition(" ")
        if given[0].lower() not in ("token", "bearer") or not hmac.compare_digest(
            given[2].encode("utf-8", "replace"), self.token.encode()
        ):
            raise _Refuse(401, "Bad credentials")
        if fault is not None:
            self._spoil(request, fault)
        self._find(request)
        response = await handler(request)
        assert isinstance(response, web.Response)
        if fault is not None and fault.trouble is Trouble.CHANGE and response.text:
            edited = fault.edit(json.loads(response.text))
            response = _json(edited, response.status, headers=_links(response))
        return response

    def _spoil(self, request: web.Request, fault: Fault) -> None:
        match fault.trouble:
            case Trouble.ANSWER:
                raise _Refuse(fault.status, fault.message, headers=fault.headers)
            case Trouble.SECONDARY:
                raise _Refuse(
                    403,
                    "You have exceeded a secondary rate limit. Please wait a few minutes before "
                    "you try again.",
                    headers={"Retry-After": f"{fault.seconds:.0f}"} if fault.seconds else {},
                )
            case Trouble.PRIMARY:
                raise _Refuse(
                    403,
                    "API rate limit exceeded for user ID 1.",
                    headers={
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Reset": f"{_epoch() + fault.seconds:.0f}",
                    },
                )
            case Trouble.LAG:
                self._lagging.add(id(request))
            case _:
                pass

    def _find(self, request: web.Request) -> None:
        """Whether the repository that is asked for is this one; GitHub's redirect if it was."""
        owner, name = request.match_info.get("owner"), request.match_info.get("name")
        if owner is None:
            return
        asked = f"{owner}/{name}".casefold()
        if self.renamed and asked == self.repository.casefold():
            rest = request.path_qs.split("/", 4)
            where = f"{self.url}/repositories/{payloads.REPOSITORY_ID}" + (
                f"/{rest[4]}" if len(rest) > 4 else ""
            )
            status = 301 if request.method == "GET" else 307
            raise _Refuse(status, "Moved Permanently", headers={"Location": where})
        if self.gone or asked != self._place.name.casefold():
            raise _Refuse(404, "Not Found")
        if request.method != "GET":
            if self.archived:
                raise _Refuse(403, "Repository was archived so is read-only.")
            if not self.may_push:
                raise _Refuse(
                    403,
                    "Resource not accessible by personal access token",
                    headers={
                        "X-Accepted-GitHub-Permissions": "statuses=write"
                        if "/statuses/" in request.path
                        else "issues=write; pull_requests=write"
                    },
                )

    def _fault(self, request: web.Request) -> Fault | None:
        for fault in self._faults:
            if (
                fault.times > 0
                and fault.method in ("", request.method)
                and re.search(fault.path, request.path)
            ):
                fault.times -= 1
                return fault
        return None

    def _cut(self, request: web.Request) -> web.Response:
        self._record(request, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _record(self, request: web.Request, status: int) -> None:
        self.requests.append(
            Request(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers={
                    name: value
                    for name, value in request.headers.items()
                    if name.lower() != "authorization"
                },
                status=status,
            )
        )

    def _quota(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(_QUOTA),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(_epoch() + 3600),
            "X-RateLimit-Resource": "core",
        }

    # --- the API, reading ------------------------------------------------------------------------

    async def _get_user(self, _: web.Request) -> web.Response:
        return _json(payloads.user(self.login))

    async def _get_repository(self, _: web.Request) -> web.Response:
        return _json(payloads.whole_repository(self._place))

    async def _get_ref(self, request: web.Request) -> web.Response:
        ref = request.match_info["ref"]
        sha = await self._git.resolve(f"refs/{ref}")
        if id(request) in self._lagging:
            sha = self._former.get(ref.removeprefix("heads/")) or None
        if sha is None:
            raise _Refuse(404, "Not Found")
        api = f"{self.url}/repos/{self._place.name}/git"
        kind = await self._git.kind(sha)
        return _json(
            {
                "ref": f"refs/{ref}",
                "url": f"{api}/refs/{ref}",
                "object": {"sha": sha, "type": kind, "url": f"{api}/{kind}s/{sha}"},
            }
        )

    async def _get_git_commit(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=404)
        return _json(payloads.git_commit(self._place, await self._git.change(sha)))

    async def _get_commit(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=422)
        return _json(payloads.commit(self._place, await self._git.change(sha)))

    async def _get_tree(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", "tree", status=404)
        tree = (await self._git.read("rev-parse", f"{sha}^{{tree}}")).strip()
        deep = ("-r", "-t") if "recursive" in request.query else ()
        listed = await self._git.raw("ls-tree", *deep, "-z", "-l", tree)
        api = f"{self.url}/repos/{self._place.name}/git"
        entries = []
        for row in listed.split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, kind, name, size = facts.decode().split()
            entry: Json = {
                "path": path.decode("utf-8", "replace"),
                "mode": mode,
                "type": kind,
                "sha": name,
                "url": f"{api}/{kind}s/{name}",
            }
            if kind == "blob":
                entry["size"] = int(size)
            entries.append(entry)
        return _json(
            {"sha": tree, "url": f"{api}/trees/{tree}", "tree": entries, "truncated": False}
        )

    async def _get_blob(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "blob", status=404)
        content = await self._git.raw("cat-file", "blob", sha)
        text = base64.b64encode(content).decode()
        return _json(
            {
                "sha": sha,
                "size": len(content),
                "url": f"{self.url}/repos/{self._place.name}/git/blobs/{sha}",
                "content": "".join(
                    f"{text[start : start + 60]}\n" for start in range(0, len(text), 60)
                ),
                "encoding": "base64",
            }
        )

    async def _get_combined(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=422)
        latest = self.statuses(sha)
        return _json(
            {
                "state": payloads.combined({name: each.state for name, each in latest.items()}),
                "sha": sha,
                "total_count": len(latest),
                "statuses": [self._status(each) for each in latest.values()],
            }
        )

    async def _get_statuses(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=422)
        mine = [self._status(each) for each in reversed(self._posted) if each.sha == sha]
        return self._page(request, mine)

    async def _get_pulls(self, request: web.Request) -> web.Response:
        query = request.query
        state, base = query.get("state", "open"), query.get("base")
        found = [
            payloads.pull_request(self._place, pull)
            for pull in self._pulls.values()
            if state in ("all", pull.state) and base in (None, pull.base)
        ]
        found.sort(
            key=lambda pull: int(pull["number"]), reverse=query.get("direction", "desc") == "desc"
        )
        return self._page(request, found)

    async def _get_pull(self, request: web.Request) -> web.Response:
        pull = self._pull(request)
        return _json(payloads.pull_request(self._place, pull))

    async def _get_comments(self, request: web.Request) -> web.Response:
        pull = self._pull(request)
        mine = [self._comment(each) for each in self._comments if each.pull == pull.number]
        return self._page(request, mine)

    # --- the API, writing ------------------------------------------------------------------------

    async def _post_status(self, request: web.Request) -> web.Response:
        body = await _body(request, {"state", "target_url", "description", "context"}, {"state"})
        sha = await self._known(request, "commit", status=422)
        context = body.get("context") or "default"
        if body["state"] not in _STATES:
            raise _invalid("Status", "state", "state is not included in the list")
        if len(body.get("description") or "") > 140:
            raise _invalid(
                "Status", "description", "description is too long (maximum is 140 characters)"
            )
        target = body.get("target_url") or ""
        if target and not target.startswith(("http://", "https://")):
            raise _invalid("Status", "target_url", "Target URL must use http(s) scheme")
        same = Counter((each.sha, each.context.casefold()) for each in self._posted)
        if same[sha, context.casefold()] >= _MOST_STATUSES:
            raise _invalid(
                "Status",
                "context",
                "This SHA and context has reached the maximum number of statuses.",
            )
        status = Status(
            id=next(self._ids),
            sha=sha,
            context=context,
            state=body["state"],
            description=body.get("description") or "",
            target_url=target,
        )
        await self._tell(lambda: self._posted.append(status))
        return _json(self._status(status), 201)

    async def _post_comment(self, request: web.Request) -> web.Response:
        pull = self._pull(request)
        text = await _comment_text(request)
        comment = Comment(id=next(self._ids), pull=pull.number, login=self.login, body=text)
        await self._tell(lambda: self._comments.append(comment))
        return _json(self._comment(comment), 201)

    async def _patch_comment(self, request: web.Request) -> web.Response:
        wanted = int(request.match_info["id"])
        comment = next((each for each in self._comments if each.id == wanted), None)
        if comment is None:
            raise _Refuse(404, "Not Found")
        text = await _comment_text(request)

        def edit(comment: Comment = comment) -> None:
            comment.earlier.append(comment.body)
            comment.body = text
            comment.edits += 1

        await self._tell(edit)
        return _json(self._comment(comment))

    # --- the API, common -------------------------------------------------------------------------

    async def _known(self, request: web.Request, *kinds: str, status: int) -> str:
        """The object that is asked for by its full sha; refused as GitHub does."""
        sha = request.match_info["sha"]
        lags = id(request) in self._lagging
        if lags or not _SHA.fullmatch(sha) or await self._git.kind(sha) not in kinds:
            raise _Refuse(
                status, "Not Found" if status == 404 else f"No commit found for SHA: {sha}"
            )
        return sha

    def _pull(self, request: web.Request) -> PullRequest:
        pull = self._pulls.get(int(request.match_info["number"]))
        if pull is None or id(request) in self._lagging:
            raise _Refuse(404, "Not Found")
        return pull

    def _status(self, status: Status) -> Json:
        return {
            "url": f"{self.url}/repos/{self._place.name}/statuses/{status.sha}",
            "id": status.id,
            "state": status.state,
            "description": status.description or None,
            "target_url": status.target_url or None,
            "context": status.context,
            "creator": payloads.user(self.login),
        }

    def _comment(self, comment: Comment) -> Json:
        return {
            "id": comment.id,
            "url": f"{self.url}/repos/{self._place.name}/issues/comments/{comment.id}",
            "body": comment.body,
            "user": payloads.user(comment.login, kind=comment.kind),
        }

    def _page(self, request: web.Request, items: Sequence[Json]) -> web.Response:
        try:
            size = min(int(request.query.get("per_page", "30")), 100)
            page = max(int(request.query.get("page", "1")), 1)
        except ValueError as error:
            raise _Refuse(422, "per_page and page are numbers") from error
        shown = items[(page - 1) * size : page * size]
        links = {}
        if page * size < len(items):
            url = request.url.update_query(page=page + 1)
            links["Link"] = f'<{url}>; rel="next"'
        return _json(list(shown), headers=links)


def _json(
    data: Any, status: int = 200, *, headers: Mapping[str, str] | None = None
) -> web.Response:
    text = json.dumps(data, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def _links(response: web.Response) -> dict[str, str]:
    return {"Link": response.headers["Link"]} if "Link" in response.headers else {}


async def _dripped(request: web.Request, whole: web.Response, seconds: float) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for byte in body:
            await response.write(bytes((byte,)))
            await asyncio.sleep(seconds)
    return response


async def _body(request: web.Request, allowed: set[str], required: set[str]) -> dict[str, str]:
    try:
        data = await request.json()
    except ValueError as error:
        raise _Refuse(400, "Problems parsing JSON") from error
    if not isinstance(data, dict) or not required <= data.keys() or data.keys() - allowed:
        raise _Refuse(422, "Invalid request.")
    if not all(isinstance(value, str) for value in data.values()):
        raise _Refuse(422, "Invalid request. A value is not a string.")
    return data


async def _comment_text(request: web.Request) -> str:
    text = (await _body(request, {"body"}, {"body"}))["body"]
    if not text.strip():
        raise _invalid("IssueComment", "body", "Body can't be blank")
    if len(text) > 65_536:
        raise _invalid("IssueComment", "body", "Body is too long (maximum is 65536 characters)")
    return text


def _invalid(resource: str, name: str, message: str) -> _Refuse:
    error = {"resource": resource, "code": "custom", "field": name, "message": message}
    return _Refuse(422, "Validation Failed", errors=[error])


def _epoch() -> int:
    """The stand-in is another machine to CatNet, with a clock of its own."""
    return calendar.timegm(time.gmtime())


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
