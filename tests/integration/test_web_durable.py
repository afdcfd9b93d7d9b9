"""The whole way of a delivery over HTTP into the real store, with payloads that GitHub sent."""

import asyncio
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.store.store import Store
from tests import helpers_web
from tests.helpers_web import BEARER, SHA, WEBHOOK_SECRET

SHARED = Path(os.environ.get("CATNET_SHARED") or Path(__file__).parents[2].parent / "shared")
PAYLOADS = sorted((SHARED / "data" / "webhooks").glob("*.json"))


def headers(body: bytes, event: str, guid: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256="
        + hmac.new(WEBHOOK_SECRET, body, hashlib.sha256).hexdigest(),
    }


async def test_accepted_means_stored(tmp_path: Path) -> None:
    body = json.dumps(
        {
            "ref": "refs/heads/main",
            "after": SHA,
            "repository": {"full_name": "acme/network-config"},
        }
    ).encode()
    clock = helpers_web.StillClock()
    async with (
        await Store.at(tmp_path / "state", clock=clock, worker="test") as store,
        helpers_web.site(
            triggers=store, deployments=store, states=store, meter=store, clock=clock
        ) as site,
    ):

        async def deliver(number: int) -> int:
            async with site.client.post(
                "/webhook/github", data=body, headers=headers(body, "push", f"guid-{number}")
            ) as answer:
                return answer.status

        # A burst, doubled deliveries included, wakes the branch once and records each.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(deliver(number // 2)) for number in range(40)]
        assert {task.result() for task in tasks} == {202}
        trigger = await store.next_trigger()
        assert trigger is not None
        assert (trigger.ref, trigger.sha) == ("branch/main", SHA)
        await store.settle(trigger)
        assert await store.next_trigger() is None
        assert {each.guid for each in await store.deliveries()} == {
            f"guid-{number}" for number in range(20)
        }
        for path in ("/", "/api/v1/status", "/api/v1/devices", "/api/v1/deployments/history"):
            async with site.client.get(path, headers=BEARER) as answer:
                assert answer.status == 200


async def test_a_store_that_was_closed_is_no_defect(tmp_path: Path) -> None:
    clock = helpers_web.StillClock()
    store = await Store.at(tmp_path / "state", clock=clock, worker="test")
    await store.close()
    async with helpers_web.site(triggers=store, states=store, clock=clock) as site:
        body = b'{"zen": "x", "hook": {}}'
        async with site.client.post(
            "/webhook/github", data=body, headers=headers(body, "ping", "guid-1")
        ) as answer:
            assert answer.status == 503


@pytest.mark.data
@pytest.mark.skipif(not PAYLOADS, reason=f"no webhook payloads in {SHARED}")
async def test_no_real_payload_is_a_server_error(tmp_path: Path) -> None:
    clock = helpers_web.StillClock()
    seen: dict[str, int] = {}
    async with (
        await Store.at(tmp_path / "state", clock=clock, worker="test") as store,
        helpers_web.site(triggers=store, clock=clock) as site,
    ):
        for number, path in enumerate(PAYLOADS):
            body = path.read_bytes()
            payload = json.loads(body)
            if "pusher" in payload:
                event = "push"
            elif "pull_request" in payload and "review" not in payload:
                event = "pull_request"
            else:
                event = "ping" if "zen" in payload else "check_run"
            async with site.client.post(
                "/webhook/github", data=body, headers=headers(body, event, f"guid-{number}")
            ) as answer:
                said: dict[str, Any] = await answer.json(content_type=None)
                assert answer.status in (202, 400, 415), (path.name, said)
                word = said.get("result", "refused")
                assert said.get("reason") or said["detail"]
                seen[word] = seen.get(word, 0) + 1
    assert seen["ignored"] > 0
    assert seen["accepted"] > 0
