"""A browser comes in; a page is drawn in somebody's name, or the way leads to the sign-in.

A browser shows the cookie of its session, a script the same header as at the API. What is done by
a form takes the cookie only, and the proof that the form was ours (see `forms`). Whether a session
still holds is asked of the store at each request, so that ending one works at once.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import web

from catnet_controller.models import Role
from catnet_controller.ports import Accounts, Clock
from catnet_controller.web import forms
from catnet_controller.web.access import Access, Actor
from catnet_controller.web.cookies import Cookies, proof
from catnet_controller.web.problems import Handler, HttpProblem
from catnet_controller.web.signing import Signing, digest

Act = Callable[[web.Request, Actor, Mapping[str, str]], Awaitable[web.StreamResponse]]
"""What a form does, in whose name, with its fields."""

FRAGMENT = "X-CatNet-Fragment"
"""The header of a request by the script of a page that is shown already."""
_BY_TOKEN = "token:"  # noqa: S105 - a mark, not a secret
"""What the id of a session begins with that a token opened."""
_MOST_ENDED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who looks at a page. ``proof`` is what a form of the page carries; None: it has no forms."""

    actor: Actor
    proof: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)

    @property
    def acts(self) -> bool:
        """Whether buttons are of use."""
        return self.proof is not None and self.actor.role.covers(Role.OPERATOR)


_VISITOR = web.RequestKey("_VISITOR", Visitor)


def visitor(request: web.Request) -> Visitor | None:
    """Who looks, where that is known."""
    return request.get(_VISITOR)


class Visits:
    """Who may see a page, and press a button."""

    def __init__(
        self,
        *,
        access: Access,
        accounts: Accounts,
        signing: Signing,
        cookies: Cookies,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._access = access
        self._accounts = accounts
        self._signing = signing
        self._cookies = cookies
        self._clock = clock
        self._public_url = public_url
        # Sessions of tokens that were signed out, until they would have ended by themselves. Those
        # of users are rows of the store; these are not, since a token may be no row at all.
        self._ended: dict[str, float] = {}

    def showing(self, handler: Handler) -> Handler:
        """Wrap a handler that draws a page."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            found = await self.enter(request)
            if found is None:
                return await self._to_sign_in(request)
            self._access.permit(request, found.actor)
            return await handler(request)

        return guarded

    def acting(self, handler: Act) -> Handler:
        """Wrap what a form does."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            found = await self.enter(request)
            if found is None or found.proof is None:
                return await self._to_sign_in(request)
            await self._access.permit_act(request, found.actor)
            form = await self.form(request)

            async def act(request: web.Request) -> web.StreamResponse:
                return await handler(request, found.actor, form)

            return await self._access.recorded(request, found.actor, act)

        return guarded

    async def form(self, request: web.Request) -> Mapping[str, str]:
        """The fields of a form of this browser, signed in or not. Raises a problem for others."""
        secret = self._cookies.session(request) if visitor(request) is not None else None
        return await forms.read(
            request, secret or self._cookies.stranger(request), public_url=self._public_url
        )

    async def enter(self, request: web.Request) -> Visitor | None:
        """Who asks. Raises a problem for a header that is wrong."""
        found: Visitor | None
        if request.headers.get("Authorization"):
            found = Visitor(actor=await self._access.by_header(request))
        else:
            found = await self._by_cookie(request)
        if found is not None:
            request[_VISITOR] = found
        return found

    async def token_session(self, token: str) -> tuple[str, float, Actor] | None:
        """A signed session of this token, when it ends, and whose it is; None for a wrong one."""
        actor = await self._access.identify(token)
        if actor is None or actor.kind == "user":
            return None
        number = f"{_BY_TOKEN}{digest(token)}:{secrets.token_urlsafe(16)}"
        text, until = await self._signing.sign(number, user=actor.label, role=actor.role)
        return text, until if actor.until is None else min(until, actor.until), actor

    async def end(self, found: Visitor) -> None:
        """End the session of this visitor."""
        if found.actor.session is not None:
            await self._accounts.end_session(found.actor.session)
        elif found.number is not None:
            now = self._clock.now()
            self._ended = {each: until for each, until in self._ended.items() if until > now}
            if len(self._ended) >= _MOST_ENDED:
                self._ended.pop(next(iter(self._ended)))
            self._ended[found.number] = now + self._signing.life

    async def _by_cookie(self, request: web.Request) -> Visitor | None:
        text = self._cookies.session(request)
        number = await self._signing.verify(text) if text is not None else None
        if text is None or number is None:
            return None
        if number.startswith(_BY_TOKEN):
            known = number.split(":")[1]
            actor = None if number in self._ended else await self._access.by_digest(known)
        else:
            actor = await self._access.by_session(number)
        if actor is None:
            return None
        return Visitor(actor=actor, proof=proof(text), number=number)

    async def _to_sign_in(self, request: web.Request) -> web.StreamResponse:
        await self._access.open_at_all()
        if FRAGMENT in request.headers:
            raise HttpProblem(
                401, "signed-out", "You are signed out.", next_step="Sign in at /sign-in."
            )
        where = forms.local(request.path_qs if request.method in ("GET", "HEAD") else request.path)
        there = "/sign-in" if where == "/" else f"/sign-in?next={quote(where, safe='/')}"
        return web.Response(status=303, headers={"Location": there})
