"""Requests to /api/v1 come in, JSON goes out; acting calls raise triggers or open deployments."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from catnet_controller.errors import NoSuchConfig
from catnet_controller.models import Backup, Deployment, Mode, Pause, Trigger, Wish
from catnet_controller.ports import Brake, Clock, Conclude, Deployments, Meter, States, Triggers
from catnet_controller.web import views
from catnet_controller.web.access import Access, Actor, actor
from catnet_controller.web.bodies import answer as _json
from catnet_controller.web.bodies import malformed as _malformed
from catnet_controller.web.bodies import read as _body
from catnet_controller.web.problems import HttpProblem

log = structlog.get_logger(__name__)

Request = Callable[[Mode, Sequence[str] | None, str], Awaitable[Deployment]]
"""Open a deployment (mode, names of devices or None for all, cause)."""
Rollback = Callable[[Wish], Awaitable[Deployment]]
"""Open the deployment that takes a device back."""
Backups = Callable[[str], Awaitable[Sequence[Backup]]]
"""The backups of a device, newest first."""
Configs = Callable[[], Awaitable[tuple[str, Mapping[str, int]]]]
"""The commit in force, and the files of the repository there by path with their sizes."""
Config = Callable[[str], Awaitable[tuple[str, str]]]
"""The commit in force, and the text of a file there without its secrets."""
Connect = Callable[[], Awaitable[str]]
"""Reach the repository; gives the head of the branch, or raises what is in the way."""
MAX_BODY = 64 * 1024
MAX_CONFIG = 4 * 1024 * 1024
"""Bytes of a request that carries a whole configuration."""
_WHO = re.compile(r"[\w.@+-]{1,64}")
_MOST_HISTORY = 100
_MOST_REASON = 200


class Api:
    """The routes below /api/v1."""

    def __init__(
        self,
        *,
        triggers: Triggers,
        deployments: Deployments,
        states: States,
        meter: Meter,
        brake: Brake,
        conclude: Conclude,
        configs: Configs,
        config: Config,
        connect: Connect,
        request: Request,
        rollback: Rollback,
        backups: Backups,
        ready: Callable[[], Mapping[str, str]],
        clock: Clock,
        repository: str,
        branch: str,
        mode: Mode,
        version: str,
        public_url: str,
    ) -> None:
        self._triggers = triggers
        self._deployments = deployments
        self._states = states
        self._meter = meter
        self._brake = brake
        self._conclude = conclude
        self._configs = configs
        self._config = config
        self._connect = connect
        self._request = request
        self._rollback = rollback
        self._backups = backups
        self._ready = ready
        self._clock = clock
        self._repository = repository
        self._branch = branch
        self._mode = mode
        self._version = version
        self._url = public_url

    def routes(self, access: Access) -> list[web.RouteDef]:
        read, act = access.reading, access.acting
        return [
            web.get("/api/v1/status", read(self.status)),
            web.get("/api/v1/devices", read(self.devices)),
            web.get("/api/v1/devices/{name}", read(self.device)),
            web.get("/api/v1/devices/{name}/backups", read(self.backups)),
            web.get("/api/v1/deployments/history", read(self.history)),
            web.get(r"/api/v1/deployments/{id:\d{1,18}}", read(self.deployment)),
            web.post("/api/v1/deployments", act(self.open)),
            web.post(r"/api/v1/deployments/{id:\d{1,18}}/cancel", act(self.cancel)),
            web.get("/api/v1/pause", read(self.paused)),
            web.post("/api/v1/pause", act(self.pause)),
            web.post("/api/v1/resume", act(self.resume)),
            web.post("/api/v1/gitops/sync", act(self.sync)),
            web.post("/api/v1/gitops/connect", act(self.connect)),
            web.get("/api/v1/gitops/configs", read(self.configs)),
            web.get("/api/v1/gitops/configs/{path:.+}", read(self.config)),
            web.post("/api/v1/rollback", act(self.rollback)),
        ]

    # --- reading ---------------------------------------------------------------------------------

    async def status(self, _: web.Request) -> web.Response:
        states = await self._states.states()
        reasons = dict(self._ready())
        return _json(
            {
                "version": self._version,
                "repository": self._repository,
                "branch": self._branch,
                "mode": self._mode.value,
                "ready": not reasons,
                "reasons": reasons,
                "pause": views.pause(await self._brake.paused()),
                "devices": views.fleet(states.values()),
                "queue": views.queue(await self._meter.depth()),
                "now": views.when(self._clock.now()),
            }
        )

    async def devices(self, _: web.Request) -> web.Response:
        states = await self._states.states()
        return _json({"devices": [views.device(states[name]) for name in sorted(states)]})

    async def device(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        state = await self._states.state(name)
        if state is None:
            raise no_device(name)
        return _json(views.device(state))

    async def backups(self, request: web.Request) -> web.Response:
        """Without their texts: they hold secrets."""
        name = request.match_info["name"]
        if await self._states.state(name) is None:
            raise no_device(name)
        return _json({"backups": [views.backup(each) for each in await self._backups(name)]})

    async def history(self, request: web.Request) -> web.Response:
        text = request.query.get("limit", str(_MOST_HISTORY))
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= _MOST_HISTORY:
            raise _malformed(f"limit is not a whole number from 1 to {_MOST_HISTORY}.")
        found = await self._deployments.history(int(text))
        return _json({"deployments": [views.deployment(it, url=self._url) for it in found]})

    async def deployment(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        found = await self._deployments.deployment(number)
        if found is None:
            raise no_deployment(number)
        return _json(views.whole(found, url=self._url))

    async def configs(self, _: web.Request) -> web.Response:
        sha, files = await self._configs()
        return _json(
            {
                "repository": self._repository,
                "branch": self._branch,
                "revision": sha,
                "configs": [{"path": path, "bytes": size} for path, size in files.items()],
            }
        )

    async def config(self, request: web.Request) -> web.Response:
        """Secrets are hidden."""
        path = request.match_info["path"]
        try:
            sha, text = await self._config(path)
        except NoSuchConfig as error:
            raise HttpProblem(404, error.code, error.message, next_step=error.next_step) from error
        return _json({"path": path, "revision": sha, "text": text})

    async def paused(self, _: web.Request) -> web.Response:
        return _json({"pause": views.pause(await self._brake.paused())})

    # --- acting ----------------------------------------------------------------------------------

    async def sync(self, request: web.Request) -> web.Response:
        body = await _body(request, {"force"})
        force = body.get("force", False)
        if not isinstance(force, bool):
            raise _malformed("force is neither true nor false.")
        ref = f"branch/{self._branch}"
        await self._triggers.trigger(
            Trigger(ref=ref, reason=actor(request).cause, force=force, due_at=self._clock.now())
        )
        log.info(
            "sync asked for", ref=ref, force=force, by=str(actor(request)), peer=request.remote
        )
        return _json({"ref": ref, "force": force}, status=HTTPStatus.ACCEPTED)

    async def connect(self, request: web.Request) -> web.Response:
        """Whether the repository of the settings can be reached and written statuses to."""
        body = await _body(request, {"repository"})
        name = body.get("repository") or self._repository
        if name != self._repository:
            raise HttpProblem(
                409,
                "other-repository",
                f"This daemon follows {self._repository}.",
                next_step="Change github.repository in catnet.yaml and start CatNet again.",
            )
        head = await self._connect()
        return _json({"repository": self._repository, "branch": self._branch, "head": head})

    async def open(self, request: web.Request) -> web.Response:
        body = await _body(request, {"mode", "devices", "by"})
        modes = {m.value: m for m in (Mode.CHECK, Mode.DRY_RUN, Mode.BACKUP, Mode.PUSH)}
        mode = modes.get(str(body.get("mode", Mode.CHECK.value)))
        if mode is None:
            raise _malformed("mode is none of check, dry-run, backup and push.")
        names = body.get("devices")
        if names is not None and (
            not isinstance(names, list)
            or not names
            or not all(isinstance(name, str) for name in names)
        ):
            raise _malformed("devices is neither null (all) nor a list of names.")
        if mode is Mode.PUSH and names is None:
            raise _malformed("a push names its devices.")
        who = actor(request)
        by = _by(body, who)
        cause = f"user {by}" if who.shared else who.cause
        number = (await self._request(mode, names, cause)).id
        log.info(
            "deployment asked for", deployment=number, mode=mode.value, by=by, peer=request.remote
        )
        url = f"{self._url}/deployments/{number}"
        return _json(
            {"id": number, "url": url},
            status=HTTPStatus.ACCEPTED,
            headers={"Location": f"/api/v1/deployments/{number}"},
        )

    async def cancel(self, request: web.Request) -> web.Response:
        """What has touched no device ends now; what is armed goes on, and is told."""
        number = int(request.match_info["id"])
        by = _by(await _body(request, {"by"}), actor(request))
        if await self._deployments.deployment(number) is None:
            raise no_deployment(number)
        found = await self._deployments.cancel(number, f"cancelled by {by}", self._conclude)
        log.info("deployment cancelled", deployment=number, by=by, peer=request.remote)
        return _json(views.deployment(found, url=self._url))

    async def pause(self, request: web.Request) -> web.Response:
        body = await _body(request, {"by", "reason"})
        given = body.get("reason")
        reason = " ".join(given.split()) if isinstance(given, str) else ""
        if not reason or len(reason) > _MOST_REASON or not reason.isprintable():
            raise _malformed(f"reason is not a text of 1 to {_MOST_REASON} characters.")
        pause = Pause(by=_by(body, actor(request)), reason=reason, since=self._clock.now())
        await self._brake.pause(pause, self._conclude)
        log.warning("pushes paused", by=pause.by, reason=reason, peer=request.remote)
        return _json({"pause": views.pause(pause)})

    async def resume(self, request: web.Request) -> web.Response:
        by = _by(await _body(request, {"by"}), actor(request))
        ended = await self._brake.resume(self._conclude)
        log.warning("pushes resumed", by=by, was=ended is not None, peer=request.remote)
        return _json({"pause": None, "ended": views.pause(ended)})

    async def rollback(self, request: web.Request) -> web.Response:
        known = {"device", "backup", "revision", "text", "file", "dry_run", "force", "by"}
        # A clone: one route takes a whole configuration, the others stay as narrow as they are.
        body = await _body(request.clone(client_max_size=MAX_CONFIG), known)
        wish = _wish(body, who=actor(request))
        if await self._states.state(wish.device) is None:
            raise no_device(wish.device)
        made = await self._rollback(wish)
        log.info(
            "rollback asked for",
            deployment=made.id,
            device=wish.device,
            dry_run=wish.dry_run,
            by=wish.by,
            peer=request.remote,
        )
        return _json(
            {
                "id": made.id,
                "url": f"{self._url}/deployments/{made.id}",
                "title": made.revision.title,
                "dry_run": wish.dry_run,
            },
            status=HTTPStatus.ACCEPTED,
            headers={"Location": f"/api/v1/deployments/{made.id}"},
        )


def _by(body: Mapping[str, Any], who: Actor) -> str:
    """Who asks, for the history: with http.token, which many may share, as the body claims."""
    by = body.get("by") or "api"
    if not isinstance(by, str) or not _WHO.fullmatch(by):
        raise _malformed("by is not a name of up to 64 letters, digits and `. @ + _ -`.")
    return by if who.shared else who.label


def _wish(body: Mapping[str, Any], *, who: Actor) -> Wish:
    for key in ("device", "backup", "revision", "text", "file", "by"):
        if body.get(key) is not None and not (isinstance(body[key], str) and body[key]):
            raise _malformed(f"{key} is neither null nor a text.")
    for key in ("dry_run", "force"):
        if not isinstance(body.get(key, False), bool):
            raise _malformed(f"{key} is neither true nor false.")
    if body.get("device") is None:
        raise _malformed("device is missing.")
    ways = [key for key in ("backup", "revision", "text") if body.get(key) is not None]
    if len(ways) > 1:
        raise _malformed(f"{' and '.join(ways)} do not go together: one of them at most.")
    by = _by(body, who)
    file = " ".join((body.get("file") or "uploaded").split())[:100]
    if not file.isprintable():
        raise _malformed("file is not a name that can be shown.")
    return Wish(
        device=body["device"],
        by=by,
        backup=body.get("backup"),
        revision=body.get("revision"),
        text=body.get("text"),
        file=file,
        dry_run=body.get("dry_run", True),
        force=body.get("force", False),
    )


def no_device(name: str) -> HttpProblem:
    return HttpProblem(
        404,
        "no-such-device",
        f"There is no device {name!r} on record.",
        next_step="Devices come from inventory.yaml; `catnet status` lists them.",
    )


def no_deployment(number: int) -> HttpProblem:
    return HttpProblem(
        404,
        "no-such-deployment",
        f"There is no deployment {number} on record.",
        next_step="Old ones are deleted after store.keep_days; the status page lists the last.",
    )
