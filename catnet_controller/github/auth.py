"""A GitHub App's key in; the token to send with the next request, never one about to expire, out.

No library of GitHub and no I/O: what has to be asked of GitHub goes through ``Ask``.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final, Protocol

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from catnet_controller.errors import GithubDenied, GithubUnavailable, SecretMissing
from catnet_controller.github.quota import limited
from catnet_controller.github.replies import Answer
from catnet_controller.ports import Clock

_log = structlog.get_logger(__name__)

_EARLY: Final = 300.0
"""Seconds before its end that a token is replaced: no request takes that long."""
_BACKDATED, _VALID = 60, 540
"""GitHub takes a JWT of at most ten minutes, and not one from the future of its own clock."""
_NEEDED: Final = {"contents": "read", "statuses": "write", "pull_requests": "write"}
_NAMES: Final = {
    "contents": "Contents",
    "statuses": "Commit statuses",
    "pull_requests": "Pull requests",
    "issues": "Issues",
    "members": "Members (of the organization)",
    "deployments": "Deployments",
}
"""How GitHub's pages call what its API calls otherwise."""
_GIVE: Final = "Give the App these permissions and accept them where it is installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A GitHub App. ``key`` gives its private key (PEM), asked each time a token is needed."""

    id: str
    key: Callable[[], str] = field(repr=False)
    issues: bool = False
    """Whether it is to open issues."""
    members: bool = False
    """Whether it is to ask who is in a team."""

    deployments: bool = False
    """Whether it is to keep GitHub's list of deployments."""

    @property
    def permissions(self) -> Mapping[str, str]:
        """All that a token of it is asked to have, whatever else the App was given."""
        wanted = dict(_NEEDED)
        if self.issues:
            wanted["issues"] = "write"
        if self.members:
            wanted["members"] = "read"
        if self.deployments:
            wanted["deployments"] = "write"
        return wanted


class Ask(Protocol):
    """A request with a JWT as its bearer; status, headers and text of the answer."""

    def __call__(
        self, verb: str, path: str, *, bearer: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, Mapping[str, Any], str]: ...


class Limited(Exception):
    """GitHub gives no token before some time that ``answer`` tells."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.what)
        self.answer = answer


class Lacks:
    """What the App was asked to have and was not given: said once, whichever thread found out."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._said: frozenset[str] = frozenset()

    def hear(self, permissions: Mapping[str, str]) -> None:
        """Those that the newest token lacks; none: it has all."""
        names = frozenset(permissions)
        with self._lock:
            news, self._said = names - self._said, names
        if news:
            _log.warning(
                "github app lacks permissions that settings need",
                permissions=_worded(permissions),
                next_step=f"{_GIVE}, or switch those settings off; the rest goes on.",
            )


class Installed:
    """The tokens of ``app`` on ``repository`` (OWNER/NAME); for one thread.

    A token without what only some settings need is better than none.
    """

    def __init__(self, *, app: App, repository: str, clock: Clock, lacks: Lacks) -> None:
        self._app = app
        self._lacks = lacks
        self._repository = repository
        self._clock = clock
        self._token: str | None = None
        self._until = 0.0

    def forget(self) -> None:
        """GitHub does not take the token any more: the next one is a new one."""
        self._token = None

    def token(self, ask: Ask) -> str:
        """Raises SecretMissing, GithubDenied, GithubUnavailable, Limited, and as ``ask`` does."""
        if self._token is None or self._clock.now() > self._until - _EARLY:
            self._token = None
            bearer = self._signed()
            path = f"/repos/{self._repository}/installation"
            found = self._checked(_answer(ask, "GET", path, bearer=bearer), what="the installation")
            number = found.get("id")
            if not isinstance(number, int):
                raise GithubUnavailable("GitHub did not say which installation of the App it is")
            made = self._made(ask, bearer, number, found.get("permissions"))
            self._token, self._until = _read(made)
        return self._token

    def _made(self, ask: Ask, bearer: str, number: int, given: object) -> Mapping[str, Any]:
        """A new token; ``given`` is what GitHub says the installation ``number`` may do."""

        def post(permissions: Mapping[str, str]) -> Answer:
            names = [self._repository.partition("/")[2]]
            body = {"repositories": names, "permissions": permissions}
            path = f"/app/installations/{number}/access_tokens"
            return _answer(ask, "POST", path, bearer=bearer, body=body)

        wanted = self._app.permissions
        lacks: Mapping[str, str] = {}
        answer = post(wanted)
        if answer.status == 422 and (lacks := _dispensable(wanted, given)):
            answer = post({name: wanted[name] for name in wanted if name not in lacks})
        made = self._checked(answer, what="a token")
        self._lacks.hear(lacks)
        return made

    def _signed(self) -> str:
        """The JWT by which the App says who it is (RFC 7519, RS256)."""
        now = int(self._clock.now())
        claims = {"iat": now - _BACKDATED, "exp": now + _VALID, "iss": self._app.id}
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        text = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        try:
            key = load_pem_private_key(self._app.key().strip().encode() + b"\n", password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, rsa.RSAPrivateKey):
            # Not chained: the library's message may quote from the key.
            raise SecretMissing(
                "github.app.private_key is not an RSA private key in PEM form without a password",
                next_step="Generate a key in the settings of the App on GitHub and refer to it.",
            ) from None
        return f"{text}.{_base64(key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"

    def _checked(self, answer: Answer, *, what: str) -> Mapping[str, Any]:
        status = answer.status
        if status in (200, 201):
            return answer.data if isinstance(answer.data, dict) else {}
        if limited(answer):
            raise Limited(answer)
        said = f": {answer.message}" if answer.message else ""
        if status >= 500:
            raise GithubUnavailable(f"GitHub did not give the App {what} ({status}{said})")
        if status == 401:
            step = "Check github.app.id and github.app.private_key, and the clock of this machine."
        elif status == 404:
            step = f"Install the App on {self._repository}, or correct `github.repository`."
        elif status == 422:
            step = f"{_GIVE}: {_worded(self._app.permissions)}."
        else:
            step = f"Look at the installation of the App on {self._repository}: is it suspended?"
        raise GithubDenied(f"GitHub refuses the App {what} ({status}{said})", next_step=step)


def _answer(
    ask: Ask, verb: str, path: str, *, bearer: str, body: Mapping[str, Any] | None = None
) -> Answer:
    status, headers, text = ask(verb, path, bearer=bearer, body=body)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    named = {name: str(value) for name, value in headers.items()}
    return Answer(status=status, headers=named, data=data, what=f"{verb} {path}")


def _dispensable(wanted: Mapping[str, str], given: object) -> Mapping[str, str]:
    """What only some settings need and is not ``given``; all of it when that is not to be seen."""
    optional = {name: level for name, level in wanted.items() if name not in _NEEDED}
    known = given if isinstance(given, dict) else {}
    lacking = {
        name: level for name, level in optional.items() if known.get(name) not in (level, "write")
    }
    return lacking or optional


def _worded(permissions: Mapping[str, str]) -> str:
    return ", ".join(f"{_NAMES[name]}: {level}" for name, level in permissions.items())


def _read(made: Mapping[str, Any]) -> tuple[str, float]:
    token, until = made.get("token"), made.get("expires_at")
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise GithubUnavailable("GitHub gave the App no token")
    try:
        return token, datetime.fromisoformat(str(until)).timestamp()
    except ValueError:
        raise GithubUnavailable("GitHub did not say when the token of the App ends") from None


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
