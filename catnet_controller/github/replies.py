"""The JSON of an answer in, values that surely have the documented type out. Pure."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import quote

from catnet_controller.errors import GithubUnavailable
from catnet_controller.models import Note

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What GitHub answered. ``data`` is the JSON, None when there is none (304, 204)."""

    status: int
    headers: Mapping[str, str]
    data: Any
    what: str
    """Verb and path, for messages."""

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")

    @property
    def message(self) -> str:
        """GitHub's own words of a refusal, on one line and bounded."""
        if not isinstance(self.data, dict):
            return ""
        parts = [self.data.get("message")]
        errors = self.data.get("errors")
        parts += [
            error.get("message") if isinstance(error, dict) else error
            for error in (errors if isinstance(errors, list) else ())
        ]
        return " ".join("; ".join(p for p in parts if isinstance(p, str)).split())[:300]

    def text(self, *path: str | int) -> str:
        """The text at ``path`` of the JSON; raises GithubUnavailable when it is not there."""
        return pick(self.data, str, *path, what=self.what)

    def items(self, *path: str | int) -> list[Any]:
        return pick(self.data, list, *path, what=self.what)


def pick(data: object, kind: type[T], *path: str | int, what: str) -> T:
    """The value of type ``kind`` at ``path``; GithubUnavailable when the answer has another shape.

    A shape that is not GitHub's is a proxy, a portal or a half answer, never a reason to act.
    """
    value = data
    for key in path:
        try:
            value = cast("Any", value)[key]
        except (KeyError, IndexError, TypeError) as cause:
            raise _shapeless(what, path) from cause
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _shapeless(what, path)
    return value


def note(item: Any, what: str) -> Note:
    """Raises GithubUnavailable for what is no comment."""
    user = pick(item, dict, "user", what=what)
    issue = pick(item, str, "issue_url", what=what).rpartition("/")[2]
    try:
        created = datetime.fromisoformat(pick(item, str, "created_at", what=what)).timestamp()
        pull = int(issue)
    except ValueError as cause:
        raise GithubUnavailable(f"the answer to {what} is not what GitHub documents") from cause
    return Note(
        id=pick(item, int, "id", what=what),
        pull=pull,
        login=pick(user, str, "login", what=what),
        person=user.get("type") == "User",
        association=str(item.get("author_association") or "NONE"),
        body=pick(item, str, "body", what=what),
        created_at=created,
    )


def segment(text: str) -> str:
    """``text`` for use in a path; slashes stay, as GitHub wants them in refs."""
    return quote(text, safe="/")


async def pages(fetch: Callable[[int], Awaitable[Answer]], *, limit: int = 50) -> list[Answer]:
    """All pages of a list, in order; ``fetch`` is given the page number from 1.

    Raises GithubUnavailable when there are more than ``limit``.
    """
    answers = []
    for page in range(1, limit + 1):
        answer = await fetch(page)
        answers.append(answer)
        if 'rel="next"' not in answer.headers.get("link", ""):
            return answers
    # Half a list would make what is missing look closed or deleted.
    raise GithubUnavailable(f"{answers[0].what}: GitHub lists more than {limit} pages")


def _shapeless(what: str, path: tuple[str | int, ...]) -> GithubUnavailable:
    where = ".".join(str(key) for key in path) or "the whole"
    return GithubUnavailable(f"the answer to {what} is not what GitHub documents ({where})")
