"""Buttons for operators: each has a page that says what will happen, and a form that does it.

What is done is what the same call of the API does; the answer is a redirect to what came of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import structlog
from aiohttp import web

from catnet_controller.models import Job, Mode, Pause, State, Tally, Trigger, Wish
from catnet_controller.ports import Brake, Clock, Conclude, Deployments, Glances, States, Triggers
from catnet_controller.web.access import Actor
from catnet_controller.web.api import Backups, Request, Rollback, no_deployment, no_device
from catnet_controller.web.drawing import Drawing
from catnet_controller.web.problems import Handler, HttpProblem
from catnet_controller.web.visits import Act, Visits

log = structlog.get_logger(__name__)

_MOST_REASON = 200
_MOST_DEVICES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before something is done: ``button`` is what the yes is called."""

    title: str
    points: Sequence[str]
    button: str
    back: str
    grave: bool = False
    """Whether it changes a device."""
    reason: bool = False
    """Whether to ask why."""
    force: str = ""
    """What is ticked to go further, if there is that."""
    fields: Mapping[str, str] | None = None


_CARE = "Backed up first, armed with a revert timer, proved from a second login, saved last."
_OF_DEVICE = {
    "check": (
        Mode.CHECK,
        "Check {name}",
        "Check now",
        (
            "Reads the running-config and compares it with what the branch wants.",
            "Types `show` commands only.",
        ),
    ),
    "dry-run": (
        Mode.DRY_RUN,
        "Dry-run on {name}",
        "Show what would change",
        (
            "Plans what a push would type, against the running-config as it is now.",
            "Types `show` commands only.",
        ),
    ),
    "backup": (
        Mode.BACKUP,
        "Back up {name}",
        "Back up now",
        ("Reads the running-config and keeps it.", "Types `show` commands only."),
    ),
    "sync": (
        Mode.PUSH,
        "Sync {name}",
        "Push to {name}",
        (
            "Pushes what the branch wants on it, also where it failed or was rolled back before.",
            _CARE,
        ),
    ),
}


