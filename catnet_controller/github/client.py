"""Requests for GitHub's REST API in, checked answers or errors of ours out; the door to PyGithub.

PyGithub is synchronous and an instance belongs to one thread. So there are two lanes, one for
reading and one for writing, each a thread with its own instance; requests are serial in each, as
GitHub asks. PyGithub's own retries, pauses and redirects are all switched off: it sleeps as long
as a server tells it to, repeats POSTs whose answer was lost, drops the query when it follows a
301, and takes a 307 for success.
"""

import asyncio
import json
import queue
import re
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self, TypeVar, cast
from urllib.parse import quote, urlsplit

import requests
import structlog
from github import Auth, Github
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    RequestsResponse,
)

from catnet_controller import __version__
from catnet_controller.errors import (
    CatnetError,
    GithubDenied,
    GithubUnavailable,
    NotVisibleYet,
    RateLimited,
    RepositoryMoved,
    SecretMissing,
    SettingsInvalid,
)
from catnet_controller.ports import Clock

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_RATE_TEXTS: Final = ("rate limit", "abuse detection", "temporarily blocked from content creation")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HUNG_AT_MOST: Final = 8
_LONGEST_WAIT: Final = 24 * 3600.0
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 15 * 60.0
_GRANT: Final = (
    "Give the token access to the repository with the permissions Contents: read, "
    "Commit statuses: write, Pull requests: write."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What GitHub answered. ``data`` is the JSON, None when there is none (304, 204)."""

    status: int
    headers: Mapping[str, str]
    data: Any
    what: str
    """Verb and path, for messages."""

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")

    @property
    def message(self) -> str:
        """GitHub's own words of a refusal, on one line and bounded."""
        if not isinstance(self.data, dict):
            return ""
        parts = [self.data.get("message")]
        errors = self.data.get("errors")
        parts += [
            error.get("message") if isinstance(error, dict) else error
            for error in (errors if isinstance(errors, list) else ())
        ]
        return " ".join("; ".join(p for p in parts if isinstance(p, str)).split())[:300]

    def text(self, *path: str | int) -> str:
        """The text at ``path`` of the JSON; raises GithubUnavailable when it is not there."""
        return pick(self.data, str, *path, what=self.what)

    def items(self, *path: str | int) -> list[Any]:
        return pick(self.data, list, *path, what=self.what)


def pick(data: object, kind: type[T], *path: str | int, what: str) -> T:
    """The value of type ``kind`` at ``path``; GithubUnavailable when the answer has another shape.

    A shape that is not GitHub's is a proxy, a portal or a half answer, never a reason to act.
    """
    value = data
    for key in path:
        try:
            value = cast("Any", value)[key]
        except (KeyError, IndexError, TypeError) as cause:
            raise _shapeless(what, path) from cause
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _shapeless(what, path)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    verb: str
    path: str
    needs: str
    accept: Collection[int]
    query: Mapping[str, str | int] | None = None
    etag: str | None = None
    body: Mapping[str, Any] | None = None

    @property
    def what(self) -> str:
        return f"{self.verb} {self.path}"


class _Redirected(Exception):
    def __init__(self, status: int, location: str) -> None:
        super().__init__(f"{status} to {location}")
        self.status = status
        self.location = location


class _Unfinished(Exception):
    """202: PyGithub would ask again without bound."""


class _Strict:
    """What both connection classes do with an answer before PyGithub sees it."""

    @staticmethod
    def checked(response: RequestsResponse) -> RequestsResponse:
        if response.status in _REDIRECTS:
            raise _Redirected(response.status, str(response.headers.get("location", "")))
        if response.status == 202:
            raise _Unfinished
        return response


class _Plain(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _Strict.checked(super().getresponse())


class _Secure(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _Strict.checked(super().getresponse())


class _Instance:
    """PyGithub, for one thread: built, used and closed in it. Rebuilt when the token changes."""

    def __init__(self, *, api_url: str, token: Callable[[], str], timeout: int) -> None:
        self._api_url = api_url
        self._token = token
        self._timeout = timeout
        self._built: tuple[str, Github, _Plain | _Secure] | None = None

    def send(self, request: _Request) -> tuple[int, dict[str, Any], str]:
        token = self._token().strip()
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            # requests would quote a header it cannot send, secret and all, in its error.
            raise SecretMissing(
                "github.token is empty or has characters that no token has",
                next_step="Check the environment variable, file or credential of `github.token`.",
            )
        if self._built is None or self._built[0] != token:
            self.close()
            self._built = (token, *self._build(token))
        _, api, connection = self._built
        return api.requester.requestJson(
            request.verb,
            request.path,
            parameters=dict(request.query or {}),
            headers={"If-None-Match": request.etag} if request.etag else {},
            input=request.body,
            cnx=connection,
        )

    def _build(self, token: str) -> tuple[Github, _Plain | _Secure]:
        api = Github(
            base_url=self._api_url,
            auth=Auth.Token(token),
            lazy=True,
            retry=None,
            timeout=self._timeout,
            per_page=100,
            pool_size=1,
            user_agent=f"catnet-controller/{__version__}",
            seconds_between_requests=0,
            seconds_between_writes=0,
            api_version="2022-11-28",
        )
        parts = urlsplit(self._api_url)
        kind = _Secure if parts.scheme == "https" else _Plain
        connection = kind(
            parts.hostname or "", parts.port, timeout=self._timeout, pool_size=1, retry=None
        )
        # A proxy of the environment cannot reach our own loopback.
        connection.session.trust_env = parts.hostname not in _LOOPBACK
        return api, connection

    def close(self) -> None:
        if self._built is not None:
            _, api, connection = self._built
            self._built = None
            connection.close()
            api.close()


_Call = Callable[[_Instance], Any]


class _Thread:
    """A daemon thread that owns an instance. Daemon: a server that hangs cannot hold our exit."""

    def __init__(self, *, name: str, instance: _Instance) -> None:
        self._instance = instance
        self._work: queue.SimpleQueue[tuple[_Call, Future[Any]] | None] = queue.SimpleQueue()
        self.ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, call: Callable[[_Instance], T]) -> "Future[T]":
        future: Future[T] = Future()
        self._work.put((call, future))
        return future

    def finish(self) -> None:
        """End after what is being done now."""
        self._work.put(None)

    def _run(self) -> None:
        try:
            while (item := self._work.get()) is not None:
                call, future = item
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    result = call(self._instance)
                except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                    future.set_exception(error)
                else:
                    future.set_result(result)
        finally:
            self._instance.close()
            self.ended.set_result(None)


class _Lane:
    """One request at a time. A thread that does not come back in time is abandoned."""

    def __init__(self, *, name: str, build: Callable[[], _Instance], deadline: float) -> None:
        self._name = name
        self._build = build
        self._deadline = deadline
        self._lock = asyncio.Lock()
        self._thread: _Thread | None = None
        self._abandoned: list[_Thread] = []
        self._closed = False

    async def run(self, call: Callable[[_Instance], T]) -> T:
        async with self._lock:
            if self._closed:
                raise GithubUnavailable("the connection to GitHub is closed")
            self._abandoned = [thread for thread in self._abandoned if thread.alive]
            if len(self._abandoned) >= _HUNG_AT_MOST:
                raise GithubUnavailable(f"{len(self._abandoned)} calls to GitHub hang")
            if self._thread is None:
                self._thread = _Thread(name=f"github-{self._name}", instance=self._build())
            try:
                async with asyncio.timeout(self._deadline):
                    return await asyncio.wrap_future(self._thread.submit(call))
            except (TimeoutError, asyncio.CancelledError) as cause:
                # The thread cannot be stopped, and its instance must not be shared.
                self._thread.finish()
                self._abandoned.append(self._thread)
                self._thread = None
                if isinstance(cause, asyncio.CancelledError):
                    raise
                _log.warning("github lane abandoned", lane=self._name, seconds=self._deadline)
                raise GithubUnavailable(
                    f"GitHub did not finish an answer in {self._deadline:g} s"
                ) from cause

    async def close(self) -> None:
        self._closed = True
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        thread.finish()
        try:
            async with asyncio.timeout(2):
                await asyncio.shield(asyncio.wrap_future(thread.ended))
        except TimeoutError:
            _log.warning("github lane left behind", lane=self._name)


class Client:
    """GitHub's REST API for one repository, for asyncio.

    ``token`` is asked before each request, in a thread, so a rotated token is used at once.
    ``timeout`` is seconds for a read of the socket, ``deadline`` for a whole request.
    ``write_spacing`` is seconds between writes; at most ``writes_per_hour`` of them are sent
    (GitHub's limit for content creation, docs.github.com rate-limits-for-the-rest-api).
    ``on_rate_limit`` hears how many requests are left. ``pause`` is seconds before a read is
    tried again, doubled each time; writes are never repeated here.
    """

    def __init__(
        self,
        *,
        repository: str,
        api_url: str,
        token: Callable[[], str] | str,
        clock: Clock,
        timeout: float = 10.0,
        deadline: float | None = None,
        write_spacing: float = 1.0,
        writes_per_hour: int = 500,
        attempts: int = 3,
        pause: float = 0.5,
        on_rate_limit: Callable[[int], None] | None = None,
    ) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise SettingsInvalid(f"github.repository: {repository!r} is not OWNER/NAME")
        parts = urlsplit(api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise SettingsInvalid("github.api_url: not an http(s) URL without credentials")
        self.repository = repository
        self.root = f"/repos/{repository}"
        self._host = parts.hostname
        self._clock = clock
        self._attempts = attempts
        self._pause = pause
        self._spacing = write_spacing
        self._writes_per_hour = writes_per_hour
        self._on_rate_limit = on_rate_limit
        self._not_before = 0.0
        self._limited_in_a_row = 0
        self._writing = asyncio.Lock()
        self._last_write: float | None = None
        self._writes: list[float] = []

        def build() -> _Instance:
            return _Instance(
                api_url=api_url.rstrip("/"),
                token=(lambda: token) if isinstance(token, str) else token,
                timeout=max(1, round(timeout)),
            )

        whole = 3 * timeout if deadline is None else deadline
        self._read_lane = _Lane(name="read", build=build, deadline=whole)
        self._write_lane = _Lane(name="write", build=build, deadline=whole)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a call that hangs is left behind in its daemon thread."""
        await self._read_lane.close()
        await self._write_lane.close()

    async def read(
        self,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        etag: str | None = None,
        allow: Collection[int] = (),
        needs: str = "Contents: read",
    ) -> Answer:
        """GET, tried again a few times when GitHub is not available.

        Answers 200, 304 (when ``etag`` is given) and those in ``allow`` are given back. ``needs``
        is the permission to name in GithubDenied. Raises GithubUnavailable, RateLimited,
        GithubDenied, RepositoryMoved.
        """
        request = _Request(
            verb="GET",
            path=path,
            needs=needs,
            accept={200, *allow} | ({304} if etag else set()),
            query=query,
            etag=etag,
        )
        pause = self._pause
        for left in range(self._attempts - 1, -1, -1):
            try:
                return await self._send(self._read_lane, request)
            except GithubUnavailable as error:
                if not left:
                    raise
                _log.info("github read tried again", path=path, error=error.message)
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    async def write(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any],
        *,
        needs: str,
        allow: Collection[int] = (),
    ) -> Answer:
        """POST or PATCH, once: after GithubUnavailable nobody knows whether it was done."""
        request = _Request(verb=verb, path=path, needs=needs, accept={200, 201, *allow}, body=body)
        async with self._writing:
            await self._room_to_write()
            try:
                return await self._send(self._write_lane, request)
            finally:
                self._last_write = self._clock.monotonic()
                self._writes.append(self._last_write)

    async def aside(self, work: Callable[[], T]) -> T:
        """Run blocking ``work`` (files of the cache) between reads, off the event loop."""
        return await self._read_lane.run(lambda _: work())

    async def verify_access(self) -> None:
        """Ask whether the repository is the configured one and can be written to.

        Raises RepositoryMoved or GithubDenied with what is wrong; see ``read`` for the rest.
        """
        answer = await self.read(self.root, allow={404}, needs="Metadata: read")
        if answer.status == 404:
            raise self._not_there()
        name = answer.text("full_name")
        if name.casefold() != self.repository.casefold():
            raise RepositoryMoved(f"repository {self.repository} is now called {name}")
        if answer.data.get("archived") is True or answer.data.get("disabled") is True:
            raise RepositoryMoved(
                f"repository {self.repository} is archived or disabled; nothing can be reported",
                next_step="Unarchive it on GitHub, or correct `github.repository`.",
            )
        permissions = answer.data.get("permissions")
        if isinstance(permissions, dict) and permissions.get("push") is not True:
            # App tokens have no such field; fine-grained tokens show the user's rights here.
            raise GithubDenied(
                f"the token cannot write to {self.repository} (permission push is missing)",
                next_step=_GRANT,
            )

    async def missing(self, what: str, *, absent: CatnetError) -> CatnetError:
        """Why GitHub answered 404 or 422 for ``what``: the repository, the token, or ``absent``.

        GitHub says 404 for what a token may not see, so the repository itself is asked about.
        """
        try:
            await self.verify_access()
        except GithubUnavailable:
            return GithubUnavailable(f"{what} was not found, and GitHub then stopped answering")
        except CatnetError as error:
            return error
        return absent

    def lag(self, sha: str) -> NotVisibleYet:
        return NotVisibleYet(f"GitHub does not show commit {sha[:12]} yet")

    async def _room_to_write(self) -> None:
        now = self._clock.monotonic()
        self._writes = [at for at in self._writes if at > now - 3600]
        if len(self._writes) >= self._writes_per_hour:
            wait = self._writes[0] + 3600 - now
            raise RateLimited(
                f"{len(self._writes)} writes to GitHub in an hour, its limit for one account",
                not_before=self._clock.now() + wait,
            )
        self._refuse_while_limited()
        if self._last_write is not None:
            await asyncio.sleep(max(0.0, self._last_write + self._spacing - now))

    def _refuse_while_limited(self) -> None:
        if (now := self._clock.now()) < self._not_before:
            raise RateLimited(
                f"GitHub asked to wait {self._not_before - now:.0f} s more",
                not_before=self._not_before,
            )

    async def _send(self, lane: _Lane, request: _Request) -> Answer:
        self._refuse_while_limited()
        what = request.what
        try:
            status, seen, text = await lane.run(lambda instance: instance.send(request))
        except CatnetError:
            raise
        except _Redirected as cause:
            raise RepositoryMoved(
                f"repository {self.repository} was renamed or moved "
                f"(GitHub redirects {what} with {cause.status})"
            ) from cause
        except _Unfinished as cause:
            raise GithubUnavailable(f"GitHub is not ready to answer {what} (202)") from cause
        except requests.exceptions.SSLError as cause:
            raise GithubUnavailable(
                f"no trusted TLS connection to {self._host}",
                next_step="Check github.api_url, the proxy and the certificate authority.",
            ) from cause
        except requests.exceptions.Timeout as cause:
            raise GithubUnavailable(f"{self._host} did not answer {what} in time") from cause
        except requests.exceptions.RequestException as cause:
            raise GithubUnavailable(
                f"no answer from {self._host} to {what} ({type(cause).__name__})"
            ) from cause
        except Exception as cause:
            # PyGithub also raises AssertionError, RuntimeError and bare ValueError for answers.
            raise GithubUnavailable(f"{what} could not be done ({type(cause).__name__})") from cause
        return self._checked(request, status, {k: str(v) for k, v in seen.items()}, text)

    def _checked(
        self, request: _Request, status: int, headers: Mapping[str, str], text: str
    ) -> Answer:
        what = request.what
        remaining = _number(headers.get("x-ratelimit-remaining"))
        if remaining is not None and self._on_rate_limit is not None:
            self._on_rate_limit(int(remaining))
        try:
            data = json.loads(text) if text else None
        except (ValueError, RecursionError) as cause:
            if status < 400:
                raise GithubUnavailable(
                    f"the answer to {what} is not JSON",
                    next_step="Check `github.api_url` and the proxy.",
                ) from cause
            data = None
        answer = Answer(status=status, headers=headers, data=data, what=what)
        if status == 429 or (status == 403 and _limited(answer, remaining)):
            raise self._limit(answer, remaining)
        self._limited_in_a_row = 0
        if status in request.accept:
            if remaining == 0:
                self._not_before = max(self._not_before, self._reset(headers))
            return answer
        said = f": {answer.message}" if answer.message else ""
        if status >= 500:
            raise GithubUnavailable(f"GitHub answered {what} with {status}{said}")
        if status == 401:
            raise GithubDenied(
                f"GitHub does not accept the token{said}",
                next_step="Give `github.token` a token that is valid and not expired.",
            )
        if status in (403, 404):
            # The header names what a fine-grained token or App would need for this very request.
            wanted = headers.get("x-accepted-github-permissions") or request.needs
            raise GithubDenied(
                f"GitHub refuses {what} ({status}{said})",
                next_step=f"Give the token this permission on {self.repository}: {wanted}.",
            )
        if status in (400, 409, 410, 415, 422):
            raise GithubDenied(
                f"GitHub refuses {what} ({status}{said})",
                next_step="Report this with the log of the daemon; repeating it does not help.",
            )
        raise GithubUnavailable(f"GitHub answered {what} with {status}{said}")

    def _limit(self, answer: Answer, remaining: float | None) -> RateLimited:
        """One time for both lanes: knocking during a limit prolongs it, or ends in a ban."""
        now = self._clock.now()
        told = _retry_after(answer.headers)
        self._limited_in_a_row += 1
        if told is not None:
            until = now + told
        elif remaining == 0 and "x-ratelimit-reset" in answer.headers:
            until = self._reset(answer.headers)
        else:
            doubled = _FIRST_PAUSE * 2 ** min(self._limited_in_a_row - 1, 10)
            until = now + min(doubled, _LONGEST_PAUSE)
        self._not_before = max(self._not_before, min(until, now + _LONGEST_WAIT))
        _log.warning("github rate limit", seconds=round(self._not_before - now), told=told)
        return RateLimited(
            f"GitHub asks to wait {self._not_before - now:.0f} s"
            + (f": {answer.message}" if answer.message else ""),
            not_before=self._not_before,
        )

    def _reset(self, headers: Mapping[str, str]) -> float:
        """When the quota is whole again, by our clock: GitHub's may differ, so use its Date."""
        now = self._clock.now()
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is None:
            return now + _FIRST_PAUSE
        theirs = _date(headers.get("date"))
        return now + min(max(1.0, reset - (now if theirs is None else theirs)), _LONGEST_WAIT)

    def _not_there(self) -> RepositoryMoved:
        return RepositoryMoved(
            f"repository {self.repository} is not there, or the token may not see it",
            next_step=f"Correct `github.repository`. {_GRANT}",
        )


def segment(text: str) -> str:
    """``text`` for use in a path; slashes stay, as GitHub wants them in refs."""
    return quote(text, safe="/")


async def pages(fetch: Callable[[int], Awaitable[Answer]], *, limit: int = 50) -> list[Answer]:
    """All pages of a list, in order; ``fetch`` is given the page number from 1."""
    answers = []
    for page in range(1, limit + 1):
        answer = await fetch(page)
        answers.append(answer)
        if 'rel="next"' not in answer.headers.get("link", ""):
            break
    return answers


def _shapeless(what: str, path: tuple[str | int, ...]) -> GithubUnavailable:
    where = ".".join(str(key) for key in path) or "the whole"
    return GithubUnavailable(f"the answer to {what} is not what GitHub documents ({where})")


def _limited(answer: Answer, remaining: float | None) -> bool:
    said = answer.message.lower()
    return (
        remaining == 0
        or "retry-after" in answer.headers
        or any(words in said for words in _RATE_TEXTS)
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is None:
        until, now = _date(text), _date(headers.get("date"))
        seconds = until - now if until is not None and now is not None else _FIRST_PAUSE
    return min(max(1.0, seconds), _LONGEST_WAIT)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e12 else None


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
