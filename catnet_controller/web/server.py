"""Ports and callables come in; the one HTTP application goes out: webhook, API, pages, probes."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from aiohttp import web

from catnet_controller.models import Mode
from catnet_controller.ports import (
    Accounts,
    Brake,
    Clock,
    Conclude,
    Deployments,
    Glances,
    Meter,
    States,
    Telemetry,
    Triggers,
)
from catnet_controller.web import api, calls, equipment, problems, proxies
from catnet_controller.web.access import Access, Hidden
from catnet_controller.web.archive import Archive, Differ, Hide, Text
from catnet_controller.web.buttons import Buttons
from catnet_controller.web.cookies import Cookies
from catnet_controller.web.drawing import Drawing
from catnet_controller.web.login import Login
from catnet_controller.web.openapi import Openapi
from catnet_controller.web.pages import Pages
from catnet_controller.web.passwords import Passwords
from catnet_controller.web.people import People
from catnet_controller.web.probes import Probes
from catnet_controller.web.signin import SignIn
from catnet_controller.web.signing import Signing
from catnet_controller.web.tracing import tracing
from catnet_controller.web.visits import Visits

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would then hide from us where a form of ours comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create(
    *,
    triggers: Triggers,
    deployments: Deployments,
    glances: Glances,
    states: States,
    meter: Meter,
    brake: Brake,
    conclude: Conclude,
    accounts: Accounts,
    passwords: Passwords,
    configs: api.Configs,
    config: api.Config,
    connect: api.Connect,
    telemetry: Telemetry,
    webhook: Iterable[web.RouteDef],
    request: api.Request,
    rollback: api.Rollback,
    backups: api.Backups,
    add: equipment.Add,
    remove: equipment.Remove,
    loudness: api.Loudness,
    backup: Text,
    hide: Hide,
    differ: Differ,
    ready: Callable[[], Mapping[str, str]],
    held_up: Callable[[], Mapping[str, str]],
    metrics: Callable[[], tuple[bytes, str]],
    clock: Clock,
    repository: str,
    branch: str,
    token: Hidden | None,
    public_url: str,
    mode: Mode = Mode.DRY_RUN,
    version: str = "",
    commits: str | None = None,
    session_seconds: float = 3600.0,
    trusted: Sequence[proxies.Network] = (),
) -> web.Application:
    """Build the application; it starts nothing and holds no state but what is under way.

    ``webhook`` are its routes. ``token`` None leaves API and pages to users, and closes them while
    there is none, saying how to open them. ``ready`` gives what is not ready and why, empty when
    all is, ``held_up`` what waits for a person while all else goes on. ``backup`` gives the text of
    one, ``hide`` takes the secrets out of a configuration, ``differ`` compares two. ``request``
    opens a deployment, ``rollback`` one that takes a device back. ``commits`` is what the address
    of a commit on GitHub begins with. A login lasts ``session_seconds``. ``add`` and ``remove`` are
    for devices that CatNet itself keeps. What proxies in the networks ``trusted`` say of the client
    is believed.
    """
    routes = api.Api(
        triggers=triggers,
        deployments=deployments,
        states=states,
        meter=meter,
        brake=brake,
        conclude=conclude,
        configs=configs,
        config=config,
        connect=connect,
        request=request,
        rollback=rollback,
        backups=backups,
        ready=ready,
        held_up=held_up,
        loudness=loudness,
        clock=clock,
        repository=repository,
        branch=branch,
        mode=mode,
        version=version,
        public_url=public_url,
    )
    signing = Signing(accounts=accounts, clock=clock, life=session_seconds)
    access = Access(token, accounts=accounts, signing=signing, clock=clock)
    login = Login(
        accounts=accounts, passwords=passwords, signing=signing, telemetry=telemetry, clock=clock
    )
    cookies = Cookies(safe=public_url.startswith("https://"))
    visits = Visits(
        access=access,
        accounts=accounts,
        signing=signing,
        cookies=cookies,
        clock=clock,
        public_url=public_url,
    )
    drawing = Drawing(
        clock=clock,
        cookies=cookies,
        repository=repository,
        branch=branch,
        mode=mode,
        version=version,
        commits=commits,
    )
    pages = Pages(
        drawing=drawing,
        glances=glances,
        states=states,
        triggers=triggers,
        meter=meter,
        brake=brake,
        backups=backups,
        ready=ready,
        held_up=held_up,
        clock=clock,
        branch=branch,
        mode=mode,
    )
    archive = Archive(
        drawing=drawing,
        states=states,
        deployments=deployments,
        backups=backups,
        text=backup,
        hide=hide,
        differ=differ,
    )
    buttons = Buttons(
        drawing=drawing,
        deployments=deployments,
        glances=glances,
        states=states,
        triggers=triggers,
        brake=brake,
        conclude=conclude,
        request=request,
        rollback=rollback,
        backups=backups,
        can=pages.can,
        clock=clock,
        branch=branch,
        mode=mode,
    )
    entrance = SignIn(
        visits=visits,
        login=login,
        accounts=accounts,
        cookies=cookies,
        drawing=drawing,
        clock=clock,
        public_url=public_url,
    )
    people = People(accounts=accounts, passwords=passwords, clock=clock)
    application = web.Application(
        middlewares=[
            tracing,
            proxies.middleware(trusted),
            problems.middleware(drawing.problem),
        ],
        client_max_size=calls.MAX_BODY,
    )
    application.add_routes(webhook)
    application.add_routes(routes.routes(access))
    devices = equipment.Equipment(states=states, add=add, remove=remove)
    application.add_routes(devices.routes(access))
    application.add_routes(Openapi(version=version, public_url=public_url).routes())
    application.add_routes(login.routes(access))
    application.add_routes(people.routes(access))
    application.add_routes(drawing.routes())
    application.add_routes(entrance.routes())
    application.add_routes(pages.routes(visits))
    application.add_routes(archive.routes(visits))
    application.add_routes(buttons.routes(visits))
    application.add_routes(Probes(ready=ready, metrics=metrics).routes())
    application.on_response_prepare.append(_secure)
    return application


async def _secure(_: web.BaseRequest, response: web.StreamResponse) -> None:
    headers = response.headers
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers["Server"] = "catnet"
