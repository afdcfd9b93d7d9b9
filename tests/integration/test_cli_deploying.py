"""`catnet deploy`, `deployment`, `pause` and `resume`, and what of the API is behind them."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.models import Mode, Pause, State
from tests import helpers_web
from tests.helpers_web import BEARER, NOW, SHA, TOKEN, Site
from tests.integration.test_cli_commands import Ended, run, settings

ENVIRON = {"CATNET_HTTP_TOKEN": TOKEN}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = helpers_web.filled()
    # What is asked for has ended at once.
    store.kept[77] = replace(store.kept[39], id=77, mode=Mode.PUSH, cause="user ada")
    store.kept[78] = replace(store.kept[41], id=78)
    async with helpers_web.site(store) as made:
        assert made.client.port is not None
        settings(tmp_path, made.client.port)
        yield made


async def catnet(folder: Path, *arguments: str) -> Ended:
    return await run(*arguments, cwd=folder, environ=ENVIRON | {"USER": "ada", "LOGNAME": "ada"})


async def test_deploy_from_the_branch(site: Site, tmp_path: Path) -> None:
    ended = await catnet(tmp_path, "deploy", "--device", "core1", "--device", "core1")
    assert (ended.code, ended.err) == (0, "")
    assert "core1  complete" in ended.out
    ended = await catnet(
        tmp_path, "deploy", "--device", "core1", "--no-dry-run", "--verify", "--json"
    )
    assert json.loads(ended.out)["id"] == 77
    assert site.asked == [
        (Mode.DRY_RUN, ["core1"], "user ada"),
        (Mode.PUSH, ["core1"], "user ada"),
    ]


async def test_deploy_from_a_file(site: Site, tmp_path: Path) -> None:
    (tmp_path / "core1.cfg").write_text("hostname core1\nend\n")
    ended = await catnet(
        tmp_path, "deploy", "--device", "core1", "--source", "file", "--config", "core1.cfg"
    )
    assert ended.code == 1, "what is shown has failed"
    assert "1 of 3 failed" in ended.out
    assert "overlaps" in ended.out
    assert "next: Correct the named line" in ended.out
    [wish] = site.wishes
    assert (wish.device, wish.text, wish.file) == ("core1", "hostname core1\nend\n", "core1.cfg")
    assert wish.dry_run
    ended = await catnet(tmp_path, "deploy", "--device", "core1", "--source", "file")
    assert (ended.code, "go together" in ended.err) == (2, True)


async def test_deployments(site: Site, tmp_path: Path) -> None:
    ended = await catnet(tmp_path, "deployment", "list", "--json")
    assert [each["id"] for each in json.loads(ended.out)] == [42]
    ended = await catnet(tmp_path, "deployment", "history", "--device", "edge1")
    assert "#41" in ended.out
    assert "#42" not in ended.out
    ended = await catnet(tmp_path, "deployment", "show", "41")
    assert ended.code == 1
    for words in ("edge1  failed", "+ neighbor 192.0.2.9 remote-as 64501", "#41 failed"):
        assert words in ended.out
    ended = await catnet(tmp_path, "deployment", "show", "5")
    assert (ended.code, "There is no deployment 5" in ended.err) == (1, True)
    ended = await catnet(tmp_path, "deployment", "watch", "39")
    assert (ended.code, "core1  complete" in ended.out) == (0, True)
    ended = await catnet(tmp_path, "deployment", "cancel", "42")
    assert ended.out == "deployment 42: cancelled by ada\n"
    assert "past the point of cancelling: branch05, branch06" in ended.err
    assert site.store.kept[42].state is State.CANCELLED
    ended = await catnet(tmp_path, "deployment", "cancel", "42")
    assert (ended.code, "next: " in ended.err) == (1, True)


async def test_pause_and_resume(site: Site, tmp_path: Path) -> None:
    ended = await catnet(tmp_path, "pause", "--reason", "change freeze")
    assert (ended.code, "catnet resume" in ended.out) == (0, True)
    assert site.store.held == Pause(by="ada", reason="change freeze", since=NOW)
    assert "pushes are paused by ada" in (await catnet(tmp_path, "status")).out
    async with site.client.get("/", headers=BEARER) as page:
        assert "<strong>Pushes are paused</strong> by ada" in await page.text()
    ended = await catnet(tmp_path, "resume")
    assert ended.out == "pushes go on (paused by ada: change freeze)\n"
    assert (await catnet(tmp_path, "resume")).err == "nothing was paused\n"


async def test_the_repository(site: Site, tmp_path: Path) -> None:
    ended = await catnet(tmp_path, "gitops", "list-configs")
    assert ended.out.split() == ["512", "configs/edge1.cfg", "99", "inventory.yaml"]
    ended = await catnet(tmp_path, "gitops", "show", "configs/edge1.cfg")
    assert (ended.code, ended.out) == (0, "hostname edge1\n")
    ended = await catnet(tmp_path, "gitops", "show", "configs/none.cfg")
    assert (ended.code, "list-configs" in ended.err) == (1, True)
    ended = await catnet(tmp_path, "gitops", "sync", "--force", "--json")
    assert json.loads(ended.out) == {"ref": "branch/main", "force": True}
    assert len(site.store.triggers) == 1
    async with site.client.post("/api/v1/gitops/connect", headers=BEARER) as answer:
        assert (await answer.json())["head"] == SHA
    async with site.client.get("/api/v1/gitops/configs/../x", headers=BEARER) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "path, body, status, code",
    [
        ("gitops/connect", {"repository": "other/one"}, 409, "other-repository"),
        ("pause", {}, 400, "malformed"),
        ("pause", {"reason": " "}, 400, "malformed"),
        ("pause", {"reason": "x" * 201}, 400, "malformed"),
        ("pause", {"reason": "x", "by": "a b"}, 400, "malformed"),
        ("resume", {"reason": "x"}, 400, "malformed"),
        ("deployments/5/cancel", {}, 404, "no-such-deployment"),
        ("deployments/41/cancel", {}, 409, "cancel-refused"),
        ("deployments", {"mode": "push"}, 400, "malformed"),
        ("deployments", {"mode": "rollback"}, 400, "malformed"),
    ],
)
async def test_what_the_api_refuses(
    site: Site, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    url = f"/api/v1/{path}"
    async with site.client.post(url, headers=BEARER, json=body) as answer:
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (status, code), problem
        assert problem["next_step"]
    async with site.client.post(url, json=body) as answer:
        assert answer.status == 401
    assert not site.asked
    assert site.store.held is None
