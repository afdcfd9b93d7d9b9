"""Taking a device back: by backup, file, revision; what comes after it; killed in the middle."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.errors import BackupDamaged, NoSuchBackup, RollbackRefused
from catnet_controller.models import (
    Deployment,
    JobPlan,
    Mode,
    Outcome,
    Pause,
    Restored,
    Revision,
    State,
    Step,
    Sync,
    Wish,
)
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_flow import Flow, config, flow, killed_at

LINE = "ip domain name example.net"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow after one push that changed device a."""
    async with flow(tmp_path) as made:
        await made.trigger()
        await made.push({"configs/a.cfg": config("a", LINE)})
        assert LINE in made.device("a").running()
        yield made


async def back(it: Flow, name: str = "a", **wish: object) -> Deployment:
    given: dict[str, object] = {"device": name, "by": "ada", "dry_run": False} | wish
    await it.rollback.open(Wish(**given))  # type: ignore[arg-type]
    await it.settle()
    return await it.last()


def outcome(made: Deployment) -> Outcome:
    [job] = made.jobs
    assert job.outcome is not None
    return job.outcome


async def test_to_before_the_last_change(it: Flow) -> None:
    head = (await it.store.ref_state("branch/main") or pytest.fail("no head")).sha
    made = await back(it)
    assert (made.mode, made.state, made.cause) == (Mode.ROLLBACK, State.COMPLETE, "user ada")
    assert made.summary == "a rolled back, verified and saved (+0 −1 lines)"
    device = it.device("a")
    assert LINE not in device.running()
    assert LINE not in device.startup()
    assert not device.pending_revert
    state = await it.state("a")
    assert (state.sync, state.quarantined, state.revision) == (Sync.OUT_OF_SYNC, head, None)
    assert "ada" in state.note
    assert "catnet sync --force" in state.note
    said = it.said(head)
    assert said["catnet/deploy/a"][0] == said["catnet/deploy"][0] == "failure"
    assert "rollback of a to backup" in said["catnet/deploy/a"][1]


async def test_dry_run_types_nothing_and_says_nothing(it: Flow) -> None:
    head = (await it.store.ref_state("branch/main") or pytest.fail("no head")).sha
    said = it.said(head)
    typed = len(it.typed("a"))
    made = await back(it, dry_run=True)
    assert (made.mode, made.state) == (Mode.DRY_RUN, State.COMPLETE)
    assert outcome(made).commands == ("no ip domain name",)
    assert not any(line.startswith("conf") for line in it.typed("a")[typed:])
    assert (await it.state("a")).declined is None
    assert it.said(head) == said


async def test_a_backup_and_back_again(it: Flow) -> None:
    first = (await it.state("a")).before
    assert first is not None
    await back(it, backup=first)
    again = (await it.state("a")).before
    assert again != first
    await back(it)
    assert LINE in it.device("a").running()


async def test_what_was_taken_away_stays_away(it: Flow) -> None:
    await back(it)
    await it.trigger()
    # A commit that speaks of another device.
    await it.push({"configs/b.cfg": config("b", LINE)})
    assert [job.device.name for job in (await it.last()).jobs] == ["b"]
    assert LINE not in it.device("a").running()
    assert (await it.state("a")).declined is not None
    # A new text for this one.
    await it.push({"configs/a.cfg": config("a", "ip domain name example.org")})
    assert "ip domain name example.org" in it.device("a").running()
    state = await it.state("a")
    assert (state.declined, state.quarantined, state.sync) == (None, None, Sync.IN_SYNC)


async def test_a_push_that_waited_does_not_bring_it_back(it: Flow) -> None:
    sha = (await it.store.ref_state("branch/main") or pytest.fail("no head")).sha
    await it.rollback.open(Wish(device="a", by="ada", dry_run=False))
    known = await it.state("a")
    assert known.desired is not None
    desired = await it.store.desired(known.desired)
    assert desired is not None
    waiting = await it.store.open(
        Revision(sha=sha, ref="branch/main"),
        Mode.PUSH,
        cause="test",
        jobs=(JobPlan(device=known.device, desired=desired),),
        conclude=it.conclude,
    )
    await it.settle()
    assert LINE not in it.device("a").running()
    ended = await it.store.deployment(waiting.id)
    assert ended is not None
    assert outcome(ended).error_code == "quarantined"


