"""The stand-in for GitHub itself: signed webhooks that mean something, waiting, and refusals."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from catnet_controller.demo.standin import GithubStandIn
from catnet_controller.errors import InternalFault
from catnet_controller.github.events import Event, interpret, verify
from tests.helpers_github import SECRET, SEED, TOKEN, hub

SHARED = Path(os.environ.get("CATNET_SHARED") or Path(__file__).parents[2].parent / "shared")
PAYLOADS = SHARED / "data" / "webhooks"


class Receiver:
    """What a daemon's webhook route does: verify, interpret, answer."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.payloads: list[dict[str, object]] = []

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not verify(body, request.headers.get("X-Hub-Signature-256"), [SECRET.encode()]):
            return web.Response(status=401)
        event = interpret(
            request.headers["X-GitHub-Event"],
            request.headers["X-GitHub-Delivery"],
            body,
            repository="acme/network-config",
            branch="main",
            now=1.0,
        )
        self.events.append(event)
        self.payloads.append(json.loads(body))
        return web.Response(status=event.status, text=event.reason)

    def refs(self) -> list[str]:
        return [event.trigger.ref for event in self.events if event.trigger]


@pytest.fixture
async def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def github(tmp_path: Path, receiver: Receiver) -> AsyncIterator[GithubStandIn]:
    app = web.Application()
    app.router.add_post("/webhook/github", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook/github"
    async with hub(tmp_path, webhook_url=url) as running:
        yield running
    await runner.cleanup()


@contextlib.asynccontextmanager
async def api(github: GithubStandIn, *, token: str = TOKEN) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        github.url, headers={"Authorization": f"token {token}"}
    ) as session:
        yield session


ROOT = "/repos/acme/network-config"


async def test_the_life_of_a_pull_request_is_announced(
    github: GithubStandIn, receiver: Receiver
) -> None:
    first = await github.head()
    number = await github.open_pull("topic", "Move NTP", {"configs/edge1.cfg": "hostname x\n"})
    tip = await github.head("topic")
    updated = await github.update_pull(number, {"configs/edge1.cfg": "hostname y\n"}, "Again")
    merged = await github.merge_pull(number)
    reverted = await github.revert(merged)
    assert await github.head() == reverted

    triggers = [event.trigger for event in receiver.events]
    assert [(each.ref, each.sha) for each in triggers if each] == [
        ("pull/1", tip),
        ("pull/1", updated),
        ("branch/main", merged),
        ("pull/1", updated),
        ("branch/main", reverted),
    ]
    assert [(each.event, each.action, each.status) for each in github.deliveries] == [
        ("push", "", 202),
        ("pull_request", "opened", 202),
        ("push", "", 202),
        ("pull_request", "synchronize", 202),
        ("push", "", 202),
        ("pull_request", "closed", 202),
        ("push", "", 202),
    ]
    merge = receiver.payloads[4]
    assert (merge["before"], merge["after"]) == (first, merged)
    assert isinstance(merge["commits"], list)
    assert [each["id"] for each in merge["commits"]] == [tip, updated, merged]
    assert merge["commits"][0]["modified"] == ["configs/edge1.cfg"]
    closed = receiver.payloads[5]
    assert isinstance(closed["pull_request"], dict)
    assert closed["pull_request"]["merged"] is True


async def test_a_revert_brings_the_files_back(github: GithubStandIn) -> None:
    first = await github.head()
    bad = await github.commit({"configs/edge1.cfg": None, "configs/new.cfg": "x\n"}, "Bad")
    back = await github.revert(bad)
    async with api(github) as session:
        trees = []
        for sha in (first, bad, back):
            async with session.get(f"{ROOT}/git/trees/{sha}", params={"recursive": "1"}) as answer:
                trees.append((await answer.json())["tree"])
    assert trees[0] == trees[2] != trees[1]
    assert {each["path"] for each in trees[0] if each["type"] == "blob"} == set(SEED)


async def test_branches_forced_and_deleted(github: GithubStandIn, receiver: Receiver) -> None:
    first = await github.head()
    await github.commit({"configs/edge1.cfg": "x\n"}, "Change")
    await github.force_push(first)
    await github.delete_branch("main")
    assert [event.trigger.sha for event in receiver.events if event.trigger][1:] == [first, None]
    assert receiver.payloads[1]["forced"] is True
    assert receiver.payloads[1]["commits"] == []
    with pytest.raises(InternalFault, match="no branch main"):
        await github.head()


