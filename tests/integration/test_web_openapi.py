"""The OpenAPI document: it is valid, says of every route what there is, and the server keeps to it.

schemathesis asks what the document allows and what it forbids, of the server as it runs.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from catnet_controller.models import Role
from catnet_controller.web import calls, openapi, roles, shapes
from tests import helpers_web
from tests.helpers_store import ManualClock, opened
from tests.helpers_web import TOKEN, Site, quick

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = ManualClock()
    with quick() as passwords:
        async with (
            opened(tmp_path / "state", clock) as store,
            helpers_web.site(
                helpers_web.filled(), accounts=store, passwords=passwords, clock=clock
            ) as made,
        ):
            yield made


def documented() -> dict[str, Any]:
    return openapi.document(version="1.0", url="https://catnet.example.net")


def test_the_document_is_valid_openapi() -> None:
    validate(documented())
    ids = [it["operationId"] for path in documented()["paths"].values() for it in path.values()]
    assert len(set(ids)) == len(ids)


def test_every_route_of_the_api_has_a_call_and_a_role_and_every_call_is_a_route() -> None:
    said = {key for key in roles.NEEDED if key[1].startswith("/api/v1/")}
    assert set(calls.CALLS) == said
    for (method, path), call in calls.CALLS.items():
        assert set(call.path) == {part[1:-1] for part in path.split("/") if part[:1] == "{"}
        acts = method != "GET" and roles.NEEDED[method, path] is not None
        assert (call.body is not None) == (method in ("POST", "PATCH", "PUT")), path
        assert acts or method == "GET" or path.endswith("/login")


async def test_it_is_served_to_anybody(site: Site) -> None:
    async with site.client.get("/api/v1/openapi.json") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == documented()


async def test_the_running_server_keeps_to_it(site: Site, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"http://127.0.0.1:{site.client.port}/api/v1/openapi.json",
        *("--url", f"http://127.0.0.1:{site.client.port}"),
        *("--header", f"Authorization: Bearer {TOKEN}"),
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "3"),
        *("--generation-deterministic", "--no-shrink"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        *("--max-failures", "20", "--continue-on-failure"),
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "", "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


# --- the little language of shapes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (shapes.text(r"[a-z]+", most=3), "abc", "abcd"),
        (shapes.text(r"[a-z]+"), "abc", "abc\n"),
        (shapes.text(least=2), "ab", "a"),
        (shapes.word(*Role), "admin", "root"),
        (shapes.maybe(shapes.word("a")), None, "b"),
        (shapes.number(1, 5), 5, 6),
        (shapes.number(1, 5), 1, True),
        (shapes.number(), -3, 1.0),
        ({"type": "number"}, 1.5, "1"),
        ({"type": "boolean"}, False, 0),
        (shapes.several(shapes.number(), least=1, most=2), [1], []),
        (shapes.several(shapes.number()), [1], ["1"]),
        (shapes.record({"a": shapes.number()}), {"a": 1}, {}),
        (shapes.record({}, {"a": shapes.number()}), {}, {"b": 1}),
        (shapes.table(shapes.number()), {"x": 1}, {"x": "y"}),
        (shapes.maybe({"$ref": "#/components/schemas/It"}), {"a": 1}, {"a": None}),
        ({}, object(), None),
    ],
)
def test_a_value_fits_its_shape_or_it_is_said_why(
    shape: shapes.Shape, good: object, bad: object
) -> None:
    known = {"It": shapes.record({"a": shapes.number()})}
    assert shapes.wrong(shape, good, known) is None
    if shape:
        assert shapes.wrong(shape, bad, known, "it") is not None


async def test_half_a_character_is_no_fault(site: Site) -> None:
    data = rb'{"device": "\ud800", "by": "x"}'
    headers = helpers_web.BEARER | {"Content-Type": "application/json"}
    async with site.client.post("/api/v1/rollback", data=data, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "no-such-device")
    async with site.client.post("/api/v1/pause", data=b'{"reason": NaN}', headers=headers) as it:
        assert it.status == 400
