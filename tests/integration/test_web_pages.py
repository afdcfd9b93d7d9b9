"""The pages over real HTTP: what a person finds, that nothing is unescaped or loaded from afar."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from catnet_controller.models import (
    Deployment,
    DeviceState,
    Mode,
    Outcome,
    Pause,
    Revision,
    State,
)
from tests import helpers_web
from tests.helpers_web import BEARER, Memory, Site

BACKUP = "/devices/core1/backups/20260921T101010.000Z-0123456789abcdef"
PAGES = [
    "/",
    "/?show=in-sync&q=branch&site=remote",
    "/deployments",
    "/deployments/41",
    "/deployments/40",
    "/deployments/42",
    "/devices/edge1",
    "/devices/core1",
    BACKUP,
    f"{BACKUP}/diff?with=20260920T101010.000Z-fedcba9876543210",
    "/pause",
    "/devices/core1/rollback",
    "/devices/core1/sync",
    "/deployments/42/cancel",
]


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


async def test_reports_that_were_given_up_and_the_last_poll_are_on_the_first_page(
    site: Site,
) -> None:
    text = await page(site, "/")
    assert "2 given up" in text
    assert "GitHub refuses it." in text
    assert "last asked" in text


async def test_a_device_that_was_rolled_back_says_how_it_is_lifted(site: Site) -> None:
    known = site.store.devices["edge1"]
    site.store.devices["edge1"] = replace(known, declined="sha256:x", before="edge1/20260101T0-ab")
    assert "rolled back" in await page(site, "/")
    text = await page(site, "/devices/edge1")
    assert "is not pushed here again by itself" in text
    assert "catnet sync --force" in text
    assert 'href="/devices/edge1/backups/20260101T0-ab"' in text


async def test_the_status_page_says_what_matters(site: Site) -> None:
    text = await page(site, "/")
    for word in ("access1", "out-of-sync", "quarantined", "unreachable", "4f2a9c1e", "42 s ago"):
        assert word in text
    assert "4 of 8 · 1 failed" in text
    assert "2 running, 2 waiting" in text
    assert "2 of 11 devices need a look" in text
    assert "the oldest for <b>1 min</b>" in text
    assert 'aria-label="9 in-sync, 1 quarantined, 1 unreachable"' in text
    # What needs a person stands on top.
    names = re.findall(r'href="/devices/([a-z0-9]+)"', text)
    assert names[:2] == ["access1", "edge1"]
    site.reasons["github"] = "the proxy is <down>"
    site.store.held = Pause(by="ada", reason="core <move>", since=helpers_web.NOW - 600)
    text = await page(site, "/")
    assert "the proxy is &lt;down&gt;" in text
    assert "Held up" not in text
    site.held_up["pull/7"] = "a <member> cannot be looked up"
    assert "<b>pull/7</b> a &lt;member&gt; cannot be looked up" in await page(site, "/")
    assert "core &lt;move&gt;" in text
    assert "10 min ago" in text
    assert "<title>paused · " in text


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
        ("site=lyon", ["core1"]),
        ("group=core&q=192.0.2", ["core1"]),
        ("group=co", []),
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
    # Steps of what failed are not ticked off.
    failed, fine = text.split('class="name">core1')
    assert ('<li class="over"' in failed, '<li class="done"' in failed) == (True, False)
    assert '<li class="done"' in fine
    for query in ("page=999999999", "page=-1", "state=nothing", "q=" + "x" * 5000):
        assert "Devices" in await page(site, f"/deployments/41?{query}")
    assert "#39" in await page(site, "/deployments?before=40")
    assert "#40" not in await page(site, "/deployments?before=40")


async def test_a_push_in_waves_says_where_it_stopped(site: Site) -> None:
    site.store.kept[43] = helpers_web.waved()
    text = await page(site, "/deployments/43")
    assert "<dt>Waves</dt><dd>0: 2 of 2 done, 1: 3 of 3 done, 2: 7 held back</dd>" in text
    assert "12, 4 changed, 1 failed, 7 held back" in text
    assert re.search(r"state=held-back[^>]*>held-back <b>7</b>", text)
    held = await page(site, "/deployments/43?state=held-back")
    assert held.count('<span class="quiet">wave 2</span>') == 7
    assert held.count("held back: branch05 failed before</span>") == 7
    assert "wave" not in await page(site, "/deployments/41")


async def test_a_refused_revision_lists_every_problem(site: Site) -> None:
    text = await page(site, "/deployments/40")
    assert "2 problems; nothing was done" in text
    assert "inventory.yaml:14" in text
    assert "is empty &lt;script&gt;" in text


async def test_a_device_page(site: Site) -> None:
    text = await page(site, "/devices/core1")
    assert "Last difference" in text
    assert "/deployments/41?q=core1#job-1" in text
    assert "damaged" in text
    assert "neighbor 192.0.2.9 remote-as 64501" in text
    assert "192.0.2.10:22" in text
    assert "There is no device" in await page(site, "/devices/nobody", status=404)


async def test_an_empty_store_tells_how_to_begin() -> None:
    async with helpers_web.site() as site:
        text = await page(site, "/")
        assert "inventory.yaml" in text
        assert "catnet sync" in text


async def test_a_stranger_learns_nothing(site: Site) -> None:
    for path in ("/", "/deployments/41", "/nothing", "/sign-in", "/devices/nobody"):
        async with site.client.get(path) as answer:
            text = await answer.text()
            assert "Sign in" in text or path == "/nothing"
        for word in ("acme", "network-config", "main</span>", "edge1", "1.0<"):
            assert word not in text


async def test_a_backup_is_shown_without_its_secrets(site: Site) -> None:
    for path in (BACKUP, f"{BACKUP}/text"):
        async with site.client.get(path, headers=BEARER) as answer:
            text = await answer.text()
            kind = answer.headers.get("Content-Disposition", "")
        assert "hostname core1" in text
        assert "verysecret" not in text
        assert "s3cr3t" not in text
        assert kind.startswith('attachment; filename="core1-') is path.endswith("/text")
    assert "neighbor 192.0.2.9" in await page(site, f"{BACKUP}/diff")
    for path in (
        f"{BACKUP}0",
        "/devices/core1/backups/..%2f..%2fcatnet.db",
        f"{BACKUP}/diff?with=../../x",
    ):
        async with site.client.get(path, headers=BEARER) as answer:
            assert answer.status == 404, path


async def test_a_large_deployment_comes_in_pages_and_by_state() -> None:
    plan = Revision(sha=helpers_web.SHA, ref="branch/main", title="Everywhere")
    jobs = tuple(
        helpers_web.job(
            100 + number,
            f"device{number:04}",
            Mode.PUSH,
            plan,
            state=State.FAILED if number % 100 == 0 else State.COMPLETE,
            outcome=Outcome(state=State.COMPLETE, changed=number % 7 == 0),
        )
        for number in range(1, 401)
    )
    it = Deployment(id=41, revision=plan, mode=Mode.PUSH, cause="push", state=State.FAILED)
    async with helpers_web.site(Memory(kept={41: replace(it, jobs=jobs)})) as site:
        first = await page(site, "/deployments/41")
        names = re.findall(r'class="name">(device\d+)', first)
        assert names[:4] == [f"device{number:04}" for number in (100, 200, 300, 400)]
        assert names[4] == "device0007"
        assert len(names) == 50
        assert "page=2" in first
        failed = await page(site, "/deployments/41?state=failed&q=device03")
        assert re.findall(r'class="name">(device\d+)', failed) == ["device0300"]


async def test_what_is_shown_already_is_not_sent_again(site: Site) -> None:
    script = BEARER | {"X-CatNet-Fragment": "1"}
    async with site.client.get("/deployments/42", headers=script) as answer:
        text, tag = await answer.text(), answer.headers["ETag"]
    assert '<main id="main" data-every="1">' in text
    assert "<header" not in text
    asked = script | {"If-None-Match": tag}
    async with site.client.get("/deployments/42", headers=asked) as answer:
        assert answer.status == 304
        assert await answer.read() == b""
    site.store.kept[42] = replace(site.store.kept[42], summary="something else")
    async with site.client.get("/deployments/42", headers=asked) as answer:
        assert answer.status == 200


async def test_a_large_fleet_stays_one_quick_page() -> None:
    names = [f"device{number:05}" for number in range(10_000)]
    store = Memory(devices={name: DeviceState(device=helpers_web.device(name)) for name in names})
    async with helpers_web.site(store) as site:
        text = await page(site, "/?page=100")
        assert "9901–10000 of 10000" in text
        assert "device09999" in text
        assert "Page 100 of 100" in await page(site, "/?page=99999")
    assert len(text) < 150_000
