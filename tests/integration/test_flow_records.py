"""GitHub's list of deployments: one record per deployment and site, whatever gets lost."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from catnet_controller.demo.standin import Fault, Trouble
from catnet_controller.models import Deployment, Device, Job, Mode, RecordMessage, Revision, State
from catnet_controller.policy.verdict import MOST_SITES, PRODUCTION, Wording, conclude
from tests.helpers_flow import Flow, config, flow, inventory

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path, environments=True) as made:
        await made.trigger()
        made.github.records.clear()
        yield made


def recorded(it: Flow, sha: str) -> dict[str, list[str]]:
    """The states by environment, each of which is recorded once."""
    found = [each for each in it.github.records if each.sha == sha]
    assert len(found) == len({each.environment for each in found})
    return {each.environment: [state for state, _, _ in each.states] for each in found}


async def change(it: Flow, a: str, b: str) -> str:
    sites = inventory(it.fleet).replace("  b:\n", "  b:\n    site: vienna\n")
    files = {"inventory.yaml": sites, "configs/a.cfg": a, "configs/b.cfg": b}
    return await it.push(files)


async def test_each_site_has_its_record_with_its_own_end(it: Flow) -> None:
    sha = await change(it, config("a", ROUTE), "hostname b\n")
    states = recorded(it, sha)
    assert set(states) == {PRODUCTION, "vienna"}
    assert states[PRODUCTION][-1] == "success"
    assert states["vienna"][-1] == "failure"
    assert all(len(each) <= 3 for each in states.values())
    last = await it.last()
    (vienna,) = (each for each in it.github.records if each.environment == "vienna")
    assert vienna.payload == {"catnet": last.id}
    assert vienna.states[-1][1].startswith("1 of 1 failed: b")
    assert vienna.states[-1][2] == f"https://catnet.example.net/deployments/{last.id}"


@pytest.mark.parametrize("trouble", [Trouble.LOSE, Trouble.DROP, Trouble.ANSWER])
async def test_lost_answers_make_no_second_record(it: Flow, trouble: Trouble) -> None:
    for path in ("/deployments$", "/deployments/[0-9]+/statuses$"):
        it.github.inject(Fault(trouble=trouble, method="POST", path=path, times=2))
    sha = await change(it, config("a", ROUTE), config("b", ROUTE))
    for _ in range(6):
        it.clock.ahead += 600
        await it.settle()
    assert {site: states[-1] for site, states in recorded(it, sha).items()} == {
        PRODUCTION: "success",
        "vienna": "success",
    }


async def test_a_record_that_was_deleted_is_made_again(it: Flow) -> None:
    sha = await it.github.commit({"configs/a.cfg": config("a", ROUTE)}, "More", webhook=False)
    message = RecordMessage(
        sha=sha, environment="vienna", number=7, state="queued", description="x" * 200
    )
    remote = await it.edge.reporter.record(message, None)
    assert await it.edge.reporter.record(message, None) == remote, "after a restart"
    it.github.records.clear()
    again = await it.edge.reporter.record(replace(message, state="success"), remote)
    assert again != remote
    assert recorded(it, sha) == {"vienna": ["success"]}


async def test_a_record_that_github_refuses_is_given_up(it: Flow) -> None:
    refusal = Fault(
        trouble=Trouble.ANSWER, status=422, message="no", method="POST", path="/deployments$"
    )
    it.github.inject(refusal)
    await it.push({"configs/a.cfg": config("a", ROUTE)})
    depth = await it.store.depth()
    assert depth.given_up >= 1
    assert "GitHub refuses the deployment record: no" in depth.refusal
    assert it.report.trouble is None


def test_more_sites_than_github_should_hear_of_are_one() -> None:
    def said(sites: int, *, environments: bool = True, mode: Mode = Mode.PUSH) -> Sequence[object]:
        revision = Revision(sha="a" * 40, ref="branch/main")
        jobs = tuple(
            Job(
                id=number,
                deployment=1,
                device=Device(name=f"r{number}", host="h", site=f"s{number}"),
                mode=mode,
                revision=revision,
                desired="d",
                state=State.PENDING,
            )
            for number in range(sites)
        )
        deployment = Deployment(id=1, revision=revision, mode=mode, cause="push", jobs=jobs)
        messages = conclude(deployment, Wording(environments=environments)).messages
        return [each.environment for each in messages if isinstance(each, RecordMessage)]

    assert len(said(MOST_SITES)) == MOST_SITES
    assert said(MOST_SITES + 1) == [PRODUCTION]
    assert said(0) == said(3, environments=False) == said(3, mode=Mode.DRY_RUN) == []
