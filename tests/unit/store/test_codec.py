"""Nouns to text and back, whatever bytes a device sent and whichever version wrote them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.models import (
    AnswerMessage,
    CommentMessage,
    Desired,
    Device,
    DeviceState,
    Health,
    Intent,
    IssueMessage,
    Message,
    Outcome,
    Problem,
    ReactionMessage,
    RecordMessage,
    Restored,
    Scope,
    State,
    StatusMessage,
    StatusState,
    Step,
    Sync,
)
from catnet_controller.store.codec import join, pack, split, unpack, unpack_message

ANY_TEXT = st.text(st.characters(codec=None)) | st.just("\ud800\x00\udcff")
TIMES = st.none() | st.floats(0, 4e9)
DEVICES = st.builds(
    Device, name=ANY_TEXT, host=ANY_TEXT, groups=st.lists(ANY_TEXT).map(tuple)
) | st.just(Device(name="edge1", host="192.0.2.1", scope=Scope.PARTIAL))
OUTCOMES = st.builds(
    Outcome,
    state=st.sampled_from(State),
    diff=ANY_TEXT,
    commands=st.lists(ANY_TEXT).map(tuple),
    transcript=ANY_TEXT,
    error=st.none() | ANY_TEXT,
    restored=st.sampled_from(Restored),
    read_at=TIMES,
    steps=st.dictionaries(st.sampled_from([step.value for step in Step]), st.floats(0, 100)),
)
STATES = st.builds(
    DeviceState,
    device=DEVICES,
    sync=st.sampled_from(Sync),
    health=st.sampled_from(Health),
    digest=st.none() | ANY_TEXT,
    seen_at=TIMES,
    note=ANY_TEXT,
)


@given(OUTCOMES)
def test_an_outcome_comes_back(outcome: Outcome) -> None:
    assert join(*split(outcome)) == outcome


@given(OUTCOMES)
def test_a_brief_outcome_lacks_only_the_long_texts(outcome: Outcome) -> None:
    brief, _ = split(outcome)
    expected = replace(outcome, diff="", commands=(), reverse=(), transcript="", remaining="")
    assert join(brief, None) == expected


@given(STATES)
def test_a_state_comes_back(state: DeviceState) -> None:
    assert unpack(DeviceState, pack(state)) == state


@given(DEVICES, ANY_TEXT)
def test_the_text_is_ascii(device: Device, text: str) -> None:
    desired = Desired(device=device, text=text, digest="sha256:1", origins=("a:1",))
    packed = pack(desired)
    assert packed.isascii()
    assert "\0" not in packed
    assert unpack(Desired, packed) == desired


@pytest.mark.parametrize(
    "message",
    [
        StatusMessage(
            sha="a" * 40, context="catnet/plan", state=StatusState.ERROR, description="no"
        ),
        CommentMessage(pull=7, body="context"),
        IssueMessage(open=True, title="content"),
        ReactionMessage(comment=7, content="eyes"),
        RecordMessage(sha="a", environment="vienna", number=7, state="open", description="pull"),
        AnswerMessage(comment=7, issue=8, body="pull"),
    ],
)
def test_a_message_tells_its_kind(message: Message) -> None:
    assert unpack_message(pack(message)) == message


def test_tuples_of_nouns_and_nouns_in_nouns() -> None:
    problems = (Problem(file="a", line=1, message="b"),)
    assert unpack(tuple[Problem, ...], pack(problems)) == problems
    intent = Intent(backup="b", baseline="c", armed=True, step=Step.PROVE)
    assert unpack(Intent, pack(intent)) == intent


def test_what_an_older_version_did_not_write_gets_its_default() -> None:
    raw = json.loads(pack(Device(name="edge1", host="192.0.2.1", port=2222)))
    del raw["algorithms"]
    raw["colour"] = "a newer version wrote this"
    assert unpack(Device, json.dumps(raw)) == Device(name="edge1", host="192.0.2.1", port=2222)


def test_what_is_no_noun_is_not_stored() -> None:
    with pytest.raises(TypeError, match="set"):
        pack({1, 2})
