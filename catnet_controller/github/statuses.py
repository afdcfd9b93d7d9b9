"""A status message in, a commit status that GitHub has surely taken out."""

from typing import Final

from catnet_controller.errors import GithubDenied, GithubUnavailable, ReportRefused
from catnet_controller.github.client import Client
from catnet_controller.models import StatusMessage

NEEDS: Final = "Commit statuses: write"
LONGEST: Final = 140


class Statuses:
    """Posts statuses. Repeating one is harmless, so a lost answer is simply tried again.

    What GitHub has is not asked for again by the outbox: it keeps at most 1,000 statuses for a
    commit and context and then refuses for ever.
    """

    def __init__(self, *, client: Client) -> None:
        self._client = client

    async def status(self, message: StatusMessage) -> None:
        """Raises NotVisibleYet, ReportRefused when the commit is full, and as the client does."""
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
            raise ReportRefused(
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
                next_step="Look at `http.public_url`, else report this with the log of the daemon.",
            )
        if (
            answer.text("state") != message.state.value
            or answer.text("context").casefold() != message.context.casefold()
        ):
            raise GithubUnavailable(f"GitHub did not take the status {message.context}")


def shorten(text: str) -> str:
    """At most 140 characters on one line; more is refused with 422."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
