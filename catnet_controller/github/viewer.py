"""What GitHub lists comes in; whether we wrote it goes out."""

from typing import Any

from catnet_controller.errors import GithubDenied
from catnet_controller.github.client import Client


class Viewer:
    """Who we are to GitHub: the user of a token, or a GitHub App."""

    def __init__(self, *, client: Client) -> None:
        self._client = client
        self._login: str | None = None

    async def wrote(self, item: dict[str, Any]) -> bool:
        """Whether a comment or issue is surely ours."""
        user = item.get("user")
        if not isinstance(user, dict):
            return False
        if login := await self._own_login():
            return str(user.get("login")).casefold() == login.casefold()
        # We are an App then: people may write our marker too, but are of type User.
        return user.get("type") == "Bot"

    async def _own_login(self) -> str:
        """Our login; empty for a GitHub App, which may not ask (403)."""
        if self._login is None:
            try:
                answer = await self._client.read("/user", allow={404})
            except GithubDenied:
                return ""
            self._login = answer.text("login") if answer.status == 200 else ""
        return self._login
