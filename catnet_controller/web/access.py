"""A request comes in; the handler runs in somebody's name, or the answer says how to get in.

Whoever asks shows a secret: the token of a session (`catnet login`), a token of a machine, or
http.token, which is an admin's. Reading takes it as Bearer, or as the password of HTTP Basic.
Acting takes Bearer only: a browser sends Basic by itself, also when another site made it ask. How
people come in with a browser is in `visits`. What the secret may do is in `roles`; every act is in
the audit log before it begins.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

import structlog
from aiohttp import web

from catnet_controller.errors import CatnetError
from catnet_controller.models import Act, Role
from catnet_controller.ports import Accounts, Clock
from catnet_controller.web import roles
from catnet_controller.web.problems import Handler, HttpProblem
from catnet_controller.web.signing import Signing, digest

log = structlog.get_logger(__name__)

PREFIX = "catnet_"
"""What the tokens of machines begin with, so that scanners for leaked secrets know them."""
_MOST_WHAT = 200


class Hidden(Protocol):
    """A secret that is shown only when asked."""

    def reveal(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: ``kind`` is user, token, or http.token, which has no name."""

    kind: str
    name: str
    role: Role
    until: float | None = None
    session: str | None = field(default=None, repr=False)
    """The digest of the session's id."""

    @property
    def shared(self) -> bool:
        """Whether this is http.token, which says nothing of the person."""
        return self.kind == "http.token"

    @property
    def label(self) -> str:
        """One word for what was done: ``ada``, ``token:ci``."""
        return f"token:{self.name}" if self.kind == "token" else self.name

    @property
    def cause(self) -> str:
        """Why there is a deployment, in its words."""
        return f"{'token' if self.kind == 'token' else 'user'} {self.name}"

    def __str__(self) -> str:
        return self.kind if self.shared else f"{self.kind} {self.name}"


_SHARED = Actor(kind="http.token", name="api", role=Role.ADMIN)
_ACTOR = web.RequestKey("_ACTOR", Actor)


def actor(request: web.Request) -> Actor:
    """Who asked; only in handlers that `Access` wrapped."""
    return request[_ACTOR]


