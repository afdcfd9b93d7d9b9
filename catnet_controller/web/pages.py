"""Recorded state comes in; HTML for people goes out, rendered here, complete without JavaScript.

Templates escape every value; nothing is loaded from elsewhere, and the Content-Security-Policy
says so to the browser. The one script only fetches the same page again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from catnet_controller.models import Deployment, Health, Job, Mode, State, Sync
from catnet_controller.ports import Brake, Clock, Deployments, Meter, States
from catnet_controller.web import views
from catnet_controller.web.access import Access
from catnet_controller.web.api import no_deployment, no_device
from catnet_controller.web.problems import HttpProblem

_HERE = Path(__file__).parent
_MOST_ROWS = 200
_LAST = 12
_DEVICE_HISTORY = 50
_FILTERS = {
    "in-sync": lambda it: it.sync is Sync.IN_SYNC,
    "out-of-sync": lambda it: it.sync is Sync.OUT_OF_SYNC,
    "unknown": lambda it: it.sync is Sync.UNKNOWN,
    "unreachable": lambda it: it.health is Health.UNREACHABLE,
    "degraded": lambda it: it.health is Health.DEGRADED,
    "quarantined": lambda it: it.quarantined is not None,
}


class Pages:
    """The status page, the page of a deployment and that of a device."""

    def __init__(
        self,
        *,
        deployments: Deployments,
        states: States,
        meter: Meter,
        brake: Brake,
        ready: Callable[[], Mapping[str, str]],
        clock: Clock,
        repository: str,
        branch: str,
        mode: Mode,
        version: str,
        commits: str | None,
    ) -> None:
        self._deployments = deployments
        self._states = states
        self._meter = meter
        self._brake = brake
        self._ready = ready
        self._clock = clock
        self._static = _Static.read(_HERE / "static")
        self._jinja = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters.update(
            ago=lambda at: _span(max(1.0, clock.now() - at) // 1),
            clock=lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            iso=views.when,
            span=_span,
            sign=_sign,
        )
        self._jinja.globals.update(
            repository=repository,
            branch=branch,
            mode=mode,
            version=version,
            commits=commits,
            static=self._static.address,
        )

    def routes(self, access: Access) -> list[web.RouteDef]:
        return [
            web.get("/", access.reading(self.status)),
            web.get(r"/deployments/{id:\d{1,18}}", access.reading(self.deployment)),
            web.get("/devices/{name}", access.reading(self.device)),
            web.get("/static/{name}", self._static.serve),
        ]

    async def status(self, request: web.Request) -> web.Response:
        states = await self._states.states()
        deployments = await self._deployments.history(_LAST)
        show = request.query.get("show", "")
        keep = _FILTERS.get(show)
        words = request.query.get("q", "").strip().lower()
        rows = [
            state
            for state in views.worst_first(states)
            if (keep is None or keep(state))
            and (
                not words
                or words in state.device.name.lower()
                or words in state.device.site.lower()
                or any(words in group.lower() for group in state.device.groups)
            )
        ]
        return self._page(
            "status.html",
            fleet=views.fleet(states.values()),
            quarantined=sum(1 for state in states.values() if state.quarantined),
            rows=rows[:_MOST_ROWS],
            found=len(rows),
            show=show if keep else "",
            words=words,
            running=[_progress(it) for it in deployments if not it.state.final],
            deployments=[_progress(it) for it in deployments],
            queue=await self._meter.depth(),
            pause=await self._brake.paused(),
            reasons=dict(self._ready()),
        )

    async def deployment(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        found = await self._deployments.deployment(number)
        if found is None:
            raise no_deployment(number)
        jobs = sorted(found.jobs, key=_job_rank)
        return self._page(
            "deployment.html",
            it=found,
            progress=_progress(found),
            jobs=jobs[:_MOST_ROWS],
            left_out=max(0, len(jobs) - _MOST_ROWS),
            few=len(jobs) <= 3,
        )

    async def device(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        state = await self._states.state(name)
        if state is None:
            raise no_device(name)
        history = [
            (deployment, job)
            for deployment in await self._deployments.history(_DEVICE_HISTORY)
            for job in deployment.jobs
            if job.device.name == name
        ]
        return self._page("device.html", it=state, history=history, last=await self._last(history))

    async def _last(self, history: Sequence[tuple[Deployment, Job]]) -> Job | None:
        """The newest job that found a difference, with the difference, which history leaves out."""
        for _, job in history:
            if job.outcome is not None and job.outcome.changed:
                whole = await self._deployments.deployment(job.deployment)
                jobs = whole.jobs if whole is not None else ()
                return next((each for each in jobs if each.id == job.id), None)
        return None

    def problem(self, problem: HttpProblem) -> web.Response:
        """An error as a page."""
        made = self._page("problem.html", problem=problem)
        made.set_status(problem.status)
        made.headers.update(problem.headers)
        return made

    def _page(self, template: str, **values: object) -> web.Response:
        text = self._jinja.get_template(template).render(now=self._clock.now(), **values)
        return web.Response(text=text, content_type="text/html", charset="utf-8")


class _Static:
    """The few files that pages link to, held in memory under an address that names their content,
    so that a browser may keep them for ever."""

    def __init__(self, files: Mapping[str, tuple[bytes, str]]) -> None:
        self._files = files
        self._tags = {
            name: hashlib.sha256(body).hexdigest()[:12] for name, (body, _) in files.items()
        }

    @classmethod
    def read(cls, folder: Path) -> "_Static":
        types = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
        return cls(
            {
                path.name: (path.read_bytes(), types[path.suffix])
                for path in sorted(folder.iterdir())
                if path.suffix in types
            }
        )

    def address(self, name: str) -> str:
        return f"/static/{name}?v={self._tags[name]}"

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        body, content_type = self._files[name]
        current = request.query.get("v") == self._tags[name]
        keep = "public, max-age=31536000, immutable" if current else "no-cache"
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8",
            headers={"Cache-Control": keep},
        )


def _progress(it: Deployment) -> dict[str, Any]:
    """A deployment with how far it is."""
    failed = sum(1 for job in it.jobs if job.state is State.FAILED)
    # A push that failed has a difference to tell of, but changed nothing that stayed.
    changed = sum(
        1
        for job in it.jobs
        if job.state is State.COMPLETE and job.outcome is not None and job.outcome.changed
    )
    return {
        "it": it,
        "total": len(it.jobs),
        "done": sum(1 for job in it.jobs if job.state.final),
        "failed": failed,
        "changed": changed,
    }


def _job_rank(job: Job) -> tuple[int, str]:
    """Failures first, then what runs, then what changed something."""
    changed = job.outcome is not None and job.outcome.changed
    order = {State.FAILED: 0, State.RUNNING: 1, State.PENDING: 2}
    return order.get(job.state, 3 if changed else 4), job.device.name


def _span(seconds: float) -> str:
    """A duration in its one or two largest units."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return f"{whole // 86400} days"


def _sign(text: str) -> Sequence[tuple[str, str]]:
    """The lines of a diff, each with the name of its colour."""
    names = {"+": "add", "-": "remove", "@": "where"}
    return [(names.get(line[:1], "keep"), line) for line in text.splitlines()]
