"""A comment's number or a login in; who wrote what, or whether he is in a team, out."""

from typing import Final

from catnet_controller.github.client import Client
from catnet_controller.github.replies import note, segment
from catnet_controller.models import Note

_MEMBERS: Final = "Members: read (of the organization)"


class Crew:
    """Implements ports.Crew."""

    def __init__(self, *, client: Client) -> None:
        self._client = client

    async def comment(self, number: int) -> Note | None:
        """None when GitHub does not show it: deleted, or not there yet."""
        answer = await self._client.read(
            f"{self._client.root}/issues/comments/{number}",
            allow={404, 410},
            needs="Pull requests: read",
        )
        if answer.status != 200:
            return None
        return note(answer.data, answer.what)

    async def member(self, team: str, login: str) -> bool:
        """Whether he is in the team now; somebody who was only invited is not."""
        owner = self._client.repository.partition("/")[0]
        answer = await self._client.read(
            f"/orgs/{owner}/teams/{segment(team)}/memberships/{segment(login)}",
            allow={404},
            needs=_MEMBERS,
        )
        return answer.status == 200 and answer.text("state") == "active"
