"""`catnet device` and the API behind it, from a machine that has no settings: only --url."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import helpers_web
from tests.helpers_web import BEARER, TOKEN, Site
from tests.integration.test_cli_commands import Ended, run


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with helpers_web.site(helpers_web.filled()) as made:
        yield made


async def catnet(site: Site, folder: Path, *arguments: str) -> Ended:
    environ = {"CATNET_HTTP_TOKEN": TOKEN, "XDG_STATE_HOME": str(folder)}
    url = f"http://127.0.0.1:{site.client.port}"
    return await run("device", *arguments, "--url", url, cwd=folder, environ=environ)


async def test_device_added_by_post_appears_in_catnet_device_list(
    site: Site, tmp_path: Path
) -> None:
    words = {"name": "lab1", "host": "198.51.100.7", "site": "paris", "groups": ["lab"]}
    more = {"port": 2222, "platform": "iosxe", "username": "ops", "credential": "lab"}
    async with site.client.post("/api/v1/devices", json=words | more, headers=BEARER) as answer:
        assert answer.status == 201
        assert answer.headers["Location"] == "/api/v1/devices/lab1"
        made = await answer.json()
    assert {key: made[key] for key in words | more} == words | more
    assert (made["id"], made["owner"], made["managed"]) == ("lab1", "catnet", False)

    ended = await catnet(site, tmp_path, "list", "--group", "lab")
    assert (ended.code, ended.err) == (0, "")
    assert "lab1" in ended.out
    assert "unmanaged" in ended.out
    assert "edge1" not in ended.out
    listed = json.loads((await catnet(site, tmp_path, "list", "--json")).out)
    assert [each["name"] for each in listed if each["owner"] == "catnet"] == ["lab1"]
    assert len(listed) == 12


async def test_added_shown_and_removed_by_the_cli(site: Site, tmp_path: Path) -> None:
    ended = await catnet(site, tmp_path, "add", "lab1", "--host", "[2001:db8::7]:2022")
    assert (ended.code, ended.out) == (0, "lab1 is added (2001:db8::7 port 2022)\n")
    assert "there is no configs/added/lab1.cfg" in ended.err
    ended = await catnet(site, tmp_path, "show", "lab1")
    assert "2001:db8::7" in ended.out
    ended = await catnet(site, tmp_path, "add", "lab1", "--host", "192.0.2.9")
    assert (ended.code, "there is a device lab1 already" in ended.err) == (1, True)
    ended = await catnet(site, tmp_path, "remove", "edge1")
    assert ended.code == 1
    assert "edge1 is declared in inventory.yaml of acme/network-config" in ended.err
    assert "next: Change `devices.edge1` of inventory.yaml there" in ended.err
    ended = await catnet(site, tmp_path, "remove", "lab1", "--json")
    assert json.loads(ended.out) == {"name": "lab1"}
    ended = await catnet(site, tmp_path, "show", "lab1")
    assert (ended.code, "no device 'lab1'" in ended.err) == (1, True)


async def test_how_it_differs(site: Site, tmp_path: Path) -> None:
    ended = await catnet(site, tmp_path, "show", "core1", "--diff", "--json")
    assert json.loads(ended.out)["deployment"] is None
    ended = await catnet(site, tmp_path, "show", "core1", "--diff")
    assert "has not been compared" in ended.err


async def test_lists_come_in_pages(site: Site) -> None:
    async def get(path: str) -> tuple[dict[str, object], str | None]:
        async with site.client.get(path, headers=BEARER) as answer:
            assert answer.status == 200, await answer.text()
            link = answer.headers.get("Link")
            body = await answer.json()
            assert (link is None) == (body["next"] is None)
            return body, body["next"]

    for path, key, names in (
        ("/api/v1/devices?limit=4&site=paris", "devices", "name"),
        ("/api/v1/deployments?limit=3", "deployments", "id"),
    ):
        whole, _ = await get(path.replace("limit=4&", "").replace("limit=3", ""))
        found: list[object] = []
        following: str | None = path
        while following is not None:
            page, following = await get(following)
            entries = page[key]
            assert isinstance(entries, list)
            assert 0 < len(entries) <= 4
            found += entries
        assert found == whole[key]
        assert len({each[names] for each in found if isinstance(each, dict)}) == len(found)
    body, _ = await get("/api/v1/deployments?mode=push&state=failed&device=edge1")
    assert [each["id"] for each in body["deployments"]] == [41]  # type: ignore[attr-defined]
    for wrong in ("limit=0", "limit=1001", "sync=x", "group=%20", "limit=1&limit=2", "after="):
        async with site.client.get(f"/api/v1/devices?{wrong}", headers=BEARER) as answer:
            assert answer.status == 400, wrong
