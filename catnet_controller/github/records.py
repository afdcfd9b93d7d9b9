"""How a deployment stands in an environment in; one record of it in GitHub's Deployments, out."""

import json
from typing import Any, Final

from catnet_controller.errors import ReportRefused
from catnet_controller.github.client import Client
from catnet_controller.github.replies import pages, pick
from catnet_controller.github.statuses import shorten
from catnet_controller.models import RecordMessage

NEEDS: Final = "Deployments: write"
_MARK: Final = "catnet"
"""The key of our number in the payload of a record."""


class Records:
    """Makes a record once, and adds how it stands.

    An answer may have been lost after GitHub took it, so without a known number the records of
    the commit and environment are looked through before one is made.
    """

    def __init__(self, *, client: Client) -> None:
        self._client = client

    async def record(self, message: RecordMessage, remote: str | None) -> str:
        """Gives the number that GitHub has for it."""
        number = remote or await self._found(message) or await self._made(message)
        if not await self._told(number, message):
            # Somebody deleted it.
            number = await self._found(message) or await self._made(message)
            await self._told(number, message)
        return number

    async def _found(self, message: RecordMessage) -> str:
        """Empty when there is none."""
        path = f"{self._client.root}/deployments"
        query: dict[str, str | int] = {
            "sha": message.sha,
            "environment": message.environment,
            "per_page": 100,
        }
        answers = await pages(
            lambda page: self._client.read(path, query={**query, "page": page}, needs=NEEDS)
        )
        for answer in answers:
            for item in answer.items():
                if _number(item) == message.number:
                    return str(pick(item, int, "id", what=path))
        return ""

    async def _made(self, message: RecordMessage) -> str:
        body = {
            "ref": message.sha,
            "environment": message.environment,
            "description": f"CatNet deployment {message.number}",
            "payload": {_MARK: message.number},
            # It is said what was done; nothing is asked of GitHub.
            "auto_merge": False,
            "required_contexts": [],
        }
        path = f"{self._client.root}/deployments"
        answer = await self._client.write("POST", path, body, needs=NEEDS, allow={404, 422})
        if answer.status == 404 or (answer.status == 422 and "No ref found" in answer.message):
            raise await self._client.missing(
                f"commit {message.sha}", absent=self._client.lag(message.sha)
            )
        if answer.status == 422:
            raise ReportRefused(f"GitHub refuses the deployment record: {answer.message}")
        return str(pick(answer.data, int, "id", what=answer.what))

    async def _told(self, number: str, message: RecordMessage) -> bool:
        """False when the record is not there."""
        body = {"state": message.state, "description": shorten(message.description)}
        if message.log_url:
            body["log_url"] = message.log_url
        path = f"{self._client.root}/deployments/{number}/statuses"
        answer = await self._client.write("POST", path, body, needs=NEEDS, allow={404})
        return answer.status != 404


def _number(item: Any) -> object:
    """Ours, from the payload, which GitHub gives as it was sent or as text."""
    payload = item.get("payload") if isinstance(item, dict) else None
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return None
    return payload.get(_MARK) if isinstance(payload, dict) else None
