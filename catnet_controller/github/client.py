"""Requests for GitHub's REST API in, checked answers or errors of ours out; the door to PyGithub.

There are two lanes, one for reading and one for writing, each a thread with its own PyGithub;
requests are serial in each, as GitHub asks. PyGithub's own retries, pauses and redirects are all
switched off: it sleeps as long as a server tells it to, repeats POSTs whose answer was lost,
drops the query when it follows a 301, and takes a 307 for success.
"""

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

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
    ReportRefused,
    RepositoryMoved,
    SecretMissing,
    SettingsInvalid,
)
from catnet_controller.github import quota
from catnet_controller.github.auth import App, Installed, Lacks, Limited
from catnet_controller.github.lanes import Lane
from catnet_controller.github.replies import Answer
from catnet_controller.ports import Clock

_log = structlog.get_logger(__name__)

T = TypeVar("T")

GRAPHQL: Final = "graphql"
"""The path of what REST cannot do. GHES has it beside its REST API, not below."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_WRITE_HOLD: Final = 60.0
"""Seconds; GitHub itself ends a request after ten (docs.github.com, rest/about-the-rest-api)."""
_GRANT: Final = (
    "Give the token access to the repository with the permissions Contents: read, "
    "Commit statuses: write, Pull requests: write."
)


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

    @property
    def resource(self) -> str:
        """Which number of requests it is counted to."""
        return quota.GRAPHQL if self.path == GRAPHQL else quota.CORE


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How GitHub is reached where that is not the plain way.

    ``authorities`` is a file of CA certificates that replaces those of the system; ``proxy`` is
    the URL of a proxy, used instead of the one the environment names.
    """

    authorities: Path | None = None
    proxy: str = ""


