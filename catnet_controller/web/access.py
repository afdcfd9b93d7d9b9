"""A request and the token come in; the handler runs, or the answer says how to get in.

Reading takes the token as Bearer, or as the password of HTTP Basic, which a browser can ask for.
Acting takes Bearer only: a browser sends Basic by itself, also when another site made it ask.
"""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Protocol

from aiohttp import web

from catnet_controller.web.problems import Handler, HttpProblem


class Hidden(Protocol):
    """A secret that is shown only when asked."""

    def reveal(self) -> str: ...


class Access:
    """Who may do what; one token opens everything until there are accounts."""

    def __init__(self, token: Hidden | None) -> None:
        self._digest = sha256(token.reveal().encode()).digest() if token is not None else None

    def reading(self, handler: Handler) -> Handler:
        """Wrap a handler that only shows."""
        return self._guard(handler, basic=True)

    def acting(self, handler: Handler) -> Handler:
        """Wrap a handler that changes something."""
        return self._guard(handler, basic=False)

    def _guard(self, handler: Handler, *, basic: bool) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            self._check(request.headers.get("Authorization", ""), basic=basic)
            return await handler(request)

        return guarded

    def _check(self, header: str, *, basic: bool) -> None:
        if self._digest is None:
            raise HttpProblem(
                403,
                "token-not-set",
                "The API and the status page are closed because no token is set.",
                next_step="Set http.token in catnet.yaml (`token: env:CATNET_HTTP_TOKEN`, at least"
                " 16 characters) and start CatNet again.",
            )
        scheme, _, rest = header.partition(" ")
        given: str | None = None
        if scheme.lower() == "bearer":
            given = rest.strip()
        elif scheme.lower() == "basic" and basic:
            given = _password(rest.strip())
        if given is not None and self._is_token(given):
            return
        wanted = ['Bearer realm="CatNet"']
        if basic:
            wanted.insert(0, 'Basic realm="CatNet", charset="UTF-8"')
        known = "The token is wrong." if given is not None else "A token is needed."
        raise HttpProblem(
            401,
            "unauthorized",
            known,
            next_step="Send `Authorization: Bearer TOKEN` with the value of http.token"
            + ("; a browser asks for it as the password, any user name will do." if basic else "."),
            headers={"WWW-Authenticate": ", ".join(wanted)},
        )

    def _is_token(self, given: str) -> bool:
        # Digests have one length, so that the comparison does not tell that of the token.
        digest = sha256(given.encode("utf-8", "surrogatepass")).digest()
        return self._digest is not None and hmac.compare_digest(digest, self._digest)


def _password(encoded: str) -> str:
    """The password of HTTP Basic; empty, which is no token, when malformed."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return text.partition(":")[2]
