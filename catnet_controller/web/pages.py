"""Recorded state comes in; pages for people go out, complete without JavaScript.

The one script only fetches the same page again, so whatever a page shows is live where there is
some. Nobody holds a connection meanwhile: a reader who is slow or gone costs nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from catnet_controller.models import (
    Backup,
    Deployment,
    DeviceState,
    Job,
    Mode,
    State,
    Step,
    Sync,
    Tally,
)
from catnet_controller.ports import Brake, Clock, Glances, Meter, States, Triggers
from catnet_controller.web import listing
from catnet_controller.web.api import Backups, no_deployment, no_device
from catnet_controller.web.drawing import Drawing
from catnet_controller.web.visits import Visits

_LAST = 10
_LIVE = 40
"""The newest deployments among which the running ones are looked for."""
_PER_PAGE = 50
_HISTORY = 20
_BACKUPS = 30
_MANY = 500
"""Devices from which on the fleet is read once for all who look at it in the same moment."""
_HOLD = 2.0
"""Seconds that such a reading is used."""
_HOLD_BACKUPS = 15.0
"""The same for the list of a device's backups: to make one, each file is read and checked."""
_KEPT = 500
"""Deployments that are over whose counts are kept in memory."""
_PUSH = (
    *(Step.CONNECT, Step.READ, Step.COMPARE, Step.GUARD, Step.ARM),
    *(Step.PUSH, Step.PROVE, Step.CONFIRM, Step.SAVE, Step.RECORD),
)
_LOOK = (Step.CONNECT, Step.READ, Step.COMPARE, Step.GUARD, Step.RECORD)


