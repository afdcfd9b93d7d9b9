"""A status message in, a commit status that GitHub has surely taken out."""

from collections import OrderedDict
from typing import Final

from catnet_controller.errors import GithubDenied, GithubUnavailable
from catnet_controller.github.client import Client
from catnet_controller.models import StatusMessage

NEEDS: Final = "Commit statuses: write"
LONGEST: Final = 140
_REMEMBERED: Final = 4096


class Statuses:
    """Posts statuses. Repeating one is harmless, so a lost answer is simply tried again.

    Remembers what GitHub took and does not post the same twice in a row: it keeps at most 1,000
    statuses for a commit and context and then refuses for ever.
    """

    def __init__(self, *, client: Client) -> None:
        self._client = client
        self._taken: OrderedDict[tuple[str, str], StatusMessage] = OrderedDict()

    async def status(self, message: StatusMessage) -> None:
        """Raises NotVisibleYet, GithubDenied (also when the commit is full), GithubUnavailable."""
        key = (message.sha, message.context.casefold())  # GitHub's contexts ignore case
        if self._taken.get(key) == message:
            return
        # Until an answer is seen nobody knows what GitHub has.
        self._taken.pop(key, None)
        body = {
            "state": message.state.value,
            "context": message.context,
            "description": shorten(message.description),
        }
        if message.target_url:
            body["target_url"] = message.target_url
        answer = await self._client.write(
            "POST",
            f"{self._client.root}/statuses/{message.sha}",
            body,
            needs=NEEDS,
            allow={404, 422},
        )
        if answer.status == 422 and "maximum number of statuses" in answer.message:
            raise GithubDenied(
                f"GitHub keeps no more statuses for {message.context} on {message.sha[:12]}",
                next_step="Push a new commit; GitHub keeps 1,000 statuses per commit and context.",
            )
        if answer.status == 404 or (answer.status == 422 and "No commit found" in answer.message):
            raise await self._client.missing(
                f"commit {message.sha}", absent=self._client.lag(message.sha)
            )
        if answer.status == 422:
            raise GithubDenied(
                f"GitHub refuses the status {message.context}: {answer.message}",
                next_step="Report this with the log of the daemon; repeating it does not help.",
            )
        if (
            answer.text("state") != message.state.value
            or answer.text("context").casefold() != message.context.casefold()
        ):
            raise GithubUnavailable(f"GitHub did not take the status {message.context}")
        self._taken[key] = message
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)


def shorten(text: str) -> str:
    """At most 140 characters on one line; more is refused with 422."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
