"""Configurations come in; what may be shown of them goes out, computed beside the event loop."""

from functools import partial

from catnet_controller.models import Desired, Device, State
from catnet_controller.pipeline.compare import Compare
from catnet_controller.ports import Offload


class Comparing:
    """For people who look at backups."""

    def __init__(self, *, compare: Compare, offload: Offload) -> None:
        self._compare = compare
        self._offload = offload

    async def hide(self, text: str) -> str:
        """The configuration without its secrets; two that differ look different."""
        return await self._offload(partial(self._compare.redacted, text))

    async def differ(self, before: str, after: str | Desired) -> str:
        """What changes from one to the other, without secrets. Raises SecretMissing."""
        if isinstance(after, str):
            lines = after.split("\n")
            after = Desired(
                device=Device(name="backup", host=""),
                text=after,
                digest="",
                origins=tuple(f"backup:{number}" for number, _ in enumerate(lines, 1)),
                literal=True,
            )
        return await self._offload(partial(_difference, self._compare, before, after))


def _difference(compare: Compare, before: str, after: Desired) -> str:
    return compare.outcome(State.COMPLETE, compare.changes(after, None, before), None).diff
