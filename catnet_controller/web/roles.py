"""The one table of who may call what: a route comes in, the role it needs goes out.

A route that is not here is closed to everybody, and a test says so before that happens.
"""

from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web

from catnet_controller.models import Role
from catnet_controller.web.problems import HttpProblem

_OPEN = None
"""Nobody is asked: probes carry no token, deliveries are signed, a login begins with nothing."""

_BUTTONS = (
    *("/look", "/pause", "/resume"),
    *(f"/devices/{{name}}/{it}" for it in ("check", "dry-run", "backup", "sync", "rollback")),
    *(f"/deployments/{{id}}/{it}" for it in ("cancel", "retry", "promote")),
)
"""Pages that ask first, and the forms on them."""

NEEDED: Mapping[tuple[str, str], Role | None] = MappingProxyType(
    {
        ("POST", "/webhook/github"): _OPEN,
        ("GET", "/healthz"): _OPEN,
        ("GET", "/readyz"): _OPEN,
        ("GET", "/metrics"): _OPEN,
        ("GET", "/static/{name}"): _OPEN,
        ("GET", "/sign-in"): _OPEN,
        ("POST", "/sign-in"): _OPEN,
        ("POST", "/sign-out"): Role.VIEWER,
        ("POST", "/theme"): _OPEN,
        ("GET", "/"): Role.VIEWER,
        ("GET", "/deployments"): Role.VIEWER,
        ("GET", "/deployments/{id}"): Role.VIEWER,
        ("GET", "/devices/{name}"): Role.VIEWER,
        ("GET", "/devices/{name}/backups/{backup}"): Role.VIEWER,
        ("GET", "/devices/{name}/backups/{backup}/text"): Role.VIEWER,
        ("GET", "/devices/{name}/backups/{backup}/diff"): Role.VIEWER,
        ("GET", "/deployments/{id}/go-back"): Role.OPERATOR,
        **{(method, path): Role.OPERATOR for path in _BUTTONS for method in ("GET", "POST")},
        ("GET", "/api/v1/status"): Role.VIEWER,
        ("GET", "/api/v1/devices"): Role.VIEWER,
        ("POST", "/api/v1/devices"): Role.OPERATOR,
        ("GET", "/api/v1/devices/{name}"): Role.VIEWER,
        ("DELETE", "/api/v1/devices/{name}"): Role.OPERATOR,
        ("GET", "/api/v1/devices/{name}/diff"): Role.VIEWER,
        ("GET", "/api/v1/devices/{name}/backups"): Role.VIEWER,
        ("GET", "/api/v1/deployments"): Role.VIEWER,
        ("GET", "/api/v1/deployments/history"): Role.VIEWER,
        ("GET", "/api/v1/deployments/{id}"): Role.VIEWER,
        ("POST", "/api/v1/deployments"): Role.OPERATOR,
        ("POST", "/api/v1/deployments/{id}/cancel"): Role.OPERATOR,
        ("GET", "/api/v1/pause"): Role.VIEWER,
        ("POST", "/api/v1/pause"): Role.OPERATOR,
        ("POST", "/api/v1/resume"): Role.OPERATOR,
        ("POST", "/api/v1/gitops/sync"): Role.OPERATOR,
        ("POST", "/api/v1/gitops/connect"): Role.OPERATOR,
        ("GET", "/api/v1/gitops/configs"): Role.VIEWER,
        ("GET", "/api/v1/gitops/configs/{path}"): Role.VIEWER,
        ("POST", "/api/v1/rollback"): Role.OPERATOR,
        ("POST", "/api/v1/auth/login"): _OPEN,
        ("POST", "/api/v1/auth/logout"): Role.VIEWER,
        ("POST", "/api/v1/auth/password"): Role.VIEWER,
        ("GET", "/api/v1/auth/me"): Role.VIEWER,
        ("GET", "/api/v1/users"): Role.ADMIN,
        ("POST", "/api/v1/users"): Role.ADMIN,
        ("PATCH", "/api/v1/users/{name}"): Role.ADMIN,
        ("GET", "/api/v1/tokens"): Role.ADMIN,
        ("POST", "/api/v1/tokens"): Role.ADMIN,
        ("DELETE", "/api/v1/tokens/{name}"): Role.ADMIN,
        ("GET", "/api/v1/audit"): Role.ADMIN,
        ("GET", "/api/v1/openapi.json"): _OPEN,
        ("GET", "/api/v1/log"): Role.ADMIN,
        ("PUT", "/api/v1/log"): Role.ADMIN,
    }
)


def route(request: web.Request) -> tuple[str, str]:
    """The row of the table that a request is about."""
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return method, resource.canonical if resource is not None else request.path


def needed(request: web.Request) -> Role:
    """The role that a guarded route needs. Raises a problem for one that is not in the table."""
    role = NEEDED.get(route(request))
    if role is None:
        raise HttpProblem(
            403,
            "no-role",
            f"Nobody may call {request.method} {request.path}.",
            next_step="This is a defect of CatNet; please report it.",
        )
    return role
