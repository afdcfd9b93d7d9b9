"""What pages read: counts without jobs, a part of the jobs, the last ones of a device."""

from dataclasses import replace

from catnet_controller.models import Mode, Outcome, State
from catnet_controller.store.store import Store
from tests.helpers_store import conclude, push, seen, start


async def worked(store: Store) -> int:
    """A push to five devices: one failed, one changed, one did not, one runs, one waits."""
    number = (await push(store, "e-wait", "d-run", "c-fail", "b-same", "a-change")).id
    claims = {each.job.device.name: each for each in await store.claim(10)}
    ends = {
        "c-fail": Outcome(state=State.FAILED, changed=True, diff="+x", error='says "changed":true'),
        "b-same": Outcome(state=State.COMPLETE, warnings=('"changed":true',)),
        "a-change": Outcome(state=State.COMPLETE, changed=True, diff="+line"),
    }
    for name, outcome in ends.items():
        await store.finish(claims[name], outcome, seen(name), conclude)
    await store.release(claims["e-wait"])
    return number


async def test_a_deployment_is_counted(store: Store) -> None:
    number = await worked(store)
    tally = await store.tally(number)
    assert tally is not None
    assert tally.counts == {
        State.FAILED: 1,
        State.COMPLETE: 2,
        State.RUNNING: 1,
        State.PENDING: 1,
    }
    assert (tally.total, tally.done, tally.failed, tally.changed) == (5, 3, 1, 1)
    whole = await store.deployment(number)
    assert whole is not None
    assert tally.deployment == replace(whole, jobs=())
    for unknown in (0, 99, 10**30):
        assert await store.tally(unknown) is None


async def test_jobs_come_worst_first_and_in_parts(store: Store) -> None:
    number = await worked(store)

    async def names(**which: object) -> list[str]:
        found = await store.jobs(number, **{"limit": 9, **which})  # type: ignore[arg-type]
        return [job.device.name for job in found]

    order = ["c-fail", "d-run", "e-wait", "a-change", "b-same"]
    assert await names() == order
    assert await names(limit=2, offset=2) == order[2:4]
    assert await names(state=State.COMPLETE) == ["a-change", "b-same"]
    assert await names(words="CHANG") == ["a-change"]
    assert await names(words="%") == []
    assert await store.jobs(number + 1, limit=9) == ()
    whole = await store.deployment(number)
    assert whole is not None
    by_name = {job.device.name: job for job in whole.jobs}
    assert list(await store.jobs(number, limit=9)) == [by_name[name] for name in order]
    first = by_name["a-change"]
    assert await store.job(first.id) == first
    assert await store.job(first.id + 100) is None


async def test_a_device_has_its_last_jobs(store: Store) -> None:
    first = await push(store, "edge1", "core1", sha="a")
    second = await start(store, Mode.CHECK, "edge1", sha="b")
    found = await store.history_of("edge1", 10)
    assert [(it.id, job.deployment, it.jobs) for it, job in found] == [
        (second.id, second.id, ()),
        (first.id, first.id, ()),
    ]
    assert [it.id for it, _ in await store.history_of("edge1", 1)] == [second.id]
    assert await store.history_of("nobody", 10) == []
    assert list(await store.newest(10)) == [second.id, first.id]
    assert list(await store.newest(10, second.id)) == [first.id]
