"""Named credentials for logging in to devices; their secrets never show in a repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catnet_controller.errors import SecretMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How to log in: a password, a private key, or both; ``enable`` where login is not level 15.

    With both, the key is tried first.
    """

    username: str
    password: str = field(default="", repr=False)
    enable: str | None = field(default=None, repr=False)
    private_key: Path | None = None
    passphrase: str | None = field(default=None, repr=False)


class Credentials:
    """The credentials of the settings, by the name that the inventory uses."""

    def __init__(self, named: Mapping[str, Credential]) -> None:
        self._named = dict(named)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._named))

    def lookup(self, name: str) -> Credential:
        """Raises SecretMissing with the names there are, when this one is not among them."""
        try:
            return self._named[name]
        except KeyError:
            known = ", ".join(self.names) or "none"
            raise SecretMissing(
                f"there is no credential {name!r} (known: {known})",
                next_step=f"Add credential {name!r} to catnet.yaml, or correct the inventory.",
            ) from None
