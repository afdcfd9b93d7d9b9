"""A question to the daemon goes out over HTTP; its JSON answer, or an error that says why, back."""

import json
import urllib.error
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

from catnet_controller.app.machine import SystemClock
from catnet_controller.cli.sessions import Sessions
from catnet_controller.errors import Blocked, DaemonUnreachable, SettingsInvalid
from catnet_controller.settings import Settings, state_home, stated_token

SECONDS = 30.0


class DaemonRefused(Blocked):
    """The daemon answered with a problem."""

    code: ClassVar[str] = "daemon-refused"
    default_next_step = "Read the log of the daemon."
    status: int = 0
    """What HTTP calls it."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to whatever host it names."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class Daemon:
    """The daemon of these settings; ``url`` says where it is when it is not on this machine.

    The session of `catnet login` goes before http.token, so that what is done has a name.
    ``anonymous`` shows neither: for the login itself.
    """

    def __init__(
        self, settings: Settings | None, *, url: str | None = None, anonymous: bool = False
    ) -> None:
        listening = settings.http.listen.url if settings is not None else ""
        self.url = (url or listening).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise SettingsInvalid(
                f"{self.url}: not a URL that begins with http:// or https://",
                next_step="Correct --url.",
            )
        self.sessions = Sessions(state_home())
        self._token: str | None = None
        self.user: str | None = None
        """Who is logged in; None with http.token."""
        if not anonymous:
            self._identify(settings)
        # A proxy of the environment is for the internet, not for a daemon on this machine.
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if url is None:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def enter(self) -> bool:
        """Go on as who logged in with `catnet login`; False where nobody has."""
        login = self.sessions.find(self.url, now=SystemClock().now())
        if login is None:
            return False
        self.user, self._token = login.user, login.token
        return True

    def _identify(self, settings: Settings | None) -> None:
        if self.enter():
            return
        known = stated_token() if settings is None else settings.http.token
        if known is not None:
            self._token = known.reveal()
        else:
            raise SettingsInvalid(
                f"you are not logged in to {self.url}, and http.token is not set",
                next_step="`catnet login`; without users yet, `catnet init`, or set http.token in"
                " catnet.yaml and start the daemon again.",
            )

    def require_private(self) -> None:
        """Raise SettingsInvalid where a password would cross a network unencrypted."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https" or host == "localhost":
            return
        with suppress(ValueError):
            if ip_address(host).is_loopback:
                return
        raise SettingsInvalid(
            f"{self.url} is not encrypted, and a password would be sent there",
            next_step="Give the https URL of the reverse proxy, or come from the machine itself.",
        )

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def pages(self, path: str, key: str) -> list[Any]:
        """Every entry of a list, page after page."""
        found: list[Any] = []
        following: str | None = path
        while following is not None:
            page = self.get(following)
            found += page[key]
            following = page["next"]
        return found

    def put(self, path: str, body: object) -> Any:
        return self._ask("PUT", path, body)

    def post(self, path: str, body: object) -> Any:
        return self._ask("POST", path, body)

    def patch(self, path: str, body: object) -> Any:
        return self._ask("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path, None)

    def _ask(self, method: str, path: str, body: object) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                **({} if self._token is None else {"Authorization": f"Bearer {self._token}"}),
            },
        )
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise DaemonUnreachable(f"no answer from the daemon at {self.url}: {reason}") from error
        except ValueError as error:
            raise DaemonUnreachable(f"{self.url} does not answer like CatNet") from error

    def _refused(self, error: urllib.error.HTTPError) -> DaemonRefused | DaemonUnreachable:
        try:
            problem = json.load(error)
            detail, next_step = str(problem["detail"]), str(problem["next_step"])
        except (ValueError, KeyError, TypeError, OSError):
            return DaemonUnreachable(f"{self.url} does not answer like CatNet ({error.code})")
        if error.code == 401 and self.user is not None and problem.get("code") == "unauthorized":
            next_step = "Your session was ended: `catnet login` again."
        elif error.code == 401 and self._token is not None and self.user is None:
            next_step = "The http.token that is read here is not that of the running daemon."
        refused = DaemonRefused(detail, next_step=next_step)
        refused.status = error.code
        return refused
