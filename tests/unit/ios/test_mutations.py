"""Real configurations, realistic changes: the plan reaches the aim and the way back returns.

Each pair is judged twice: by comparing again, and by an outline that knows nothing of the tables.
"""

import multiprocessing
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

import pytest

from catnet_controller.ios.changes import ChangeSet
from catnet_controller.ios.diff import compare
from catnet_controller.ios.predict import lines, predict
from tests.helpers_ios import CHANGES, CONFIGS, corpus, mutate, own, read
from tests.helpers_outline import head, heads, missing, outline, surplus

LEAST = 5000
SMALL = 185
"""Lines. Configurations up to this size are changed several times in each way."""
SEEDS = 4


@dataclass(slots=True)
class Tally:
    """What came out of all pairs of one kind of change."""

    pairs: int = 0
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def same(one: str, other: str) -> list[str]:
    """What would still have to be typed or said between two configurations."""
    change = compare(one, other)
    left = [command.text for command in change.commands] + [line.text for line in change.diff]
    return left + [refusal.reason for refusal in change.refusals]


def outside(change: ChangeSet, running: str, desired: str) -> list[str]:
    """Commands of global configuration that the two texts do not differ in."""
    one, other = outline(running), outline(desired)
    known = heads(one ^ other)
    depths = iter(change.commands)
    top = []
    for line in lines(change.commands):
        command = next(depths)
        top += [] if command.depth else [command.text]
        for _ in range(line.count("\n")):
            next(depths)
    return [text for text in top if text != "exit" and not head(text) & known]


def faults(running: str, desired: str, change: ChangeSet) -> Iterator[str]:
    """Everything that is wrong with a change set that was not refused."""
    if said := [warning for warning in change.warnings if "way back" in warning]:
        yield f"way back: {said}"
    if predict(running, change.commands) != change.predicted:
        yield "the commands do not give what was predicted"
    if left := same(change.predicted, desired):
        yield f"not reached: {left[:4]}"
    back = predict(change.predicted, change.reverse)
    if left := same(back, running):
        yield f"not back: {left[:4]}"
    had, has, wanted = outline(running), outline(change.predicted), outline(desired)
    if left_ := surplus(had, has, wanted):
        yield f"too much: {left_[:3]}"
    if left_ := missing(had, has, wanted):
        yield f"too little: {left_[:3]}"
    if left_ := [*surplus(has, outline(back), had), *missing(has, outline(back), had)]:
        yield f"way back differs: {left_[:3]}"
    if strange := outside(change, running, desired):
        yield f"touches what does not differ: {strange[:3]}"


Texts = list[tuple[str, str]]


def judge(kind: str, texts: Texts) -> Tally:
    tally = Tally()
    for name, running in texts:
        seeds = SEEDS if running.count("\n") <= SMALL else 1
        for seed in range(seeds):
            desired = mutate(running, kind, zlib.crc32(name.encode()) + seed)
            if desired is None or desired == running:
                continue
            tally.pairs += 1
            change = compare(running, desired)
            if change.refusals:
                tally.refused.append(f"{name}/{seed}: {change.refusals[0].reason}")
                continue
            tally.wrong += [f"{name}/{seed}: {one}" for one in faults(running, desired, change)]
    return tally


Tallies = dict[str, Future[Tally]]


@pytest.fixture(scope="module")
def tallies() -> Iterator[Tallies]:
    """The verdicts of all kinds, made by two processes."""
    texts = [(path.name, read(path)) for path in corpus(devices=True)] or own()
    context = multiprocessing.get_context("spawn")
    with pytest.MonkeyPatch.context() as patch, ProcessPoolExecutor(2, mp_context=context) as pool:
        # Half of the time would go into a measurement that ends with these processes.
        for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
            patch.delenv(name, raising=False)
        yield {kind: pool.submit(judge, kind, texts) for kind in CHANGES}


@pytest.mark.parametrize("kind", CHANGES)
def test_change(kind: str, tallies: Tallies) -> None:
    tally = tallies[kind].result()
    assert tally.wrong == []
    assert all(reason.partition(": ")[2] for reason in tally.refused)


def test_a_certificate_is_left_alone() -> None:
    for path in corpus(devices=True):
        running = read(path)
        desired = mutate(running, "certificate", 1)
        if desired is not None:
            assert same(running, desired) == [], path.name


def test_enough_was_changed_and_little_refused(tallies: Tallies) -> None:
    found = {kind: future.result() for kind, future in tallies.items()}
    pairs = sum(tally.pairs for tally in found.values())
    refused = Counter(one.partition(": ")[2] for t in found.values() for one in t.refused)
    assert refused.total() * 100 < pairs, refused
    if CONFIGS.is_dir():
        assert pairs >= LEAST
        assert [kind for kind, tally in found.items() if not tally.pairs] == []
