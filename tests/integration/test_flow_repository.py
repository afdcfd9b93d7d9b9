"""What can become of a repository: nothing of it ever means "remove configuration"."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.demo.ledger import Fault, Trouble
from catnet_controller.github.blobs import Blobs
from catnet_controller.models import Snapshot, Sync, Trigger
from catnet_controller.pipeline import snapshot
from catnet_controller.pipeline.reconcile import BACK_DELAY
from tests.helpers_flow import BRANCH, Flow, config, flow, inventory

DEPLOY = "catnet/deploy"
ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path) as made:
        await made.trigger()
        yield made


def _gone(it: Flow) -> None:
    it.github.gone = True


def _renamed(it: Flow) -> None:
    it.github.renamed = "acme/other-name"


def _expired(it: Flow) -> None:
    it.github.token = "another one"


def _empty(it: Flow) -> None:
    it.github.inject(
        Fault(
            trouble=Trouble.ANSWER,
            status=409,
            message="Git Repository is empty.",
            path="/git/ref/",
            times=9,
        )
    )


@pytest.mark.parametrize(
    ("becomes", "words"),
    [
        (_gone, "is not there, or the token may not see it"),
        (_renamed, "was renamed or moved"),
        (_expired, "GitHub does not accept the token"),
        (_empty, "is empty"),
    ],
)
async def test_what_cannot_be_read_changes_nothing_and_is_said(
    it: Flow, becomes: Callable[[Flow], None], words: str
) -> None:
    last = await it.last()
    becomes(it)
    await it.trigger(force=True)
    assert words in it.reconcile.trouble[BRANCH]
    await it.poll.step()
    assert words in (it.poll.trouble or "")
    assert (await it.last()).id == last.id
    assert not it.touched()
    assert {each.sync for each in (await it.store.states()).values()} == {Sync.IN_SYNC}


async def test_a_branch_that_is_deleted_changes_nothing_and_its_return_is_seen(it: Flow) -> None:
    sha = await it.github.head()
    last = await it.last()
    await it.github.delete_branch("main", webhook=False)
    await it.trigger()
    assert "branch main is not in" in it.reconcile.trouble[BRANCH]
    assert (await it.last()).id == last.id
    await it.github.force_back(sha)
    it.clock.ahead += 120
    await it.settle()
    assert BRANCH not in it.reconcile.trouble
    assert not it.touched()


async def test_an_archived_repository_is_still_deployed_from_and_the_silence_is_said(
    it: Flow,
) -> None:
    sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "Last", webhook=False)
    it.github.archived = True
    await it.trigger()
    assert it.touched() == ["a"]
    assert DEPLOY not in it.said(sha)
    assert "archived" in (it.report.trouble or "")


async def test_a_forced_push_back_is_deployed_like_any_other(it: Flow) -> None:
    first = await it.github.head()
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert ROUTE in it.device("a").running()
    await it.forced(first)
    assert ROUTE not in it.device("a").running()
    assert it.said(first)[DEPLOY][0] == "success"


async def test_a_revision_that_cannot_be_taken_is_refused_with_a_word(it: Flow) -> None:
    large = {"configs/a.cfg": "!\n" * (5 * 2**20)}
    sha = await it.push(large)
    state, line = it.said(sha)[DEPLOY]
    assert state == "failure"
    assert line.startswith("configs/a.cfg: 10485760 bytes are more than")
    number = await it.github.open_pull("large", "Large", {**large, "configs/b.cfg": config("b")})
    await it.trigger(f"pull/{number}")
    assert it.said(it.github.pulls[number].sha)["catnet/plan"] == (state, line)
    (comment,) = it.github.comments(number)
    assert "configs/a.cfg: 10485760 bytes are more than" in comment.body
    assert not it.touched()


async def test_what_makes_catnet_stumble_is_said_and_keeps_nothing_from_others(
    it: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = snapshot.take

    async def stumble(repository: Any, offload: Any, sha: str, ref: str, **others: Any) -> Snapshot:
        if ref == "pull/1":
            raise LookupError("what nobody thought of")
        return await take(repository, offload, sha, ref, **others)

    monkeypatch.setattr(snapshot, "take", stumble)
    number = await it.github.open_pull("odd", "Odd", {"configs/b.cfg": config("b", ROUTE)})
    bad = it.github.pulls[number].sha
    await it.store.trigger(Trigger(ref=f"pull/{number}", reason="test", due_at=it.clock.now()))
    assert await it.reconcile.step()
    sha = await it.push({"configs/a.cfg": config("a", ROUTE)})
    assert it.said(sha)[DEPLOY][0] == "success"
    word = "CatNet cannot judge this commit: LookupError while looking at pull/1"
    assert it.said(bad)["catnet/plan"] == ("error", word)
    assert "LookupError" in it.reconcile.trouble[f"pull/{number}"]
    monkeypatch.setattr(snapshot, "take", take)
    await it.wait(601)
    assert it.said(bad)["catnet/plan"][0] == "success"
    assert f"pull/{number}" not in it.reconcile.trouble


async def test_a_replica_that_lags_takes_nothing_back(it: Flow) -> None:
    first = await it.github.head()
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    newest = await it.github.commit({"configs/b.cfg": config("b", ROUTE)}, "b", webhook=False)
    it.github.former["main"] = first
    it.github.inject(Fault(trouble=Trouble.LAG, method="GET", path="/git/ref/", times=3))
    await it.trigger(sha=newest)
    await it.wait(BACK_DELAY + 1, times=3)
    assert it.said(newest)[DEPLOY][0] == "success"
    assert not [line for line in it.typed("a") if line.startswith("no ip route")]
    it.github.inject(Fault(trouble=Trouble.LAG, method="GET", path="/git/ref/", times=2))
    await it.poll.step()
    await it.settle()
    await it.wait(BACK_DELAY + 1)
    assert ROUTE in it.device("a").running()
    assert not [line for line in it.typed("a") if line.startswith("no ip route")]


async def test_a_commit_without_any_file_is_refused_and_types_nothing(it: Flow) -> None:
    files = dict.fromkeys(("inventory.yaml", "configs/a.cfg", "configs/b.cfg"))
    sha = await it.push(files)
    assert it.said(sha)[DEPLOY][0] == "failure"
    assert not it.touched()
    assert set(await it.store.states()) == {"a", "b"}


async def test_a_poll_of_what_is_unchanged_costs_one_conditional_request(it: Flow) -> None:
    await it.github.open_pull("more", "More", {"configs/b.cfg": config("b", ROUTE)}, webhook=False)
    await it.poll.step()
    await it.settle()
    for _ in range(2):  # our own comment and status
        await it.poll.step()
    quota, paths = it.github.remaining, set()
    for _ in range(4):
        before = len(it.github.requests)
        await it.poll.step()
        (asked,) = it.github.requests[before:]
        assert asked.status == 304
        paths.add(asked.path.rpartition("/")[2])
    assert paths == {"main", "pulls"}
    assert it.github.remaining == quota


async def test_a_push_to_3_of_300_devices_costs_few_requests(it: Flow, tmp_path: Path) -> None:
    names = [f"edge{number}" for number in range(298)]
    lines = [f"  {name}:\n    host: 10.0.{n % 2}.{n // 2}\n" for n, name in enumerate(names)]
    files = {f"configs/{name}.cfg": config(name) for name in names}
    cache = Blobs(tmp_path / "blobs")
    for text in files.values():
        cache.keep(text.encode())
    whole = inventory(it.fleet) + "".join(lines)
    await it.github.commit({"inventory.yaml": whole, **files}, "Many", webhook=False)
    await it.store.trigger(Trigger(ref=BRANCH, reason="test"))
    assert await it.reconcile.step()
    for state in (await it.store.states()).values():
        await it.store.record(replace(state, applied=state.desired, sync=Sync.IN_SYNC))
    for step in (it.poll.step, it.poll.step):
        await step()
    changed = ("edge3", "edge150", "edge297")
    files = {f"configs/{name}.cfg": config(name, ROUTE) for name in changed}
    before = len(it.github.requests)
    await it.github.commit(files, "Three", webhook=False)
    for step in (it.poll.step, it.poll.step, it.reconcile.step):
        await step()
    last = await it.last()
    assert {job.device.name for job in last.jobs} == set(changed)
    while await it.report.step():
        pass
    asked = it.github.requests[before:]
    assert sum("/statuses/" in each.path for each in asked) >= 3
    assert sum("/statuses/" not in each.path for each in asked) <= 10
