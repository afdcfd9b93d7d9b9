"""A list and where to go on come in, one page of it and the address of the next go out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from aiohttp import web

from catnet_controller.web import bodies

T = TypeVar("T")


def by_name(
    found: Sequence[T], asked: Mapping[str, Any], name: Callable[[T], str], *, most: int
) -> tuple[Sequence[T], str | None]:
    """The page of what is sorted by name, and the last name on it when more follows."""
    after, limit = asked.get("after"), asked.get("limit", most)
    rest = [each for each in found if after is None or name(each) > after]
    page = rest[:limit]
    return page, name(page[-1]) if len(rest) > limit else None


def answer(
    request: web.Request, body: Mapping[str, object], cursor: Mapping[str, object] | None
) -> web.Response:
    """``cursor`` is what the query of the next page has in addition; None on the last one."""
    if cursor is None:
        return bodies.answer({**body, "next": None})
    following = str(request.rel_url.update_query({k: str(v) for k, v in cursor.items()}))
    link = {"Link": f'<{following}>; rel="next"'}
    return bodies.answer({**body, "next": following}, headers=link)
