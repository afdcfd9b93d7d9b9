"""Bodies of requests come in as objects, objects go out as bodies: JSON, bounded and checked."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

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
        text=json.dumps(value, ensure_ascii=False),
    )


async def read(request: web.Request, known: set[str]) -> dict[str, Any]:
    """The JSON object of the body; an absent body is an empty one."""
    try:
        async with asyncio.timeout(_SECONDS):
            data = await request.read()
    except TimeoutError:
        raise HttpProblem(
            408, "too-slow", "The body did not arrive in time.", next_step="Send it again."
        ) from None
    if not data:
        return {}
    if request.content_type != "application/json":
        raise HttpProblem(
            415,
            "not-json",
            "The body is not declared to be JSON.",
            next_step="Send `Content-Type: application/json`.",
        )
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise malformed("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise malformed("The body is not a JSON object.")
    unknown = sorted(set(body) - known)
    if unknown:
        raise malformed(f"Unknown: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    return body
