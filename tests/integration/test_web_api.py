"""The API and the probes over real HTTP: answers, access, and problems in words."""

import base64
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from catnet_controller.errors import GuardRefused, InternalFault, StoreBusy, StoreFailed
from catnet_controller.models import Mode
from catnet_controller.web import views
from tests import helpers_web
from tests.helpers_web import BEARER, NOW, SHA, TOKEN, Site

READS = [
    "/api/v1/status",
    "/api/v1/devices",
    "/api/v1/devices/edge1",
    "/api/v1/devices/edge1/backups",
    "/api/v1/deployments/history",
    "/api/v1/deployments/41",
]
ACTS = ["/api/v1/gitops/sync", "/api/v1/deployments", "/api/v1/rollback"]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with helpers_web.site(helpers_web.filled()) as made:
        yield made


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}


async def get(site: Site, path: str) -> Any:
    async with site.client.get(path, headers=BEARER) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/json"
        return await answer.json()


async def test_status(site: Site) -> None:
    got = await get(site, "/api/v1/status")
    assert got["version"] == "1.0"
    assert (got["repository"], got["branch"]) == ("acme/network-config", "main")
    assert got["mode"] == "push"
    assert got["ready"] is True
    assert got["devices"]["total"] == 11
    assert got["devices"]["sync"] == {"in-sync": 9, "out-of-sync": 1, "unknown": 1}
    assert got["devices"]["health"]["unreachable"] == 1
    assert got["queue"] == {
        "pending": 2,
        "running": 2,
        "triggers": 0,
        "outbox": 4,
        "outbox_age_seconds": 75.0,
        "given_up": 2,
        "given_up_at": views.when(NOW - 7200),
        "refusal": "GitHub refuses it.",
        "polled_at": views.when(NOW),
    }


async def test_devices(site: Site) -> None:
    devices = (await get(site, "/api/v1/devices"))["devices"]
    assert [each["name"] for each in devices][:3] == ["access1", "branch01", "branch02"]
    edge1 = await get(site, "/api/v1/devices/edge1")
    assert edge1 in devices
    assert edge1["sync"] == "out-of-sync"
    assert edge1["revision"] == SHA
    assert edge1["seen_at"] == "2026-09-21T14:12:38Z"


async def test_history_and_one_deployment(site: Site) -> None:
    history = (await get(site, "/api/v1/deployments/history"))["deployments"]
    assert [each["id"] for each in history] == [42, 41, 40, 39]
    assert history[0]["counts"]["complete"] == 3
    assert "outcome" not in history[1]["jobs"][0]
    assert history[1]["url"] == "https://catnet.example.net/deployments/41"
    assert history[2]["problems"][0]["line"] == 14
    assert len((await get(site, "/api/v1/deployments/history?limit=2"))["deployments"]) == 2
    one = await get(site, "/api/v1/deployments/41")
    jobs = {each["device"]: each for each in one["jobs"]}
    assert jobs["edge1"]["outcome"]["error_code"] == "line-refused"
    assert jobs["edge1"]["outcome"]["restored"] == "restored"
    assert "snmp-server" in jobs["core1"]["outcome"]["diff"]


async def test_the_last_hundred_deployments(site: Site) -> None:
    old = site.store.kept[39]
    site.store.kept |= {number: replace(old, id=number) for number in range(100, 220)}
    found = (await get(site, "/api/v1/deployments/history"))["deployments"]
    assert [each["id"] for each in found] == list(range(219, 119, -1))


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "1.5", "", "٣", "9" * 5000])
async def test_a_limit_that_is_none(site: Site, limit: str) -> None:
    async with site.client.get(
        "/api/v1/deployments/history", params={"limit": limit}, headers=BEARER
    ) as answer:
        assert answer.status == 400
        assert "limit" in (await answer.json())["detail"]


async def test_sync_raises_a_trigger(site: Site) -> None:
    for body, force in ((None, False), ({}, False), ({"force": True}, True)):
        async with (
            site.client.post("/api/v1/gitops/sync", json=body, headers=BEARER)
            if body is not None
            else site.client.post("/api/v1/gitops/sync", headers=BEARER) as answer
        ):
            assert answer.status == 202
            assert await answer.json() == {"ref": "branch/main", "force": force}
        assert site.store.triggers[-1].force is force
        assert site.store.triggers[-1].ref == "branch/main"


