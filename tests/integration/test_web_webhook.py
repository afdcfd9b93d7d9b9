"""The webhook over real HTTP: what is taken, what is refused, and what a stranger can cost."""

import asyncio
import hashlib
import hmac
import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from ipaddress import ip_network
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from catnet_controller.errors import StoreBusy, StoreFailed
from catnet_controller.web import webhook
from tests import helpers_web
from tests.helpers_web import SHA, WEBHOOK_SECRET, Site

PUSH = {
    "ref": "refs/heads/main",
    "after": SHA,
    "deleted": False,
    "repository": {"full_name": "acme/network-config"},
}


Make = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture(params=[helpers_web.site, helpers_web.webhook_alone], ids=["beside", "alone"])
def make(request: pytest.FixtureRequest) -> Make:
    """Beside API and pages, and at a port of its own."""
    made: Make = request.param
    return made


@pytest.fixture
async def site(make: Make) -> AsyncIterator[Site]:
    async with make() as made:
        yield made


def signed(body: bytes, *, secret: bytes = WEBHOOK_SECRET, event: str = "push") -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }


async def deliver(
    site: Site, body: bytes, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    async with site.client.post(
        "/webhook/github", data=body, headers=signed(body) if headers is None else headers
    ) as answer:
        return answer.status, await answer.json(content_type=None)


def counted(site: Site, event: str, result: str) -> float:
    for family in text_string_to_metric_families(site.metrics.render()[0].decode()):
        for sample in family.samples:
            if sample.name == "catnet_webhook_deliveries_total" and sample.labels == {
                "event": event,
                "result": result,
            }:
                return sample.value
    raise AssertionError("no such series")


async def test_a_push_raises_a_trigger(site: Site) -> None:
    status, answer = await deliver(site, json.dumps(PUSH).encode())
    assert status == 202
    assert answer["result"] == "accepted"
    [trigger] = site.store.triggers
    assert (trigger.ref, trigger.sha) == ("branch/main", SHA)
    [delivery] = site.store.deliveries
    assert delivery.guid == "0b989ba4-242f-11e5-81e1-c7b6966d2516"
    assert delivery.received_at == helpers_web.NOW
    assert counted(site, "push", "accepted") == 1


async def test_what_is_not_for_us_is_recorded_and_ignored(site: Site) -> None:
    body = json.dumps(PUSH | {"ref": "refs/heads/other"}).encode()
    status, answer = await deliver(site, body)
    assert (status, answer["result"]) == (202, "ignored")
    assert site.store.triggers == []
    assert len(site.store.deliveries) == 1


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 64,
        "sha256=" + "é" * 64,
        "sha256=" + "0" * 63 + "g",
        hmac.new(b"another secret", json.dumps(PUSH).encode(), hashlib.sha256).hexdigest(),
    ],
)
async def test_a_wrong_signature_is_refused(site: Site, signature: str | None) -> None:
    body = json.dumps(PUSH).encode()
    headers = signed(body)
    del headers["X-Hub-Signature-256"]
    if signature is not None:
        headers["X-Hub-Signature-256"] = signature
    status, problem = await deliver(site, body, headers)
    assert status == 401
    assert problem["code"] == "bad-signature"
    assert "webhook_secrets" in problem["next_step"]
    assert site.store.deliveries == []
    assert counted(site, "other", "forged") == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b'{"ref": 1}', b"payload=%7B%7D"])
async def test_a_malformed_body_is_the_senders_fault(site: Site, body: bytes) -> None:
    status, problem = await deliver(site, body)
    assert 400 <= status < 500
    assert problem["code"] == "delivery-refused"
    assert site.store.triggers == []


async def test_missing_headers_are_the_senders_fault(site: Site) -> None:
    body = json.dumps(PUSH).encode()
    for name in ("X-GitHub-Event", "X-GitHub-Delivery"):
        headers = signed(body)
        del headers[name]
        assert (await deliver(site, body, headers))[0] == 400


async def test_too_large_by_its_own_word_is_not_read(make: Make) -> None:
    async with make(max_bytes=2048) as site:
        reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
        head = "POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n"
        writer.write(f"{head}X-Hub-Signature-256: sha256={'0' * 64}\r\n\r\n".encode())
        # Not a byte of the body is sent, and the answer comes all the same.
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 413 " in answer.splitlines()[0]
        writer.close()
        await writer.wait_closed()