async def test_a_fork_keeps_its_branch_to_itself(github: GithubStandIn, receiver: Receiver) -> None:
    number = await github.open_pull("b", "t", {"x": "y"}, fork="mallory/network-config")
    await github.update_pull(number, {"x": "z"}, "More")
    assert receiver.refs() == ["pull/1", "pull/1"]
    with pytest.raises(InternalFault):
        await github.head("b")
    merged = await github.merge_pull(number)
    assert await github.head() == merged
    await github.close_pull(number)


async def test_webhooks_that_are_lost_or_sent_again(
    github: GithubStandIn, receiver: Receiver
) -> None:
    github.lose_webhooks()
    await github.commit({"x": "1"}, "Lost")
    await github.commit({"x": "2"}, "Silent", webhook=False)
    assert receiver.events == []
    assert [(each.status, each.answer) for each in github.deliveries] == [(0, "lost")]
    guid = github.deliveries[0].guid
    sent = await github.redeliver(guid)
    assert (sent.status, sent.guid) == (202, guid)
    assert receiver.events[0].delivery.guid == guid
    assert (await github.ping()).answer == "ping"


async def test_a_receiver_that_is_down_or_refuses_does_not_stop_a_push(
    github: GithubStandIn,
) -> None:
    github.webhook_secret = "another"
    await github.commit({"x": "1"}, "Refused")
    github.webhook_url = "http://127.0.0.1:1/webhook/github"
    await github.commit({"x": "2"}, "Down")
    github.webhook_url = None
    await github.commit({"x": "3"}, "None")
    assert [each.status for each in github.deliveries] == [401, 0, 0]


async def test_waiting_wakes_for_what_is_waited_for(github: GithubStandIn) -> None:
    sha = await github.head()
    number = await github.open_pull("b", "t", {"x": "y"})
    async with api(github) as session, asyncio.TaskGroup() as tasks:
        final = tasks.create_task(github.wait_status(sha, "catnet/deploy", timeout=5))
        first = tasks.create_task(github.wait_status(sha, "catnet/deploy", timeout=5, final=False))
        comment = tasks.create_task(github.wait_comment(number, containing="plan", timeout=5))
        for state in ("pending", "success"):
            body = {"state": state, "context": "catnet/deploy"}
            async with session.post(f"{ROOT}/statuses/{sha}", json=body) as answer:
                assert answer.status == 201
        async with session.post(
            f"{ROOT}/issues/{number}/comments", json={"body": "the plan"}
        ) as answer:
            assert answer.status == 201
    assert (await final).state == "success"
    assert (await first).state in ("pending", "success")
    assert (await comment).body == "the plan"
    with pytest.raises(TimeoutError, match="no status catnet/plan"):
        await github.wait_status(sha, "catnet/plan", timeout=0.01)
    with pytest.raises(TimeoutError, match="'absent'"):
        await github.wait_comment(number, containing="absent", timeout=0.01)


async def test_it_refuses_what_github_refuses(github: GithubStandIn) -> None:
    sha = await github.head()
    number = await github.open_pull("b", "t", {"x": "y"})
    status, comments = f"{ROOT}/statuses/{sha}", f"{ROOT}/issues/{number}/comments"
    cases: list[tuple[str, object, int, str]] = [
        (status, {"state": "fine"}, 422, "body.state is not one of error"),
        (status, {}, 422, "Invalid request"),
        (status, [], 422, "Invalid request"),
        (status, {"state": "success", "color": "green"}, 422, "Invalid request"),
        (status, {"state": "success", "description": 7}, 422, "body.description is no string"),
        (status, {"state": "success", "description": "x" * 141}, 422, "maximum is 140"),
        (status, {"state": "success", "target_url": "javascript:1"}, 422, "http(s) scheme"),
        (f"{ROOT}/statuses/{'b' * 40}", {"state": "success"}, 422, "No commit found"),
        (comments, {"body": " "}, 422, "can't be blank"),
        (comments, {"body": "x" * 65_537}, 422, "maximum is 65536"),
        (f"{ROOT}/issues/99/comments", {"body": "x"}, 404, "Not Found"),
        ("/repos/acme/other/statuses/x", {"state": "success"}, 404, "Not Found"),
        ("/nowhere", {}, 404, "Not Found"),
    ]
    async with api(github) as session:
        for path, body, expected, words in cases:
            async with session.post(path, json=body) as answer:
                assert (answer.status, words in await answer.text()) == (expected, True), path
        async with session.post(status, data=b"{") as answer:
            assert answer.status == 400
        for query in ("page=one", "sort=random", "colour=red"):
            async with session.get(f"{ROOT}/pulls?{query}") as answer:
                assert answer.status == 422, query
        async with session.get(f"{ROOT}/hooks") as answer:
            assert answer.status == 404
        async with session.get(f"{ROOT}/pulls", json={}) as answer:
            assert "takes no body" in await answer.text()
    async with api(github, token="wrong") as session, session.get(ROOT) as answer:
        assert answer.status == 401
    assert github.posted() == []
    assert github.comments(number) == []
    assert len(github.violations) == 12
    github.violations.clear()
    assert TOKEN not in repr(github.requests)