async def test_open_a_deployment(site: Site) -> None:
    async with site.client.post(
        "/api/v1/deployments", json={"mode": "check", "devices": ["edge1"]}, headers=BEARER
    ) as answer:
        assert answer.status == 202
        assert answer.headers["Location"] == "/api/v1/deployments/77"
        assert (await answer.json())["id"] == 77
    async with site.client.post(
        "/api/v1/deployments", json={"mode": "dry-run", "devices": None}, headers=BEARER
    ) as answer:
        assert answer.status == 202
    async with site.client.post(
        "/api/v1/deployments", json={"mode": "backup"}, headers=BEARER
    ) as answer:
        assert answer.status == 202
    assert [(mode, names) for mode, names, _ in site.asked] == [
        (Mode.CHECK, ["edge1"]),
        (Mode.DRY_RUN, None),
        (Mode.BACKUP, None),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "push"},
        {"mode": ["check"]},
        {"mode": "check", "devices": []},
        {"mode": "check", "devices": "edge1"},
        {"mode": "check", "devices": [1]},
        {"mode": "check", "more": 1},
        [],
        "text",
    ],
)
async def test_a_body_that_is_none(site: Site, body: object) -> None:
    async with site.client.post("/api/v1/deployments", json=body, headers=BEARER) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == "malformed"
    assert site.asked == []


async def test_bodies_are_bounded_and_declared(site: Site) -> None:
    async with site.client.post(
        "/api/v1/deployments", data=b"x" * 70_000, headers=BEARER
    ) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "too-large"
    form = {"Content-Type": "text/plain"}
    async with site.client.post(
        "/api/v1/deployments", data=b'{"mode": "check"}', headers=BEARER | form
    ) as answer:
        assert answer.status == 415
    deep = b"[" * 60_000
    declared = {"Content-Type": "application/json"}
    async with site.client.post(
        "/api/v1/deployments", data=deep, headers=BEARER | declared
    ) as answer:
        assert answer.status == 400


# --- access --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READS)
async def test_reading_needs_the_token(site: Site, path: str) -> None:
    for headers in (BEARER, basic(TOKEN)):
        async with site.client.get(path, headers=headers) as answer:
            assert answer.status == 200
    wrong = [
        {},
        basic("wrong"),
        basic(""),
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": TOKEN},
    ]
    for headers in wrong:
        async with site.client.get(path, headers=headers) as answer:
            assert answer.status == 401
            assert "Basic" in answer.headers["WWW-Authenticate"]
            assert TOKEN not in await answer.text()


@pytest.mark.parametrize("path", ACTS)
async def test_acting_takes_bearer_only(site: Site, path: str) -> None:
    # A browser that knows the password would send it along for any site that asks.
    for headers in ({}, basic(TOKEN), {"Authorization": "Bearer wrong"}):
        async with site.client.post(path, json={}, headers=headers) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert site.store.triggers == []
    assert site.asked == []


async def test_without_a_token_everything_is_closed_and_says_how_to_open_it() -> None:
    async with helpers_web.site(helpers_web.filled(), token=None) as site:
        for path in READS:
            async with site.client.get(path, headers=BEARER) as answer:
                assert answer.status == 403
                assert "http.token" in await answer.text()
        for path in ACTS:
            async with site.client.post(path, json={}, headers=BEARER) as answer:
                assert answer.status == 403
        for path in ("/healthz", "/readyz", "/metrics"):
            async with site.client.get(path) as answer:
                assert answer.status == 200


# --- problems ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path, status, code",
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/api/v1/devices/nobody", 404, "no-such-device"),
        ("GET", "/api/v1/deployments/999", 404, "no-such-deployment"),
        ("GET", "/api/v1/deployments/" + "9" * 30, 404, "not-found"),
        ("DELETE", "/api/v1/devices", 405, "method-not-allowed"),
        ("GET", "/api/v1/gitops/sync", 405, "method-not-allowed"),
        ("POST", "/", 405, "method-not-allowed"),
        ("GET", "/static/nothing.js", 404, "not-found"),
        ("GET", "/static/..%2fserver.py", 404, "not-found"),
    ],
)
async def test_problem_details(site: Site, method: str, path: str, status: int, code: str) -> None:
    async with site.client.request(method, path, headers=BEARER) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:catnet:problem:{code}"
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert problem["next_step"].endswith(".")


@pytest.mark.parametrize(
    "error, status",
    [
        (GuardRefused("no"), 422),
        (StoreFailed("disk full"), 409),
        (StoreBusy("locked"), 503),
        (InternalFault("impossible"), 500),
    ],
)
async def test_errors_of_the_flow_have_a_status(
    error: GuardRefused | StoreFailed | StoreBusy | InternalFault, status: int
) -> None:
    async def request(*_: object) -> None:
        raise error

    async with (
        helpers_web.site(request=request) as site,
        site.client.post("/api/v1/deployments", json={}, headers=BEARER) as answer,
    ):
        assert answer.status == status
        problem = await answer.json(content_type=None)
        assert problem["code"] == error.code
        assert problem["next_step"] == error.next_step


