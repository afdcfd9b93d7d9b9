"""A stand-in for GitHub over a real git repository: what people do there, and what came of it.

It sends signed webhooks for what is committed and does on request what GitHub does on a bad day.
Everything that was asked of it is kept, so a story or a test can say what must have happened.
"""

import hmac
import itertools
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from catnet_controller.demo import payloads
from catnet_controller.demo.endpoints import Endpoints
from catnet_controller.demo.ledger import Comment, Fault, Ledger, Request, Sent, Status, Trouble
from catnet_controller.demo.payloads import Json, PullRequest
from catnet_controller.demo.worktree import ZERO, Worktree
from catnet_controller.errors import InternalFault

__all__ = ["Comment", "Fault", "GithubStandIn", "Request", "Sent", "Status", "Trouble"]


class GithubStandIn(Ledger):
    """GitHub for one repository, on loopback; use as an async context manager.

    ``home`` is a working directory, ``seed`` a folder with the files of the first commit. ``url``
    is the base of the API.
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
        super().__init__(repository=repository, branch=branch, token=token, login=login)
        self.webhook_secret = webhook_secret
        self.webhook_url = webhook_url
        self._seed = seed
        self._git = Worktree(home, branch=branch, author=repository.partition("/")[0])
        self._lost_webhooks = 0
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self._git.create(self._seed)
        app = Endpoints(ledger=self, git=self._git).application()
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
        self._git.close()

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
        self.former[name] = before or ""
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
        self.pulls[number] = pull
        self._touch(pull)
        if webhook:
            if not fork:
                await self._announce_push(branch, ZERO, sha)
            await self._announce_pull(pull, "opened")
        return number

    async def open_twin(
        self, number: int, branch: str, *, fork: str | None = None, author: str = "engineer"
    ) -> int:
        """Another pull request for the same commit, under another name; without a webhook."""
        twin = next(self._numbers)
        sha = self.pulls[number].sha
        async with self._git.lock:
            await self._git.keep(f"refs/pull/{twin}/head", sha)
            if not fork:
                await self._git.keep(f"refs/heads/{branch}", sha)
        pull = replace(self.pulls[number], number=twin, branch=branch, fork=fork, author=author)
        self.pulls[twin] = pull
        self._touch(pull)
        return twin

    async def update_pull(
        self,
        number: int,
        changes: Mapping[str, str | None],
        message: str,
        *,
        webhook: bool = True,
    ) -> str:
        pull = self.pulls[number]
        before = pull.sha
        async with self._git.lock:
            if pull.fork:
                await self._git.keep(f"refs/heads/{pull.branch}", before)
            pull.sha = await self._git.commit(pull.branch, changes, message)
            await self._git.keep(f"refs/pull/{number}/head", pull.sha)
            if pull.fork:
                await self._git.delete(pull.branch)
        self._touch(pull)
        if webhook:
            if not pull.fork:
                await self._announce_push(pull.branch, before, pull.sha)
            await self._announce_pull(pull, "synchronize", before=before)
        return pull.sha

    async def merge_pull(self, number: int, *, webhook: bool = True) -> str:
        """Merge with a merge commit; its sha."""
        pull = self.pulls[number]
        owner = (pull.fork or self.repository).partition("/")[0]
        message = f"Merge pull request #{number} from {owner}/{pull.branch}\n\n{pull.title}"
        async with self._git.lock:
            before = await self.head()
            sha = await self._git.merge(self.branch, pull.sha, message)
        self.former[self.branch] = before
        pull.state, pull.merged = "closed", sha
        self._touch(pull)
        if webhook:
            await self._announce_push(self.branch, before, sha)
            await self._announce_pull(pull, "closed")
        return sha

    async def close_pull(self, number: int, *, webhook: bool = True) -> None:
        pull = self.pulls[number]
        pull.state = "closed"
        self._touch(pull)
        if webhook:
            await self._announce_pull(pull, "closed")

    async def revert(self, sha: str, *, webhook: bool = True) -> str:
        """`git revert` on the main branch; the new commit."""
        async with self._git.lock:
            before = await self.head()
            new = await self._git.revert(self.branch, sha)
        self.former[self.branch] = before
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

    async def force_back(self, sha: str) -> None:
        """The main branch again, at a commit, after it was deleted; without a webhook."""
        async with self._git.lock:
            await self._git.force(self.branch, sha)

    async def head(self, branch: str | None = None) -> str:
        name = branch or self.branch
        sha = await self._git.resolve(f"refs/heads/{name}")
        if sha is None:
            raise InternalFault(f"the stand-in has no branch {name}")
        return sha

    async def add_comment(
        self,
        number: int,
        body: str,
        *,
        login: str = "engineer",
        kind: str = "User",
        association: str = "MEMBER",
        webhook: bool = False,
    ) -> Comment:
        """A comment by somebody else."""
        comment = Comment(
            id=next(self.ids),
            pull=number,
            login=login,
            body=body,
            kind=kind,
            association=association,
            created_at=_stamp(),
        )
        await self.tell(lambda: self.notes.append(comment))
        if webhook:
            await self._announce_comment(comment, "created")
        return comment

    async def edit_comment(self, comment: Comment, body: str, *, webhook: bool = True) -> None:
        """By its author, or by anybody who may write to the repository."""
        before = comment.body
        await self.tell(lambda: setattr(comment, "body", body))
        if webhook:
            await self._announce_comment(comment, "edited", before=before)

    async def delete_comment(self, comment: int) -> None:
        await self.tell(
            lambda: self.notes.__setitem__(
                slice(None), [each for each in self.notes if each.id != comment]
            )
        )

    # --- what must have happened -----------------------------------------------------------------

    def posted(self) -> list[Status]:
        """Every status that was posted, in order."""
        return list(self.posts)

    def comments(self, number: int) -> list[Comment]:
        return [replace(each) for each in self.notes if each.pull == number]

    async def wait_status(
        self, sha: str, context: str, *, timeout: float, final: bool = True
    ) -> Status:
        """The status of a context; ``final``: once it is not pending. Raises TimeoutError."""

        def found() -> Status | None:
            status = self.statuses(sha).get(context)
            return None if final and status and status.state == "pending" else status

        return await self.until(found, f"status {context} on {sha[:12]}", timeout)

    async def wait_comment(self, number: int, *, containing: str, timeout: float) -> Comment:
        """A comment of a pull request with this text in it. Raises TimeoutError."""

        def found() -> Comment | None:
            each = (each for each in self.comments(number) if containing in each.body)
            return next(each, None)

        return await self.until(found, f"comment with {containing!r} on {number}", timeout)

    # --- bad days --------------------------------------------------------------------------------

    def inject(self, fault: Fault) -> None:
        self.faults.append(fault)

    def lose_webhooks(self, times: int = 1) -> None:
        """Do not send the next deliveries; they stay in ``deliveries`` with status 0."""
        self._lost_webhooks += times

    async def redeliver(self, guid: str) -> Sent:
        """Send a delivery again, under the same id as GitHub does."""
        sent = next(each for each in self.deliveries if each.guid == guid)
        return await self._deliver(sent.event, sent.body, guid=guid, action=sent.action)

    async def ping(self) -> Sent:
        return await self._send("ping", payloads.ping_event(self.place, url=self.webhook_url or ""))

    # --- webhooks --------------------------------------------------------------------------------

    def _touch(self, pull: PullRequest) -> None:
        pull.updated = next(self.ids)

    async def _announce_push(
        self, branch: str, before: str, after: str, *, forced: bool = False
    ) -> None:
        none = after == ZERO or forced
        start = await self.head() if before == ZERO and branch != self.branch else before
        changes = [] if none else await self._git.changes(start, after)
        await self._send(
            "push",
            payloads.push_event(
                self.place,
                branch=branch,
                before=before,
                after=after,
                changes=changes,
                forced=forced,
            ),
        )

    async def _announce_pull(self, pull: PullRequest, action: str, *, before: str = "") -> None:
        payload = payloads.pull_request_event(self.place, pull, action, before=before)
        await self._send("pull_request", payload, action=action)

    async def _announce_comment(self, comment: Comment, action: str, *, before: str = "") -> None:
        pull = self.pulls[comment.pull]
        payload = payloads.issue_comment_event(
            self.place, pull, action, self.shown(comment), before=before
        )
        await self._send("issue_comment", payload, action=action)

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
        await self.tell(lambda: self.deliveries.append(sent))
        return sent

    # --- waiting ---------------------------------------------------------------------------------


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