async def test_sync_by_force_lifts_it(it: Flow) -> None:
    await back(it)
    await it.trigger(force=True)
    assert LINE in it.device("a").running()
    state = await it.state("a")
    assert (state.declined, state.quarantined, state.note) == (None, None, "")


async def test_to_a_file(it: Flow) -> None:
    text = it.device("a").running().replace("description spare", "description from the file")
    made = await back(it, text=text, file="saved.cfg")
    assert made.state is State.COMPLETE
    assert "description from the file" in it.device("a").startup()


@pytest.mark.parametrize(
    "change, told",
    [
        (("hostname a", "hostname b"), "is a configuration of b, not of a"),
        (("hostname a\n", ""), "not a whole running-config"),
        (("end\n", ""), "not a whole running-config"),
    ],
)
async def test_file_of_another_is_refused(it: Flow, change: tuple[str, str], told: str) -> None:
    text = it.device("a").running().replace(*change)
    with pytest.raises(RollbackRefused, match=told):
        await back(it, text=text, file="saved.cfg")
    if change[1] == "hostname b":
        await it.rollback.open(Wish(device="a", by="ada", text=text, file="f", force=True))


async def test_to_a_configuration_with_bytes_that_are_no_utf8(it: Flow) -> None:
    text = it.device("a").running().replace("spare", "B\udcfcro")
    made = await back(it, text=text, file="saved.cfg")
    assert made.state is State.COMPLETE, outcome(made).error
    assert "description B\udcfcro" in it.device("a").running()
    assert (await back(it)).state is State.COMPLETE
    again = (await it.state("a")).before
    assert again is not None
    assert "B\udcfcro" in await it.backups.read(again)
    made = await back(it, backup=again)
    assert made.state is State.COMPLETE, outcome(made).error
    assert "description B\udcfcro" in it.device("a").startup()


async def test_to_what_the_branch_wants_says_nothing_against_it(it: Flow) -> None:
    head = (await it.store.ref_state("branch/main") or pytest.fail("no head")).sha
    it.device("a").type(["no ip domain name"])
    made = await back(it, revision=head)
    assert made.state is State.COMPLETE
    assert LINE in it.device("a").startup()
    state = await it.state("a")
    assert (state.sync, state.declined, state.quarantined) == (Sync.IN_SYNC, None, None)
    assert it.said(head)["catnet/deploy/a"][0] == "success"


async def test_what_looks_like_a_secret_in_a_file_is_text(it: Flow) -> None:
    text = it.device("a").running().replace("spare", '{{ secret("enable") }}')
    made = await back(it, text=text, file="saved.cfg")
    assert made.state is State.COMPLETE
    assert 'description {{ secret("enable") }}' in it.device("a").running()


async def test_to_a_revision(it: Flow) -> None:
    first = (await it.store.deployment(1) or pytest.fail("none")).revision.sha
    made = await back(it, revision=first)
    assert made.state is State.COMPLETE
    assert made.revision.title == f"rollback of a to revision {first[:12]}"
    assert LINE not in it.device("a").running()
    assert (await it.state("a")).declined is not None