class _Instance:
    """PyGithub, for one thread: built, used and closed in it. Rebuilt when the token changes."""

    def __init__(
        self,
        *,
        api_url: str,
        token: Callable[[], str] | Installed,
        timeout: int,
        route: Route,
    ) -> None:
        self._api_url = api_url
        self._token = token
        self._timeout = timeout
        self._route = route
        self._built: tuple[str, Github, _Plain | _Secure] | None = None

    def send(self, request: _Request) -> tuple[int, dict[str, Any], str]:
        answer = self._sent(request)
        if answer[0] == 401 and isinstance(self._token, Installed):
            # Revoked or at its end in spite of the clock. Nothing was done: it may be repeated.
            self._token.forget()
            answer = self._sent(request)
        return answer

    def _sent(self, request: _Request) -> tuple[int, dict[str, Any], str]:
        token = self._current()
        if self._built is None or self._built[0] != token:
            self.close()
            self._built = (token, *self._build(Auth.Token(token)))
        _, api, connection = self._built
        return api.requester.requestJson(
            request.verb,
            api.requester.graphql_url if request.path == GRAPHQL else request.path,
            parameters=dict(request.query or {}),
            headers={"If-None-Match": request.etag} if request.etag else {},
            input=request.body,
            cnx=connection,
        )

    def _current(self) -> str:
        if isinstance(self._token, Installed):
            return self._token.token(self._ask)
        token = self._token().strip()
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            # requests would quote a header it cannot send, secret and all, in its error.
            raise SecretMissing(
                "github.token is empty or has characters that no token has",
                next_step="Check the environment variable, file or credential of `github.token`.",
            )
        return token

    def _ask(
        self, verb: str, path: str, *, bearer: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, Mapping[str, Any], str]:
        api, connection = self._build(None)
        try:
            return api.requester.requestJson(
                verb,
                path,
                headers={"Authorization": f"Bearer {bearer}"},
                input=body,
                cnx=connection,
            )
        finally:
            connection.close()
            api.close()

    def _build(self, auth: Auth.Auth | None) -> tuple[Github, _Plain | _Secure]:
        api = Github(
            base_url=self._api_url,
            auth=auth,
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
        authorities = self._route.authorities
        connection = kind(
            parts.hostname or "",
            parts.port,
            timeout=self._timeout,
            pool_size=1,
            retry=None,
            verify=True if authorities is None else str(authorities),
        )
        if self._route.proxy:
            connection.session.trust_env = False
            connection.session.proxies = {"http": self._route.proxy, "https": self._route.proxy}
        else:
            # A proxy of the environment cannot reach our own loopback.
            connection.session.trust_env = parts.hostname not in _LOOPBACK
        return api, connection

    def close(self) -> None:
        if self._built is not None:
            _, api, connection = self._built
            self._built = None
            connection.close()
            api.close()


class Client:
    """GitHub's REST API for one repository, for asyncio.

    ``token`` is asked before each request, in a thread, so a rotated token is used at once; of an
    App, each thread gets a token of its own and replaces it before its end.
    ``timeout`` is seconds for a read of the socket, ``deadline`` for a whole request.
    ``write_spacing`` is seconds between writes; at most ``writes_per_hour`` of them are sent
    (GitHub's limit for content creation, docs.github.com rate-limits-for-the-rest-api).
    ``on_rate_limit`` hears how many requests of REST are left. ``pause`` is seconds before a read
    is tried again, doubled each time; writes are never repeated here.
    """

    def __init__(
        self,
        *,
        repository: str,
        api_url: str,
        token: Callable[[], str] | str | App,
        clock: Clock,
        timeout: float = 10.0,
        deadline: float | None = None,
        write_spacing: float = 1.0,
        writes_per_hour: int = 500,
        attempts: int = 3,
        pause: float = 0.5,
        on_rate_limit: Callable[[int], None] | None = None,
        route: Route | None = None,
    ) -> None:
        way = route or Route()
        if way.authorities is not None and not way.authorities.is_file():
            raise SettingsInvalid(f"github.ca_file: {way.authorities} is not a file")
        if not _REPOSITORY.fullmatch(repository):
            raise SettingsInvalid(f"github.repository: {repository!r} is not OWNER/NAME")
        parts = urlsplit(api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise SettingsInvalid("github.api_url: not an http(s) URL without credentials")
        self.repository = repository
        self.root = f"/repos/{repository}"
        self._host = parts.hostname
        self._app = isinstance(token, App)
        self._attempts = attempts
        self._pause = pause
        self._on_rate_limit = on_rate_limit
        self._writing = asyncio.Lock()
        self._quota = quota.Quota(
            clock=clock, spacing=write_spacing, writes_per_hour=writes_per_hour
        )
        lacks = Lacks()

        def build() -> _Instance:
            access: Callable[[], str] | Installed
            if isinstance(token, App):
                access = Installed(app=token, repository=repository, clock=clock, lacks=lacks)
            else:
                access = (lambda: token) if isinstance(token, str) else token
            return _Instance(
                api_url=api_url.rstrip("/"),
                token=access,
                timeout=max(1, round(timeout)),
                route=way,
            )

        whole = 3 * timeout if deadline is None else deadline
        self._read_lane = Lane(name="read", build=build, deadline=whole)
        self._write_lane = Lane(name="write", build=build, deadline=whole, hold=_WRITE_HOLD)

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
        for again in range(self._attempts - 1, -1, -1):
            try:
                return await self._send(self._read_lane, request)
            except GithubUnavailable as error:
                if not again:
                    raise
                _log.info("github read tried again", path=path, error=error.message)
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    async def write(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        needs: str,
        allow: Collection[int] = (),
    ) -> Answer:
        """POST, PATCH or DELETE, once: after GithubUnavailable nobody knows whether it was done."""
        accept = {200, 201, 204, *allow}
        request = _Request(verb=verb, path=path, needs=needs, accept=accept, body=body)
        async with self._writing:
            await self._quota.admit_write(request.resource)
            try:
                return await self._send(self._write_lane, request)
            finally:
                self._quota.wrote()

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
        # Tokens of an App belong to no user and show every right as false, reading included.
        if (
            isinstance(permissions, dict)
            and permissions.get("pull") is True
            and permissions.get("push") is not True
        ):
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

    async def _send(self, lane: Lane[_Instance], request: _Request) -> Answer:
        self._quota.admit(request.resource)
        what = request.what
        try:
            status, seen, text = await lane.run(lambda instance: instance.send(request))
        except CatnetError:
            raise
        except Limited as cause:
            raise self._quota.limit(cause.answer) from cause
        except _Redirected as cause:
            raise RepositoryMoved(
                f"repository {self.repository} was renamed or moved "
                f"(GitHub redirects {what} to {cause.location[:200]})",
                next_step="Correct `github.repository` (or `github.api_url`) in catnet.yaml.",
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
        remaining = quota.left(headers) if quota.resource(headers) == quota.CORE else None
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
        self._quota.heed(answer)
        if status in request.accept:
            return answer
        said = f": {answer.message}" if answer.message else ""
        if status >= 500:
            raise GithubUnavailable(f"GitHub answered {what} with {status}{said}")
        if status == 401:
            raise GithubDenied(
                f"GitHub does not accept the token{said}",
                next_step="Check the GitHub App: its key, and whether it is suspended."
                if self._app
                else "Give `github.token` a token that is valid and not expired.",
            )
        if status == 403 and request.verb != "GET" and "is locked" in said:
            raise ReportRefused(
                f"GitHub refuses {what} ({status}{said})",
                next_step="Unlock the conversation on GitHub.",
            )
        if status in (403, 404):
            who = "App" if self._app else "token"
            # The header names what a fine-grained token or App would need for this very request.
            wanted = headers.get("x-accepted-github-permissions") or request.needs
            raise GithubDenied(
                f"GitHub refuses {what} ({status}{said})",
                next_step=f"Give the {who} this permission on {self.repository}: {wanted}.",
            )
        if status in (400, 409, 410, 415, 422):
            raise GithubDenied(
                f"GitHub refuses {what} ({status}{said})",
                next_step="Report this with the log of the daemon; repeating it does not help.",
            )
        raise GithubUnavailable(f"GitHub answered {what} with {status}{said}")

    def _not_there(self) -> RepositoryMoved:
        return RepositoryMoved(
            f"repository {self.repository} is not there, or the token may not see it",
            next_step=f"Correct `github.repository`. {_GRANT}",
        )
