"""What a handler of the stand-in found in; GitHub's way to say it, or to refuse, out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from catnet_controller.demo.payloads import Json

_DOCS = "https://docs.github.com/rest"


class Refuse(Exception):
    """Turned into GitHub's answer by the front."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Json] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.data: Json = {
            "message": message,
            "documentation_url": _DOCS,
            "status": str(status),
        }
        if errors:
            self.data["errors"] = list(errors)


def answered(
    data: Any, status: int = 200, *, headers: Mapping[str, str] | None = None
) -> web.Response:
    text = json.dumps(data, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def links(response: web.Response) -> dict[str, str]:
    """The header that names the next page, where there is one."""
    return {"Link": response.headers["Link"]} if "Link" in response.headers else {}


def invalid(resource: str, name: str, message: str) -> Refuse:
    error = {"resource": resource, "code": "custom", "field": name, "message": message}
    return Refuse(422, "Validation Failed", errors=[error])


def listed(request: web.Request, items: Sequence[Json]) -> web.Response:
    """The page that is asked for, with a link to the next."""
    try:
        size = min(int(request.query.get("per_page", "30")), 100)
        page = max(int(request.query.get("page", "1")), 1)
    except ValueError as error:
        raise Refuse(422, "per_page and page are numbers") from error
    shown = items[(page - 1) * size : page * size]
    more = {}
    if page * size < len(items):
        url = request.url.update_query(page=page + 1)
        more["Link"] = f'<{url}>; rel="next"'
    return answered(list(shown), headers=more)
