"""How a device is: asked before a change, asked again after it until all is well or time is up.

Only `show` lines and `ping` are typed. What stands in the answers is judged in `ios/vitals`.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog

from catnet_controller.devices.contact import Contact
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import HealthFailed, TooSlow
from catnet_controller.ios import vitals
from catnet_controller.models import Expectation, Probe, Vitals

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

_MOST_TOLD = 3
_LONGEST_PAUSE = 5.0
_FAILED = "failed"
"""The mark of a probe that failed before the change."""


class Health:
    """The checks of one device during one run."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        self._checks = contact.device.checks

    async def before(self, session: Terminal, running: str) -> Vitals:
        """What is well now. Raises HealthFailed for a check that the device does not take: what
        cannot be judged afterwards is not begun."""
        up = await self._up(session, running) if self._checks.watch else vitals.Up()
        deaf = [each for each in self._checks.ping if not await self._answers(session, each)]
        marks = [await self._mark(session, probe) for probe in self._checks.probes]
        return Vitals(
            interfaces=up.interfaces,
            neighbours=up.neighbours,
            answers=tuple(marks),
            deaf=tuple(deaf),
        )

    async def _mark(self, session: Terminal, probe: Probe) -> str:
        answer = await self._contact.say(session, probe.show)
        if vitals.unknown(answer) and not self._checks.lenient:
            raise HealthFailed(
                f"{self._contact.device.name}: it does not take `{probe.show}` ({probe.origin})",
                next_step="Correct this check in the inventory; nothing was typed.",
            )
        if probe.expect is Expectation.UNCHANGED and not vitals.unknown(answer):
            return await self._search(probe, vitals.fingerprint, probe.pattern, answer)
        return "" if await self._reason(probe, answer, "") is None else _FAILED

    async def after(
        self, session: Terminal, known: Vitals, *, old: str, new: str, until: float | None
    ) -> None:
        """Return when all that was well is well; ``old`` and ``new`` are the configurations.

        What the change itself takes down is expected to be down. ``until`` (monotonic) ends the
        settling early. Raises HealthFailed, which says what is wrong.
        """
        contact = self._contact
        up = vitals.Up(interfaces=known.interfaces, neighbours=known.neighbours)
        wanted = await contact.compute(vitals.excused, up, old, new)
        limit = contact.clock.monotonic() + self._checks.settle
        if until is not None:
            limit = min(limit, until)
        pause = contact.timing.pause
        while True:
            wrong = await self._wrong(session, known, wanted, new)
            if not wrong:
                return
            now = contact.clock.monotonic()
            if now >= limit:
                break
            log.info("not well yet", device=contact.device.name, wrong=wrong)
            await asyncio.sleep(min(pause, limit - now))
            pause = min(pause * 2, _LONGEST_PAUSE)
        shown = "; ".join(wrong[:_MOST_TOLD])
        more = f"; and {len(wrong) - _MOST_TOLD} more" if len(wrong) > _MOST_TOLD else ""
        raise HealthFailed(f"{contact.device.name}: not well after the change: {shown}{more}")

    async def _wrong(
        self, session: Terminal, known: Vitals, wanted: vitals.Up, running: str
    ) -> list[str]:
        found: list[str] = []
        if wanted.interfaces or wanted.neighbours:
            now = await self._up(session, running)
            found += vitals.lost(wanted, now)
        for target in self._checks.ping:
            if target not in known.deaf and not await self._answers(session, target):
                found.append(f"ping {target} was answered, is not")
        marks = known.answers or ("",) * len(self._checks.probes)
        for probe, mark in zip(self._checks.probes, marks, strict=False):
            reason = await self._judged(session, probe, mark)
            if reason is not None:
                found.append(f"{reason} ({probe.origin})")
        return found

    async def _judged(self, session: Terminal, probe: Probe, mark: str) -> str | None:
        if mark == _FAILED and self._checks.lenient:
            return None
        return await self._reason(probe, await self._contact.say(session, probe.show), mark)

    async def _reason(self, probe: Probe, answer: str, mark: str) -> str | None:
        return await self._search(
            probe,
            vitals.judged,
            show=probe.show,
            expect=probe.expect.value,
            pattern=probe.pattern,
            answer=answer,
            before=mark,
        )

    async def _search(
        self, probe: Probe, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return await self._contact.search(work, *args, **kwargs)
        except TooSlow as error:
            raise HealthFailed(
                f"{self._contact.device.name}: /{probe.pattern}/ in what `{probe.show}` prints:"
                f" {error.message} ({probe.origin})",
                next_step="Write the pattern without repetitions of what repeats itself.",
            ) from error

    async def _up(self, session: Terminal, running: str) -> vitals.Up:
        """A line that the device does not know tells of nothing that is up."""
        contact = self._contact
        brief = contact.platform.interfaces
        answers = {
            line: await contact.say(session, line)
            for line in await contact.compute(vitals.questions, running, brief=brief)
        }
        return vitals.read(answers, brief=brief)

    async def _answers(self, session: Terminal, target: str) -> bool:
        contact = self._contact
        if contact.platform.ping is None:
            return False
        address, _, vrf = target.partition(" vrf ")
        line = contact.platform.ping.format(vrf=f"vrf {vrf} " if vrf else "", target=address)
        return vitals.answers_ping(await contact.say(session, line))
