"""The pages over real HTTP: what a person finds, that nothing is unescaped or loaded from afar."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from catnet_controller.models import DeviceState
from tests import helpers_web
from tests.helpers_web import BEARER, TOKEN, Memory, Site

PAGES = ["/", "/deployments/41", "/deployments/40", "/deployments/42", "/devices/edge1"]


class Tree(HTMLParser):
    """The elements of a page; every one that is opened must be closed."""

    VOID = frozenset({"meta", "link", "input", "img", "br", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with helpers_web.site(helpers_web.filled()) as made:
        yield made


async def page(site: Site, path: str, *, status: int = 200) -> str:
    async with site.client.get(path, headers=BEARER) as answer:
        assert answer.status == status
        assert answer.content_type == "text/html"
        return await answer.text()


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
async def test_a_page_is_well_formed_and_loads_nothing_from_afar(site: Site, path: str) -> None:
    text = await page(site, path, status=404 if path == "/nothing" else 200)
    tree = Tree()
    tree.feed(text)
    assert tree.open == []
    ids = [attributes["id"] for _, attributes in tree.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in tree.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert "style" not in attributes, tag
        for name in ("src", "href"):
            value = attributes.get(name)
            if value is not None and tag != "a":
                assert value.startswith("/static/"), value
                async with site.client.get(value) as answer:
                    assert answer.status == 200
                    assert "immutable" in answer.headers["Cache-Control"]
    scripts = [attributes for tag, attributes in tree.elements if tag == "script"]
    assert all("src" in attributes for attributes in scripts)
    assert "<script>" not in text
    assert "<b>bold" not in text


async def test_links_within_lead_somewhere(site: Site) -> None:
    for path in PAGES:
        for link in set(re.findall(r'href="(/[^"]*)"', await page(site, path))):
            async with site.client.get(link.replace("&amp;", "&"), headers=BEARER) as answer:
                assert answer.status == 200, link


async def test_a_device_that_was_rolled_back_says_how_it_is_lifted(site: Site) -> None:
    known = site.store.devices["edge1"]
    site.store.devices["edge1"] = replace(known, declined="sha256:x", before="edge1/20260101T0-ab")
    assert "rolled back" in await page(site, "/")
    text = await page(site, "/devices/edge1")
    assert "is not pushed here again by itself" in text
    assert "catnet sync --force" in text
    assert "edge1/20260101T0-ab" in text


async def test_the_status_page_says_what_matters(site: Site) -> None:
    text = await page(site, "/")
    for word in ("access1", "out-of-sync", "quarantined", "unreachable", "4f2a9c1e", "42 s ago"):
        assert word in text
    assert "4 of 8 · 1 failed" in text
    assert "2 running, 2 waiting" in text
    # What needs a person stands on top.
    names = re.findall(r'href="/devices/([a-z0-9]+)"', text)
    assert names[:2] == ["access1", "edge1"]
    site.reasons["store"] = "the disk is <full>"
    assert "the disk is &lt;full&gt;" in await page(site, "/")


@pytest.mark.parametrize(
    "query, names",
    [
        ("show=out-of-sync", ["edge1"]),
        ("show=unreachable", ["access1"]),
        ("show=quarantined", ["edge1"]),
        ("q=LYON", ["core1"]),
        ("q=core", ["core1"]),
        ("show=in-sync&q=core", ["core1"]),
        ("q=<script>", []),
    ],
)
async def test_the_list_can_be_narrowed(site: Site, query: str, names: list[str]) -> None:
    text = await page(site, f"/?{query}")
    assert re.findall(r'href="/devices/([a-z0-9]+)"', text) == names
    assert "<script>" not in text


async def test_a_failed_deployment_says_why_and_what_next(site: Site) -> None:
    text = await page(site, "/deployments/41")
    assert "overlaps with GigabitEthernet0/0 (configs/edge1.cfg:14)" in text
    assert "it has what it had before" in text
    assert "Correct the named line in the repository and push again." in text
    assert '<span class="remove">-snmp-server community &lt;secret hmac:9f1c&gt; RO' in text
    assert '<span class="add">+snmp-server community &lt;secret changed hmac:ab12&gt; RO' in text
    assert text.index("edge1") < text.index("core1")
    assert "3, 1 changed, 1 failed" in text


async def test_a_refused_revision_lists_every_problem(site: Site) -> None:
    text = await page(site, "/deployments/40")
    assert "2 problems; nothing was done" in text
    assert "inventory.yaml:14" in text
    assert "is empty &lt;script&gt;" in text


async def test_a_device_page(site: Site) -> None:
    text = await page(site, "/devices/core1")
    assert "Last difference" in text
    assert "/deployments/41#job-1" in text
    assert "neighbor 192.0.2.9 remote-as 64501" in text
    assert "192.0.2.10:22" in text
    assert "There is no device" in await page(site, "/devices/nobody", status=404)


async def test_an_empty_store_tells_how_to_begin() -> None:
    async with helpers_web.site() as site:
        text = await page(site, "/")
        assert "inventory.yaml" in text
        assert "catnet sync" in text


async def test_a_stranger_learns_nothing(site: Site) -> None:
    for path in ("/", "/deployments/41", "/nothing"):
        async with site.client.get(path) as answer:
            text = await answer.text()
        for word in ("acme", "network-config", "main</span>", "edge1", "1.0<"):
            assert word not in text


async def test_a_large_fleet_stays_one_quick_page() -> None:
    names = [f"device{number:04}" for number in range(3000)]
    store = Memory(devices={name: DeviceState(device=helpers_web.device(name)) for name in names})
    async with helpers_web.site(store) as site:
        text = await page(site, "/")
    assert "2800 more" in text
    assert len(text) < 1_000_000


async def test_a_browser_draws_it_and_keeps_it_fresh(site: Site) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    address = f"http://any:{TOKEN}@{site.client.host}:{site.client.port}"
    with tempfile.TemporaryDirectory() as profile:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--enable-logging=stderr", "--virtual-time-budget=9000", "--dump-dom"),
            f"--user-data-dir={Path(profile)}",
            f"{address}/deployments/41",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, log = await process.communicate()
    dom = out.decode()
    assert 'class="live on"' in dom
    assert "overlaps with" in dom
    # A violated policy or a script error would be on the console.
    assert "CONSOLE" not in log.decode(), log.decode()[-2000:]
