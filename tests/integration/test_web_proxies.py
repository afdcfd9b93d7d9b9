"""Who asks, behind reverse proxies: believed of those that are trusted, and of nobody else."""

from ipaddress import ip_network

import pytest
import structlog

from tests import helpers_web
from tests.helpers_web import BEARER, Nobody

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/24"))


@pytest.mark.parametrize(
    ("trusted", "said", "seen"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (LOOPBACK, "203.0.113.9", "203.0.113.9"),
        # What stands before the last stranger was written by him.
        (LOOPBACK, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (LOOPBACK, "198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (LOOPBACK, "10.0.0.8, 10.0.0.7", "10.0.0.8"),
        (LOOPBACK, "::ffff:203.0.113.9", "203.0.113.9"),
        (LOOPBACK, "[2001:db8::1]", "2001:db8::1"),
        (LOOPBACK, "unknown", "127.0.0.1"),
        (LOOPBACK, "203.0.113.9, <script>, 10.0.0.7", "10.0.0.7"),
        (LOOPBACK, "", "127.0.0.1"),
        ((ip_network("10.0.0.0/8"),), "203.0.113.9", "127.0.0.1"),
    ],
)
async def test_the_audit_log_has_the_client(
    trusted: tuple[object, ...], said: str, seen: str
) -> None:
    accounts = Nobody()
    async with helpers_web.site(trusted=trusted, accounts=accounts) as site:
        headers = BEARER | {"X-Forwarded-For": said, "X-Forwarded-Proto": "https"}
        body = {"reason": "freeze"}
        async with site.client.post("/api/v1/pause", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
    assert [act.address for act in accounts.done] == [seen]


async def test_how_much_is_logged_can_be_changed() -> None:
    async with helpers_web.site() as site:
        for body, status in (({"level": "debug"}, 200), ({"level": "loud"}, 400), ({}, 400)):
            async with site.client.put("/api/v1/log", json=body, headers=BEARER) as answer:
                assert answer.status == status
        async with site.client.get("/api/v1/log", headers=BEARER) as answer:
            assert await answer.json() == {"level": "debug"}


async def test_what_is_logged_about_a_request_carries_the_id_of_its_answer() -> None:
    async with helpers_web.site() as site:
        with structlog.testing.capture_logs(
            processors=[structlog.contextvars.merge_contextvars]
        ) as logged:
            body = {"reason": "freeze"}
            async with site.client.post("/api/v1/pause", json=body, headers=BEARER) as answer:
                number = answer.headers["X-Request-Id"]
            async with site.client.get("/api/v1/nothing") as lost:
                assert lost.headers["X-Request-Id"] != number
    assert [each["request"] for each in logged if each["event"] == "pushes paused"] == [number]
