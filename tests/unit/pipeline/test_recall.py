"""A check that finds everything as it was needs no comparing; anything else does."""

from dataclasses import replace

import pytest

from catnet_controller.models import (
    Backup,
    Device,
    DeviceState,
    Job,
    Mode,
    Outcome,
    Reading,
    Revision,
    Scope,
    State,
)
from catnet_controller.pipeline.recall import Recall

DEVICE = Device(name="edge1", host="192.0.2.1")
JOB = Job(
    id=1,
    deployment=1,
    device=DEVICE,
    mode=Mode.CHECK,
    revision=Revision(sha="", ref="recorded"),
    desired="sha256:d",
)
STATE = DeviceState(device=DEVICE, applied="sha256:a")
BACKUP = Backup(id="edge1/1", device="edge1", taken_at=1.0, digest="sha256:r")
READING = Reading(text="hostname edge1", read_at=1.0, backup=BACKUP)
EQUAL = Outcome(state=State.COMPLETE, warnings=("as it stands",), backup="edge1/1", read_at=1.0)


@pytest.fixture
def recall() -> Recall:
    made = Recall(most=2)
    made.keep(JOB, STATE, READING, EQUAL)
    return made


def test_the_same_again_is_said_with_its_own_backup_and_time(recall: Recall) -> None:
    later = replace(READING, read_at=2.0, backup=replace(BACKUP, id="edge1/2"))
    assert recall.find(JOB, STATE, later) == replace(EQUAL, backup="edge1/2", read_at=2.0)


@pytest.mark.parametrize(
    ("job", "state", "reading"),
    [
        (replace(JOB, desired="sha256:e"), STATE, READING),
        (replace(JOB, device=replace(DEVICE, scope=Scope.PARTIAL)), STATE, READING),
        (replace(JOB, device=replace(DEVICE, name="edge2")), STATE, READING),
        (replace(JOB, mode=Mode.DRY_RUN), STATE, READING),
        (JOB, replace(STATE, applied="sha256:b"), READING),
        (JOB, STATE, replace(READING, backup=replace(BACKUP, digest="sha256:s"))),
        (JOB, STATE, replace(READING, backup=None)),
    ],
)
def test_anything_else_is_compared(
    recall: Recall, job: Job, state: DeviceState, reading: Reading
) -> None:
    assert recall.find(job, state, reading) is None


def test_a_difference_is_never_remembered(recall: Recall) -> None:
    recall.keep(JOB, STATE, READING, replace(EQUAL, changed=True))
    assert recall.find(JOB, STATE, READING) is None


def test_the_oldest_goes_when_there_are_too_many(recall: Recall) -> None:
    others = [replace(JOB, device=replace(DEVICE, name=f"core{number}")) for number in range(2)]
    for other in others:
        recall.keep(other, STATE, READING, EQUAL)
    assert recall.find(JOB, STATE, READING) is None
    assert all(recall.find(other, STATE, READING) for other in others)
