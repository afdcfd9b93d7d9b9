"""Stage and loop: from a comment that asks for something to the answer under it.

``look`` is called with the trigger of a new comment: it reads the comment itself, judges who may
ask and writes the order down, once. ``step`` carries orders out and tells how they ended. Both
work from what is stored, so a restart in between costs time only; a rollback is begun at most
once, and one that was cut off at that moment is answered with that.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from catnet_controller.errors import CatnetError
from catnet_controller.models import (
    Act,
    AnswerMessage,
    Deployment,
    Message,
    Mode,
    Note,
    Order,
    ReactionMessage,
    State,
    Trigger,
    Verb,
    Which,
    Wish,
)
from catnet_controller.policy import orders
from catnet_controller.ports import (
    Accounts,
    Clock,
    Crew,
    Deployments,
    Glances,
    Orders,
    Repository,
    Triggers,
)

log = structlog.get_logger(__name__)

LATE = 600.0
"""Seconds after which a comment is not obeyed any more: the network may be another by then."""
NOTHING = 3600.0
"""Seconds after which an order that no deployment came of is given up."""
BEGUN = 60.0
"""Seconds that opening a rollback may take; one that took longer was cut off."""
SEEN_ATTEMPTS = 5
"""How often a comment is looked for that GitHub does not show yet."""
SEEN_DELAY = 2.0
"""Seconds between those looks."""
_INSIDERS = ("OWNER", "MEMBER", "COLLABORATOR")
"""Who hears that he may not ask. A stranger hears nothing, or he could make us write."""


class Obey:
    """``users`` are logins, ``teams`` slugs of teams in the organisation of the repository."""

    def __init__(
        self,
        *,
        branch: str,
        users: Sequence[str],
        teams: Sequence[str],
        repository: Repository,
        crew: Crew,
        triggers: Triggers,
        orders: Orders,
        deployments: Deployments,
        glances: Glances,
        accounts: Accounts,
        rollback: Callable[[Wish], Awaitable[Deployment]],
        clock: Clock,
        public_url: str,
    ) -> None:
        self._branch = branch
        self._users = {each.casefold() for each in users}
        self._teams = tuple(teams)
        self._repository = repository
        self._crew = crew
        self._triggers = triggers
        self._orders = orders
        self._deployments = deployments
        self._glances = glances
        self._accounts = accounts
        self._rollback = rollback
        self._clock = clock
        self._public_url = public_url

    # --- what was asked ------------------------------------------------------------------------

    async def look(self, trigger: Trigger) -> None:
        """Handle the trigger ``comment/<id>``; its ``sha`` is the digest of what was written."""
        number = int(trigger.ref.partition("/")[2])
        if await self._orders.order(number) is not None:
            await self._triggers.settle(trigger)
            return
        note = await self._crew.comment(number)
        if note is None and trigger.attempt < SEEN_ATTEMPTS:
            await self._triggers.postpone(trigger, self._clock.now() + SEEN_DELAY)
            return
        try:
            found = orders.read(note.body) if note is not None else None
            unclear = ""
        except orders.NoOrder as problem:
            found, unclear = None, str(problem)
        if note is None or (found is None and not unclear):
            log.info(
                "comment ignored", comment=number, reason="gone, or edited into something else"
            )
            await self._triggers.settle(trigger)
            return
        verb, device = found or (None, "")
        order = Order(
            comment=number,
            pull=note.pull,
            login=note.login,
            verb=verb,
            device=device,
            asked_at=self._clock.now(),
        )
        why, next_step, told = await self._refusal(note, trigger, order, unclear)
        await self._write_down(order, trigger, why, next_step, told=told)

    async def _refusal(
        self, note: Note, trigger: Trigger, order: Order, unclear: str
    ) -> tuple[str, str, bool]:
        """Why the order is not carried out (empty: it is), what to do, and whether it is said."""
        if not await self._may_ask(note):
            step = "Ask an admin of CatNet to list you, or a team of yours, in `github.commands`."
            return "You may not ask for this.", step, note.association in _INSIDERS
        if note.digest != trigger.sha:
            return "The comment was edited since it was written.", "Write a new one.", True
        if self._clock.now() - note.created_at > LATE:
            late = f"CatNet saw the comment more than {LATE / 60:.0f} minutes after it was written."
            return late, "Write a new one if it still holds.", True
        if unclear:
            return unclear, orders.HELP, True
        pull = await self._repository.pull(note.pull)
        if pull.fork:
            step = "Ask under a pull request of the repository itself."
            return "A pull request from a fork takes no orders.", step, True
        if order.verb is Verb.PLAN and not pull.open:
            return "The pull request is closed; there is nothing to plan.", "Reopen it.", True
        if order.verb is Verb.PLAN and pull.base != self._branch:
            there = f"The pull request is not for `{self._branch}`, so it is not planned."
            return there, "", True
        return "", "", True

    async def _may_ask(self, note: Note) -> bool:
        """Asked of GitHub anew each time: a payload says nothing of teams, and people leave."""
        if not note.person:
            return False
        if note.login.casefold() in self._users:
            return True
        for team in self._teams:
            if await self._crew.member(team, note.login):
                return True
        return False

    async def _write_down(
        self, order: Order, trigger: Trigger, why: str, next_step: str, *, told: bool
    ) -> None:
        messages: list[Message] = []
        raised: Trigger | None = None
        now = self._clock.now()
        newest = await self._glances.newest(1)
        order = replace(order, after=newest[0] if newest else 0)
        if why:
            order = replace(order, ended_at=now)
            if told:
                messages.append(ReactionMessage(comment=order.comment, content="confused"))
            if told and not why.startswith("You may not"):
                body = orders.refused(order, why, next_step)
                messages.append(_answer(order, body))
        else:
            messages.append(ReactionMessage(comment=order.comment, content="eyes"))
            ref = _ref(order, self._branch)
            if ref is not None:
                order = replace(order, begun_at=now)
                raised = Trigger(ref=ref, reason=_cause(order), force=True, due_at=now)
        act = await self._accounts.begin_act(
            Act(at=now, who=_who(order), what=_what(order), address="GitHub", result="started")
        )
        new = await self._orders.begin(order, trigger, raised=raised, messages=messages)
        await self._accounts.end_act(act, (f"refused: {why}" if why else "accepted")[:200])
        log.info(
            "comment heard", who=_who(order), what=_what(order), refused=why or None, again=not new
        )

    # --- what becomes of it --------------------------------------------------------------------

    async def step(self) -> bool:
        """Look at each order that is not over; whether one of them got further."""
        moved = False
        for order in await self._orders.orders():
            moved = await self._further(order) or moved
        return moved

    async def _further(self, order: Order) -> bool:
        number = order.deployment
        if number is None:
            number = await self._opened(order)
            if number is None:
                return await self._begin(order)
            await self._orders.carry(order.comment, number)
        tally = await self._glances.tally(number)
        if tally is not None and not tally.deployment.state.final:
            return order.deployment is None
        deployment = await self._deployments.deployment(number)
        if deployment is None:
            await self._refuse(order, f"Deployment {number} is not on record any more.")
            return True
        well = deployment.state is State.COMPLETE
        content = "rocket" if well else "confused"
        messages: list[Message] = [ReactionMessage(comment=order.comment, content=content)]
        # A plan is answered by the comment that it edits; one that never ended edits none.
        if order.verb is not Verb.PLAN or deployment.state not in (State.COMPLETE, State.FAILED):
            body = orders.done(order, deployment, public_url=self._public_url)
            messages.append(_answer(order, body))
        await self._orders.end_order(order.comment, messages)
        return True

    async def _opened(self, order: Order) -> int | None:
        """The deployment that came of it."""
        ref = _ref(order, self._branch)
        if ref is not None:
            known = await self._triggers.ref_state(ref)
            number = known.deployment if known is not None else None
            return number if number is not None and number > order.after else None
        if order.begun_at is None:
            return None
        which = Which(device=order.device, mode=Mode.ROLLBACK, cause=_cause(order))
        made = [each.id for each in await self._deployments.history(20, which)]
        return min((number for number in made if number > order.after), default=None)

    async def _begin(self, order: Order) -> bool:
        now = self._clock.now()
        if order.verb is not Verb.ROLLBACK:
            if now - order.asked_at <= NOTHING:
                return False
            await self._refuse(
                order,
                f"Nothing came of it within {NOTHING / 60:.0f} minutes.",
                "`catnet status` says what CatNet waits for. Then write a new comment.",
            )
            return True
        if order.begun_at is not None:
            if now - order.begun_at <= BEGUN:
                return False
            await self._refuse(
                order, "CatNet was stopped before it began; nothing was done.", "Ask again."
            )
            return True
        if not await self._orders.claim_order(order.comment):
            return False
        wish = Wish(device=order.device, by=_who(order), dry_run=False)
        try:
            deployment = await self._rollback(wish)
        except CatnetError as error:
            await self._end_badly(order, orders.failed(order, error))
        else:
            await self._orders.carry(order.comment, deployment.id)
        return True

    async def _refuse(self, order: Order, why: str, next_step: str = "") -> None:
        await self._end_badly(order, orders.refused(order, why, next_step))

    async def _end_badly(self, order: Order, body: str) -> None:
        sign = ReactionMessage(comment=order.comment, content="confused")
        await self._orders.end_order(order.comment, [sign, _answer(order, body)])


def _ref(order: Order, branch: str) -> str | None:
    """The ref that is looked at again for it; None for a rollback."""
    return {Verb.PLAN: f"pull/{order.pull}", Verb.DEPLOY: f"branch/{branch}"}.get(
        order.verb or Verb.ROLLBACK
    )


def _who(order: Order) -> str:
    """Never to be taken for a user of CatNet with the same name."""
    return f"github:{order.login}"


def _cause(order: Order) -> str:
    return f"user {_who(order)}"


def _what(order: Order) -> str:
    words = f"/catnet {order.verb.value if order.verb else '?'} {order.device}".strip()
    return f"{words} (comment {order.comment} on pull request {order.pull})"


def _answer(order: Order, body: str) -> AnswerMessage:
    return AnswerMessage(comment=order.comment, issue=order.pull, body=body)
