"""The one table of what the API takes and gives: a route comes in, its call goes out.

Requests are checked against it before a handler sees them, the OpenAPI document is written from
it, and the tests hold every answer to it. Who may call what is in `roles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aiohttp import web

from catnet_controller.models import Health, Mode, Owner, Role, Scope, State, Sync
from catnet_controller.web import roles
from catnet_controller.web.nouns import ANY, FLAG, SHAPES, TEXT, TIME, WHOLE, ref
from catnet_controller.web.shapes import (
    Shape,
    described,
    maybe,
    number,
    record,
    several,
    text,
    word,
    wrong,
)

MAX_BODY = 64 * 1024
MAX_CONFIG = 4 * 1024 * 1024
"""Bytes of a request that carries a whole configuration."""
PAGE = 1000
"""Entries of a page at most; so many unless fewer are asked for."""
HISTORY = 100
"""The same where an entry has all its devices with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one path. ``query`` and ``path`` are by name; ``body`` None takes no body.

    ``status`` is that of success. ``largest`` is the most bytes of its body. ``conflicts`` tells
    that 409 and 422 are answers: what was asked for is clear, and cannot be done.
    """

    summary: str
    answer: Shape
    status: int = 200
    query: Mapping[str, Shape] = field(default_factory=dict)
    path: Mapping[str, Shape] = field(default_factory=dict)
    body: Shape | None = None
    largest: int = MAX_BODY
    conflicts: bool = False
    limited: bool = False
    """Whether 429 is an answer."""


def page(key: str, item: Shape, *, total: bool = False) -> Shape:
    """``next`` is the address of the following page, null at the end."""
    more: dict[str, Shape] = {"total": WHOLE} if total else {}
    return record({key: several(item), **more, "next": maybe(TEXT)})


_NAME = text(
    r"[A-Za-z0-9][A-Za-z0-9._\-]{0,62}",
    about="up to 63 letters, digits and `. _ -`, the first a letter or digit",
)
_PERSON = text(
    r"[a-z0-9][a-z0-9._@+\-]{0,63}", about="1 to 64 small letters, digits and `. @ + _ -`"
)
_BY = text(r"[A-Za-z0-9_.@+\-]{1,64}", about="a name of up to 64 letters, digits and `. @ + _ -`")
_PASSWORD = text(least=1, most=256)
_ROLE = word(*Role)
_LIMIT = number(1, PAGE, about="entries of this page at most")
_FEW = number(1, HISTORY, about="entries of this page at most")
_BEFORE = number(1, 10**18 - 1, about="only those with a smaller number")
_AFTER = text(least=1, most=200, about="only those behind this one in order of names")
_NUMBER = {"id": described(WHOLE, "The number of the deployment.")}
_DEVICE = {"name": described(TEXT, "The name of the device.")}
_ASKED = record({"id": WHOLE, "url": TEXT}, {"title": TEXT, "dry_run": FLAG})
_PAUSE = record({"pause": maybe(ref("Pause"))}, {"ended": maybe(ref("Pause"))})

CALLS: Mapping[tuple[str, str], Call] = MappingProxyType(
    {
        ("GET", "/api/v1/openapi.json"): Call(
            summary="This document.", answer={"type": "object", "additionalProperties": ANY}
        ),
        ("GET", "/api/v1/status"): Call(
            summary="The fleet in figures, and whether the daemon is ready.", answer=ref("Status")
        ),
        # --- devices
        ("GET", "/api/v1/devices"): Call(
            summary="The devices, by name.",
            query={
                "limit": _LIMIT,
                "after": _AFTER,
                "site": text(most=100),
                "group": _NAME,
                "platform": text(most=20),
                "sync": word(*Sync),
                "health": word(*Health),
                "owner": word(*Owner),
                "q": text(most=100, about="a part of the name, host or site"),
            },
            answer=page("devices", ref("Device"), total=True),
        ),
        ("POST", "/api/v1/devices"): Call(
            summary="Add a device that CatNet itself keeps. Types nothing into it.",
            body=record(
                {"name": _NAME, "host": text(least=1, most=253)},
                {
                    "port": number(1, 65535),
                    "platform": text(least=1, most=20),
                    "credential": _NAME,
                    "username": text(r"[!-~]{1,64}", about="1 to 64 characters without blanks"),
                    "algorithms": text(least=1, most=20),
                    "scope": word(*Scope),
                    "groups": several(_NAME, most=20),
                    "site": text(most=100),
                },
            ),
            status=201,
            answer=ref("Device"),
            conflicts=True,
        ),
        ("GET", "/api/v1/devices/{name}"): Call(
            summary="One device.", path=_DEVICE, answer=ref("Device")
        ),
        ("DELETE", "/api/v1/devices/{name}"): Call(
            summary="Remove a device that CatNet itself keeps. Nothing is changed on it.",
            path=_DEVICE,
            answer=record({"name": TEXT}),
            conflicts=True,
        ),
        ("GET", "/api/v1/devices/{name}/backups"): Call(
            summary="The backups of a device, newest first, without their texts.",
            path=_DEVICE,
            answer=record({"backups": several(ref("Backup"))}),
        ),
        ("GET", "/api/v1/devices/{name}/diff"): Call(
            summary="How the device differed from what the repository wants, when last compared.",
            path=_DEVICE,
            answer=ref("Difference"),
        ),
        # --- deployments
        ("GET", "/api/v1/deployments"): Call(
            summary="The deployments, newest first.",
            query={
                "limit": _FEW,
                "before": _BEFORE,
                "mode": word(*Mode),
                "state": word(*State),
                "device": text(least=1, most=63),
                "cause": text(least=1, most=100, about="as it is shown: `user ada`, `token ci`"),
                "sha": text(r"[0-9a-f]{40}", about="the hash of a commit"),
            },
            answer=page("deployments", ref("Deployment")),
        ),
        ("GET", "/api/v1/deployments/history"): Call(
            summary="The last deployments, newest first.",
            query={"limit": _FEW},
            answer=record({"deployments": several(ref("Deployment"))}),
        ),
        ("GET", "/api/v1/deployments/{id}"): Call(
            summary="One deployment, with what happened on each device.",
            path=_NUMBER,
            answer=ref("DeploymentWithOutcomes"),
        ),
        ("POST", "/api/v1/deployments"): Call(
            summary="Check, back up, compare, or push what the branch wants.",
            body=record(
                {},
                {
                    "mode": word(Mode.CHECK, Mode.DRY_RUN, Mode.BACKUP, Mode.PUSH),
                    "devices": maybe(several(text(most=100), least=1, about="null: all")),
                    "by": maybe(_BY),
                },
            ),
            status=202,
            answer=_ASKED,
            conflicts=True,
        ),
        ("POST", "/api/v1/deployments/{id}/cancel"): Call(
            summary="End what has touched no device yet.",
            path=_NUMBER,
            body=record({}, {"by": maybe(_BY)}),
            answer=ref("Deployment"),
            conflicts=True,
        ),
        ("POST", "/api/v1/rollback"): Call(
            summary="Take a device back: to a backup, a revision, a text, or before its last"
            " change.",
            body=record(
                {"device": text(least=1, most=100)},
                {
                    "backup": maybe(text(least=1, most=200)),
                    "revision": maybe(text(least=1, most=100)),
                    "text": maybe(text(least=1)),
                    "file": maybe(text(least=1, most=1000)),
                    "dry_run": FLAG,
                    "force": FLAG,
                    "by": maybe(_BY),
                },
            ),
            largest=MAX_CONFIG,
            status=202,
            answer=_ASKED,
            conflicts=True,
        ),
        ("GET", "/api/v1/pause"): Call(summary="Whether pushes are held.", answer=_PAUSE),
        ("POST", "/api/v1/pause"): Call(
            summary="Hold all pushes.",
            body=record({"reason": text(least=1, most=1000)}, {"by": maybe(_BY)}),
            answer=_PAUSE,
        ),
        ("POST", "/api/v1/resume"): Call(
            summary="Let pushes go on.", body=record({}, {"by": maybe(_BY)}), answer=_PAUSE
        ),
        # --- the repository
        ("POST", "/api/v1/gitops/sync"): Call(
            summary="Look at the branch now.",
            body=record({}, {"force": FLAG}),
            status=202,
            answer=record({"ref": TEXT, "force": FLAG}),
        ),
        ("POST", "/api/v1/gitops/connect"): Call(
            summary="Reach the repository now, or say what is in the way.",
            body=record({}, {"repository": maybe(text(most=200))}),
            answer=record({"repository": TEXT, "branch": TEXT, "head": TEXT}),
            conflicts=True,
        ),
        ("GET", "/api/v1/gitops/configs"): Call(
            summary="The files that matter, at the commit last seen.",
            answer=record(
                {
                    "repository": TEXT,
                    "branch": TEXT,
                    "revision": TEXT,
                    "configs": several(record({"path": TEXT, "bytes": WHOLE})),
                }
            ),
            conflicts=True,
        ),
        ("GET", "/api/v1/gitops/configs/{path}"): Call(
            summary="One of them, its secrets hidden.",
            path={"path": described(TEXT, "The path of the file in the repository.")},
            answer=record({"path": TEXT, "revision": TEXT, "text": TEXT}),
            conflicts=True,
        ),
        # --- people
        ("POST", "/api/v1/auth/login"): Call(
            summary="A session for a name and a password.",
            body=record({"user": _PASSWORD, "password": _PASSWORD}),
            answer=record(
                {"token": TEXT, "token_type": TEXT, "until": TIME, "user": TEXT, "role": _ROLE}
            ),
            limited=True,
        ),
        ("POST", "/api/v1/auth/logout"): Call(
            summary="End the session.", body=record({}), answer=record({"user": TEXT})
        ),
        ("POST", "/api/v1/auth/password"): Call(
            summary="Change one's own password; ends every session of the user.",
            body=record({"old": _PASSWORD, "new": _PASSWORD}),
            answer=record({"user": TEXT}),
            conflicts=True,
            limited=True,
        ),
        ("GET", "/api/v1/auth/me"): Call(
            summary="Who asks.",
            answer=record({"kind": TEXT, "name": TEXT, "role": _ROLE, "until": maybe(TIME)}),
        ),
        ("GET", "/api/v1/users"): Call(
            summary="The users, by name.",
            query={"limit": _LIMIT, "after": _AFTER},
            answer=page("users", ref("User"), total=True),
        ),
        ("POST", "/api/v1/users"): Call(
            summary="Add a user.",
            body=record({"name": _PERSON, "role": _ROLE, "password": _PASSWORD}),
            status=201,
            answer=ref("User"),
            conflicts=True,
        ),
        ("PATCH", "/api/v1/users/{name}"): Call(
            summary="Change a user; ends his sessions.",
            path={"name": TEXT},
            body=record({}, {"role": _ROLE, "disabled": FLAG, "password": _PASSWORD}),
            answer=ref("User"),
            conflicts=True,
        ),
        ("GET", "/api/v1/tokens"): Call(
            summary="The tokens of machines, by name, without themselves.",
            query={"limit": _LIMIT, "after": _AFTER},
            answer=page("tokens", ref("Token"), total=True),
        ),
        ("POST", "/api/v1/tokens"): Call(
            summary="Make a token; shown this once.",
            body=record({"name": _PERSON, "role": _ROLE}, {"days": number(1, 366)}),
            status=201,
            answer=record({**SHAPES["Token"]["properties"], "token": TEXT}),
            conflicts=True,
        ),
        ("DELETE", "/api/v1/tokens/{name}"): Call(
            summary="Remove a token; it is worth nothing from now on.",
            path={"name": TEXT},
            answer=record({"name": TEXT}),
            conflicts=True,
        ),
        ("GET", "/api/v1/audit"): Call(
            summary="Who asked for what, and what came of it; newest first.",
            query={"limit": _LIMIT, "before": _BEFORE, "who": text(least=1, most=100)},
            answer=page("acts", ref("Act")),
        ),
        # --- the daemon
        ("GET", "/api/v1/log"): Call(summary="How much is logged.", answer=record({"level": TEXT})),
        ("PUT", "/api/v1/log"): Call(
            summary="Log more or less, until the daemon starts again.",
            body=record({"level": word("debug", "info", "warning", "error")}),
            answer=record({"level": TEXT}),
        ),
    }
)


def of(request: web.Request) -> Call:
    """The call that a request is, KeyError for one that is not of the API."""
    return CALLS[roles.route(request)]


def fault(shape: Shape, value: object, where: str = "") -> str | None:
    """What is wrong with a value, in words; None when it fits."""
    return wrong(shape, value, SHAPES, where)
