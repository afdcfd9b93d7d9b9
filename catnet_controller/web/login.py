"""A name and a password come in, the token of a session goes out; and the end of a session."""

import secrets

import structlog
from aiohttp import web

from catnet_controller.models import Act, Session, User
from catnet_controller.ports import Accounts, Clock, Patience, Telemetry
from catnet_controller.web import bodies, views
from catnet_controller.web.access import Access, actor
from catnet_controller.web.passwords import Passwords, check
from catnet_controller.web.problems import HttpProblem
from catnet_controller.web.signing import Signing, digest

log = structlog.get_logger(__name__)

PER_USER = Patience(free=5, longest=900.0)
PER_ADDRESS = Patience(free=20, longest=300.0)
"""Many people may come from one address, such as that of a reverse proxy."""


class Login:
    """The routes below /api/v1/auth."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        signing: Signing,
        telemetry: Telemetry,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._signing = signing
        self._telemetry = telemetry
        self._clock = clock

    def routes(self, access: Access) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/auth/login", self.login),
            web.post("/api/v1/auth/logout", access.acting(self.logout)),
            web.post("/api/v1/auth/password", access.acting(self.password)),
            web.get("/api/v1/auth/me", access.reading(self.me)),
        ]

    async def login(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
        name, password = body["user"].strip().lower(), body["password"]
        text, until, user = await self.open(request, name, password)
        return bodies.answer(
            {
                "token": text,
                "token_type": "Bearer",
                "until": views.when(until),
                "user": user.name,
                "role": user.role.value,
            }
        )

    async def open(self, request: web.Request, name: str, password: str) -> tuple[str, float, User]:
        """A new session: what shows it, and when it ends. Raises a problem for a wrong password,
        and for who is locked out."""
        user = await self._authenticate(request, name, password)
        number = secrets.token_urlsafe(32)
        now = self._clock.now()
        session = Session(
            id=digest(number),
            user=user.name,
            created_at=now,
            until=now + self._signing.life,
            address=request.remote or "",
        )
        text, until = await self._signing.sign(number, user=user.name, role=user.role)
        if not await self._accounts.open_session(session, password=user.password):
            raise _wrong()
        if self._passwords.outdated(user.password):
            fresh = await self._passwords.hash(password)
            await self._accounts.rehash(user.name, user.password, fresh)
        log.info("login", user=user.name, peer=request.remote)
        return text, until, user

    async def guess(self, request: web.Request) -> None:
        """Count a token that is about to be tried. Raises a problem for who is locked out."""
        address = request.remote or ""
        self._locked(await self._accounts.attempt({f"address:{address}": PER_ADDRESS}), address)

    async def guessed(self, request: web.Request, *, right: bool) -> None:
        """Whether the token was right."""
        self._telemetry.login("complete" if right else "failed")
        if right:
            await self._accounts.forgive(f"address:{request.remote or ''}", all_of_it=False)

    async def logout(self, request: web.Request) -> web.Response:
        session = actor(request).session
        if session is None:
            raise bodies.malformed("A token has no session to end.")
        await self._accounts.end_session(session)
        return bodies.answer({"user": actor(request).name})

    async def password(self, request: web.Request) -> web.Response:
        """One's own; ends every session of the user, this one too."""
        who = actor(request)
        if who.session is None:
            raise bodies.malformed("A token has no password to change.")
        body = await bodies.read(request)
        old, new = body["old"], body["new"]
        check(new, user=who.name)
        await self._authenticate(request, who.name, old)
        await self._accounts.change_user(who.name, password=await self._passwords.hash(new))
        return bodies.answer({"user": who.name})

    async def me(self, request: web.Request) -> web.Response:
        who = actor(request)
        return bodies.answer(
            {
                "kind": who.kind,
                "name": who.name,
                "role": who.role.value,
                "until": None if who.until is None else views.when(who.until),
            }
        )

    async def _authenticate(self, request: web.Request, name: str, password: str) -> User:
        """The user with this password; an unknown one takes the same steps, to the last."""
        self._passwords.ready()
        address = request.remote or ""
        mine, theirs = f"user:{digest(name)}", f"address:{address}"
        wait = await self._accounts.attempt({mine: PER_USER, theirs: PER_ADDRESS})
        self._locked(wait, address)
        user = await self._accounts.user(name)
        # Who types the password where the name belongs must not find it in the audit log.
        who = f"user {name}" if user is not None else "unknown user"
        act = Act(
            at=self._clock.now(),
            who=who,
            what=f"{request.method} {request.path}",
            address=address,
            result="started",
        )
        number = await self._accounts.begin_act(act)
        right = await self._passwords.verify(None if user is None else user.password, password)
        if user is None or user.disabled or not right:
            await self._accounts.end_act(number, "401 login-failed")
            log.warning("login failed", who=who, peer=address)
            self._telemetry.login("failed")
            raise _wrong()
        await self._accounts.forgive(mine, all_of_it=True)
        await self._accounts.forgive(theirs, all_of_it=False)
        await self._accounts.end_act(number, "200")
        self._telemetry.login("complete")
        return user

    def _locked(self, wait: float, address: str) -> None:
        if wait > 0:
            # Not in the audit log: whoever hammers must not be able to fill the disk.
            log.warning("login refused", peer=address, seconds=round(wait))
            self._telemetry.login("locked-out")
            seconds = int(wait) + 1
            raise HttpProblem(
                429,
                "locked-out",
                "Too many logins failed.",
                next_step=f"Wait {seconds} s and try again.",
                headers={"Retry-After": str(seconds)},
            )


def _wrong() -> HttpProblem:
    return HttpProblem(
        401,
        "login-failed",
        "The user name or the password is wrong, or the user is disabled.",
        next_step="Try again; an admin sets a new password with `catnet user passwd NAME`.",
        headers={"WWW-Authenticate": 'Bearer realm="CatNet"'},
    )
