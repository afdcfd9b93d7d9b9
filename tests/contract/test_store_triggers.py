"""Wake-ups: one row per ref, none lost, none that comes back."""

from catnet_controller.models import Delivery, Mode, RefState
from catnet_controller.store.store import Store
from tests.helpers_store import MAIN, START, ManualClock, conclude, revision, trigger


def delivery(verdict: str = "accepted", guid: str = "g1") -> Delivery:
    return Delivery(guid=guid, event="push", verdict=verdict, received_at=START)


async def test_a_delivery_is_recorded_with_its_trigger(store: Store) -> None:
    await store.receive([(delivery(), trigger())])
    await store.receive([(delivery("ignored: tag", "g2"), None)])
    assert [each.guid for each in await store.deliveries()] == ["g2", "g1"]
    raised = await store.next_trigger()
    assert raised is not None
    assert (raised.ref, raised.seq, raised.attempt) == (MAIN, 1, 0)


async def test_a_trigger_stays_until_it_is_settled(store: Store) -> None:
    await store.trigger(trigger())
    first = await store.next_trigger()
    assert first is not None
    assert await store.next_trigger() == first
    await store.settle(first)
    assert await store.next_trigger() is None


async def test_one_raised_again_survives_the_settling_of_the_older(store: Store) -> None:
    await store.trigger(trigger())
    older = await store.next_trigger()
    assert older is not None
    await store.trigger(trigger())
    await store.settle(older)
    newer = await store.next_trigger()
    assert newer is not None
    assert newer.seq == older.seq + 1


async def test_settling_twice_does_not_settle_the_next_one(store: Store) -> None:
    await store.trigger(trigger())
    older = await store.next_trigger()
    assert older is not None
    await store.settle(older)
    await store.trigger(trigger())
    await store.settle(older)
    await store.postpone(older, START + 99)
    newer = await store.next_trigger()
    assert newer is not None
    assert newer.seq > older.seq
    assert newer.attempt == 0


async def test_postponed_is_due_later_and_at_once_when_raised_again(
    store: Store, clock: ManualClock
) -> None:
    await store.trigger(trigger(force=True))
    first = await store.next_trigger()
    assert first is not None
    await store.postpone(first, START + 30)
    assert await store.next_trigger() is None
    clock.advance(30)
    later = await store.next_trigger()
    assert later is not None
    assert later.attempt == 1
    await store.postpone(later, START + 300)
    await store.trigger(trigger())
    again = await store.next_trigger()
    assert again is not None
    assert again.attempt == 0
    assert again.force, "what an operator asked for is not forgotten"


async def test_refs_take_turns_by_age_even_when_one_is_raised_all_the_time(
    store: Store, clock: ManualClock
) -> None:
    await store.trigger(trigger("pull/1"))
    clock.advance(1)
    await store.trigger(trigger("pull/2"))
    clock.advance(1)
    await store.trigger(trigger("pull/1"))
    first = await store.next_trigger()
    assert first is not None
    assert first.ref == "pull/1"
    await store.settle(first)
    await store.trigger(trigger("pull/1"))
    second = await store.next_trigger()
    assert second is not None
    assert second.ref == "pull/2"


async def test_opening_marks_the_ref_and_settles_the_trigger(store: Store) -> None:
    await store.trigger(trigger())
    raised = await store.next_trigger()
    assert raised is not None
    opened = await store.open(
        revision("b"), Mode.PUSH, cause="push", jobs=(), trigger=raised, conclude=conclude
    )
    assert await store.next_trigger() is None
    assert await store.ref_state(MAIN) == RefState(ref=MAIN, sha="b" * 40, deployment=opened.id)
    await store.open(revision("c"), Mode.CHECK, cause="timer", jobs=(), conclude=conclude)
    known = await store.ref_state(MAIN)
    assert known is not None
    assert known.sha == "b" * 40, "only what came with a trigger speaks for the ref"


async def test_a_forgotten_ref_is_unknown_but_its_new_trigger_waits(store: Store) -> None:
    await store.trigger(trigger("pull/7"))
    raised = await store.next_trigger()
    await store.open(
        revision("b", "pull/7"), Mode.DRY_RUN, cause="x", jobs=(), trigger=raised, conclude=conclude
    )
    await store.trigger(trigger("pull/7"))
    await store.forget_ref("pull/7")
    assert await store.ref_state("pull/7") is None
    assert await store.next_trigger() is not None


async def test_hostile_names_are_stored_and_not_refused(store: Store) -> None:
    hostile = Delivery(guid="\ud800\0", event="x" * 10_000, verdict="'; --", received_at=START)
    await store.receive([(hostile, trigger("branch/\udcff"))])
    raised = await store.next_trigger()
    assert raised is not None
    assert raised.ref == "branch/?"
    await store.settle(raised)
    assert await store.next_trigger() is None
