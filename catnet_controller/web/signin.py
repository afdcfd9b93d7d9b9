"""The sign-in page: a password or a token comes in, the cookie of a session goes out, and its end.

The same counters as at the API lock out who guesses. Where somebody wanted to go he gets
afterwards, as long as that is a page of this server.
"""

import secrets
from collections.abc import Mapping

import structlog
from aiohttp import web

from catnet_controller.models import Act
from catnet_controller.ports import Accounts, Clock
from catnet_controller.web import forms
from catnet_controller.web.access import Actor
from catnet_controller.web.cookies import THEMES, Cookies, proof
from catnet_controller.web.drawing import Drawing
from catnet_controller.web.login import Login
from catnet_controller.web.passwords import LONGEST
from catnet_controller.web.problems import HttpProblem
from catnet_controller.web.visits import Visits, visitor

log = structlog.get_logger(__name__)


class SignIn:
    """The routes /sign-in, /sign-out and /theme."""

    def __init__(
        self,
        *,
        visits: Visits,
        login: Login,
        accounts: Accounts,
        cookies: Cookies,
        drawing: Drawing,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._public_url = public_url
        self._visits = visits
        self._login = login
        self._accounts = accounts
        self._cookies = cookies
        self._drawing = drawing
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sign-in", self.page),
            web.post("/sign-in", self.enter),
            web.post("/sign-out", self._visits.acting(self.leave)),
            web.post("/theme", self.theme),
        ]

    async def page(self, request: web.Request) -> web.StreamResponse:
        where = forms.local(request.query.get("next", "/"))
        if await self._visits.enter(request) is not None:
            return _to(where)
        return self._page(request, where=where, left="left" in request.query)

    async def enter(self, request: web.Request) -> web.StreamResponse:
        try:
            form = await self._visits.form(request)
        except HttpProblem as problem:
            if problem.code != "form-expired":
                raise
            return self._page(request, where="/", problem=self._forgotten())
        where = forms.local(form.get("next", "/"))
        try:
            text, until, name = await self._session(request, form)
        except HttpProblem as problem:
            name = form.get("user", "")[:LONGEST]
            return self._page(
                request, where=where, problem=problem, name=name, by_token="token" in form
            )
        answer = _to(where)
        self._cookies.enter(request, answer, text, life=max(1.0, until - self._clock.now()))
        log.info("signed in", who=name, peer=request.remote)
        return answer

    async def leave(
        self, request: web.Request, _who: Actor, _form: Mapping[str, str]
    ) -> web.StreamResponse:
        found = visitor(request)
        assert found is not None, "who acts is known"
        await self._visits.end(found)
        answer = _to("/sign-in?left")
        self._cookies.leave(request, answer)
        return answer

    async def theme(self, request: web.Request) -> web.StreamResponse:
        await self._visits.enter(request)
        form = await self._visits.form(request)
        wanted = form.get("theme", "auto")
        answer = _to(_back(form.get("next", "/")))
        self._cookies.dress(request, answer, wanted if wanted in THEMES else "auto")
        return answer

    async def _session(
        self, request: web.Request, form: Mapping[str, str]
    ) -> tuple[str, float, str]:
        if "token" in form:
            return await self._by_token(request, form["token"].strip())
        name, password = form.get("user", "").strip().lower(), form.get("password", "")
        if not (1 <= len(name) <= LONGEST and 1 <= len(password) <= LONGEST):
            raise HttpProblem(
                400,
                "malformed",
                "A name and a password are needed.",
                next_step="Type both, and try again.",
            )
        text, until, user = await self._login.open(request, name, password)
        return text, until, user.name

    async def _by_token(self, request: web.Request, token: str) -> tuple[str, float, str]:
        await self._login.guess(request)
        found = await self._visits.token_session(token) if 1 <= len(token) <= LONGEST else None
        act = Act(
            at=self._clock.now(),
            who="unknown token" if found is None else str(found[2]),
            what=f"{request.method} {request.path}",
            address=request.remote or "",
            result="401 login-failed" if found is None else "303",
        )
        await self._accounts.begin_act(act)
        await self._login.guessed(request, right=found is not None)
        if found is None:
            raise HttpProblem(
                401,
                "login-failed",
                "The token is wrong, or has expired.",
                next_step="`catnet token list` shows the tokens there are; an admin makes one with"
                " `catnet token add NAME`.",
            )
        text, until, actor = found
        return text, until, str(actor)

    def _forgotten(self) -> HttpProblem:
        """Most often the page lay open for an hour. Where it comes again, the cookie was not kept:
        one that is Secure is not, by a browser that came by http."""
        return HttpProblem(
            403,
            "form-expired",
            "The sign-in page lay open for too long, or its cookie was not kept.",
            next_step=f"Try again. If it comes again, open {self._public_url} and allow cookies.",
        )

    def _page(
        self,
        request: web.Request,
        *,
        where: str,
        problem: HttpProblem | None = None,
        name: str = "",
        left: bool = False,
        by_token: bool = False,
    ) -> web.Response:
        secret = self._cookies.stranger(request) or secrets.token_urlsafe(24)
        answer = self._drawing.page(
            request,
            "signin.html",
            where=where,
            problem=problem,
            name=name,
            left=left,
            by_token=by_token,
            proof=proof(secret),
        )
        self._cookies.remember(request, answer, secret)
        if problem is not None:
            answer.set_status(problem.status)
            if "Retry-After" in problem.headers:
                answer.headers["Retry-After"] = problem.headers["Retry-After"]
        return answer


def _to(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where})


def _back(where: str) -> str:
    """Also to the sign-in page, whose look can be changed too."""
    return "/sign-in" if where == "/sign-in" else forms.local(where)
