"""What a request says comes in as values, checked against the table of calls; answers go out."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from catnet_controller.web import calls
from catnet_controller.web.problems import HttpProblem

_SECONDS = 10.0


def malformed(detail: str) -> HttpProblem:
    return HttpProblem(400, "malformed", detail, next_step="Correct the request.")


def answer(
    value: object, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        headers=headers,
        content_type="application/json",
        # What a stranger sent may hold half a character, which JSON can say and UTF-8 cannot.
        body=json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"),
    )


def query(request: web.Request) -> dict[str, Any]:
    """What the query says, by name; what the call does not know is left out."""
    found: dict[str, Any] = {}
    for name, shape in calls.of(request).query.items():
        given = request.query.getall(name, [])
        if not given:
            continue
        value: object = given[0]
        if shape["type"] == "integer" and _is_number(given[0]):
            value = int(given[0])
        trouble = "more than once." if len(given) > 1 else calls.fault(shape, value, name)
        if trouble is not None:
            raise malformed(f"{name} is given {trouble}" if len(given) > 1 else trouble)
        found[name] = value
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


async def read(request: web.Request) -> dict[str, Any]:
    """The JSON object of the body; an absent body is an empty one."""
    call = calls.of(request)
    assert call.body is not None, "this call takes no body"
    if call.largest > calls.MAX_BODY:
        # A clone: one call takes a whole configuration, the others stay as narrow as they are.
        request = request.clone(client_max_size=call.largest)
    try:
        async with asyncio.timeout(_SECONDS):
            data = await request.read()
    except TimeoutError:
        raise HttpProblem(
            408, "too-slow", "The body did not arrive in time.", next_step="Send it again."
        ) from None
    body: object = {}
    if data:
        if request.content_type != "application/json":
            raise HttpProblem(
                415,
                "not-json",
                "The body is not declared to be JSON.",
                next_step="Send `Content-Type: application/json`.",
            )
        try:
            # Infinity and NaN are no JSON, and no database takes them.
            body = json.loads(data, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise malformed("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise malformed("The body is not a JSON object.")
    trouble = calls.fault(call.body, body)
    if trouble is not None:
        raise malformed(trouble)
    return body


def _refuse(text: str) -> object:
    raise ValueError(text)
