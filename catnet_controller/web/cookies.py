"""What a browser keeps between two requests: its session, the proof of its forms, the look."""

from aiohttp import web

from catnet_controller.web.signing import digest

_SESSION = "catnet"
_FORM = "catnet-form"
_THEME = "catnet-theme"
THEMES = ("auto", "light", "dark")
_YEAR = 365 * 86_400


class Cookies:
    """``safe``: people come by https, also where a proxy hides that from us."""

    def __init__(self, *, safe: bool) -> None:
        self._safe = safe

    def session(self, request: web.Request) -> str | None:
        """The signed token of the session."""
        return request.cookies.get(self._named(_SESSION, request)) or None

    def enter(self, request: web.Request, answer: web.Response, text: str, *, life: float) -> None:
        self._set(request, answer, _SESSION, text, life=int(life))

    def leave(self, request: web.Request, answer: web.Response) -> None:
        self._set(request, answer, _SESSION, "", life=0)

    def stranger(self, request: web.Request) -> str | None:
        """The secret of a browser without a session."""
        return request.cookies.get(self._named(_FORM, request)) or None

    def remember(self, request: web.Request, answer: web.Response, secret: str) -> None:
        self._set(request, answer, _FORM, secret, life=3600)

    def theme(self, request: web.Request) -> str:
        """``auto``, as the system says, ``light`` or ``dark``."""
        wanted = request.cookies.get(_THEME, "auto")
        return wanted if wanted in THEMES else "auto"

    def dress(self, request: web.Request, answer: web.Response, theme: str) -> None:
        answer.set_cookie(
            _THEME,
            theme,
            path="/",
            max_age=_YEAR,
            samesite="Lax",
            httponly=True,
            secure=self._secure(request),
        )

    def _set(
        self, request: web.Request, answer: web.Response, name: str, text: str, *, life: int
    ) -> None:
        # Lax, not Strict: who follows a link from a commit status is signed in. No other site can
        # make a browser send it with a POST, and a GET changes nothing.
        answer.set_cookie(
            self._named(name, request),
            text,
            path="/",
            max_age=life,
            samesite="Lax",
            httponly=True,
            secure=self._secure(request),
        )

    def _secure(self, request: web.Request) -> bool:
        return self._safe or request.secure

    def _named(self, name: str, request: web.Request) -> str:
        """With the prefix no other host of the domain can plant one (RFC 6265bis 4.1.3.2)."""
        return f"__Host-{name}" if self._secure(request) else name


def proof(secret: str) -> str:
    """What a form of this browser carries; who lacks the cookie cannot make it."""
    return digest(f"form {secret}")
