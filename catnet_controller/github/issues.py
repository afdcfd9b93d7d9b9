"""A failure or a recovery in; one issue that is open as long as something is wrong, out."""

from typing import Final

from catnet_controller.github.client import Client
from catnet_controller.github.replies import pages, pick
from catnet_controller.github.viewer import Viewer
from catnet_controller.models import IssueMessage

MARKER: Final = "<!-- catnet:deploy -->"
NEEDS: Final = "Issues: write"
_LONGEST: Final = 60_000


class Issues:
    """Opens an issue, edits it in place, and closes it. The next failure opens another one."""

    def __init__(self, *, client: Client, viewer: Viewer) -> None:
        self._client = client
        self._viewer = viewer

    async def issue(self, message: IssueMessage, remote: str | None) -> str:
        """Gives the number of the issue that is open now, empty for none."""
        # An answer may have been lost after GitHub took it, so what is there is looked at first.
        number = remote or await self._open()
        if not message.open:
            if number:
                body = {"state": "closed", "state_reason": "completed"}
                await self._edit(number, body)
            return ""
        body = {"title": message.title, "body": f"{MARKER}\n{message.body}"[:_LONGEST]}
        if number and await self._edit(number, {**body, "state": "open"}):
            return number
        path = f"{self._client.root}/issues"
        answer = await self._client.write("POST", path, body, needs=NEEDS)
        return str(pick(answer.data, int, "number", what=answer.what))

    async def _edit(self, number: str, body: dict[str, str]) -> bool:
        """Whether the issue is still there."""
        path = f"{self._client.root}/issues/{number}"
        answer = await self._client.write("PATCH", path, body, needs=NEEDS, allow={404, 410})
        return answer.status not in (404, 410)

    async def _open(self) -> str:
        """The number of the newest open issue of ours; empty when there is none."""
        path = f"{self._client.root}/issues"
        answers = await pages(
            lambda page: self._client.read(
                path, query={"state": "open", "per_page": 100, "page": page}, needs=NEEDS
            )
        )
        for answer in answers:
            for item in answer.items():
                marked = str(item.get("body") or "").startswith(MARKER)
                if marked and await self._viewer.wrote(item):
                    return str(pick(item, int, "number", what=path))
        return ""
