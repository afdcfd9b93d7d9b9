"""Logins of this person come in and go out: one file for nobody else, one login a daemon."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from catnet_controller.errors import SettingsInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session at a daemon; ``until`` in seconds since 1970."""

    user: str
    until: float
    token: str = field(repr=False)


class Sessions:
    """The file ``catnet/sessions.json`` in the folder for state of this person."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "catnet" / "sessions.json"

    def find(self, url: str, *, now: float) -> Login | None:
        """The login at the daemon with this URL, unless it has ended."""
        login = self._all().get(url)
        return login if login is not None and login.until > now else None

    def keep(self, url: str, login: Login) -> None:
        self._write(self._all() | {url: login})

    def forget(self, url: str) -> None:
        if url in (known := self._all()):
            self._write({where: login for where, login in known.items() if where != url})

    def _all(self) -> dict[str, Login]:
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(1 << 20)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            # PermissionError: `sudo -u catnet` left HOME at somebody else's; http.token still does.
            return {}
        except OSError as error:
            raise SettingsInvalid(f"{self.path} cannot be read: {error.strerror}") from None
        if mode & 0o077:
            raise SettingsInvalid(
                f"others may read {self.path}, so its sessions may be known to them",
                next_step=f"`rm {self.path}`, then `catnet login`.",
            )
        try:
            return {str(url): Login(**login) for url, login in json.loads(data).items()}
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise SettingsInvalid(
                f"{self.path} is damaged", next_step=f"`rm {self.path}`, then `catnet login`."
            ) from None

    def _write(self, known: dict[str, Login]) -> None:
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        text = json.dumps({url: asdict(login) for url, login in known.items()}, indent=2)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileNotFoundError):
                fresh.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(fresh, flags, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise SettingsInvalid(
                f"{self.path} cannot be written: {error.strerror}",
                next_step="Make its folder writable, or set XDG_STATE_HOME to one that is.",
            ) from None
