"""Whether processes run, and their end, by their ids and by nothing else."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

_PATIENCE = 20.0


def running(process: int) -> bool:
    """A dead process that nobody has waited for yet does not count."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def children(process: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [
            int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()
        ]
    return []


def below(process: int) -> list[int]:
    """Its children and theirs."""
    found = children(process)
    return [*found, *(one for child in found for one in below(child))]


def name(process: int) -> str:
    """The name of its program; empty when it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/comm").read_text().strip()
    return ""


def told(process: int) -> str:
    """Its arguments and its environment, as the system keeps them."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return "\n".join(
            Path(f"/proc/{process}/{what}").read_text().replace("\0", "\n")
            for what in ("cmdline", "environ")
        )
    return ""


def receivers(process: int) -> list[int]:
    """The processes that take webhooks for this one."""
    return [one for one in children(process) if "catnet_controller.app.receiver" in told(one)]


def end(processes: Sequence[int]) -> None:
    """Kill them and wait until they are gone."""
    for one in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    until = time.monotonic() + _PATIENCE
    while any(running(one) for one in processes):
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.01)
