"""Any change, any fault, killed anywhere: all or nothing, and what is said is true."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catnet_controller.errors import LeaseLost
from catnet_controller.ios.normal import digest
from catnet_controller.models import Fallback, Restored, Step
from catnet_controller.ports import PushResult
from catnet_controller.simulator.faults import What
from tests.integration.devicelab import CONFIG, WITHOUT_ARCHIVE, Lab, Record, laboratory

CHANGES: tuple[tuple[str, str], ...] = (
    (" description uplink", " description to core1"),
    ("ntp server 192.0.2.123", "ntp server 192.0.2.124\nntp server 192.0.2.125"),
    ("hostname r1", "hostname edge1"),
    (" no ip address\n shutdown", " description new\n ip address 10.9.9.1 255.255.255.0"),
    (
        "line con 0",
        (
            "ip route 10.8.0.0 255.255.0.0 10.0.0.2\n!\nip access-list extended WEB\n"
            " permit tcp any any eq www\n deny ip any any log\n!\nline con 0"
        ),
    ),
    ("line con 0", "banner motd ^C\nKeep out\nr1#\n^C\n!\nline con 0"),
)
LINES = st.one_of(
    st.fixed_dictionaries({"line": st.integers(1, 9)}),
    st.fixed_dictionaries(
        {
            "match": st.sampled_from(
                [
                    "^configure confirm",
                    "^write",
                    "^end",
                    "^configure t",
                    "^show run",
                    "^configure r",
                ]
            )
        }
    ),
)
AT_A_LINE = (
    What.RESET,
    What.CLOSE,
    What.SILENCE,
    What.HANG,
    What.REJECT,
    What.FORGET,
    What.ALTER,
    What.ASK,
    What.SYSLOG,
    What.REBOOT,
    What.LOST_MANAGEMENT,
    What.DENIED,
)
ANYWHERE = (
    What.VTY_FULL,
    What.REFUSED,
    What.AUTH_FAIL,
    What.LOCKED,
    What.CONFIRM_LOST,
    What.SAVE_FAIL,
    What.ARCHIVE_FAIL,
    What.REVERT_FAIL,
)
TEXT = {
    What.ALTER: "ntp server 9.9.9.9",
    What.ASK: "Sure? [confirm]",
    What.SYSLOG: "%SYS-5-CONFIG_I: Configured from console by bob on vty1 (192.0.2.9)",
}


@dataclass(frozen=True)
class Trouble:
    what: What
    where: dict[str, Any] = field(default_factory=dict)
    after: bool = False
    times: int = 1

    def befall(self, lab: Lab) -> None:
        text = {"text": TEXT[self.what]} if self.what in TEXT else {}
        lab.inject(self.what, after=self.after, times=self.times, **self.where, **text)


TROUBLES = st.one_of(
    st.builds(Trouble, what=st.sampled_from(AT_A_LINE), where=LINES, times=st.integers(1, 2)),
    st.builds(
        Trouble,
        what=st.sampled_from((What.RESET, What.CLOSE, What.SILENCE, What.HANG)),
        where=LINES,
        after=st.just(True),
    ),
    st.builds(Trouble, what=st.sampled_from(ANYWHERE), times=st.integers(1, 2)),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    fallback=st.sampled_from(Fallback),
    minutes=st.sampled_from([1, 5, 30]),
    chosen=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4, unique_by=lambda one: one[0]),
    troubles=st.lists(TROUBLES, max_size=2),
    kill=st.none() | st.sampled_from(Step),
)
async def test_all_or_nothing(
    fallback: Fallback,
    minutes: int,
    chosen: list[tuple[str, str]],
    troubles: list[Trouble],
    kill: Step | None,
) -> None:
    config = WITHOUT_ARCHIVE if fallback is Fallback.REVERSE else CONFIG
    with tempfile.TemporaryDirectory() as folder:
        async with laboratory(
            Path(folder), config=config, fallback=fallback, minutes=minutes, patience=0.6
        ) as lab:
            for trouble in troubles:
                trouble.befall(lab)
            await _one_life(lab, chosen, Record(lose=kill))


async def _one_life(lab: Lab, chosen: list[tuple[str, str]], record: Record) -> None:
    decide = lab.wanting(*chosen)
    try:
        said = await lab.push(decide, record)
    except LeaseLost:
        pass
    else:
        _is_true(lab, said, lab.wanted(*chosen))
    lab.sim.clear()
    async with asyncio.timeout(20):
        while True:
            done = await _next_start(lab, chosen, record)
            if done.error is None:
                break
            await asyncio.sleep(0.05)
    assert digest(lab.sim.running()) == digest(lab.wanted(*chosen))
    assert lab.saved


async def _next_start(lab: Lab, chosen: list[tuple[str, str]], record: Record) -> PushResult:
    """What the daemon does when it takes up the job again."""
    decide = lab.wanting(*chosen)
    record.lose = None
    if record.intent is not None:
        result = await lab.devices.recover(lab.device, record.intent, decide, record)
        if result.error is None or result.restored is not Restored.RESTORED:
            return result
    return await lab.push(decide, record)


def _is_true(lab: Lab, said: PushResult, wanted: str) -> None:
    """Whether the device has what the result says."""
    before, after = digest(lab.before), digest(wanted)
    runs, saved = digest(lab.sim.running()), digest(lab.sim.startup())
    if said.error is None:
        assert runs == saved == after
        assert not lab.sim.pending_revert
    elif said.error.code == "save-failed":
        # Not read back what is saved: the reply may have been lost after the deed.
        assert saved in (before, after)
        assert runs == after or (said.restored is Restored.UNKNOWN and runs == saved)
        assert not lab.sim.pending_revert
    elif said.restored in (Restored.RESTORED, Restored.NOT_NEEDED):
        assert runs == saved == before
    else:
        assert saved == before
