"""A change after which something is not well is taken back, and the status says what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.devices import contact
from catnet_controller.models import Outcome, Restored, State, Step, Wish
from catnet_controller.simulator.faults import Fault, What, When
from tests.helpers_flow import Flow, config, flow, inventory, killed_at

ROUTING = (
    "router ospf 1",
    " network 10.0.0.0 0.0.0.255 area 0",
    "!",
    "router bgp 64500",
    " neighbor 10.0.0.9 remote-as 64501",
    "!",
)
LINE = "ip domain name example.net"


def routed(*more: str) -> str:
    return config("a", *ROUTING, *more)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow whose device a has an OSPF and a BGP neighbour, and little patience."""
    async with flow(tmp_path, names=("a",)) as made:
        await made.trigger()
        await health(made, "settle: 1s", "configs/a.cfg")
        assert "router bgp" in made.device("a").startup()
        yield made


async def health(it: Flow, lines: str, *_: str) -> str:
    """Commit what the inventory says of health, with the routed configuration."""
    text = inventory(it.fleet) + "defaults:\n  health:\n"
    text += "".join(f"    {line}\n" for line in lines.splitlines())
    return await it.push({"inventory.yaml": text, "configs/a.cfg": routed()})


async def outcome(it: Flow) -> Outcome:
    [job] = (await it.last()).jobs
    assert job.outcome is not None
    return job.outcome


async def taken_back(it: Flow, sha: str, told: str) -> None:
    found = await outcome(it)
    assert (found.state, found.error_code) == (State.FAILED, "health")
    assert found.error is not None
    assert told in found.error
    assert found.restored is Restored.RESTORED
    assert LINE not in it.device("a").running()
    assert LINE not in it.device("a").startup()
    assert not it.device("a").pending_revert
    state, description = it.said(sha)["catnet/deploy/a"]
    assert state == "failure"
    assert "not well" in description
    assert (await it.state("a")).quarantined == sha


async def test_all_is_well(it: Flow) -> None:
    await it.push({"configs/a.cfg": routed(LINE)})
    assert (await outcome(it)).state is State.COMPLETE
    typed = it.typed("a")
    for line in ("show ip interface brief", "show ip bgp summary", "show ip ospf neighbor"):
        assert typed.count(line) >= 2
    assert LINE in it.device("a").startup()


@pytest.mark.parametrize(
    "what, told",
    [
        (r"10\.0\.0\.9", "neighbour BGP 10.0.0.9 was up, is down"),
        (r"10\.0\.0\.2", "neighbour OSPF 10.0.0.2 on GigabitEthernet0/0 was up, is down"),
        ("GigabitEthernet0/1", "interface GigabitEthernet0/1 was up, is down"),
    ],
)
async def test_what_stays_down_after_the_change_takes_it_back(
    it: Flow, what: str, told: str
) -> None:
    it.device("a").inject(Fault(what=What.DOWN, text=what, when=When(match=LINE), times=None))
    sha = await it.push({"configs/a.cfg": routed(LINE)})
    await taken_back(it, sha, told)


async def test_what_was_down_before_is_not_blamed_on_the_change(it: Flow) -> None:
    it.device("a").inject(Fault(what=What.DOWN, text=r"10\.0\.0\.9", times=None))
    await it.push({"configs/a.cfg": routed(LINE)})
    assert (await outcome(it)).state is State.COMPLETE


async def test_what_the_change_takes_down_itself_is_expected(it: Flow) -> None:
    text = routed().replace(" neighbor 10.0.0.9", " neighbor 10.0.0.8")
    text = text.replace(" description spare", " description spare\n shutdown")
    await it.push({"configs/a.cfg": text})
    found = await outcome(it)
    assert found.state is State.COMPLETE, found.error


async def test_it_may_take_the_time_to_settle(it: Flow) -> None:
    await health(it, "settle: 60s")
    device = it.device("a")
    device.inject(Fault(what=What.DOWN, text=r"10\.0\.0\.9", when=When(match=LINE), times=None))
    push = asyncio.ensure_future(it.push({"configs/a.cfg": routed(LINE)}))
    while it.typed("a").count("show ip bgp summary") < 6:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert LINE in device.running()
    assert LINE not in device.startup()
    device.clear()
    await push
    assert (await outcome(it)).state is State.COMPLETE


