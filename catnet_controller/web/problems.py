"""Anything that goes wrong in a handler comes in; an answer that says what to do next goes out.

Machines get problem details (RFC 9457) with ``code`` and ``next_step``, browsers get a page with
the same words. A stack trace is only ever in the log, under the id that the answer names.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from catnet_controller.errors import Blocked, CatnetError, Refused, Transient

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RETRY_SECONDS = 5
_FORM = "application/x-www-form-urlencoded"
"""What a browser sends besides GET."""
_FOR_MACHINES = ("/api/", "/webhook/", "/healthz", "/readyz", "/metrics", "/static/")


class HttpProblem(Exception):
    """An answer other than success; raised by handlers, turned into a response here."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        next_step: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.next_step = next_step
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def response(self) -> web.Response:
        """As problem details."""
        body = {
            "type": f"urn:catnet:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "next_step": self.next_step,
        }
        return web.Response(
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
            body=json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        )


def from_error(error: CatnetError) -> HttpProblem:
    """The status is by who acts next: author 422, operator 409, nobody 503, we 500."""
    headers: dict[str, str] = {}
    match error:
        case Refused():
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        case Blocked():
            status = HTTPStatus.CONFLICT
        case Transient():
            status = HTTPStatus.SERVICE_UNAVAILABLE
            headers["Retry-After"] = str(RETRY_SECONDS)
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
    return HttpProblem(
        status, error.code, error.message, next_step=error.next_step, headers=headers
    )


def defect(error: Exception, path: str) -> HttpProblem:
    """An answer that tells nothing; what it was is in the log, under the id that it names."""
    incident = secrets.token_hex(4)
    log.error("request failed", incident=incident, path=path, exc_info=error)
    return HttpProblem(
        500,
        "internal-fault",
        "CatNet made a mistake and could not answer.",
        next_step=f"Look for incident {incident} in the log of the daemon, and report it.",
    )


def middleware(page: Callable[[web.Request, HttpProblem], web.Response]) -> Middleware:
    """Turn whatever a handler raises into an answer; ``page`` draws it for a browser."""

    @web.middleware
    async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except HttpProblem as problem:
            found = problem
        except CatnetError as error:
            found = from_error(error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            found = _from_aiohttp(request, error)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - it is logged
            found = defect(error, request.path)
        machine = request.path.startswith(_FOR_MACHINES) or (
            request.method not in ("GET", "HEAD") and request.content_type != _FORM
        )
        return found.response() if machine else page(request, found)

    return problems


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> HttpProblem:
    match error:
        case web.HTTPNotFound():
            return HttpProblem(
                404,
                "not-found",
                f"There is nothing at {request.path}.",
                next_step="The API is below /api/v1, the status page at /.",
            )
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return HttpProblem(
                405,
                "method-not-allowed",
                f"{request.path} does not take {error.method}.",
                next_step=f"Use {allowed}.",
                headers={"Allow": allowed},
            )
        case web.HTTPRequestEntityTooLarge():
            return HttpProblem(
                413,
                "too-large",
                "The body of the request is too large.",
                next_step="Send a smaller one.",
            )
        case _:
            return HttpProblem(
                error.status,
                "bad-request" if error.status < 500 else "internal-fault",
                error.reason,
                next_step="Correct the request." if error.status < 500 else "Look at the log.",
            )