class Pages:
    """The pages of the fleet, of deployments and of a device."""

    def __init__(
        self,
        *,
        drawing: Drawing,
        glances: Glances,
        states: States,
        triggers: Triggers,
        meter: Meter,
        brake: Brake,
        backups: Backups,
        ready: Callable[[], Mapping[str, str]],
        held_up: Callable[[], Mapping[str, str]],
        clock: Clock,
        branch: str,
        mode: Mode,
    ) -> None:
        self._drawing = drawing
        self._glances = glances
        self._states = states
        self._triggers = triggers
        self._meter = meter
        self._brake = brake
        self._backups = backups
        self._ready = ready
        self._held_up = held_up
        self._clock = clock
        self._ref = f"branch/{branch}"
        self._mode = mode
        self._fleet: tuple[float, Mapping[str, DeviceState]] | None = None
        self._over: OrderedDict[int, Tally] = OrderedDict()
        self._lists: dict[str, tuple[float, Sequence[Backup]]] = {}

    def routes(self, visits: Visits) -> list[web.RouteDef]:
        show = visits.showing
        return [
            web.get("/", show(self.status)),
            web.get("/deployments", show(self.deployments)),
            web.get(r"/deployments/{id:\d{1,18}}", show(self.deployment)),
            web.get("/devices/{name}", show(self.device)),
        ]

    async def status(self, request: web.Request) -> web.Response:
        states = await self._known()
        search = listing.Search.of(request.query)
        newest = [await self._tally(it) for it in await self._glances.newest(_LIVE)]
        tallies = [it for it in newest if it is not None]
        devices = states.values()
        return self._drawing.page(
            request,
            "status.html",
            total=len(states),
            counts=listing.counts(devices),
            shares=listing.shares(devices),
            found=listing.find(states, search),
            search=search,
            sites=sorted({it.device.site for it in devices} - {""}),
            groups=sorted({group for it in devices for group in it.device.groups}),
            running=[it for it in tallies if not it.deployment.state.final],
            deployments=tallies[:_LAST],
            queue=await self._meter.depth(),
            pause=await self._brake.paused(),
            reasons=dict(self._ready()),
            held_up=dict(self._held_up()),
            head=await self._head(),
        )

    async def deployments(self, request: web.Request) -> web.Response:
        before = listing.number(request.query.get("before", "1"))
        found = await self._glances.newest(_PER_PAGE + 1, before if before > 1 else None)
        tallies = [await self._tally(it) for it in found[:_PER_PAGE]]
        return self._drawing.page(
            request,
            "deployments.html",
            deployments=[it for it in tallies if it is not None],
            older=found[_PER_PAGE - 1] if len(found) > _PER_PAGE else None,
            newest=before <= 1,
        )

    async def deployment(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        tally = await self._tally(number)
        if tally is None:
            raise no_deployment(number)
        query = request.query
        state = next((it for it in State if it.value == query.get("state")), None)
        words = query.get("q", "").strip()[:100]
        page = listing.number(query.get("page", "1"))
        jobs = await self._glances.jobs(
            number, limit=_PER_PAGE + 1, offset=(page - 1) * _PER_PAGE, state=state, words=words
        )
        return self._drawing.page(
            request,
            "deployment.html",
            tally=tally,
            it=tally.deployment,
            jobs=jobs[:_PER_PAGE],
            steps=steps,
            state=state,
            words=words,
            page=page,
            more=len(jobs) > _PER_PAGE,
            address=partial(_address, number, state, words),
            few=tally.total <= 3,
            can=self.can(tally),
        )

    async def device(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        state = await self._states.state(name)
        if state is None:
            raise no_device(name)
        history = await self._glances.history_of(name, _HISTORY)
        backups = await self._kept(name)
        return self._drawing.page(
            request,
            "device.html",
            it=state,
            history=history,
            last=await self._last(state, history),
            current=next((job for _, job in history if not job.state.final), None),
            steps=steps,
            backups=backups[:_BACKUPS],
            more_backups=max(0, len(backups) - _BACKUPS),
            mode=self._mode,
        )

    def can(self, tally: Tally) -> frozenset[str]:
        """What a person could do with a deployment: cancel, retry, promote, go-back."""
        it = tally.deployment
        found = set()
        if not it.state.final:
            found.add("cancel")
        elif tally.failed and it.mode is not Mode.ROLLBACK and not it.revision.rollback:
            found.add("retry")
        if it.state.final and tally.changed and it.mode in (Mode.CHECK, Mode.DRY_RUN):
            if it.revision.rollback:
                # What a person asks for by name is done in any mode of the daemon.
                found.add("go-back")
            elif it.revision.pull is None and self._mode is Mode.PUSH:
                found.add("promote")
        return frozenset(found)

    # --- what pages are made of ------------------------------------------------------------------

    async def _known(self) -> Mapping[str, DeviceState]:
        """The fleet. A large one is read once for all who look in the same moment."""
        now = self._clock.monotonic()
        if self._fleet is not None and now - self._fleet[0] < _HOLD:
            return self._fleet[1]
        states = await self._states.states()
        self._fleet = (now, states) if len(states) > _MANY else None
        return states

    async def _kept(self, name: str) -> Sequence[Backup]:
        now = self._clock.monotonic()
        self._lists = {it: known for it, known in self._lists.items() if now < known[0]}
        if name not in self._lists:
            self._lists[name] = (now + _HOLD_BACKUPS, await self._backups(name))
        return self._lists[name][1]

    async def _tally(self, number: int) -> Tally | None:
        known = self._over.get(number)
        if known is not None:
            return known
        found = await self._glances.tally(number)
        if found is not None and found.deployment.state.final:
            self._over[number] = found
            if len(self._over) > _KEPT:
                self._over.popitem(last=False)
        return found

    async def _head(self) -> tuple[str, Deployment | None] | None:
        """The commit that the branch was last seen at, and what was made of it."""
        known = await self._triggers.ref_state(self._ref)
        if known is None:
            return None
        made = await self._tally(known.deployment) if known.deployment is not None else None
        return known.sha, None if made is None else made.deployment

    async def _last(
        self, state: DeviceState, history: Sequence[tuple[Deployment, Job]]
    ) -> Job | None:
        """The newest job that found a difference, in full; of what the branch wants, if the device
        is out of sync with it."""
        for deployment, job in history:
            if job.outcome is None or not job.outcome.changed:
                continue
            away = deployment.revision.pull is not None or deployment.revision.rollback
            if state.sync is Sync.OUT_OF_SYNC and away:
                continue
            return await self._glances.job(job.id)
        return None


def steps(job: Job) -> Sequence[tuple[str, str, float | None]]:
    """The steps of a job: name, ``done``, ``over``, ``now`` or ``next``, and the seconds it took.

    Of a job that failed it is not said which of its steps were well: that is in its error.
    """
    took = job.outcome.steps if job.outcome is not None else {}
    if job.state.final:
        how = "done" if job.state is State.COMPLETE else "over"
        return [(name, how, seconds) for name, seconds in took.items()]
    order = _PUSH if job.mode in (Mode.PUSH, Mode.ROLLBACK) else _LOOK
    if job.step is not None and job.step not in order:
        order = (*order, job.step)
    at = order.index(job.step) if job.step is not None else -1
    return [
        (step.value, "done" if place < at else "now" if place == at else "next", None)
        for place, step in enumerate(order)
    ]


def _address(number: int, chosen: State | None, words: str, /, **changes: str | int) -> str:
    wanted = {"state": chosen.value if chosen is not None else "", "q": words, **changes}
    kept = {key: value for key, value in wanted.items() if value not in ("", 1)}
    return f"/deployments/{number}{'?' + urlencode(kept) if kept else ''}"
