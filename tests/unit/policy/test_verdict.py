"""Outcomes in words: never green when it is not, never too long, never markup from a stranger."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catnet_controller.models import (
    CommentMessage,
    Deployment,
    Device,
    Job,
    Mode,
    Outcome,
    Problem,
    Restored,
    Revision,
    State,
    StatusMessage,
    StatusState,
)
from catnet_controller.policy import verdict
from catnet_controller.policy.verdict import Wording, clip, conclude, fence, judge

SHA = "a" * 40
WORDING = Wording(public_url="https://catnet.example.net")


def job(name: str, state: State, **outcome: object) -> Job:
    made = Outcome(state=state, **outcome) if state.final else None  # type: ignore[arg-type]
    return Job(
        id=1,
        deployment=7,
        device=Device(name=name, host="192.0.2.1"),
        mode=Mode.PUSH,
        revision=Revision(sha=SHA, ref="branch/main"),
        desired="sha256:0",
        state=state,
        outcome=made,
    )


def deployment(
    *jobs: Job, mode: Mode = Mode.PUSH, ref: str = "branch/main", **more: object
) -> Deployment:
    return Deployment(
        id=7,
        revision=Revision(sha=SHA, ref=ref),
        mode=mode,
        cause=str(more.pop("cause", "push")),
        jobs=jobs,
        **more,  # type: ignore[arg-type]
    )


def statuses(found: Deployment) -> dict[str, StatusMessage]:
    return {
        message.context: message
        for message in conclude(found, WORDING).messages
        if isinstance(message, StatusMessage)
    }


CHANGED = {"changed": True, "added": 2, "removed": 1}


@pytest.mark.parametrize(
    ("found", "status", "line"),
    [
        (deployment(), StatusState.SUCCESS, "no device affected"),
        (
            deployment(job("a", State.COMPLETE)),
            StatusState.SUCCESS,
            "nothing to change on 1 device",
        ),
        (
            deployment(job("a", State.COMPLETE, **CHANGED), job("b", State.COMPLETE)),
            StatusState.SUCCESS,
            "2 devices in sync: 1 changed, verified and saved (+2 −1 lines)",
        ),
        (
            deployment(job("a", State.COMPLETE, **CHANGED), mode=Mode.DRY_RUN),
            StatusState.SUCCESS,
            "dry-run only: 1 of 1 device would change (+2 −1 lines)",
        ),
        (
            deployment(job("a", State.COMPLETE, **CHANGED), mode=Mode.DRY_RUN, ref="pull/3"),
            StatusState.SUCCESS,
            "1 of 1 device would change (+2 −1 lines)",
        ),
        (
            deployment(job("a", State.COMPLETE, **CHANGED), mode=Mode.CHECK),
            StatusState.SUCCESS,
            "drift on 1 of 1 device: a (+2 −1 lines)",
        ),
        (
            deployment(cause=verdict.FORK, mode=Mode.DRY_RUN, ref="pull/3"),
            StatusState.SUCCESS,
            "files are valid; a fork is never compared with devices",
        ),
        (
            deployment(job("a", State.COMPLETE), job("b", State.FAILED, error="% Bad mask")),
            StatusState.FAILURE,
            "1 of 2 failed: b: % Bad mask",
        ),
        (
            deployment(job("a", State.FAILED, error="x"), job("b", State.FAILED, error="y")),
            StatusState.FAILURE,
            "2 of 2 failed: a, b",
        ),
        (
            deployment(job("a", State.COMPLETE), job("b", State.SUPERSEDED)),
            StatusState.ERROR,
            "superseded by a newer revision before it reached b",
        ),
        (
            deployment(job("a", State.CANCELLED)),
            StatusState.ERROR,
            "cancelled before it reached a",
        ),
        (
            deployment(job("a", State.COMPLETE), job("b", State.RUNNING)),
            StatusState.PENDING,
            "pushing to 2 devices",
        ),
        (
            deployment(
                problems=(
                    Problem(file="inventory.yaml", line=3, message="unknown key hosst"),
                    Problem(file="configs/a.cfg", line=1, message="empty"),
                )
            ),
            StatusState.FAILURE,
            "inventory.yaml:3: unknown key hosst (and 1 more problem)",
        ),
    ],
)
def test_each_end_has_its_words(found: Deployment, status: StatusState, line: str) -> None:
    said = judge(found)
    assert (said.status, said.line) == (status, line)


def test_a_failure_is_never_hidden_by_a_superseded_job() -> None:
    found = deployment(job("a", State.FAILED, error="x"), job("b", State.SUPERSEDED))
    assert judge(found).status is StatusState.FAILURE


STATES = st.sampled_from(list(State))


@given(st.lists(STATES, max_size=6))
def test_green_only_when_every_job_is_complete(states: list[State]) -> None:
    found = deployment(*(job(f"d{index}", state) for index, state in enumerate(states)))
    said = judge(found)
    assert (said.status is StatusState.SUCCESS) == all(s is State.COMPLETE for s in states)
    assert said.state.final == all(state.final for state in states)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=30))
def test_descriptions_fit(errors: list[tuple[str, str]]) -> None:
    jobs = [job(f"d{index}", State.FAILED, error=error) for index, (_, error) in enumerate(errors)]
    problems = tuple(Problem(file=name, line=1, message=text) for name, text in errors)
    for found in (deployment(*jobs), deployment(problems=problems)):
        for message in conclude(found, WORDING).messages:
            if isinstance(message, StatusMessage):
                assert len(message.description) <= 140


def test_contexts_name_devices_only_for_few() -> None:
    few = deployment(job("a", State.COMPLETE), job("b", State.COMPLETE))
    assert set(statuses(few)) == {"catnet/deploy", "catnet/deploy/a", "catnet/deploy/b"}
    many = deployment(*(job(f"d{number}", State.COMPLETE) for number in range(21)))
    assert set(statuses(many)) == {"catnet/deploy"}


def test_a_device_status_says_what_is_left_on_the_device() -> None:
    long = "% 10.0.0.0 overlaps with GigabitEthernet0/1 " * 6
    found = deployment(job("a", State.FAILED, error=long, restored=Restored.UNKNOWN))
    said = statuses(found)["catnet/deploy/a"]
    assert said.description.endswith("; state of the device UNKNOWN")
    assert len(said.description) <= 140
    assert said.target_url == "https://catnet.example.net/deployments/7"


def test_the_comment_comes_once_it_is_final() -> None:
    under_way = deployment(job("a", State.RUNNING), mode=Mode.DRY_RUN, ref="pull/3")
    assert not [m for m in conclude(under_way, WORDING).messages if isinstance(m, CommentMessage)]
    done = deployment(
        job(
            "a", State.COMPLETE, diff="+ntp server 192.0.2.1", commands=("ntp server x",), **CHANGED
        ),
        job(
            "b", State.COMPLETE, diff="+ntp server 192.0.2.1", commands=("ntp server x",), **CHANGED
        ),
        mode=Mode.DRY_RUN,
        ref="pull/3",
    )
    (comment,) = [m for m in conclude(done, WORDING).messages if isinstance(m, CommentMessage)]
    assert comment.pull == 3
    assert comment.body.count("+ntp server 192.0.2.1") == 1, "the same change is shown once"
    assert "a, b" in comment.body


def test_a_check_tells_github_nothing() -> None:
    assert not conclude(deployment(job("a", State.COMPLETE), mode=Mode.CHECK), WORDING).messages


@given(st.text())
def test_a_fence_cannot_be_closed_from_inside(text: str) -> None:
    first, *middle, last = fence(text).split("\n")
    assert first == last
    assert not any(re.fullmatch(rf" {{0,3}}{first}`*\s*", line) for line in middle)


def test_nobody_is_mentioned_by_a_device() -> None:
    found = deployment(job("a", State.FAILED, error="@everyone <b>|x"), mode=Mode.DRY_RUN)
    assert "@everyone" not in judge(found).text
    assert "<b>" not in judge(found).text


HOSTILE = st.text(st.sampled_from("`\\|<>@#![]()*_~: \nax1/é"), max_size=40) | st.text(max_size=40)


@given(HOSTILE)
@example("x ` **Approved** [details](https://evil.example) ![p](https://evil.example/p.png) #1 ` x")
@example("``a`b`` octo/other#1 @all")
@example("a \\| [b](c) \\\\| `")
def test_foreign_text_in_a_table_is_code_from_end_to_end(text: str) -> None:
    found = deployment(job("a", State.FAILED, error=f"e{text}e"), mode=Mode.DRY_RUN)
    (row,) = [line for line in judge(found).text.split("\n") if line.startswith("| `a` |")]
    # A bar ends a cell unless a backslash stands before it that is not itself escaped.
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", row)
    assert len(cells) == 6
    note = cells[4].strip()
    ticks = re.match(r"`+", note)
    assert ticks is not None
    inside = note.removeprefix(ticks[0]).removesuffix(ticks[0])
    assert note == f"{ticks[0]}{inside}{ticks[0]}"
    assert ticks[0] not in re.findall(r"`+", inside)
    assert not re.search(r"[<@]\w", inside)
    shown = inside.replace("\\|", "|").replace("\u200b", "")
    assert shown.split() == f"e{text}e".replace("\u200b", "").split()


@given(HOSTILE)
def test_foreign_text_after_a_table_is_code_from_end_to_end(text: str) -> None:
    found = deployment(job("a", State.FAILED, error="x", next_step=f"`{text}"))
    (line,) = [line for line in judge(found).text.split("\n") if line.startswith("**a**")]
    code = line.removeprefix("**a** — next: ")
    ticks = re.match(r"`+", code)
    assert ticks is not None
    assert code.endswith(ticks[0])
    assert ticks[0] not in re.findall(r"`+", code[len(ticks[0]) : -len(ticks[0])])


@given(st.text(), st.integers(min_value=2, max_value=140))
def test_clip_is_one_line_that_fits(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    assert "\n" not in clipped


def test_devices_that_fare_alike_are_said_once() -> None:
    same = {"changed": True, "added": 5, "removed": 1, "diff": "+ a", "commands": ("a",)}
    jobs = [job(f"r{n}", State.COMPLETE, risks=("routing",), **same) for n in range(47)]
    jobs.append(job("core", State.COMPLETE, risks=("AAA", "routing"), **(same | {"diff": "+ b"})))
    found = deployment(*jobs, mode=Mode.DRY_RUN, ref="pull/3")
    (comment,) = [m for m in conclude(found, WORDING).messages if isinstance(m, CommentMessage)]
    assert "47 devices, the same 6 lines: r0, r1" in comment.body
    assert comment.body.count("+ a") == 1
    assert "- ⚠️ **AAA** — core\n- ⚠️ **routing** — r0, r1" in comment.body
    assert "| 48 devices: `r0`, `r1`" in comment.body


def test_a_plan_that_changes_nothing_is_one_line_to_read() -> None:
    jobs = [job(f"r{n}", State.COMPLETE) for n in range(3)]
    text = judge(deployment(*jobs, mode=Mode.DRY_RUN, ref="pull/3")).text
    shown, _, folded = text.partition("<details>")
    assert shown.strip() == "### ✅ nothing to change on 3 devices"
    assert "`r2`" in folded
