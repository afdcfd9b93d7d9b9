"""Deliveries that were judged, and what was turned away, come in; recorded, counted and told of.

The last station of a webhook's delivery in the daemon, whichever process took it.
"""

from collections.abc import Sequence

import structlog

from catnet_controller.errors import CatnetError
from catnet_controller.ports import Arrival, Clock, Telemetry, Triggers

log = structlog.get_logger(__name__)

_SILENT_SECONDS = 10.0


class Reception:
    """Writes into the store, the metrics and the log."""

    def __init__(self, *, triggers: Triggers, telemetry: Telemetry, clock: Clock) -> None:
        self._triggers = triggers
        self._telemetry = telemetry
        self._clock = clock
        self._silent_until = float("-inf")

    async def record(self, arrived: Sequence[Arrival]) -> None:
        """All of them, or none: then raises what the store raised."""
        try:
            await self._triggers.receive(arrived)
        except CatnetError as error:
            for delivery, _ in arrived:
                self._telemetry.delivery(delivery.event, "failed")
            guids = [delivery.guid for delivery, _ in arrived]
            log.error("deliveries not recorded", error=error.message, guids=guids)
            raise
        for delivery, _ in arrived:
            verdict, _, reason = delivery.verdict.partition(": ")
            self._telemetry.delivery(delivery.event, verdict)
            log.info(
                "delivery received",
                github_event=delivery.event,
                guid=delivery.guid,
                verdict=verdict,
                reason=reason,
            )

    def refuse(self, result: str, *, detail: str, peer: str | None, number: int = 1) -> None:
        """``result``: ``forged`` or ``refused``; ``detail`` and ``peer`` of the last of them."""
        self._telemetry.delivery("unknown", result, number)
        # Once in a while: whoever can reach this must not fill the log.
        now = self._clock.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _SILENT_SECONDS
            log.warning("delivery refused", reason=detail, peer=peer)
