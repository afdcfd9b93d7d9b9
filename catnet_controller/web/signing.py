"""Session ids come in, signed tokens (JWT, HS256) go out, and the other way round.

The signing key turns once a day; an older one is accepted as long as something it signed may live.
What a token says of its user is for people: who it is and what he may do is asked of the store at
each request, so that taking a session away works at once.
"""

import asyncio
import secrets
from hashlib import sha256
from typing import Any

import jwt

from catnet_controller.models import Role, SigningKey
from catnet_controller.ports import Accounts, Clock

_ALGORITHM = "HS256"
_WHO = "catnet"
_LONGEST = 2048
_WANTED: Any = {
    "require": ["exp", "iat", "sub", "sid", "iss", "aud"],
    # The clock is ours: PyJWT would ask that of the machine.
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False),
}


def digest(secret: str) -> str:
    """What the store keeps of a session id or a token: of no use to who reads it there."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Signing:
    """``life`` seconds of a session, ``turn`` seconds between two keys."""

    def __init__(
        self, *, accounts: Accounts, clock: Clock, life: float, turn: float = 86_400.0
    ) -> None:
        self.life = life
        self._accounts = accounts
        self._clock = clock
        self._turn = turn
        self._keys: tuple[SigningKey, ...] | None = None
        self._turning = asyncio.Lock()

    async def sign(self, number: str, *, user: str, role: Role) -> tuple[str, float]:
        """The token of the session with this id, and when it ends."""
        key = await self._newest()
        now = self._clock.now()
        claims = {
            "iss": _WHO,
            "aud": _WHO,
            "sub": user,
            "role": role.value,
            "sid": number,
            "iat": int(now),
            "exp": int(now + self.life),
        }
        headers = {"kid": key.id}
        return jwt.encode(
            claims, key.secret, algorithm=_ALGORITHM, headers=headers
        ), now + self.life

    async def verify(self, text: str) -> str | None:
        """The session id in a token; None when it is not ours or has ended."""
        if len(text) > _LONGEST:
            return None
        try:
            kid = jwt.get_unverified_header(text).get("kid")
        except (jwt.PyJWTError, ValueError):
            return None
        now = self._clock.now()
        for key in await self._known():
            if key.id == kid and now < key.created_at + self._turn + self.life:
                return self._opened(text, key, now)
        return None

    def _opened(self, text: str, key: SigningKey, now: float) -> str | None:
        try:
            claims = jwt.decode(
                text,
                key.secret,
                algorithms=[_ALGORITHM],
                audience=_WHO,
                issuer=_WHO,
                options=_WANTED,
            )
        except (jwt.PyJWTError, ValueError):
            return None
        number, until = claims["sid"], claims["exp"]
        if not isinstance(number, str) or not isinstance(until, int) or until <= now:
            return None
        return number

    async def _known(self) -> tuple[SigningKey, ...]:
        if self._keys is None:
            self._keys = tuple(await self._accounts.signing_keys())
        return self._keys

    async def _newest(self) -> SigningKey:
        async with self._turning:
            known = await self._known()
            now = self._clock.now()
            if known and now < known[0].created_at + self._turn:
                return known[0]
            key = SigningKey(
                id=secrets.token_hex(8), secret=secrets.token_bytes(32), created_at=now
            )
            await self._accounts.add_signing_key(key, drop_before=now - self._turn - self.life)
            self._keys = None
            await self._known()
            return key
