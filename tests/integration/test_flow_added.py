"""Devices that a person added, not git: checked, backed up, pushed to, never lost to a commit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.errors import DeviceExists, DeviceInGit, DeviceRefused, Refused
from catnet_controller.models import Device, DeviceState, Health, Mode, State, Sync, Wish
from catnet_controller.pipeline.adding import Adding
from catnet_controller.pipeline.configs import Configs
from catnet_controller.pipeline.request import request
from catnet_controller.policy import admission
from tests.helpers_flow import Flow, config, flow, inventory

FILE = "configs/added/lab.cfg"
ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path, names=("a", "lab")) as made:
        # The repository knows nothing of the second device.
        await made.github.commit(
            {"inventory.yaml": inventory(made.fleet, "a"), "configs/lab.cfg": None},
            "Only a",
            webhook=False,
        )
        await made.trigger()
        yield made


def adding(it: Flow) -> Adding:
    return Adding(
        repository="acme/network-config",
        branch="main",
        states=it.store,
        configs=Configs(
            branch="main",
            triggers=it.store,
            repository=it.edge.source,
            kept=it.edge.source.kept,
        ),
        offload=it.offload,
        telemetry=it.metrics,
    )


def lab(it: Flow, **more: object) -> Device:
    words: dict[str, object] = {"name": "lab", "host": "127.0.0.1", "port": it.fleet["lab"].port}
    return admission.device(**(words | more))  # type: ignore[arg-type]


async def ask(it: Flow, mode: Mode, *names: str) -> State:
    await request(
        deployments=it.store,
        states=it.store,
        conclude=it.conclude,
        mode=mode,
        devices=names or None,
        cause="user ada",
    )
    await it.settle()
    return (await it.last()).state


async def test_without_a_file_it_is_checked_and_backed_up_and_nothing_is_wanted(it: Flow) -> None:
    state = await adding(it).add(lab(it, site="paris", groups=["edge"], username="catnet"))
    assert (state.desired, state.sync, state.device.site) == (None, Sync.UNKNOWN, "paris")
    assert 'device="lab"' in it.metrics.render()[0].decode()

    assert await ask(it, Mode.CHECK) is State.COMPLETE
    seen = await it.state("lab")
    assert (seen.health, seen.sync) == (Health.REACHABLE, Sync.UNKNOWN)
    assert seen.seen_at is not None
    assert all(job.outcome and not job.outcome.changed for job in (await it.last()).jobs)
    assert await ask(it, Mode.BACKUP, "lab") is State.COMPLETE
    assert (await it.state("lab")).backup_at is not None
    for mode in (Mode.PUSH, Mode.DRY_RUN):
        with pytest.raises(Refused, match="the repository wants nothing on lab"):
            await ask(it, mode, "lab")
    # A commit about other devices leaves it alone, and it stays.
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert (await it.state("lab")).seen_at == seen.seen_at or (await it.state("lab")).backup_at
    assert it.touched() == ["a"]


async def test_a_file_of_a_person_is_taken_to_it_and_no_commit_hears_of_it(it: Flow) -> None:
    await adding(it).add(lab(it))
    wish = Wish(device="lab", by="ada", text=it.fleet["lab"].running() + "", dry_run=False)
    text = wish.text or ""
    wanted = text.replace("description spare", "description lab port")
    assert wanted != text
    head = await it.github.head()
    before = it.said(head)
    await it.rollback.open(Wish(device="lab", by="ada", text=wanted, dry_run=False))
    await it.settle()
    assert (await it.last()).state is State.COMPLETE
    assert "description lab port" in it.fleet["lab"].running()
    after = await it.state("lab")
    assert (after.sync, after.declined, after.quarantined) == (Sync.UNKNOWN, None, None)
    assert it.said(head) == before


async def test_its_file_in_the_repository_is_wanted_on_it_like_on_any_device(it: Flow) -> None:
    await it.push({FILE: config("lab", ROUTE)})
    state = await adding(it).add(lab(it))
    assert state.desired is not None
    assert it.touched() == [], "adding types nothing"
    assert await ask(it, Mode.CHECK, "lab") is State.COMPLETE
    assert (await it.state("lab")).sync is Sync.OUT_OF_SYNC
    assert await ask(it, Mode.PUSH, "lab") is State.COMPLETE
    assert ROUTE in it.fleet["lab"].running()
    done = await it.state("lab")
    assert (done.sync, done.device.added) == (Sync.IN_SYNC, True)

    other = "ip route 198.18.0.0 255.255.255.0 Null0"
    await it.push({FILE: config("lab", ROUTE, other)})
    assert other in it.fleet["lab"].running(), "a commit to its file is deployed"
    await it.push({FILE: None})
    gone = await it.state("lab")
    assert (gone.desired, gone.sync) == (None, Sync.UNKNOWN)
    assert await ask(it, Mode.CHECK, "lab") is State.COMPLETE
    assert not any(job.outcome and job.outcome.changed for job in (await it.last()).jobs)
    assert other in it.fleet["lab"].running(), "a file that is gone takes nothing away"


async def test_what_git_declares_is_changed_in_git(it: Flow) -> None:
    it_s = adding(it)
    with pytest.raises(DeviceInGit, match=r"a is declared in inventory.yaml of acme"):
        await it_s.add(lab(it, name="A"))
    with pytest.raises(DeviceInGit):
        await it_s.remove("a")
    with pytest.raises(DeviceExists, match=r"a is at 127\.0\.0\.1 port"):
        await it_s.add(lab(it, port=it.fleet["a"].port))
    await it_s.add(lab(it))
    with pytest.raises(DeviceExists, match="there is a device lab already"):
        await it_s.add(lab(it))
    # Another name for the same address would be two pushes into one device.
    both = inventory(it.fleet).replace("  lab:", "  lab2:")
    sha = await it.push({"inventory.yaml": both, "configs/lab2.cfg": config("lab")})
    assert it.said(sha)["catnet/deploy"][0] == "failure"
    assert "which was added to CatNet itself" in (await it.last()).problems[0].message
    assert "lab2" not in await it.store.states()

    # Under its own name it becomes one of git's, and leaves with git.
    await it.push(
        {
            "inventory.yaml": inventory(it.fleet),
            "configs/lab2.cfg": None,
            "configs/lab.cfg": config("lab"),
        }
    )
    assert not (await it.state("lab")).device.added
    with pytest.raises(DeviceInGit):
        await it_s.remove("lab")


async def test_a_removed_one_is_gone_with_its_series_and_can_come_back(it: Flow) -> None:
    its = adding(it)
    await its.add(lab(it))
    assert await ask(it, Mode.CHECK, "lab") is State.COMPLETE
    assert await its.remove("lab")
    assert not await its.remove("lab")
    assert "lab" not in await it.store.states()
    assert 'device="lab"' not in it.metrics.render()[0].decode()
    # A look that began before it left does not bring it back.
    late = DeviceState(device=lab(it), desired=None)
    await it.store.record(late)
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert "lab" not in await it.store.states()
    assert (await its.add(lab(it))).seen_at is None


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ({"name": "-x"}, "name"),
        ({"host": "not a host"}, "host"),
        ({"port": 0}, "port"),
        ({"platform": "junos"}, "platform"),
        ({"credential": "../x"}, "credential"),
        ({"username": "a b"}, "username"),
        ({"groups": ["a b"]}, "groups"),
        ({"site": "a\nb"}, "site"),
        ({"scope": "half"}, "scope"),
    ],
)
def test_what_cannot_be_a_device_is_refused_and_named(words: dict[str, object], wrong: str) -> None:
    given: dict[str, object] = {"name": "lab", "host": "192.0.2.1"}
    with pytest.raises(DeviceRefused, match=f"^{wrong}: "):
        admission.device(**(given | words))  # type: ignore[arg-type]
