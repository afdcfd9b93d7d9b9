"""The tables of the API come in, its OpenAPI 3.1 document goes out."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from catnet_controller.models import Role
from catnet_controller.web.calls import CALLS, Call
from catnet_controller.web.nouns import SHAPES
from catnet_controller.web.roles import NEEDED

ROUTE = ("GET", "/api/v1/openapi.json")


class Openapi:
    """The route /api/v1/openapi.json; open, since it holds nothing but what is in the source."""

    def __init__(self, *, version: str, public_url: str) -> None:
        text = json.dumps(document(version=version, url=public_url), ensure_ascii=False)
        self._body = text.encode()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(ROUTE[1], self.show)]

    async def show(self, _: web.Request) -> web.Response:
        return web.Response(body=self._body, content_type="application/json")


def document(*, version: str, url: str) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), call in CALLS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CatNet Controller",
            "version": version or "0",
            "summary": "GitOps for Cisco IOS",
            "description": "A viewer reads, an operator acts, an admin manages users and tokens."
            " Errors are problem details (RFC 9457) with a stable `code` and a `next_step`."
            " A list gives a page; `next`, and the header Link, say where the following one is.",
        },
        "servers": [{"url": url or "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(SHAPES),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a session (auth/login), or of a machine.",
                }
            },
        },
    }


def _operation(method: str, path: str, call: Call) -> dict[str, Any]:
    role = NEEDED.get((method, path))
    words = re.findall(r"[a-z]+", path.removeprefix("/api/v1"))
    found: dict[str, Any] = {
        "operationId": "-".join([method.lower(), *words]),
        "summary": call.summary,
        "tags": [words[0]],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": shape}
            for name, shape in call.path.items()
        ]
        + [
            {"name": name, "in": "query", "required": False, "schema": shape}
            for name, shape in call.query.items()
        ],
        "responses": _responses(call, role),
    }
    if role is not None:
        found["description"] = f"Needs the role {role.value}."
        found["security"] = [{"bearer": []}]
    if call.body is not None:
        found["requestBody"] = {
            "required": bool(call.body["required"]),
            "content": {"application/json": {"schema": call.body}},
        }
    return found


def _responses(call: Call, role: Role | None) -> Mapping[str, Any]:
    """What can be answered: success, and each problem that has a reason to be."""
    statuses = {500, 503}
    if role is not None:
        statuses |= {401, 403}
    if call.path:
        statuses.add(404)
    if call.body is not None:
        statuses |= {400, 408, 413, 415}
    if call.query:
        statuses.add(400)
    if call.conflicts:
        statuses |= {404, 409, 422}
    if call.limited:
        statuses |= {400, 401, 429}
    good: dict[str, Any] = {
        "description": "Done." if call.status != 202 else "Taken; it goes on in the daemon.",
        "content": {"application/json": {"schema": call.answer}},
    }
    found = {str(call.status): good}
    for status in sorted(statuses):
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    return found