class Access:
    """Who may do what."""

    def __init__(
        self, token: Hidden | None, *, accounts: Accounts, signing: Signing, clock: Clock
    ) -> None:
        self._digest = sha256(token.reveal().encode()).digest() if token is not None else None
        self._accounts = accounts
        self._signing = signing
        self._clock = clock

    def reading(self, handler: Handler) -> Handler:
        """Wrap a handler that only shows."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            request[_ACTOR] = await self._enter(request, basic=True)
            return await handler(request)

        return guarded

    def acting(self, handler: Handler) -> Handler:
        """Wrap a handler that changes something."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            who = request[_ACTOR] = await self._enter(request, basic=False)
            return await self.recorded(request, who, handler)

        return guarded

    async def recorded(
        self, request: web.Request, who: Actor, handler: Handler
    ) -> web.StreamResponse:
        """Run a handler that changes something, with its line in the audit log."""
        number = await self._begin(request, who, "started")
        result = "failed"
        try:
            response = await handler(request)
            result = f"{response.status} {response.headers.get('Location', '')}".rstrip()
        except HttpProblem as problem:
            result = f"{problem.status} {problem.code}"
            raise
        except CatnetError as error:
            result = f"failed {error.code}"
            raise
        finally:
            await self._end(number, result)
        return response

    # --- the audit log ---------------------------------------------------------------------------

    async def _begin(self, request: web.Request, who: Actor, result: str) -> int:
        return await self._accounts.begin_act(
            Act(
                at=self._clock.now(),
                who=str(who),
                what=f"{request.method} {request.path}"[:_MOST_WHAT],
                address=request.remote or "",
                result=result,
            )
        )

    async def _end(self, number: int, result: str) -> None:
        try:
            await self._accounts.end_act(number, result)
        except CatnetError as error:
            # What was done is done, and its line is there; only the end of it is missing.
            log.error("audit log", act=number, result=result, code=error.code, error=error.message)

    # --- who asks --------------------------------------------------------------------------------

    async def by_header(self, request: web.Request) -> Actor:
        """Whose secret is in the header, to read. Raises a problem when nobody's is."""
        given = _given(request.headers.get("Authorization", ""), basic=True)
        who = await self.identify(given) if given else None
        if who is None:
            raise await self._turn_away(given, basic=True)
        return who

    def permit(self, request: web.Request, who: Actor) -> None:
        """Raise a problem when this role may not."""
        needed = roles.needed(request)
        if not who.role.covers(needed):
            log.warning("not allowed", who=str(who), path=request.path, peer=request.remote)
            raise HttpProblem(
                403,
                "role-too-low",
                f"This needs the role {needed.value}; {who} has {who.role.value}.",
                next_step="An admin can give it: `catnet user role NAME ROLE`.",
            )

    async def permit_act(self, request: web.Request, who: Actor) -> None:
        """The same for what changes something: that somebody tried is in the audit log."""
        try:
            self.permit(request, who)
        except HttpProblem:
            await self._begin(request, who, "403 role-too-low")
            raise

    async def _enter(self, request: web.Request, *, basic: bool) -> Actor:
        roles.needed(request)
        given = _given(request.headers.get("Authorization", ""), basic=basic)
        who = await self.identify(given) if given else None
        if who is None:
            raise await self._turn_away(given, basic=basic)
        if basic:
            self.permit(request, who)
        else:
            await self.permit_act(request, who)
        return who

    async def identify(self, given: str) -> Actor | None:
        """Whose secret this is."""
        # Digests have one length, so that the comparison does not tell that of the token.
        shown = sha256(given.encode("utf-8", "surrogatepass")).digest()
        if self._digest is not None and hmac.compare_digest(shown, self._digest):
            return _SHARED
        if given.startswith(PREFIX):
            return await self._token(digest(given))
        number = await self._signing.verify(given) if given.count(".") == 2 else None
        return None if number is None else await self.by_session(number)

    async def by_session(self, number: str) -> Actor | None:
        """The user of a session, while it holds."""
        found = await self._accounts.session(digest(number))
        if found is None:
            return None
        session, user = found
        return Actor(
            kind="user", name=user.name, role=user.role, until=session.until, session=session.id
        )

    async def by_digest(self, known: str) -> Actor | None:
        """Whose token has this digest, while it holds."""
        if self._digest is not None and hmac.compare_digest(known, self._digest.hex()):
            return _SHARED
        return await self._token(known)

    async def _token(self, known: str) -> Actor | None:
        token = await self._accounts.token(known)
        if token is None:
            return None
        return Actor(kind="token", name=token.name, role=token.role, until=token.until)

    async def open_at_all(self) -> None:
        """Raise a problem while nobody can come in, which says how to begin."""
        if self._digest is None and not await self._accounts.users():
            raise HttpProblem(
                403,
                "token-not-set",
                "The API and the status page are closed: there is no user, and no token is set.",
                next_step="Make the first admin with `catnet init`, or set http.token in"
                " catnet.yaml (`token: env:CATNET_HTTP_TOKEN`, at least 16 characters), and start"
                " CatNet again.",
            )

    async def _turn_away(self, given: str | None, *, basic: bool) -> HttpProblem:
        await self.open_at_all()
        wanted = ['Bearer realm="CatNet"']
        if basic:
            wanted.insert(0, 'Basic realm="CatNet", charset="UTF-8"')
        known = "The token is wrong." if given is not None else "A token is needed."
        return HttpProblem(
            401,
            "unauthorized",
            known,
            next_step="Log in (`catnet login`), or send `Authorization: Bearer TOKEN` with a token"
            " of `catnet token add` or the value of http.token.",
            headers={"WWW-Authenticate": ", ".join(wanted)},
        )


def _given(header: str, *, basic: bool) -> str | None:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic" and basic:
        return _password(rest.strip())
    return None


def _password(encoded: str) -> str:
    """The password of HTTP Basic; empty, which is no token, when malformed."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return text.partition(":")[2]