async def test_too_large_in_chunks_is_stopped_on_the_way(make: Make) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 1024

    async with make(max_bytes=2048) as site:
        headers = signed(b"")
        async with site.client.post("/webhook/github", data=chunks(), headers=headers) as answer:
            assert answer.status == 413
            assert (await answer.json(content_type=None))["code"] == "too-large"
        assert site.store.deliveries == []


async def test_a_compressed_body_is_counted_as_it_unfolds(make: Make) -> None:
    body = zlib.compress(b"\0" * 50_000_000)
    async with make() as site:
        status, problem = await deliver(site, body, signed(body) | {"Content-Encoding": "deflate"})
        assert (status, problem["code"]) == (413, "too-large")


async def test_memory_is_bounded_over_all_senders(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_BUDGET_BYTES", 10)
    body = json.dumps(PUSH).encode()
    reader, writer = await _open(site, _head(body, len(body)))
    writer.write(body[:-1])
    answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    assert " 429 " in answer.splitlines()[0]
    assert "Retry-After: 5\r\n" in answer
    await _closed(writer)
    # What came as a whole takes no room for long, and what was held is given back.
    assert (await deliver(site, body))[0] == 202
    monkeypatch.undo()
    assert (await deliver(site, body))[0] == 202


async def test_who_holds_most_for_longest_gives_way(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_BUDGET_BYTES", 100_000)
    greedy, stranger = await _open(site, _head(b"", 99_000) + b"x" * 90_000)
    body = json.dumps(PUSH | {"more": "x" * 30_000}).encode()
    reader, writer = await _open(site, _head(body, len(body)) + body[:20_000])
    assert b" 408 " in (await _status(greedy))
    writer.write(body[20_000:])
    assert b" 202 " in await _status(reader)
    for each in (stranger, writer):
        await _closed(each)


async def test_one_that_has_just_begun_is_not_the_slowest(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_MOST_READERS", 4)
    body = json.dumps(PUSH).encode()
    slow = _head(b"", 9) + b"x"
    strangers = [await _open(site, slow) for _ in range(4)]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        dropped = [group.create_task(_status(each)) for each, _ in strangers]
        reader, writer = await _open(site, _head(body, len(body)))
        await asyncio.wait(dropped, return_when=asyncio.FIRST_COMPLETED)
        strangers.append(await _open(site, slow))
        while sum(each.done() for each in dropped) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for each in dropped:
            each.cancel()
    writer.write(body)
    assert b" 202 " in await _status(reader)
    for _, stranger in [*strangers, (reader, writer)]:
        await _closed(stranger)


async def test_the_crowd_of_one_client_gives_way_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "_MOST_READERS", 4)
    body = json.dumps(PUSH).encode()
    async with helpers_web.webhook_alone(trusted=[ip_network("127.0.0.0/8")]) as site:
        reader, writer = await _open(site, _head(body, len(body), client="192.0.2.1"))
        slow = _head(b"", 9, client="198.51.100.1") + b"x"
        strangers = [await _open(site, slow) for _ in range(6)]
        assert b" 408 " in await _status(strangers[0][0])
        writer.write(body)
        assert b" 202 " in await _status(reader)
        for _, each in [*strangers, (reader, writer)]:
            await _closed(each)


async def test_the_slow_give_way_and_keep_nobody_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_MOST_READERS", 8)
    body = json.dumps(PUSH | {"more": "x" * 500_000}).encode()
    reader, writer = await _open(site, _head(body, len(body)) + body[:100_000])
    strangers = [await _open(site, _head(b"", 9) + b"x") for _ in range(30)]
    assert b" 408 " in await _status(strangers[0][0])
    assert (await deliver(site, json.dumps(PUSH).encode()))[0] == 202
    writer.write(body[100_000:])
    assert b" 202 " in await _status(reader)
    for _, each in [*strangers, (reader, writer)]:
        await _closed(each)


def _head(body: bytes, length: int, *, client: str = "") -> bytes:
    """The headers of a delivery with the signature of ``body``."""
    headers = signed(body) | {"Host": "x", "Content-Length": str(length)}
    if client:
        headers["X-Forwarded-For"] = client
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /webhook/github HTTP/1.1\r\n{lines}\r\n".encode()


async def _status(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return (await reader.readuntil(b"\r\n\r\n")).splitlines()[0]


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _open(site: Site, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
    writer.write(data)
    await writer.drain()
    return reader, writer


async def test_broken_chunks_are_the_senders_fault(site: Site) -> None:
    reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
    head = "POST /webhook/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    writer.write(f"{head}X-Hub-Signature-256: sha256={'0' * 64}\r\n\r\nZZ\r\n".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 400 " in answer.splitlines()[0]
    writer.close()
    await writer.wait_closed()


async def test_chunks_are_fine_otherwise(site: Site) -> None:
    body = json.dumps(PUSH).encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    async with site.client.post("/webhook/github", data=chunks(), headers=signed(body)) as answer:
        assert answer.status == 202


async def test_a_slow_sender_is_cut_off(make: Make) -> None:
    async with make(read_seconds=0.05) as site:
        reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
        head = "POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        writer.write(f"{head}X-Hub-Signature-256: sha256={'0' * 64}\r\n\r\n{{".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 408 " in answer.splitlines()[0]
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("error", [StoreBusy("locked"), StoreFailed("disk full")])
async def test_a_store_that_fails_asks_to_deliver_again(
    site: Site, error: StoreBusy | StoreFailed
) -> None:
    site.store.failing = error
    body = json.dumps(PUSH).encode()
    async with site.client.post("/webhook/github", data=body, headers=signed(body)) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert (await answer.json(content_type=None))["code"] == error.code
    assert counted(site, "push", "failed") == 1


async def test_without_a_secret_the_webhook_is_closed(make: Make) -> None:
    async with make(verify=None) as site:
        body = json.dumps(PUSH).encode()
        status, problem = await deliver(site, body)
        assert (status, problem["code"]) == (403, "webhook-not-set")
        assert "github.webhook_secrets" in problem["next_step"]


async def test_a_storm_of_forged_deliveries_does_not_stop_a_true_one(site: Site) -> None:
    true = json.dumps(PUSH).encode()
    statuses: list[int] = []

    async def storm() -> None:
        for _ in range(20):
            status, _ = await deliver(site, b"x" * 10_000, signed(b"another"))
            statuses.append(status)

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(storm())
        accepted = group.create_task(deliver(site, true))
    assert statuses == [401] * 200
    assert accepted.result()[0] == 202
    assert len(site.store.deliveries) == 1


async def test_get_is_not_allowed(site: Site) -> None:
    async with site.client.get("/webhook/github") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert (await answer.json(content_type=None))["code"] == "method-not-allowed"


async def test_what_else_is_asked_of_the_port_of_webhooks() -> None:
    async with helpers_web.webhook_alone() as site:
        for path in ("/", "/api/v1/status", "/webhook/github/x", "/metrics"):
            async with site.client.post(path, data=b"") as answer:
                assert answer.status == 404
                assert (await answer.json(content_type=None))["code"] == "not-found"


async def test_a_defect_is_told_by_its_number_only(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], make: Make
) -> None:
    def broken(body: bytes, signature: str | None) -> bool:
        raise ZeroDivisionError("in the dark")

    async with make(verify=broken) as site:
        status, problem = await deliver(site, json.dumps(PUSH).encode())
    assert (status, problem["code"]) == (500, "internal-fault")
    assert "dark" not in json.dumps(problem)
    number = problem["next_step"].split()[3]
    assert number in capsys.readouterr().out + caplog.text


async def test_webhooks_taken_elsewhere_say_so() -> None:
    told: list[str] = []

    class Told:
        async def record(self, arrived: object, /) -> None:
            raise AssertionError

        def refuse(self, result: str, *, detail: str, peer: str | None) -> None:
            told.append(f"{result}: {detail} ({peer})")

    async with helpers_web.site(webhook=webhook.elsewhere(Told())) as site:
        status, problem = await deliver(site, json.dumps(PUSH).encode())
        assert (status, problem["code"]) == (404, "webhook-elsewhere")
        assert "http.webhook_listen" in problem["next_step"]
        assert site.store.deliveries == []
    assert told == [
        "refused: a delivery to http.listen: webhooks are taken at http.webhook_listen (127.0.0.1)"
    ]
