"""A process that writes to a store and says on stdout what was acknowledged, until it is killed.

``python -m tests.unit.store.writer PATH FIRST``: numbers count on from FIRST.
"""

import asyncio
import sys
import time
from pathlib import Path

from catnet_controller.models import Step
from catnet_controller.store.store import Store
from tests.helpers_store import conclude, done, intent, push, seen, trigger


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


async def main(path: Path, number: int) -> None:
    store = await Store.at(path, clock=SystemClock(), worker="writer", conclude=conclude)
    await store.free_leases()
    while True:
        name = f"r{number}"
        await store.trigger(trigger(f"pull/{number}"))
        print("trigger", f"pull/{number}", flush=True)
        opened = await push(store, name)
        print("open", opened.id, flush=True)
        for claim in await store.claim(5):
            await store.checkpoint(claim, Step.ARM, intent())
            print("armed", claim.job.id, flush=True)
            await store.finish(claim, done(), seen(claim.job.device.name), conclude)
            print("ended", claim.job.id, flush=True)
        number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
