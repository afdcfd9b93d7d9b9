"""Requests to /api/v1 come in, JSON goes out; acting calls raise triggers or open deployments."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

import structlog
from aiohttp import web

from catnet_controller.errors import NoSuchConfig
from catnet_controller.models import (
    Backup,
    Deployment,
    Mode,
    Pause,
    State,
    Trigger,
    Which,
    Wish,
)
from catnet_controller.ports import Brake, Clock, Conclude, Deployments, Meter, States, Triggers
from catnet_controller.web import bodies, paging, views
from catnet_controller.web.access import Access, Actor, actor
from catnet_controller.web.bodies import answer as _json
from catnet_controller.web.bodies import malformed as _malformed
from catnet_controller.web.calls import HISTORY
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
_MOST_REASON = 200


class Loudness(Protocol):
    """How much is logged: debug, info, warning or error."""

    @property
    def level(self) -> str: ...

    def set_level(self, level: str) -> None: ...


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
        held_up: Callable[[], Mapping[str, str]],
        loudness: Loudness,
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
        self._held_up = held_up
        self._loudness = loudness
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
            web.get("/api/v1/devices/{name}/backups", read(self.backups)),
            web.get("/api/v1/devices/{name}/diff", read(self.difference)),
            web.get("/api/v1/deployments", read(self.deployments)),
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
            web.get("/api/v1/log", read(self.log)),
            web.put("/api/v1/log", act(self.set_log)),
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
                "held_up": dict(self._held_up()),
                "pause": views.pause(await self._brake.paused()),
                "devices": views.fleet(states.values()),
                "queue": views.queue(await self._meter.depth()),
                "now": views.when(self._clock.now()),
            }
        )

    async def backups(self, request: web.Request) -> web.Response:
        """Without their texts: they hold secrets."""
        name = request.match_info["name"]
        if await self._states.state(name) is None:
            raise no_device(name)
        return _json({"backups": [views.backup(each) for each in await self._backups(name)]})

    async def difference(self, request: web.Request) -> web.Response:
        """That of the last comparison with what is wanted now, secrets hidden."""
        name = request.match_info["name"]
        state = await self._states.state(name)
        if state is None:
            raise no_device(name)
        which = Which(device=name, state=State.COMPLETE)
        for each in await self._deployments.history(HISTORY, which):
            job = next(it for it in each.jobs if it.device.name == name)
            if job.desired == state.desired and job.mode in (Mode.CHECK, Mode.DRY_RUN):
                whole = await self._deployments.deployment(each.id)
                found = [it.outcome for it in whole.jobs if it.id == job.id] if whole else []
                return _json(views.difference(name, each.id, found[0] if found else None))
        return _json(views.difference(name, None, None))

    async def deployments(self, request: web.Request) -> web.Response:
        asked = bodies.query(request)
        limit = asked.pop("limit", HISTORY)
        which = Which(
            before=asked.get("before"),
            mode=Mode(asked["mode"]) if "mode" in asked else None,
            state=State(asked["state"]) if "state" in asked else None,
            device=asked.get("device"),
            cause=asked.get("cause"),
            sha=asked.get("sha"),
        )
        found = await self._deployments.history(limit + 1, which)
        page = found[:limit]
        return paging.answer(
            request,
            {"deployments": [views.deployment(it, url=self._url) for it in page]},
            {"before": page[-1].id} if len(found) > limit else None,
        )

    async def history(self, request: web.Request) -> web.Response:
        found = await self._deployments.history(bodies.query(request).get("limit", HISTORY))
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
        force = (await bodies.read(request)).get("force", False)
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
        body = await bodies.read(request)
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
        body = await bodies.read(request)
        mode = Mode(body.get("mode", Mode.CHECK))
        names = body.get("devices")
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
        by = _by(await bodies.read(request), actor(request))
        if await self._deployments.deployment(number) is None:
            raise no_deployment(number)
        found = await self._deployments.cancel(number, f"cancelled by {by}", self._conclude)
        log.info("deployment cancelled", deployment=number, by=by, peer=request.remote)
        return _json(views.deployment(found, url=self._url))

    async def pause(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
        reason = " ".join(body["reason"].split())
        if not reason or len(reason) > _MOST_REASON or not reason.isprintable():
            raise _malformed(f"reason is not a text of 1 to {_MOST_REASON} characters.")
        pause = Pause(by=_by(body, actor(request)), reason=reason, since=self._clock.now())
        await self._brake.pause(pause, self._conclude)
        log.warning("pushes paused", by=pause.by, reason=reason, peer=request.remote)
        return _json({"pause": views.pause(pause)})

    async def resume(self, request: web.Request) -> web.Response:
        by = _by(await bodies.read(request), actor(request))
        ended = await self._brake.resume(self._conclude)
        log.warning("pushes resumed", by=by, was=ended is not None, peer=request.remote)
        return _json({"pause": None, "ended": views.pause(ended)})

    async def rollback(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
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

    # --- how much is logged ----------------------------------------------------------------------

    async def log(self, _: web.Request) -> web.Response:
        return _json({"level": self._loudness.level})

    async def set_log(self, request: web.Request) -> web.Response:
        level = (await bodies.read(request))["level"]
        was = self._loudness.level
        self._loudness.set_level(level)
        log.warning("log level changed", level=level, was=was, by=str(actor(request)))
        return _json({"level": self._loudness.level})


def _by(body: Mapping[str, Any], who: Actor) -> str:
    """Who asks, for the history: with http.token, which many may share, as the body claims."""
    return body.get("by") or "api" if who.shared else who.label


def _wish(body: Mapping[str, Any], *, who: Actor) -> Wish:
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
        next_step="`catnet device list` shows those of inventory.yaml and those that were added.",
    )


def no_deployment(number: int) -> HttpProblem:
    return HttpProblem(
        404,
        "no-such-deployment",
        f"There is no deployment {number} on record.",
        next_step="Old ones are deleted after store.keep_days; the status page lists the last.",
    )
