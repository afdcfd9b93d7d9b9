"""Requests of admins come in: users, tokens of machines and the audit log are shown or changed."""

import re
import secrets
from typing import Any

import structlog
from aiohttp import web

from catnet_controller.models import Role, Token, User
from catnet_controller.ports import Accounts, Clock
from catnet_controller.web import bodies, paging, views
from catnet_controller.web.access import PREFIX, Access, actor
from catnet_controller.web.calls import PAGE
from catnet_controller.web.passwords import Passwords, check
from catnet_controller.web.signing import digest

log = structlog.get_logger(__name__)

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_TAKEN = ("api", "unknown")
"""Words that stand for somebody else in causes and in the audit log."""
_DAYS = 90


def allowed(name: str) -> bool:
    """Whether a user or a token may be called that."""
    return _NAME.fullmatch(name) is not None and name not in _TAKEN


def _name(body: dict[str, Any]) -> str:
    name: str = body["name"]
    if not allowed(name):
        raise bodies.malformed(f"{name} is a word that stands for somebody else.")
    return name


class People:
    """The routes /api/v1/users, tokens and audit."""

    def __init__(self, *, accounts: Accounts, passwords: Passwords, clock: Clock) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._clock = clock

    def routes(self, access: Access) -> list[web.RouteDef]:
        read, act = access.reading, access.acting
        return [
            web.get("/api/v1/users", read(self.users)),
            web.post("/api/v1/users", act(self.add_user)),
            web.patch("/api/v1/users/{name}", act(self.change_user)),
            web.get("/api/v1/tokens", read(self.tokens)),
            web.post("/api/v1/tokens", act(self.add_token)),
            web.delete("/api/v1/tokens/{name}", act(self.remove_token)),
            web.get("/api/v1/audit", read(self.audit)),
        ]

    async def users(self, request: web.Request) -> web.Response:
        found = sorted(await self._accounts.users(), key=lambda it: it.name)
        asked = bodies.query(request)
        page, last = paging.by_name(found, asked, lambda it: it.name, most=PAGE)
        return paging.answer(
            request,
            {"users": [_user(each) for each in page], "total": len(found)},
            {"after": last} if last is not None else None,
        )

    async def add_user(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
        name, role = _name(body), Role(body["role"])
        hashed = await self._hash(body, name)
        now = self._clock.now()
        user = User(name=name, role=role, password=hashed, created_at=now, changed_at=now)
        await self._accounts.add_user(user)
        log.info("user added", user=name, role=role.value, by=str(actor(request)))
        headers = {"Location": f"/api/v1/users/{name}"}
        return bodies.answer(_user(user), status=201, headers=headers)

    async def change_user(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await bodies.read(request)
        if not body:
            raise bodies.malformed("Nothing to change: give role, disabled or password.")
        user = await self._accounts.change_user(
            name,
            role=Role(body["role"]) if "role" in body else None,
            disabled=body.get("disabled"),
            password=await self._hash(body, name) if "password" in body else None,
        )
        log.info("user changed", user=name, what=sorted(body), by=str(actor(request)))
        return bodies.answer(_user(user))

    async def tokens(self, request: web.Request) -> web.Response:
        now = self._clock.now()
        found = sorted(await self._accounts.tokens(), key=lambda it: it.name)
        asked = bodies.query(request)
        page, last = paging.by_name(found, asked, lambda it: it.name, most=PAGE)
        return paging.answer(
            request,
            {"tokens": [_token(each, now=now) for each in page], "total": len(found)},
            {"after": last} if last is not None else None,
        )

    async def add_token(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
        name, role, days = _name(body), Role(body["role"]), body.get("days", _DAYS)
        now = self._clock.now()
        token = Token(
            name=name,
            role=role,
            created_at=now,
            until=now + days * 86_400.0,
            created_by=str(actor(request)),
        )
        shown = PREFIX + secrets.token_urlsafe(32)
        await self._accounts.add_token(token, digest(shown))
        log.info("token added", token=name, role=role.value, by=str(actor(request)))
        return bodies.answer({**_token(token, now=now), "token": shown}, status=201)

    async def remove_token(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        await self._accounts.remove_token(name)
        log.info("token removed", token=name, by=str(actor(request)))
        return bodies.answer({"name": name})

    async def audit(self, request: web.Request) -> web.Response:
        asked = bodies.query(request)
        limit = asked.get("limit", PAGE)
        found = await self._accounts.acts(
            limit + 1, before=asked.get("before"), who=asked.get("who")
        )
        page = found[:limit]
        acts = [
            {
                "id": each.id,
                "at": views.when(each.at),
                "who": each.who,
                "what": each.what,
                "address": each.address,
                "result": each.result,
            }
            for each in page
        ]
        cursor = {"before": page[-1].id} if len(found) > limit else None
        return paging.answer(request, {"acts": acts}, cursor)

    async def _hash(self, body: dict[str, Any], name: str) -> str:
        password = body["password"]
        check(password, user=name)
        return await self._passwords.hash(password)


def _user(it: User) -> dict[str, object]:
    return {
        "name": it.name,
        "role": it.role.value,
        "disabled": it.disabled,
        "created_at": views.when(it.created_at),
        "password_changed_at": views.when(it.changed_at),
    }


def _token(it: Token, *, now: float) -> dict[str, object]:
    return {
        "name": it.name,
        "role": it.role.value,
        "created_at": views.when(it.created_at),
        "created_by": it.created_by,
        "until": views.when(it.until),
        "expired": it.until <= now,
    }
