"""Passwords come in, argon2 hashes or yes and no go out; computed beside the event loop.

Each computation takes 64 MiB and some tenths of a second of one core, on purpose. So few run at
once, few wait, and who comes then is told to come again: logins cannot take the daemon down.
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from catnet_controller.errors import AccountRefused
from catnet_controller.web.problems import HttpProblem

T = TypeVar("T")

SHORTEST = 12
LONGEST = 256
"""Characters of a password; the bound keeps a megabyte from being hashed."""


def check(password: str, *, user: str) -> None:
    """Raise AccountRefused for a password that is too easy to guess. Does not repeat it."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountRefused(
            f"the password has fewer than {SHORTEST} or more than {LONGEST} characters",
            next_step="Choose another; a sentence of some words is long and easy to type.",
        )
    if len(set(password)) < 5 or user.lower() in password.lower().split():
        raise AccountRefused(
            "the password is too easy to guess",
            next_step="Choose one that is neither a repeated character nor holds the user's name.",
        )


class Passwords:
    """``parallel`` computations at once, ``waiting`` more in line; ``memory`` in KiB."""

    def __init__(
        self, *, parallel: int = 2, waiting: int = 16, memory: int = 65_536, rounds: int = 3
    ) -> None:
        # RFC 9106 section 4, the second recommended choice, on one lane.
        self._hasher = argon2.PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=1)
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="catnet-passwords")
        self._most = parallel + waiting
        self._under_way = 0
        # No password has this hash, and refusing one takes as long as for the hash of a user.
        salt, tag = (
            base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32)
        )
        self.nobody = f"$argon2id$v=19$m={memory},t={rounds},p=1${salt}${tag}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def ready(self) -> None:
        """Raise a problem when too many wait already."""
        if self._under_way >= self._most:
            raise HttpProblem(
                503,
                "too-many-logins",
                "Too many passwords are being checked at the moment.",
                next_step="Try again in some seconds.",
                headers={"Retry-After": "5"},
            )

    async def hash(self, password: str) -> str:
        return await self._beside(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether the password has this hash; None, for an unknown user, takes as long as any."""
        hashed = self.nobody if known is None else known

        def compare() -> bool:
            try:
                return self._hasher.verify(hashed, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._beside(compare) and known is not None

    def outdated(self, known: str) -> bool:
        """Whether the hash was made with weaker parameters than these."""
        return self._hasher.check_needs_rehash(known)

    async def _beside(self, work: Callable[[], T]) -> T:
        self.ready()
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _bytes(password: str) -> bytes:
    """The same password typed on two keyboards is one (NIST SP 800-63B section 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
