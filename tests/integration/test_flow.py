"""From a trigger to devices and statuses, step by step, over real parts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from catnet_controller.demo.ledger import Fault as Trouble
from catnet_controller.demo.ledger import Trouble as Kind
from catnet_controller.models import Health, Mode, Restored, State, Sync, Trigger
from catnet_controller.pipeline.drift import Drift
from catnet_controller.pipeline.request import request
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_flow import BRANCH, Flow, config, flow, inventory

DEPLOY = "catnet/deploy"
PLAN = "catnet/plan"
ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as made:
        await made.trigger()
        yield made


async def test_the_first_look_finds_devices_as_they_should_be(it: Flow) -> None:
    sha = await it.github.head()
    assert it.said(sha)[DEPLOY] == ("success", "nothing to change on 2 devices")
    assert not it.touched()
    state = await it.state("a")
    assert (state.sync, state.health, state.revision) == (Sync.IN_SYNC, Health.REACHABLE, sha)


async def test_a_commit_goes_to_the_device_it_speaks_of_and_no_other(it: Flow) -> None:
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert it.touched() == ["a"]
    assert ROUTE in it.device("a").running()
    assert ROUTE in it.device("a").startup()
    assert set(it.said(sha)) == {DEPLOY, f"{DEPLOY}/a"}
    assert it.said(sha)[DEPLOY][0] == "success"


async def test_the_same_head_again_does_nothing(it: Flow) -> None:
    before = await it.last()
    posts = len(it.github.posted())
    await it.trigger()
    await it.trigger(sha=await it.github.head())
    assert (await it.last()).id == before.id
    assert len(it.github.posted()) == posts


async def test_a_forged_sha_causes_a_look_and_nothing_else(it: Flow) -> None:
    before = await it.last()
    await it.trigger(sha="e" * 40)
    assert (await it.last()).id == before.id
    trigger = await it.store.next_trigger()
    assert trigger is None, "the next look is later, in case GitHub lags behind"


async def test_a_pull_request_types_nothing_and_gets_one_comment(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    first = await it.github.head("more")
    assert it.said(first)[PLAN] == ("success", "1 of 1 device would change (+1 −0 lines)")
    second = await it.github.update_pull(number, {"configs/b.cfg": config("b", ROUTE)}, "And b")
    await it.trigger(f"pull/{number}")
    assert it.said(second)[PLAN][0] == "success"
    assert not it.touched()
    (comment,) = it.github.comments(number)
    assert f"+{ROUTE}" in comment.body
    assert "2 of 2 devices" in comment.body


async def test_a_fork_is_never_compared_with_devices(it: Flow) -> None:
    sessions = {name: len(it.typed(name)) for name in it.fleet.names}
    number = await it.github.open_pull(
        "evil", "Evil", {"configs/a.cfg": config("a", ROUTE)}, fork="mallory/network-config"
    )
    await it.trigger(f"pull/{number}")
    sha = it.github.pulls[number].sha
    assert it.said(sha)[PLAN] == (
        "success",
        "files are valid; a fork is never compared with devices",
    )
    assert {name: len(it.typed(name)) for name in it.fleet.names} == sessions


async def test_a_closed_pull_request_is_forgotten(it: Flow) -> None:
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    await it.github.close_pull(number)
    await it.trigger(f"pull/{number}")
    assert await it.store.ref_state(f"pull/{number}") is None


async def test_a_revision_with_problems_is_refused_whole(it: Flow) -> None:
    sha = await it.push(
        {"configs/a.cfg": config("a", ROUTE), "inventory.yaml": inventory(it.fleet) + "oops: 1\n"}
    )
    state, line = it.said(sha)[DEPLOY]
    assert state == "failure"
    assert line.startswith("inventory.yaml:8: ")
    assert not it.touched()


async def test_an_emptied_inventory_removes_nothing(it: Flow) -> None:
    sha = await it.push({"inventory.yaml": "devices: {}\n"})
    assert it.said(sha)[DEPLOY][0] == "failure"
    assert not it.touched()
    assert set(await it.store.states()) == {"a", "b"}


async def test_a_device_that_leaves_the_inventory_is_left_alone(it: Flow) -> None:
    running = it.device("b").running()
    sha = await it.push({"inventory.yaml": inventory(it.fleet, "a"), "configs/b.cfg": None})
    assert it.said(sha)[DEPLOY] == ("success", "no device affected")
    assert it.device("b").running() == running
    assert set(await it.store.states()) == {"a"}


async def test_a_refused_line_is_rolled_back_and_named(it: Flow) -> None:
    before = it.device("a").running()
    overlap = config("a").replace(
        " description spare\n no ip address",
        " description spare\n ip address 10.0.0.2 255.255.255.0",
    )
    sha = await it.push({"configs/a.cfg": overlap})
    state, line = it.said(sha)[f"{DEPLOY}/a"]
    assert state == "failure"
    assert "configs/a.cfg:15" in line
    assert line.endswith("; rolled back")
    assert it.device("a").running() == before
    assert not it.device("a").pending_revert
    recorded = await it.state("a")
    assert recorded.quarantined == sha
    assert recorded.sync is Sync.OUT_OF_SYNC
    (job,) = (await it.last()).jobs
    assert job.outcome is not None
    assert (job.state, job.outcome.restored) == (State.FAILED, Restored.RESTORED)


async def test_a_line_nobody_knows_is_refused_before_anything_is_typed(it: Flow) -> None:
    sha = await it.push({"configs/a.cfg": config("a", "frobnicate the network")})
    state, line = it.said(sha)[DEPLOY]
    assert state == "failure"
    assert "frobnicate" in line
    assert not it.touched()


@pytest.mark.parametrize("strict", [False, True])
async def test_a_line_known_by_its_family_is_marked_or_refused(
    tmp_path: Path, *, strict: bool
) -> None:
    line = "service compress-config"
    async with flow(tmp_path, mode=Mode.DRY_RUN, strict=strict) as it:
        await it.trigger()
        sha = await it.push({"configs/a.cfg": config("a", line)})
        assert it.said(sha)[DEPLOY][0] == ("failure" if strict else "success")
        (outcome,) = (job.outcome for job in (await it.last()).jobs if job.device.name == "a")
        assert outcome is not None
        if strict:
            assert outcome.error_code == "not-understood"
            assert "configs/a.cfg:" in (outcome.error or "")
        else:
            assert outcome.commands == (line,)
            (warning,) = outcome.warnings
            assert warning.startswith("configs/a.cfg:")
            assert "not known in detail" in warning


async def test_a_shrunken_file_is_refused(it: Flow) -> None:
    routes = [f"ip route 10.{n}.0.0 255.255.0.0 Null0" for n in range(100, 160)]
    await it.push({"configs/a.cfg": config("a", *routes)})
    held = it.device("a").running()
    sha = await it.push({"configs/a.cfg": config("a")})
    state, line = it.said(sha)[DEPLOY]
    assert state == "failure"
    assert "removes 60 of" in line
    assert it.device("a").running() == held


async def test_an_unreachable_device_fails_alone_and_the_status_says_so(it: Flow) -> None:
    it.device("a").inject(Fault(what=What.UNREACHABLE, times=None))
    sha = await it.push({"configs/a.cfg": config("a", ROUTE), "configs/b.cfg": config("b", ROUTE)})
    assert it.said(sha)[DEPLOY][0] == "failure"
    assert it.said(sha)[f"{DEPLOY}/a"][0] == "failure"
    assert it.said(sha)[f"{DEPLOY}/b"][0] == "success"
    assert (await it.state("a")).health is Health.UNREACHABLE
    it.device("a").clear()
    other = await it.push({"configs/b.cfg": config("b")})
    assert it.said(other)[f"{DEPLOY}/a"][0] == "success", "what is owed is tried with the next"
    assert ROUTE in it.device("a").running()


async def test_a_transient_failure_is_tried_again(tmp_path: Path) -> None:
    async with flow(tmp_path, retries=2) as it:
        await it.trigger()
        it.device("a").inject(Fault(what=What.UNREACHABLE, times=1))
        sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
        assert it.said(sha)[DEPLOY][0] == "pending"
        (job,) = (await it.last()).jobs
        assert job.state is State.PENDING
        assert 0 < job.run_at - it.clock.now() <= 5


async def test_a_device_that_only_pretends_to_take_a_line_is_found_out(it: Flow) -> None:
    it.device("a").inject(Fault(what=What.FORGET, when=When(match="203.0.113.0")))
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    state, line = it.said(sha)[f"{DEPLOY}/a"]
    assert state == "failure"
    assert "not what was promised" in line
    assert not it.device("a").pending_revert


async def test_a_check_finds_drift_and_tells_github_nothing(it: Flow) -> None:
    it.device("b").type(["no ip route 198.51.100.0 255.255.255.0 Null0"])
    posts = len(it.github.posted())
    drift = Drift(
        interval=60.0, deployments=it.store, states=it.store, conclude=it.conclude, timers=it.store
    )
    assert not await drift.step(), "the first check is one interval away"
    it.clock.ahead += 61
    assert await drift.step()
    await it.settle()
    found = await it.last()
    assert found.summary == "drift on 1 of 2 devices: b (+1 −0 lines)"
    assert (await it.state("b")).sync is Sync.OUT_OF_SYNC
    assert (await it.state("a")).sync is Sync.IN_SYNC
    assert len(it.github.posted()) == posts
    assert not it.touched()


async def test_a_forced_sync_undoes_drift_and_lifts_the_quarantine(it: Flow) -> None:
    it.device("b").type(["no ip route 198.51.100.0 255.255.255.0 Null0"])
    state = await it.state("b")
    sha = await it.github.head()
    await it.store.record(replace(state, quarantined=sha))
    await it.trigger(force=True)
    assert "ip route 198.51.100.0 255.255.255.0 Null0" in it.device("b").running()
    assert it.said(sha)[DEPLOY][0] == "success"
    assert (await it.state("b")).quarantined is None


async def test_dry_run_mode_types_nothing_and_says_so(tmp_path: Path) -> None:
    async with flow(tmp_path, mode=Mode.DRY_RUN) as it:
        await it.trigger()
        sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
        state, line = it.said(sha)[DEPLOY]
        assert state == "success"
        assert line.startswith("dry-run only: 1 of 2 devices would change")
        assert not it.touched()


async def test_a_dry_run_of_what_is_on_record_needs_no_github(it: Flow) -> None:
    it.github.gone = True
    opened = await request(
        deployments=it.store,
        states=it.store,
        conclude=it.conclude,
        mode=Mode.DRY_RUN,
        devices=["a"],
        cause="test",
    )
    await it.settle()
    found = await it.store.deployment(opened.id)
    assert found is not None
    assert (found.state, found.summary) == (State.COMPLETE, "nothing to change on 1 device")


async def test_a_secret_is_resolved_for_the_device_only(tmp_path: Path) -> None:
    value = "s3cr3t-community"
    async with flow(tmp_path, secrets={"ro": value}) as it:
        await it.trigger()
        line = 'snmp-server community {{ secret("ro") }} RO'
        sha = await it.push({"configs/a.cfg": config("a", line)})
        assert it.said(sha)[DEPLOY][0] == "success"
        assert f"snmp-server community {value} RO" in it.device("a").running()
        assert value not in repr(await it.last())
        written = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
        assert written
        assert not [path for path in written if value.encode() in path.read_bytes()]


async def test_a_secret_cannot_be_read_through_a_pull_request(tmp_path: Path) -> None:
    value = "s3cr3t-community"
    async with flow(tmp_path, secrets={"ro": value}) as it:
        await it.trigger()
        text = config("a").replace("description uplink", 'description {{ secret("ro") }}')
        number = await it.github.open_pull("evil", "Evil", {"configs/a.cfg": text})
        await it.trigger(f"pull/{number}")
        (comment,) = it.github.comments(number)
        assert value not in comment.body
        assert "+ description <secret ro hmac:" in comment.body
        assert value not in repr(await it.last())
        sha = await it.github.merge_pull(number, webhook=False)
        await it.trigger(sha=sha)
        assert f"description {value}" in it.device("a").running()
        found = await it.last()
        assert found.state is State.COMPLETE
        assert value not in repr(found)


@pytest.mark.parametrize("before", range(40, 72, 4))
async def test_a_line_that_is_cut_never_shows_a_part_of_a_secret(
    tmp_path: Path, before: int
) -> None:
    value = "Tr0ub4dor&3-xyzzy"
    async with flow(tmp_path, secrets={"ro": value}) as it:
        await it.trigger()
        line = f' description {"x" * before} {{{{ secret("ro") }}}} why?'
        text = config("a").replace(" description uplink", line)
        sha = await it.push({"configs/a.cfg": text})
        assert it.said(sha)[DEPLOY][0] == "failure"
        assert value[:3] not in repr(it.said(sha))
        assert value[:3] not in repr((await it.last()).jobs[0].outcome)


async def test_a_check_does_not_say_the_secret_of_a_line_it_would_refuse(tmp_path: Path) -> None:
    value = "s3cr3t-community"
    async with flow(tmp_path, secrets={"ro": value}) as it:
        await it.trigger()
        await it.push({"configs/a.cfg": config("a", 'frobnicate {{ secret("ro") }}')})
        opened = await request(
            deployments=it.store,
            states=it.store,
            conclude=it.conclude,
            mode=Mode.CHECK,
            devices=["a"],
            cause="test",
        )
        await it.settle()
        found = await it.store.deployment(opened.id)
        assert found is not None
        (outcome,) = (job.outcome for job in found.jobs)
        assert outcome is not None
        assert (outcome.state, outcome.error) == (State.COMPLETE, None)
        assert any("frobnicate <secret ro hmac:" in warning for warning in outcome.warnings)
        assert value not in repr(found)


async def test_a_missing_secret_stops_before_the_device_is_changed(it: Flow) -> None:
    line = 'snmp-server community {{ secret("ro") }} RO'
    sha = await it.push({"configs/a.cfg": config("a", line)})
    state, said = it.said(sha)[DEPLOY]
    assert state == "failure"
    assert '{{ secret("ro") }}' in said
    assert not it.touched()


async def test_bytes_that_are_not_text_are_kept_on_the_device_and_shown_as_such(it: Flow) -> None:
    latin = b"interface GigabitEthernet0/1\n description B\xfcro\n".decode(
        "utf-8", "surrogateescape"
    )
    it.device("a").type(latin.splitlines())
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert it.said(sha)[DEPLOY][0] == "success"
    (job,) = (await it.last()).jobs
    assert job.outcome is not None
    assert "- description B\ufffdro" in job.outcome.diff


async def test_github_away_postpones_and_loses_nothing(it: Flow) -> None:
    sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "Change", webhook=False)
    it.github.inject(Trouble(trouble=Kind.ANSWER, times=50, path="/git/", status=502))
    await it.trigger(sha=sha)
    assert not it.touched()
    assert await it.store.ref_state(BRANCH) is not None
    it.github.faults.clear()
    it.clock.ahead += 3600
    it.store.work.wake()
    await it.trigger(sha=sha)
    assert it.said(sha)[DEPLOY][0] == "success"


async def test_a_status_that_github_does_not_take_now_is_delivered_later(it: Flow) -> None:
    it.github.inject(Trouble(trouble=Kind.ANSWER, times=2, method="POST", status=502))
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert (await it.store.depth()).outbox > 0
    assert it.report.trouble is None
    rows = await it.store.due(10)
    assert not rows, "it waits before it tries again"
    assert sha


async def test_a_token_without_permission_is_said_to_the_operator(it: Flow) -> None:
    it.github.inject(
        Trouble(
            trouble=Kind.ANSWER,
            times=100,
            method="POST",
            status=403,
            message="Resource not accessible by personal access token",
        )
    )
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert it.report.trouble is not None
    assert "statuses" in it.report.trouble.lower()


async def test_while_the_token_is_not_accepted_everything_waits(it: Flow) -> None:
    sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "Change", webhook=False)
    await it.store.trigger(Trigger(ref=BRANCH, reason="test", due_at=it.clock.now()))
    await it.reconcile.step()
    await it.report.step()
    good, it.github.token = it.github.token, "another"
    await it.settle()
    assert "does not accept the token" in (it.report.trouble or "")
    before = len(it.github.requests)
    await it.wait(30, times=120)
    sent = [each for each in it.github.requests[before:] if each.method == "POST"]
    assert 10 <= len(sent) <= 25, "a bad token is tried now and then"
    depth = await it.store.depth()
    assert (depth.given_up, depth.outbox) == (0, 2)
    it.github.token = good
    await it.wait(300)
    assert it.said(sha)[DEPLOY][0] == "success"
    assert it.report.trouble is None
    assert (await it.store.depth()).outbox == 0


async def test_polling_finds_the_branch_and_the_pull_request(it: Flow) -> None:
    await it.poll.step()
    await it.settle()
    sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "Change", webhook=False)
    number = await it.github.open_pull(
        "more", "More", {"configs/b.cfg": config("b", ROUTE)}, webhook=False
    )
    for _ in range(2):
        await it.poll.step()
        await it.settle()
    assert it.said(sha)[DEPLOY][0] == "success"
    assert it.said(it.github.pulls[number].sha)[PLAN][0] == "success"
    assert it.poll.trouble is None


async def test_a_repository_that_is_gone_is_said_and_polled_on(it: Flow) -> None:
    it.github.gone = True
    await it.poll.step()
    assert it.poll.trouble is not None
    assert it.poll.refusal == it.poll.trouble
    it.github.gone = False
    await it.poll.step()
    assert {it.poll.trouble, it.poll.refusal} == {None}


async def test_that_github_is_away_for_a_while_is_nothing_to_act_on(it: Flow) -> None:
    away = Trouble(trouble=Kind.ANSWER, status=502, method="GET", path="/", times=9)
    it.github.inject(away)
    await it.poll.step()
    assert it.poll.trouble is not None
    assert it.poll.refusal is None
