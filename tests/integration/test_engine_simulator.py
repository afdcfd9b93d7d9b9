"""The plan of a change, typed into devices over SSH: what they print then is what was wanted.

Pairs of a running configuration and a realistically changed one go through the real transaction;
then the way back of the change set is pushed, and the device must be where it was.
"""

import asyncio
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys
from catnet_controller.devices.transaction import Transactions
from catnet_controller.errors import NotUnderstood
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import normal
from catnet_controller.ios.parse import dump, whole
from catnet_controller.ios.redact import redact
from catnet_controller.models import Checks, Device, Restored, Revision
from catnet_controller.policy.desired import build
from catnet_controller.simulator import samples
from catnet_controller.simulator.configuration import Configuration
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from tests.helpers_ios import CHANGES, CONFIGS, corpus, mutate, read
from tests.integration.devicelab import CONFIG, SCALE, Record, SystemClock

SAMPLE = Path(__file__).parents[2] / "sample-repo"
HASH = r"\$1\$[\w./]{4}\$[\w./]{22}|\$9\$[\w./]{14}\$[\w./]{43}"
KNOWN = "$1$mERr$hx5rVt7rPNoS4wqbXKX7m0"
CREDENTIAL = Credential(username="catnet", password="catnet")
OWN_LOGIN = re.compile(r"username catnet\b")
"""A change of the login in use fails the proof, as it must; that is tested with the transaction."""

OTHERWISE = {
    "empty_port": "a port keeps the lines that every port of its kind prints",
    "drop_port": "a port that is not wanted gets its defaults; it cannot be removed",
    "access_vlan": "the device makes the VLAN of a port that has none",
    "several": "may be one of these",
}
"""Changes after which a device rightly prints something else than what was wanted, and why."""

GAPS: tuple[tuple[str, str], ...] = ()
"""Known defects: a pattern found in a line to type, and what is wrong. Such pairs are not typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A change of one device, planned."""

    kind: str
    wanted: str
    change: ChangeSet


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the pairs."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.done) + len(self.refused) + len(self.gaps) + len(self.wrong)


def prepared(text: str) -> str:
    """As the device prints it, with what a push needs: an archive, and SSH on its lines."""
    text = text.replace("\r", "").replace("transport input none", "transport input ssh")
    if re.search(r"(?m)^archive\n(?: .*\n)*? path ", text) is None:
        path = "archive\n path flash:archive\n"
        text, had = re.subn(r"(?m)^archive\n", path, text)
        ends = [found.start() for found in re.finditer(r"(?m)^end$", text)]
        at = ends[-1] if ends else len(text)
        text = text if had else f"{text[:at].rstrip()}\n{path}{text[at:]}"
    # What the owner of a text has blotted out becomes something that a device would take.
    text = text.replace("111.111.111.111 111.111.111.111", "10.11.11.11 255.255.255.0")
    text = re.sub(rf"(?m)( secret) [59] (?!(?:{HASH})$).*$", rf"\1 5 {KNOWN}", text)
    return Configuration.load(text).text


def own() -> dict[str, str]:
    """Configurations that come with the project."""
    files = {
        str(path.relative_to(SAMPLE)): path.read_bytes()
        for path in SAMPLE.rglob("*")
        if path.is_file()
    }
    snapshot = build(files, Revision(sha="1" * 40, ref="branch/main"))
    texts = {f"sample-{name}": desired.text for name, desired in snapshot.desired.items()}
    texts |= {f"generated-{number}": samples.config(number) for number in (1, 3)}
    return {name: prepared(text) for name, text in (texts | {"small": CONFIG}).items()}


def real() -> dict[str, str]:
    texts = {path.stem: read(path) for path in corpus(devices=True)}
    return {name: prepared(text) for name, text in texts.items() if whole(text)}


def pairs(texts: Mapping[str, str], *, each: int) -> dict[str, list[Pair]]:
    """For every kind of change ``each`` configurations that have something to change so."""
    chosen: defaultdict[str, list[Pair]] = defaultdict(list)
    names = sorted(texts)
    for number, kind in enumerate(sorted(CHANGES)):
        found = 0
        start = number * 5 % len(names)
        for name in [*names[start:], *names[:start]]:
            if found == each:
                break
            wanted = mutate(texts[name], kind, zlib.crc32(f"{name} {kind}".encode()))
            if wanted is None or wanted == texts[name]:
                continue
            change = compare(texts[name], wanted)
            if not change.empty and not any(OWN_LOGIN.search(c.text) for c in change.commands):
                chosen[name].append(Pair(kind=kind, wanted=wanted, change=change))
                found += 1
    return chosen


def alike(one: str, other: str) -> bool:
    """Equal in normal form; secrets aside, which a device may store in another form.

    Neither does the place of a remark count: one typed without a number stands last.
    """
    return _face(one) == _face(other)


def _face(text: str) -> tuple[list[str], list[str]]:
    lines = dump(normal(redact(text))).splitlines()
    remarks = [line for line in lines if re.match(r" (?:\d+ )?remark ", line)]
    return [line for line in lines if line not in remarks], sorted(remarks)


def gap(change: ChangeSet) -> str | None:
    for command in (*change.commands, *change.reverse):
        for pattern, reason in GAPS:
            if re.search(pattern, command.text):
                return f"`{command.text}`: {reason}"
    return None


