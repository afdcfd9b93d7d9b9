"""A request comes in; everything that is logged about it, and its answer, carry its id."""

import secrets

import structlog
from aiohttp import web

from catnet_controller.web.problems import Handler

HEADER = "X-Request-Id"


@web.middleware
async def tracing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The id is ours: one that a client chose could be another's."""
    number = secrets.token_hex(8)
    with structlog.contextvars.bound_contextvars(request=number):
        response = await handler(request)
    if not response.prepared:
        response.headers[HEADER] = number
    return response
