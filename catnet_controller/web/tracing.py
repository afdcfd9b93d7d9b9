"""A request comes in; everything that is logged about it, and its answer, carry its id."""

import random

import structlog
from aiohttp import web

from catnet_controller.web.problems import Handler

HEADER = "X-Request-Id"


@web.middleware
async def tracing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The id is ours: one that a client chose could be another's."""
    number = f"{random.getrandbits(64):016x}"
    # Not unbound: the context is of this connection alone, and its next request binds anew.
    structlog.contextvars.bind_contextvars(request=number)
    response = await handler(request)
    if not response.prepared:
        response.headers[HEADER] = number
    return response
