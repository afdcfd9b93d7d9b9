"""A question to the daemon goes out over HTTP; its JSON answer, or an error that says why, back."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, ClassVar

from catnet_controller.errors import Blocked, DaemonUnreachable, SettingsInvalid
from catnet_controller.settings import Settings

SECONDS = 30.0


class DaemonRefused(Blocked):
    """The daemon answered with a problem."""

    code: ClassVar[str] = "daemon-refused"
    default_next_step = "Read the log of the daemon."


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to whatever host it names."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class Daemon:
    """The daemon of these settings; ``url`` says where it is when it is not on this machine."""

    def __init__(self, settings: Settings, *, url: str | None = None) -> None:
        if settings.http.token is None:
            raise SettingsInvalid(
                "http.token is not set, so the daemon answers no questions",
                next_step="Set http.token in catnet.yaml and start the daemon again.",
            )
        self._token = settings.http.token.reveal()
        self.url = (url or settings.http.listen.url).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise SettingsInvalid(
                f"{self.url}: not a URL that begins with http:// or https://",
                next_step="Correct --url.",
            )
        # A proxy of the environment is for the internet, not for a daemon on this machine.
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if url is None:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: object) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
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
        if error.code == 401:
            next_step = "The http.token that is read here is not that of the running daemon."
        return DaemonRefused(detail, next_step=next_step)
