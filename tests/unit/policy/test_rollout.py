"""Which devices a revision goes to, and what is recorded of the rest."""

from catnet_controller.models import (
    Desired,
    Device,
    DeviceState,
    Problem,
    Revision,
    Snapshot,
    Sync,
)
from catnet_controller.policy.rollout import inventory, plan_jobs, push_jobs


def snapshot(**texts: str) -> Snapshot:
    return Snapshot(
        revision=Revision(sha="a" * 40, ref="branch/main"),
        desired={
            name: Desired(
                device=Device(name=name, host="192.0.2.1"), text=text, digest=text, origins=()
            )
            for name, text in texts.items()
        },
    )


def state(name: str, **more: object) -> DeviceState:
    return DeviceState(device=Device(name=name, host="192.0.2.9"), **more)  # type: ignore[arg-type]


def names(jobs: object) -> list[str]:
    return [job.device.name for job in jobs]  # type: ignore[attr-defined]


def test_a_device_that_has_its_text_is_left_alone_even_when_it_drifted() -> None:
    wanted = snapshot(a="1", b="2")
    states = {
        "a": state("a", applied="1", desired="1", sync=Sync.OUT_OF_SYNC),
        "b": state("b", applied="1", desired="1"),
    }
    assert names(push_jobs(wanted, states, force=False)) == ["b"]
    assert names(push_jobs(wanted, states, force=True)) == ["a", "b"]


def test_a_commit_that_takes_a_failed_one_back_is_proved_on_the_device() -> None:
    states = {"a": state("a", applied="1", desired="2")}
    assert names(push_jobs(snapshot(a="1"), states, force=False)) == ["a"]


def test_a_device_that_was_rolled_back_waits_for_another_text_or_an_operator() -> None:
    states = {"a": state("a", applied="1", desired="2", declined="2", quarantined="b" * 40)}
    assert names(push_jobs(snapshot(a="2"), states, force=False)) == []
    assert names(push_jobs(snapshot(a="3"), states, force=False)) == ["a"]
    assert names(push_jobs(snapshot(a="2"), states, force=True)) == ["a"]
    [kept] = inventory(snapshot(a="2"), states, release=False)
    [released] = inventory(snapshot(a="2"), states, release=True)
    assert (kept.declined, released.declined, released.quarantined) == ("2", None, None)


def test_a_device_never_seen_gets_its_text() -> None:
    assert names(push_jobs(snapshot(a="1"), {}, force=False)) == ["a"]


def test_a_plan_is_of_what_differs_from_the_base() -> None:
    assert names(plan_jobs(snapshot(a="1", b="2", c="3"), snapshot(a="1", b="1"))) == ["b", "c"]


def test_a_base_with_problems_hides_nothing() -> None:
    broken = Snapshot(
        revision=Revision(sha="b" * 40, ref="branch/main"),
        problems=(Problem(file="inventory.yaml", line=1, message="x"),),
    )
    assert names(plan_jobs(snapshot(a="1"), broken)) == ["a"]


def test_inventory_takes_the_new_address_and_keeps_what_is_known() -> None:
    known = state("a", desired="1", applied="1", sync=Sync.IN_SYNC, quarantined="f" * 40)
    (same,) = inventory(snapshot(a="1"), {"a": known}, release=False)
    assert (same.device.host, same.sync, same.applied) == ("192.0.2.1", Sync.IN_SYNC, "1")
    assert same.quarantined == "f" * 40
    (moved,) = inventory(snapshot(a="2"), {"a": known}, release=True)
    assert (moved.desired, moved.sync, moved.quarantined) == ("2", Sync.UNKNOWN, None)