class Buttons:
    """The routes of what an operator does with a browser."""

    def __init__(
        self,
        *,
        drawing: Drawing,
        deployments: Deployments,
        glances: Glances,
        states: States,
        triggers: Triggers,
        brake: Brake,
        conclude: Conclude,
        request: Request,
        rollback: Rollback,
        backups: Backups,
        can: Callable[[Tally], frozenset[str]],
        clock: Clock,
        branch: str,
        mode: Mode,
    ) -> None:
        self._drawing = drawing
        self._deployments = deployments
        self._glances = glances
        self._states = states
        self._triggers = triggers
        self._brake = brake
        self._conclude = conclude
        self._request = request
        self._rollback = rollback
        self._backups = backups
        self._can = can
        self._clock = clock
        self._branch = branch
        self._mode = mode

    def routes(self, visits: Visits) -> list[web.RouteDef]:
        number = r"/deployments/{id:\d{1,18}}"
        pairs: list[tuple[str, Handler, Act]] = [
            ("/look", self.ask_look, self.look),
            ("/pause", self.ask_pause, self.pause),
            ("/resume", self.ask_resume, self.resume),
            ("/devices/{name}/rollback", self.ask_rollback, self.rollback),
            (f"{number}/cancel", self.ask_cancel, self.cancel),
            (f"{number}/retry", self.ask_retry, self.retry),
            (f"{number}/promote", self.ask_promote, self.promote),
        ]
        pairs += [(f"/devices/{{name}}/{what}", *self._of_device(what)) for what in _OF_DEVICE]
        return [
            web.get(f"{number}/go-back", visits.showing(self.go_back)),
            *(web.get(path, visits.showing(ask)) for path, ask, _ in pairs),
            *(web.post(path, visits.acting(act)) for path, _, act in pairs),
        ]

    # --- the whole network -----------------------------------------------------------------------

    async def ask_look(self, request: web.Request) -> web.Response:
        pushes = (
            "What moved since the last look is deployed, as after any push."
            if self._mode is Mode.PUSH
            else "What moved since the last look is compared; this daemon pushes nothing."
        )
        return self._ask(
            request,
            Question(
                title=f"Look at {self._branch} now",
                points=(f"Reads the head of {self._branch} on GitHub, without waiting.", pushes),
                button="Look now",
                back="/",
                force="Deploy the head again, also where it failed or was rolled back before, and"
                " undo drift",
            ),
        )

    async def look(self, request: web.Request, who: Actor, form: Mapping[str, str]) -> web.Response:
        force = form.get("force") == "yes"
        await self._trigger(request, who, f"branch/{self._branch}", force=force)
        return _to("/")

    async def ask_pause(self, request: web.Request) -> web.Response:
        return self._ask(
            request,
            Question(
                title="Pause all pushes",
                points=(
                    "Nothing is pushed until somebody resumes, over restarts too.",
                    "A device that is armed already is finished, so that none is left half-way.",
                    "Checks, dry-runs, backups and rollbacks go on.",
                ),
                button="Pause",
                back="/",
                reason=True,
            ),
        )

    async def pause(
        self, request: web.Request, who: Actor, form: Mapping[str, str]
    ) -> web.Response:
        reason = " ".join(form.get("reason", "").split())
        if not reason or len(reason) > _MOST_REASON or not reason.isprintable():
            raise HttpProblem(
                400,
                "malformed",
                f"The reason is not a text of 1 to {_MOST_REASON} characters.",
                next_step="Go back and say in a few words why; everybody sees it.",
            )
        held = Pause(by=who.label, reason=reason, since=self._clock.now())
        await self._brake.pause(held, self._conclude)
        log.warning("pushes paused", by=held.by, reason=reason, peer=request.remote)
        return _to("/")

    async def ask_resume(self, request: web.Request) -> web.Response:
        held = await self._brake.paused()
        why = f"Paused by {held.by}: {held.reason}" if held else "Pushes are not paused."
        return self._ask(
            request,
            Question(
                title="Resume pushes",
                points=(why, "What waits is pushed at once."),
                button="Resume",
                back="/",
                grave=True,
            ),
        )

    async def resume(
        self, request: web.Request, who: Actor, _form: Mapping[str, str]
    ) -> web.Response:
        ended = await self._brake.resume(self._conclude)
        log.warning("pushes resumed", by=who.label, was=ended is not None, peer=request.remote)
        return _to("/")

    # --- a device --------------------------------------------------------------------------------

    def _of_device(self, what: str) -> tuple[Handler, Act]:
        mode, title, button, points = _OF_DEVICE[what]

        async def ask(request: web.Request) -> web.StreamResponse:
            name = await self._name(request)
            notes = [*points]
            if mode is Mode.PUSH and (held := await self._brake.paused()) is not None:
                notes.append(f"Pushes are paused by {held.by}, so it waits: {held.reason}")
            return self._ask(
                request,
                Question(
                    title=title.format(name=name),
                    points=notes,
                    button=button.format(name=name),
                    back=_device(name),
                    grave=mode is Mode.PUSH,
                ),
            )

        async def act(
            request: web.Request, who: Actor, _form: Mapping[str, str]
        ) -> web.StreamResponse:
            return await self._open(request, who, mode, [await self._name(request)])

        return ask, act

    async def ask_rollback(self, request: web.Request) -> web.Response:
        name = await self._name(request)
        state = await self._states.state(name)
        good = [it for it in await self._backups(name) if it.good]
        chosen = request.query.get("backup", "")
        return self._drawing.page(
            request,
            "rollback.html",
            name=name,
            before=None if state is None else state.before,
            backups=good,
            chosen=next((it for it in good if it.id == chosen), None),
            now_really=request.query.get("seen") == "yes",
            mode=self._mode,
        )

    async def rollback(
        self, request: web.Request, who: Actor, form: Mapping[str, str]
    ) -> web.Response:
        name = await self._name(request)
        wish = Wish(
            device=name,
            by=who.label,
            backup=form.get("backup") or None,
            # Whoever leaves the field away gets the harmless one.
            dry_run=form.get("really") != "yes",
        )
        made = await self._rollback(wish)
        log.info(
            "rollback asked for",
            deployment=made.id,
            device=name,
            dry_run=wish.dry_run,
            by=wish.by,
            peer=request.remote,
        )
        return _to(f"/deployments/{made.id}")

    # --- a deployment ----------------------------------------------------------------------------

    async def ask_cancel(self, request: web.Request) -> web.Response:
        tally = await self._tally(request, "cancel")
        left = tally.total - tally.done
        return self._ask(
            request,
            Question(
                title=f"Cancel deployment {tally.deployment.id}",
                points=(
                    f"{_devices(left)} not done yet; what has not touched its device ends now.",
                    "A device that is armed is confirmed or reverted first, and told of.",
                ),
                button="Cancel the deployment",
                back=f"/deployments/{tally.deployment.id}",
                grave=True,
            ),
        )

    async def cancel(
        self, request: web.Request, who: Actor, _form: Mapping[str, str]
    ) -> web.Response:
        number = (await self._tally(request)).deployment.id
        await self._deployments.cancel(number, f"cancelled by {who.label}", self._conclude)
        log.info("deployment cancelled", deployment=number, by=who.label, peer=request.remote)
        return _to(f"/deployments/{number}")

    async def ask_retry(self, request: web.Request) -> web.Response:
        tally = await self._tally(request, "retry")
        it = tally.deployment
        again = (
            f"Plans pull request {it.revision.pull} again, as it is now."
            if it.revision.pull is not None
            else f"Opens a {it.mode.value} of {_devices(tally.failed + tally.held_back)}: "
            f"those that failed{' or were held back' if tally.held_back else ''}."
        )
        points = [again]
        if it.mode is Mode.PUSH:
            points.append("Pushed is what the branch wants now, which may be newer than this.")
        return self._ask(
            request,
            Question(
                title=f"Try the failed devices of deployment {it.id} again",
                points=points,
                button="Try again",
                back=f"/deployments/{it.id}",
                grave=it.mode is Mode.PUSH,
            ),
        )

    async def retry(
        self, request: web.Request, who: Actor, _form: Mapping[str, str]
    ) -> web.Response:
        tally = await self._tally(request, "retry")
        it = tally.deployment
        if it.revision.pull is not None:
            await self._trigger(request, who, it.revision.ref, force=True)
            return _to("/deployments")
        failed = await self._jobs(it.id, State.FAILED, lambda _: True)
        held = await self._jobs(it.id, State.HELD_BACK, lambda _: True)
        return await self._open(request, who, it.mode, [*failed, *held])

    async def ask_promote(self, request: web.Request) -> web.Response:
        tally = await self._tally(request, "promote")
        it = tally.deployment
        return self._ask(
            request,
            Question(
                title=f"Push what deployment {it.id} found",
                points=(
                    f"Pushes what the branch wants now to {_devices(tally.changed)} that differed.",
                    "Each is read again first; what is typed is what differs then.",
                    _CARE,
                ),
                button=f"Push to {_devices(tally.changed)}",
                back=f"/deployments/{it.id}",
                grave=True,
            ),
        )

    async def promote(
        self, request: web.Request, who: Actor, _form: Mapping[str, str]
    ) -> web.Response:
        number = (await self._tally(request, "promote")).deployment.id
        changed = await self._jobs(
            number, State.COMPLETE, lambda it: it.outcome is not None and it.outcome.changed
        )
        return await self._open(request, who, Mode.PUSH, changed)

    async def go_back(self, request: web.Request) -> web.Response:
        """From the dry-run of a rollback to the question whether to do it: to the same backup."""
        tally = await self._tally(request, "go-back")
        jobs = await self._glances.jobs(tally.deployment.id, limit=1)
        desired = await self._deployments.desired(jobs[0].desired) if jobs else None
        where = desired.origins[0].rpartition(":")[0] if desired and desired.origins else ""
        name = jobs[0].device.name if jobs else ""
        if desired is None or not desired.literal or where.rpartition("/")[0] != name:
            raise HttpProblem(
                409,
                "go-back-refused",
                "This dry-run was to no backup, but to a revision or a file.",
                next_step="Do it where it was asked for: `catnet rollback --no-dry-run`.",
            )
        query = urlencode({"backup": where, "seen": "yes"})
        return _to(f"{_device(name)}/rollback?{query}")

    # --- what they are made of -------------------------------------------------------------------

    def _ask(self, request: web.Request, question: Question) -> web.Response:
        return self._drawing.page(request, "confirm.html", question=question)

    async def _name(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if await self._states.state(name) is None:
            raise no_device(name)
        return name

    async def _tally(self, request: web.Request, what: str | None = None) -> Tally:
        number = int(request.match_info["id"])
        found = await self._glances.tally(number)
        if found is None:
            raise no_deployment(number)
        if what is not None and what not in self._can(found):
            raise HttpProblem(
                409,
                f"{what}-refused",
                f"That cannot be done with deployment {number} as it stands.",
                next_step="Look at it again: it has gone on meanwhile, or has not ended yet.",
            )
        return found

    async def _jobs(self, number: int, state: State, keep: Callable[[Job], bool]) -> list[str]:
        found = await self._glances.jobs(number, limit=_MOST_DEVICES + 1, state=state)
        names = [job.device.name for job in found if keep(job)]
        if len(names) > _MOST_DEVICES:
            raise HttpProblem(
                409,
                "too-many",
                f"That is more than {_MOST_DEVICES} devices at once.",
                next_step="Deploy the whole branch again: `catnet sync --force`.",
            )
        return names

    async def _open(
        self, request: web.Request, who: Actor, mode: Mode, names: Sequence[str]
    ) -> web.Response:
        number = (await self._request(mode, names, who.cause)).id
        log.info(
            "deployment asked for",
            deployment=number,
            mode=mode.value,
            by=who.label,
            peer=request.remote,
        )
        return _to(f"/deployments/{number}")

    async def _trigger(self, request: web.Request, who: Actor, ref: str, *, force: bool) -> None:
        now = self._clock.now()
        await self._triggers.trigger(Trigger(ref=ref, reason=who.cause, force=force, due_at=now))
        log.info("sync asked for", ref=ref, force=force, by=str(who), peer=request.remote)


def _to(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where})


def _device(name: str) -> str:
    return f"/devices/{quote(name, safe='')}"


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count} devices"