async def test_targets_must_answer(it: Flow) -> None:
    await health(it, "settle: 0s\nping: [10.0.0.77, 203.0.113.5]")
    device = it.device("a")
    # One that did not answer before is not blamed on the change.
    await it.push({"configs/a.cfg": routed("ip domain name example.com")})
    found = await outcome(it)
    assert found.state is State.COMPLETE
    assert [each for each in found.warnings if "ping 203.0.113.5 was not answered" in each]
    device.inject(Fault(what=What.DOWN, text=r"10\.0\.0\.77", when=When(match=LINE), times=None))
    sha = await it.push({"configs/a.cfg": routed(LINE)})
    await taken_back(it, sha, "ping 10.0.0.77 was answered, is not")


@pytest.mark.parametrize(
    "check, told",
    [
        ("match: 'name example.com'", "no line matches /name example.com/ (inventory.yaml:"),
        ("no-match: 'example.net'", "/example.net/ matches 1 line (inventory.yaml:"),
        ("unchanged: 'domain'", "not as before the change (inventory.yaml:"),
    ],
)
async def test_checks_of_the_inventory(it: Flow, check: str, told: str) -> None:
    show = "show running-config | include ip domain"
    text = f"settle: 0s\nchecks:\n  - show: {show}\n    {check}"
    await health(it, text)
    sha = await it.push({"configs/a.cfg": routed(LINE)})
    await taken_back(it, sha, told)


async def test_a_pattern_that_takes_for_ever_stops_the_push_before_it_begins(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "_SEARCH", 1.0)
    dashes = routed("ip domain name example.com").replace("uplink", "-" * 100)
    await it.push({"configs/a.cfg": dashes})
    show = "show running-config | include description"
    await health(it, f"checks:\n  - show: {show}\n    no-match: (-|--)+x")
    await it.push({"configs/a.cfg": dashes.replace("example.com", "example.net")})
    found = await outcome(it)
    assert (found.error_code, found.restored) == ("health", Restored.NOT_NEEDED)
    assert "prints: it takes longer than 1 s (inventory.yaml:" in (found.error or "")


async def test_check_that_the_device_does_not_take_stops_the_push_before_it_begins(
    it: Flow,
) -> None:
    await health(it, "checks:\n  - show: show no such thing\n    no-match: x")
    await it.push({"configs/a.cfg": routed(LINE)})
    found = await outcome(it)
    assert (found.error_code, found.restored) == ("health", Restored.NOT_NEEDED)
    assert "it does not take `show no such thing` (inventory.yaml:" in (found.error or "")
    assert LINE not in it.device("a").running()


async def test_a_rollback_is_not_held_up_by_what_failed_already(it: Flow) -> None:
    await it.push({"configs/a.cfg": routed(LINE)})
    await health(it, "settle: 0s\nchecks:\n  - show: show version\n    match: not there")
    assert (await outcome(it)).error_code == "health"
    await it.rollback.open(Wish(device="a", by="ada", dry_run=False))
    await it.settle()
    assert (await it.last()).state is State.COMPLETE
    assert LINE not in it.device("a").running()


async def test_watching_can_be_switched_off(it: Flow) -> None:
    await health(it, "watch: false")
    fault = Fault(what=What.DOWN, text=r"10\.0\.0\.9", when=When(match=LINE), times=None)
    it.device("a").inject(fault)
    before = len(it.typed("a"))
    await it.push({"configs/a.cfg": routed(LINE)})
    assert (await outcome(it)).state is State.COMPLETE
    assert "show ip bgp summary" not in it.typed("a")[before:]


async def test_killed_before_it_was_judged_it_is_judged_after_the_start(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = killed_at(it, Step.PROVE, monkeypatch)
    fault = Fault(what=What.DOWN, text=r"10\.0\.0\.9", when=When(match=LINE), times=None)
    it.device("a").inject(fault)
    sha = await it.push({"configs/a.cfg": routed(LINE)})
    assert killed.is_set()
    assert await it.store.free_leases() == 1
    await it.settle()
    await taken_back(it, sha, "neighbour BGP 10.0.0.9 was up, is down")
