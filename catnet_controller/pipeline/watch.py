"""Loop: keeps an issue open on GitHub as long as devices have not got what the branch wants."""

from catnet_controller.policy import incident
from catnet_controller.ports import Glances, Outbox, States, Triggers


class Watch:
    """Level-triggered: what to say follows from what is recorded, and is said once."""

    def __init__(
        self,
        *,
        branch: str,
        triggers: Triggers,
        glances: Glances,
        states: States,
        outbox: Outbox,
        public_url: str,
    ) -> None:
        self._ref = f"branch/{branch}"
        self._triggers = triggers
        self._glances = glances
        self._states = states
        self._outbox = outbox
        self._public_url = public_url
        self._well: int | None = None

    async def step(self) -> bool:
        """Look once; False always. While a deployment of the branch is under way nothing is said,
        and nothing again of one after which all was well."""
        known = await self._triggers.ref_state(self._ref)
        if known is None or known.deployment is None or known.deployment == self._well:
            return False
        tally = await self._glances.tally(known.deployment)
        if tally is None or not tally.deployment.state.final:
            return False
        last = tally.deployment
        message = incident.issue(
            last, incident.failing(await self._states.states()), public_url=self._public_url
        )
        await self._outbox.put([message])
        self._well = None if message.open else last.id
        return False
