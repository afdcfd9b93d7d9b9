"""A pull request's number and a text in; its one comment, created or edited in place, out."""

import re
from typing import Any, Final

from catnet_controller.errors import GithubDenied, NotVisibleYet
from catnet_controller.github.client import Client
from catnet_controller.github.replies import Answer, pages, pick

MARKER: Final = "<!-- catnet:plan -->"
LONGEST: Final = 65_536
NEEDS: Final = "Pull requests: write"
_CUT: Final = (
    "\n\n*The rest did not fit into a comment; the status check links to the whole plan.*\n"
)
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$", re.MULTILINE)


class Comments:
    """Keeps one comment per pull request, found by a hidden marker and the author.

    A comment is not harmless to repeat, and an answer may be lost after GitHub took it. So
    without a known id the existing ones are always looked through before one is created.
    """

    def __init__(self, *, client: Client) -> None:
        self._client = client
        self._viewer: str | None = None

    async def comment(self, pull: int, body: str, remote: str | None) -> str:
        text = fitted(body)
        if remote is not None and remote.isdecimal() and await self._edit(remote, text):
            return remote
        # New to us, or somebody deleted it.
        own = await self._own(pull)
        if own is not None:
            number, present = own
            if present == text or await self._edit(number, text):
                return number
        answer = await self._client.write(
            "POST",
            f"{self._client.root}/issues/{pull}/comments",
            {"body": text},
            needs=NEEDS,
            allow={404, 422},
        )
        if answer.status == 404:
            raise await self._client.missing(
                f"pull request {pull}",
                absent=NotVisibleYet(f"GitHub does not show pull request {pull} yet"),
            )
        _refused(answer)
        return str(pick(answer.data, int, "id", what=answer.what))

    async def _edit(self, number: str, text: str) -> bool:
        """Whether the comment was still there to be edited."""
        answer = await self._client.write(
            "PATCH",
            f"{self._client.root}/issues/comments/{number}",
            {"body": text},
            needs=NEEDS,
            allow={404, 410, 422},
        )
        if answer.status in (404, 410):
            return False
        _refused(answer)
        pick(answer.data, int, "id", what=answer.what)
        return True

    async def _own(self, pull: int) -> tuple[str, str] | None:
        """Id and body of our comment: the oldest with the marker that is surely ours."""
        path = f"{self._client.root}/issues/{pull}/comments"
        answers = await pages(
            lambda page: self._client.read(
                path, query={"per_page": 100, "page": page}, allow={404}, needs=NEEDS
            )
        )
        marked = [
            item
            for answer in answers
            if answer.status == 200
            for item in answer.items()
            if isinstance(item, dict) and str(item.get("body") or "").startswith(MARKER)
        ]
        if not marked:
            return None
        viewer = await self._login()
        for item in marked:
            if _ours(item, viewer):
                return str(pick(item, int, "id", what=path)), str(item["body"])
        return None

    async def _login(self) -> str:
        """Our login; empty for a GitHub App, which may not ask (403)."""
        if self._viewer is None:
            try:
                answer = await self._client.read("/user", allow={404})
            except GithubDenied:
                return ""
            self._viewer = answer.text("login") if answer.status == 200 else ""
        return self._viewer


def fitted(body: str) -> str:
    """``body`` under the hidden marker, cut to what GitHub takes without leaving a block open."""
    text = body if body.startswith(MARKER) else f"{MARKER}\n{body}"
    if len(text) <= LONGEST:
        return text
    # Room for the longest fence this cut can leave open, and for the note.
    kept = text[: LONGEST - len(_CUT) - 100]
    kept = kept[: kept.rfind("\n") + 1] or kept
    details = kept.count("<details") - kept.count("</details>")
    return kept + _closing_fence(kept) + "</details>" * min(max(details, 0), 3) + _CUT


def _closing_fence(text: str) -> str:
    """What ends the code block that ``text`` leaves open (CommonMark 4.5); empty if none is."""
    fence = ""
    for found in _FENCE.finditer(text):
        mark, rest = found[1], found[2].strip()
        if not fence:
            fence = "" if mark[0] == "`" and "`" in rest else mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and not rest:
            fence = ""
    return f"{fence[:60]}\n" if fence else ""


def _ours(item: dict[str, Any], viewer: str) -> bool:
    user = item.get("user")
    if not isinstance(user, dict):
        return False
    if viewer:
        return str(user.get("login")).casefold() == viewer.casefold()
    # We are an App then: people may write our marker too, but are of type User.
    return user.get("type") == "Bot"


def _refused(answer: Answer) -> None:
    if answer.status == 422:
        raise GithubDenied(
            f"GitHub refuses the comment: {answer.message}",
            next_step="Report this with the log of the daemon; repeating it does not help.",
        )