async def test_a_defect_shows_no_trace() -> None:
    async def request(*_: object) -> None:
        raise RuntimeError("the inside of the server")

    async with (
        helpers_web.site(request=request) as site,
        site.client.post("/api/v1/deployments", json={}, headers=BEARER) as answer,
    ):
        assert answer.status == 500
        text = await answer.text()
        assert "incident" in text
        for inside in ("RuntimeError", "the inside", "Traceback", ".py"):
            assert inside not in text


async def test_a_store_that_fails_is_a_page_too(site: Site) -> None:
    site.store.failing = StoreFailed("the disk is full")
    async with site.client.get("/", headers=BEARER) as answer:
        assert answer.status == 409
        assert answer.content_type == "text/html"
        assert "the disk is full" in await answer.text()


# --- probes and headers --------------------------------------------------------------------------


async def test_probes(site: Site) -> None:
    async with site.client.get("/healthz") as answer:
        assert answer.status == 200
    async with site.client.get("/readyz") as answer:
        assert answer.status == 200
    site.reasons["github"] = "the token is refused"
    async with site.client.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["reasons"] == {"github": "the token is refused"}
    site.reasons.clear()
    site.held_up["pull/7"] = "a member cannot be looked up"
    async with site.client.get("/readyz") as answer:
        assert answer.status == 200, "one pull request is not the daemon"
    got = await get(site, "/api/v1/status")
    assert (got["ready"], got["held_up"]) == (True, site.held_up)
    async with site.client.get("/healthz") as answer:
        assert answer.status == 200


async def test_metrics(site: Site) -> None:
    async with site.client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "catnet_deploy_total" in await answer.text()


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/healthz", "/nothing", "/api/v1/nothing"])
async def test_security_headers(site: Site, path: str) -> None:
    async with site.client.get(path, headers=BEARER) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "catnet"


async def test_bytes_that_are_no_http(site: Site) -> None:
    url = f"http://{site.client.host}:{site.client.port}/%00%ff"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 404


# --- rollback ------------------------------------------------------------------------------------


async def test_a_rollback_is_asked_for(site: Site) -> None:
    text = "hostname edge1\n" + "! filler\n" * 20_000 + "end\n"  # larger than other bodies may be
    body = {"device": "edge1", "text": text, "file": "x.cfg", "by": "ada", "dry_run": False}
    async with site.client.post("/api/v1/rollback", json=body, headers=BEARER) as answer:
        assert answer.status == 202, await answer.text()
        assert answer.headers["Location"] == "/api/v1/deployments/78"
        assert (await answer.json())["dry_run"] is False
    [wish] = site.wishes
    assert (wish.device, wish.text, wish.by, wish.dry_run) == ("edge1", text, "ada", False)
    assert "filler" not in repr(wish)
    async with site.client.post(
        "/api/v1/rollback", json={"device": "edge1"}, headers=BEARER
    ) as answer:
        assert answer.status == 202
    assert site.wishes[-1].dry_run
    assert site.wishes[-1].by == "api"


@pytest.mark.parametrize(
    "body, status, code",
    [
        ({}, 400, "malformed"),
        ({"device": 7}, 400, "malformed"),
        ({"device": "edge1", "backup": "x", "revision": "y"}, 400, "malformed"),
        ({"device": "edge1", "dry_run": "no"}, 400, "malformed"),
        ({"device": "edge1", "by": "a\nb"}, 400, "malformed"),
        ({"device": "edge1", "color": "red"}, 400, "malformed"),
        ({"device": "nobody"}, 404, "no-such-device"),
    ],
)
async def test_a_rollback_that_is_no_wish(
    site: Site, body: dict[str, object], status: int, code: str
) -> None:
    async with site.client.post("/api/v1/rollback", json=body, headers=BEARER) as answer:
        assert answer.status == status
        problem = await answer.json()
    assert problem["code"] == code
    assert problem["next_step"]
    assert site.wishes == []


async def test_a_rollback_with_too_large_a_file(site: Site) -> None:
    data = io.BytesIO(json.dumps({"device": "edge1", "text": "x" * 5_000_000}).encode())
    headers = {**BEARER, "Content-Type": "application/json"}
    async with site.client.post("/api/v1/rollback", data=data, headers=headers) as answer:
        assert answer.status == 413
        assert (await answer.json())["code"] == "too-large"
    assert site.wishes == []


async def test_a_rollback_needs_the_token(site: Site) -> None:
    async with site.client.post("/api/v1/rollback", json={"device": "edge1"}) as answer:
        assert answer.status == 401


async def test_backups_of_a_device(site: Site) -> None:
    assert await get(site, "/api/v1/devices/edge1/backups") == {"backups": []}