@pytest.mark.parametrize(
    "wish, error",
    [
        ({"device": "nobody"}, RollbackRefused),
        ({"device": "b"}, NoSuchBackup),
        ({"device": "b", "backup": "b/20260101T000000.000Z-0123456789abcdef"}, NoSuchBackup),
        ({"device": "b", "revision": "main"}, RollbackRefused),
    ],
)
async def test_wish_that_cannot_be(it: Flow, wish: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        await it.rollback.open(Wish(by="ada", **wish))  # type: ignore[arg-type]


async def test_where_catnet_types_nothing_by_itself_a_person_may_unless_pushes_are_paused(
    tmp_path: Path,
) -> None:
    async with flow(tmp_path, names=("a",), mode=Mode.DRY_RUN) as it:
        await it.trigger()
        text = it.device("a").running().replace("description spare", "description by hand")
        made = await back(it, text=text, file="f", dry_run=True)
        assert made.state is State.COMPLETE
        await it.store.pause(Pause(by="bob", reason="freeze", since=1.0), it.conclude)
        with pytest.raises(
            RollbackRefused, match=r"paused by bob: freeze, and deploy\.mode is dry"
        ):
            await back(it, text=text, file="f")
        assert it.touched() == []
        await it.store.resume(it.conclude)
        made = await back(it, text=text, file="f")
        assert made.state is State.COMPLETE
        assert made.revision.title.endswith("to the file f (deploy.mode is dry-run)")
        assert "description by hand" in it.device("a").startup()


async def test_backup_of_another_device_or_a_damaged_one(it: Flow, tmp_path: Path) -> None:
    number = (await it.state("a")).before
    assert number is not None
    with pytest.raises(RollbackRefused, match="is of a, not of b"):
        await back(it, "b", backup=number)
    (tmp_path / "backups" / f"{number}.cfg").write_text("hostname a\nend\n")
    with pytest.raises(BackupDamaged):
        await back(it)


async def test_device_that_refuses_is_restored_and_nothing_is_quarantined(it: Flow) -> None:
    it.device("a").inject(Fault(what=What.REJECT, when=When(match="^no ip domain")))
    made = await back(it)
    assert made.state is State.FAILED
    assert outcome(made).error_code == "line-refused"
    assert outcome(made).restored is Restored.RESTORED
    assert LINE in it.device("a").running()
    state = await it.state("a")
    assert (state.declined, state.quarantined) == (None, None)


@pytest.mark.parametrize(
    "step", [Step.CONNECT, Step.ARM, Step.PUSH, Step.PROVE, Step.CONFIRM, Step.SAVE]
)
async def test_killed_as_a_step_begins_it_is_finished_after_the_start(
    it: Flow, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = killed_at(it, step, monkeypatch)
    await it.rollback.open(Wish(device="a", by="ada", dry_run=False))
    await it.settle()
    assert killed.is_set()
    assert (await it.last()).state is State.RUNNING
    assert await it.store.free_leases() == 1
    await it.settle()
    made = await it.last()
    assert made.state is State.COMPLETE
    device = it.device("a")
    assert LINE not in device.running()
    assert LINE not in device.startup()
    assert not device.pending_revert
    assert (await it.state("a")).declined is not None


async def test_it_goes_to_before_a_change_that_a_restart_finished(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = (LINE, "ip route 203.0.113.0 255.255.255.0 Null0")
    killed = killed_at(it, Step.CONFIRM, monkeypatch)
    sha = await it.push({"configs/a.cfg": config("a", *more)})
    assert killed.is_set()
    it.clock.ahead += 60
    await it.store.free_leases()
    await it.settle()
    assert more[1] in it.device("a").running()
    line = "1 device in sync: 1 changed, verified and saved (+1 −0 lines)"
    assert it.said(sha)["catnet/deploy"] == ("success", line)
    made = await back(it)
    assert made.state is State.COMPLETE, made.summary
    assert LINE in it.device("a").running(), "the change before it stays"
    assert more[1] not in it.device("a").running()


async def test_a_status_of_a_device_is_set_right_though_there_are_too_many(tmp_path: Path) -> None:
    async with flow(tmp_path, statuses=1) as it:
        await it.trigger()
        sha = await it.push({"configs/a.cfg": config("a", LINE)})
        assert it.said(sha)["catnet/deploy/a"][0] == "success"
        await back(it)
        assert it.said(sha)["catnet/deploy/a"][0] == "failure"
        await it.trigger(force=True)
        assert len((await it.last()).jobs) == 2
        assert {context: state for context, (state, _) in it.said(sha).items()} == {
            "catnet/deploy": "success",
            "catnet/deploy/a": "success",
        }


async def test_without_statuses_of_devices_none_is_left_behind(tmp_path: Path) -> None:
    async with flow(tmp_path, statuses=0) as it:
        await it.trigger()
        sha = await it.push({"configs/a.cfg": config("a", LINE)})
        await back(it)
        assert set(it.said(sha)) == {"catnet/deploy"}