async def test_statuses_as_github_combines_them(github: GithubStandIn) -> None:
    sha = await github.head()
    async with api(github) as session:

        async def combined() -> str:
            async with session.get(f"{ROOT}/commits/{sha}/status") as answer:
                state: str = (await answer.json())["state"]
                return state

        assert await combined() == "pending"
        for context, state, expected in [
            ("a", "success", "success"),
            ("b", "pending", "pending"),
            ("b", "error", "failure"),
            ("b", "success", "success"),
        ]:
            async with session.post(
                f"{ROOT}/statuses/{sha}", json={"state": state, "context": context}
            ) as answer:
                assert answer.status == 201
            assert await combined() == expected
        async with session.get(f"{ROOT}/commits/{sha}/statuses") as answer:
            assert [each["state"] for each in await answer.json()] == [
                "success",
                "error",
                "pending",
                "success",
            ]
        async with session.get(f"{ROOT}/commits/{sha}") as answer:
            assert (await answer.json())["commit"]["message"] == "First commit"


def shape(value: object, where: str = "") -> dict[str, set[str]]:
    """The JSON types at each path; null fits every type."""
    found: dict[str, set[str]] = {where: {type(value).__name__}}
    inner: list[tuple[str, object]] = []
    if isinstance(value, dict):
        inner = [(f"{where}.{key}", each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{where}[]", each) for each in value]
    for path, each in inner:
        for name, kinds in shape(each, path).items():
            found.setdefault(name, set()).update(kinds)
    return found


@pytest.mark.data
@pytest.mark.skipif(not PAYLOADS.is_dir(), reason=f"no webhook payloads at {PAYLOADS}")
@pytest.mark.parametrize(
    "name, event, action",
    [
        ("generated_two_commits__push", "push", ""),
        ("generated_pr__pull_request_opened", "pull_request", "opened"),
        ("generated_pr_sync__pull_request_synchronize", "pull_request", "synchronize"),
        ("generated_pr_merged__pull_request_closed", "pull_request", "closed"),
        ("ping_repo", "ping", ""),
    ],
)
async def test_payloads_have_what_real_ones_have(
    github: GithubStandIn, name: str, event: str, action: str
) -> None:
    number = await github.open_pull("b", "t", {"x": "y"})
    await github.update_pull(number, {"x": "z"}, "More")
    await github.merge_pull(number)
    await github.ping()
    sent = [each for each in github.deliveries if (each.event, each.action) == (event, action)]
    ours = shape(json.loads(sent[-1].body))
    real = shape(json.loads((PAYLOADS / f"{name}.json").read_bytes()))
    absent = {path for path in real.keys() - ours.keys() if "[]" not in path}
    assert absent <= {".hook.app_id"}, "only hooks of an App have it"
    for path in real.keys() & ours.keys():
        kinds = (real[path] | ours[path]) - {"NoneType"}
        assert len(kinds) <= 1 or path.endswith("_at"), path


async def test_the_users_git_configuration_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[commit]\n\tgpgsign = true\n[user]\n\tname = Me\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    async with hub(tmp_path) as github:
        sha = await github.commit({"x": "y"}, "Change")
        assert len(sha) == 40
    assert not (tmp_path / "elsewhere").exists()