class Bench:
    """One device, and the transactions that change it."""

    def __init__(self, sim: SimulatedDevice, devices: Transactions, tally: Tally) -> None:
        self._sim = sim
        self._device = Device(
            name=sim.name,
            host=sim.host,
            port=sim.port,
            # Many of these changes are meant to lose a neighbour.
            checks=Checks(watch=False),
        )
        self._devices = devices
        self._tally = tally
        self._before = sim.running()

    async def run(self, work: Sequence[Pair]) -> None:
        """Each change and its way back, one after the other."""
        # A remark comes back in another place, from where later pairs would start: these last.
        for pair in sorted(work, key=lambda pair: "remark" in pair.kind):
            name = f"{self._sim.name}: {pair.kind}"
            if pair.change.refusals:
                one = pair.change.refusals[0]
                self._tally.refused.append(f"{name}: `{one.line}`: {one.reason}")
            elif known := gap(pair.change):
                self._tally.gaps.append(f"{name}: {known}")
            elif not await self._there_and_back(name, pair):
                return

    async def _there_and_back(self, name: str, pair: Pair) -> bool:
        """False when the device is not where it was: later pairs would prove nothing."""
        there = await self._devices.push(
            self._device, partial(compare, desired=pair.wanted), Record()
        )
        if isinstance(there.error, NotUnderstood):
            self._tally.refused.append(f"{name}: {there.error.message[:200]}")
            return self._untouched(name)
        if there.error is not None:
            self._tally.wrong.append(f"{name}: {there.error.code}: {there.error.message}")
            return there.restored is Restored.RESTORED and self._untouched(name)
        assert there.change_set is not None
        reached = self._sim.running()
        problems = list(self._problems(reached, pair, there.change_set))
        back = await self._devices.push(
            self._device, partial(self._reverse, forward=there.change_set), Record()
        )
        if back.error is not None:
            problems.append(f"on the way back: {back.error.code}: {back.error.message}")
        elif not alike(self._sim.running(), self._before):
            left = [line.text for line in compare(self._sim.running(), self._before).diff]
            problems.append(f"the way back ends elsewhere {left}")
        if problems:
            self._tally.wrong.append(f"{name}: {'; '.join(problems)}")
        else:
            self._tally.done.append(name)
        return alike(self._sim.running(), self._before)

    def _problems(self, reached: str, pair: Pair, change: ChangeSet) -> Iterator[str]:
        left = compare(reached, pair.wanted)
        if not left.empty:
            yield f"left to do: {[command.text for command in left.commands]}"
        if not alike(reached, change.predicted):
            yield "what runs is not what was predicted"
        if pair.kind not in OTHERWISE and not alike(reached, pair.wanted):
            yield "what runs reads otherwise than what was wanted"
        if self._sim.startup() != reached:
            yield "startup is not what runs"
        if self._sim.pending_revert:
            yield "the timer runs still"

    def _reverse(self, running: str, *, forward: ChangeSet) -> ChangeSet:
        """What the push would type back; a second look, under the timer, gives the same."""
        assert running
        return replace(forward, commands=forward.reverse, predicted=self._before)

    def _untouched(self, name: str) -> bool:
        if alike(self._sim.running(), self._before):
            return True
        self._tally.wrong.append(f"{name}: a refused change left something behind")
        return False


async def engage(texts: Mapping[str, str], work: Mapping[str, list[Pair]], folder: Path) -> Tally:
    """A fleet of all the devices; six are worked on at a time."""
    specs = [DeviceSpec(name=name, config=texts[name]) for name in sorted(work)]
    tally = Tally()
    turns = asyncio.Semaphore(6)
    async with Fleet(specs, time_scale=SCALE) as fleet:
        known = folder / "known_hosts"
        known.write_text("".join(f"{fleet[name].known_hosts_line}\n" for name in fleet.names))
        backups = Backups(folder / "backups")
        devices = Transactions(
            credentials=Credentials({"default": CREDENTIAL}),
            hostkeys=HostKeys(known),
            backups=backups,
            clock=SystemClock(),
            # The timer must not fire however slow the machine is: this is 12 s of real time.
            revert_minutes=120,
            connect_timeout=30.0,
            command_timeout=10.0,
            rollback_timeout=10.0,
            minute=60.0 / SCALE,
            pause=0.02,
        )

        async def one(name: str) -> None:
            async with turns:
                await Bench(fleet[name], devices, tally).run(work[name])

        try:
            async with asyncio.TaskGroup() as group:
                for name in specs:
                    group.create_task(one(name.name), name=name.name)
        finally:
            backups.close()
    return tally


@pytest.mark.timeout(400)
@pytest.mark.parametrize("source", ["own", "corpus"])
async def test_devices_end_where_the_plan_says_and_return(source: str, tmp_path: Path) -> None:
    if source == "corpus" and not CONFIGS.is_dir():
        pytest.skip(f"the corpus is not beside the project ({CONFIGS})")
    texts = own() if source == "own" else real()
    work = pairs(texts, each=1)
    tally = await engage(texts, work, tmp_path)
    print(len(tally.done), "done;", *tally.refused, *tally.gaps, sep="\n  ")
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.total == sum(len(one) for one in work.values())
    assert len(tally.refused) <= max(1, tally.total // 100), tally.refused
    assert len(tally.done) >= (30 if source == "own" else 80)
