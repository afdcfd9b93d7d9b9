"""Several daemons on one store: sites, bounds, duties, timers that ring once."""

from dataclasses import replace

from catnet_controller.models import JobPlan, Mode
from catnet_controller.store.queue import Bounds
from catnet_controller.store.store import DUTY, Store
from tests.helpers_postgres import Cluster
from tests.helpers_store import (
    ManualClock,
    conclude,
    device,
    done,
    opened_on,
    plan,
    push,
    revision,
    seen,
)


def at(site: str, name: str) -> JobPlan:
    return replace(plan(name), device=device(name, site=site))


async def at_sites(store: Store, **sites: int) -> None:
    jobs = [at(site, f"{site}{number}") for site, count in sites.items() for number in range(count)]
    await store.open(revision(), Mode.CHECK, cause="test", jobs=jobs, conclude=conclude)


async def test_a_site_has_so_many_at_once_and_holds_up_no_other(store: Store) -> None:
    store._bounds = Bounds(per_site=2)
    await at_sites(store, vienna=5, graz=3)
    first = await store.claim(4)
    assert [each.job.device.name for each in first] == ["vienna0", "vienna1"]
    second = await store.claim(4)
    assert [each.job.device.name for each in second] == ["graz0", "graz1"]
    assert await store.claim(4) == []
    await store.finish(first[0], done(), seen("vienna0"), conclude)
    assert [each.job.device.name for each in await store.claim(4)] == ["vienna2"]


async def test_a_worker_takes_jobs_of_its_sites_only(store: Store) -> None:
    store._bounds = Bounds(sites=("graz", "linz"))
    await at_sites(store, vienna=2, graz=1, linz=1)
    assert {each.job.device.site for each in await store.claim(10)} == {"graz", "linz"}
    store._bounds = Bounds()
    assert {each.job.device.site for each in await store.claim(10)} == {"vienna"}


async def test_a_timer_rings_once_an_interval_and_first_after_one(
    store: Store, clock: ManualClock
) -> None:
    assert not await store.ring("drift", 300.0)
    clock.advance(299)
    assert not await store.ring("drift", 300.0)
    clock.advance(1)
    assert await store.ring("drift", 300.0)
    assert not await store.ring("drift", 300.0)
    clock.jump(-10_000)
    assert await store.ring("drift", 300.0), "a clock that was set back silences nothing"


async def test_a_duty_is_one_daemon_s_until_it_leaves_or_is_silent(
    postgres: Cluster, clock: ManualClock
) -> None:
    url = postgres.emptied("contract")
    async with (
        opened_on(url, clock, worker="one") as one,
        opened_on(url, clock, worker="two") as two,
    ):
        assert await one.mine("poll")
        assert not await two.mine("poll")
        assert await two.mine("report"), "each duty by itself"
        clock.advance(DUTY - 1)
        assert await one.mine("poll"), "renewed in time"
        clock.advance(2)
        assert not await two.mine("poll")
        clock.advance(DUTY)
        assert await two.mine("poll"), "the other was silent"
        assert not await one.mine("poll")
        await two.leave_duties()
        assert await one.mine("poll")


async def test_two_daemons_never_have_one_device(postgres: Cluster, clock: ManualClock) -> None:
    url = postgres.emptied("contract")
    names = [f"r{number}" for number in range(6)]
    async with (
        opened_on(url, clock, worker="one") as one,
        opened_on(url, clock, worker="two") as two,
    ):
        await push(one, *names)
        mine, theirs = await one.claim(4), await two.claim(4)
        assert len(mine) == 4
        assert len(theirs) == 2
        assert not {each.job.device.name for each in mine} & {
            each.job.device.name for each in theirs
        }
        assert await one.free_leases() == 0, "the leases of others are not ours to end"
        assert len(await two.renew(theirs)) == 2
