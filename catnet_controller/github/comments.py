"""A pull request's number and a text in; its one comment, created or edited in place, out.

What does not fit into one goes on in further comments, which are edited in place as well and
deleted when the text has become shorter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from catnet_controller.errors import (
    GithubDenied,
    GithubUnavailable,
    NotVisibleYet,
    ReportRefused,
)
from catnet_controller.github.client import GRAPHQL, Client
from catnet_controller.github.replies import Answer, pages, pick
from catnet_controller.github.splitting import part, parts
from catnet_controller.github.viewer import Viewer
from catnet_controller.models import AnswerMessage, CommentMessage

log = structlog.get_logger(__name__)

NEEDS: Final = "Pull requests: write"
_HIDE: Final = (
    "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED})"
    " { minimizedComment { isMinimized } } }"
)
_SHOW: Final = (
    "mutation($id: ID!) { unminimizeComment(input: {subjectId: $id})"
    " { unminimizedComment { isMinimized } } }"
)
_HIDDEN: Final = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Present:
    """A comment of ours as GitHub has it; ``body`` None when that is not known."""

    id: str
    node: str = ""
    body: str | None = None


class Comments:
    """Keeps one comment per pull request, found by a hidden marker and the author.

    A comment is not harmless to repeat, and an answer may be lost after GitHub took it. So
    without a known id the existing ones are always looked through before one is created.
    """

    def __init__(self, *, client: Client, viewer: Viewer) -> None:
        self._client = client
        self._viewer = viewer

    async def comment(self, message: CommentMessage, remote: str | None) -> str:
        """Gives the ids of the parts in order, and whether the first is hidden, as one text."""
        texts = parts(message.body)
        known = (remote or "").split()
        hidden = _HIDDEN in known
        present: Mapping[int, _Present] = {
            number: _Present(id=each)
            for number, each in enumerate((each for each in known if each.isdecimal()), 1)
        }
        looked = not present
        if looked:
            present = await self._marked(message.pull, part)
        made: list[_Present] = []
        for number, text in enumerate(texts, 1):
            one = await self._edited(present.get(number), text)
            if one is None and not looked:
                # Somebody deleted it, or an answer was lost after GitHub took one.
                present, looked = await self._marked(message.pull, part), True
                one = await self._edited(present.get(number), text)
            made.append(one or await self._created(message.pull, text))
        for number, extra in present.items():
            if number > len(texts):
                await self._delete(extra)
        # What was found by looking may be hidden or not; a new one never is.
        unknown = not known and made[0].id in {each.id for each in present.values()}
        if message.hidden != hidden or (unknown and not message.hidden):
            hidden = await self._fold(made[0], hide=message.hidden)
        return " ".join([*(each.id for each in made), *([_HIDDEN] if hidden else [])])

    async def answer(self, message: AnswerMessage, remote: str | None) -> str:
        """Gives the id of the one answer to a comment."""
        marker = f"<!-- catnet:answer:{message.comment} -->"
        text = f"{marker}\n{message.body}"
        known = _Present(id=remote) if remote else None
        one = await self._edited(known, text)
        if one is None:
            found = await self._marked(
                message.issue, lambda body: 1 if body.startswith(marker) else None
            )
            one = await self._edited(found.get(1), text)
        return (one or await self._created(message.issue, text)).id

    async def _created(self, pull: int, text: str) -> _Present:
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
        return _present(answer.data, answer.what)

    async def _edited(self, known: _Present | None, text: str) -> _Present | None:
        """None when the comment is not there to be edited."""
        if known is None or known.body == text:
            return known
        # What was found by looking may be another App's after all, which carries our marker.
        found = known.body is not None
        answer = await self._client.write(
            "PATCH",
            f"{self._client.root}/issues/comments/{known.id}",
            {"body": text},
            needs=NEEDS,
            allow={404, 410, 422} | ({403} if found else set()),
        )
        if answer.status in (403, 404, 410):
            return None
        _refused(answer)
        return _present(answer.data, answer.what)

    async def _delete(self, known: _Present) -> None:
        path = f"{self._client.root}/issues/comments/{known.id}"
        # As in `_edited`: another App's that was found is left where it is.
        allow = {404, 410} | ({403} if known.body is not None else set())
        await self._client.write("DELETE", path, None, needs=NEEDS, allow=allow)

    async def _fold(self, known: _Present, *, hide: bool) -> bool:
        """Whether it is hidden now. That GitHub will not do it is no reason to say nothing."""
        body = {"query": _HIDE if hide else _SHOW, "variables": {"id": known.node}}
        try:
            answer = await self._client.write("POST", GRAPHQL, body, needs=NEEDS)
        except GithubDenied as error:
            log.warning("comment not folded", error=error.message, next_step=error.next_step)
            return not hide
        errors = answer.data.get("errors") if isinstance(answer.data, dict) else None
        if errors:
            kinds = {str(each.get("type")) for each in errors if isinstance(each, dict)}
            if "RATE_LIMITED" in kinds:
                raise GithubUnavailable("GitHub's limit for GraphQL is used up")
            log.warning("comment not folded", error=str(errors)[:200])
            return not hide
        return hide

    async def _marked(
        self, pull: int, which: Callable[[str], int | None]
    ) -> Mapping[int, _Present]:
        """The parts of a comment of ours, told by their texts: of each the oldest that is surely
        ours."""
        path = f"{self._client.root}/issues/{pull}/comments"
        answers = await pages(
            lambda page: self._client.read(
                path, query={"per_page": 100, "page": page}, allow={404}, needs=NEEDS
            )
        )
        marked = [
            (number, item)
            for answer in answers
            if answer.status == 200
            for item in answer.items()
            if isinstance(item, dict) and (number := which(str(item.get("body") or ""))) is not None
        ]
        if not marked:
            return {}
        found: dict[int, _Present] = {}
        for number, item in marked:
            if await self._viewer.wrote(item):
                found.setdefault(number, _present(item, path))
        return found


def _present(item: object, what: str) -> _Present:
    return _Present(
        id=str(pick(item, int, "id", what=what)),
        node=pick(item, str, "node_id", what=what),
        body=pick(item, str, "body", what=what),
    )


def _refused(answer: Answer) -> None:
    if answer.status == 422:
        raise ReportRefused(f"GitHub refuses the comment: {answer.message}")
