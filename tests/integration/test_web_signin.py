"""The sign-in over real HTTP on a real store: sessions, forms of others, roles, every button."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient

from catnet_controller.models import Mode, Role, State, Token
from catnet_controller.store.store import Store
from catnet_controller.web import forms
from catnet_controller.web.signing import digest
from tests import helpers_web
from tests.helpers_store import ManualClock, opened
from tests.helpers_web import PASSWORD, TOKEN, Memory, Site

FORM = re.compile(r'name="form" value="([0-9a-f]{64})"')


@dataclass
class Browser:
    """What a browser does, without drawing: it follows redirects and keeps cookies."""

    client: TestClient[Any, Any]

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, where it ended, and the page."""
        async with self.client.get(path) as answer:
            return answer.status, str(answer.url.relative()), await answer.text()

    async def post(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        async with self.client.post(path, data=fields, headers=headers) as answer:
            return answer.status, str(answer.url.relative()), await answer.text()

    async def press(self, path: str, **fields: str) -> tuple[int, str, str]:
        """Open the page that asks, and send its form."""
        status, _, text = await self.get(path)
        assert status == 200, text
        return await self.post(path, {"form": FORM.findall(text)[-1], **fields})

    async def enter(self, user: str, password: str = PASSWORD, where: str = "/") -> str:
        _, _, text = await self.get(f"/sign-in?next={where}")
        found = FORM.search(text)
        assert found is not None
        fields = {"form": found[1], "user": user, "password": password, "next": where}
        _, ended, text = await self.post("/sign-in", fields)
        assert ended == where, text
        return text

    def cookie(self) -> str:
        return next(it.value for it in self.client.session.cookie_jar if it.key == "catnet")


@dataclass
class House:
    site: Site
    store: Store
    clock: ManualClock

    @property
    def memory(self) -> Memory:
        return self.site.store

    def browser(self) -> Browser:
        return Browser(TestClient(self.site.client.server, cookie_jar=CookieJar(unsafe=True)))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = ManualClock()
    async with (
        opened(tmp_path / "state", clock) as store,
        helpers_web.peopled(store, clock, public_url="http://catnet.example.net") as site,
    ):
        yield House(site=site, store=store, clock=clock)


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    made = house.browser()
    yield made
    await made.client.session.close()


async def test_who_asks_for_a_page_signs_in_and_gets_it(house: House, browser: Browser) -> None:
    status, ended, text = await browser.get("/deployments/41?state=failed")
    assert (status, ended) == (200, "/sign-in?next=/deployments/41?state%3Dfailed")
    assert "edge1" not in text
    fields = {
        "form": FORM.findall(text)[0],
        "user": " Viewer",
        "password": PASSWORD,
        "next": "/deployments/41?state=failed",
    }
    _, ended, text = await browser.post("/sign-in", fields)
    assert ended == "/deployments/41?state=failed"
    assert "edge1" in text
    assert "<b>viewer</b>" in text
    # Who is signed in already goes on at once.
    assert (await browser.get("/sign-in?next=/devices/core1"))[1] == "/devices/core1"


async def test_the_cookie_is_out_of_reach(house: House, browser: Browser) -> None:
    _, _, text = await browser.get("/sign-in")
    fields = {"form": FORM.findall(text)[0], "user": "viewer", "password": PASSWORD}
    async with browser.client.post("/sign-in", data=fields, allow_redirects=False) as answer:
        (cookie,) = answer.headers.getall("Set-Cookie")
    assert re.match(r"catnet=[\w.-]+; HttpOnly; Max-Age=3600; Path=/; SameSite=Lax$", cookie)
    async with (
        helpers_web.site(public_url="https://catnet.example.net") as safe,
        safe.client.get("/sign-in") as answer,
    ):
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-catnet-form=")
    assert "; Secure" in cookie


async def test_signing_out_ends_the_session_for_every_copy(house: House, browser: Browser) -> None:
    text = await browser.enter("operator")
    stolen = {"Cookie": f"catnet={browser.cookie()}"}
    _, ended, text = await browser.post("/sign-out", {"form": FORM.findall(text)[0]})
    assert ended.startswith("/sign-in")
    assert "You are signed out" in text
    async with house.site.client.get("/", headers=stolen, allow_redirects=False) as answer:
        assert answer.status == 303
    script = stolen | {"X-CatNet-Fragment": "1"}
    async with house.site.client.get("/", headers=script, allow_redirects=False) as answer:
        assert answer.status == 401


async def test_a_session_ends_when_the_user_is_disabled_and_with_time(
    house: House, browser: Browser
) -> None:
    await browser.enter("operator")
    await house.store.change_user("operator", disabled=True)
    assert (await browser.get("/"))[1] == "/sign-in"
    other = house.browser()
    await other.enter("admin")
    house.clock.advance(3601)
    assert (await other.get("/"))[1] == "/sign-in"
    await other.client.session.close()


async def test_guessing_locks_out_here_and_at_the_api_alike(house: House, browser: Browser) -> None:
    for tries in range(5):
        _, _, text = await browser.get("/sign-in")
        fields = {"form": FORM.findall(text)[0], "user": "admin", "password": f"guess {tries}"}
        status, _, text = await browser.post("/sign-in", fields)
        assert status == 401
        assert "the password is wrong" in text
        assert f"guess {tries}" not in text
        assert 'value="admin"' in text
    form = FORM.findall((await browser.get("/sign-in"))[2])[0]
    body = {"user": "admin", "password": PASSWORD}
    status, _, text = await browser.post("/sign-in", {"form": form, **body})
    assert status == 429
    assert "Wait" in text
    async with house.site.client.post("/api/v1/auth/login", json=body) as answer:
        assert answer.status == 429


async def test_a_browser_without_cookies_is_told_so(house: House, browser: Browser) -> None:
    _, _, text = await browser.get("/sign-in")
    browser.client.session.cookie_jar.clear()
    fields = {"form": FORM.findall(text)[0], "user": "viewer", "password": PASSWORD}
    status, _, text = await browser.post("/sign-in", fields)
    assert status == 403
    assert "open http://catnet.example.net and allow cookies" in text
    # The page that says so is a fresh one.
    fields["form"] = FORM.findall(text)[0]
    assert (await browser.post("/sign-in", fields))[1] == "/"


async def test_a_proxy_that_is_trusted_makes_the_cookie_safe() -> None:
    trusted = (ip_network("127.0.0.0/8"),)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}
    async with (
        helpers_web.site(public_url="http://catnet.example.net", trusted=trusted) as site,
        site.client.get("/sign-in", headers=headers) as answer,
    ):
        assert answer.headers["Set-Cookie"].startswith("__Host-catnet-form=")


async def test_a_token_signs_in_until_it_is_taken_away(house: House, browser: Browser) -> None:
    now = house.clock.now()
    token = Token(name="wall", role=Role.VIEWER, created_at=now, until=now + 9000)
    await house.store.add_token(token, digest("catnet_of-the-wall"))
    _, _, text = await browser.get("/sign-in")
    form = FORM.findall(text)[0]
    status, _, text = await browser.post("/sign-in", {"form": form, "token": "catnet_wrong"})
    assert (status, "The token is wrong" in text) == (401, True)
    fields = {"form": form, "token": "catnet_of-the-wall"}
    _, ended, text = await browser.post("/sign-in", fields)
    assert (ended, "<b>wall</b>" in text) == ("/", True)
    # What the cookie holds opens pages, not the API.
    headers = {"Authorization": f"Bearer {browser.cookie()}"}
    async with house.site.client.get("/api/v1/status", headers=headers) as answer:
        assert answer.status == 401
    await house.store.remove_token("wall")
    assert (await browser.get("/"))[1] == "/sign-in"
    _, _, text = await browser.get("/sign-in")
    _, _, text = await browser.post("/sign-in", {"form": FORM.findall(text)[0], "token": TOKEN})
    stolen = {"Cookie": f"catnet={browser.cookie()}"}
    await browser.post("/sign-out", {"form": FORM.findall(text)[0]})
    async with house.site.client.get("/", headers=stolen, allow_redirects=False) as answer:
        assert answer.status == 303
    said = [(act.who, act.result) for act in await house.store.acts() if "sign-in" in act.what]
    assert said[::-1] == [
        ("unknown token", "401 login-failed"),
        ("token wall", "303"),
        ("http.token", "303"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "",
        "/sign-out",
        "/api/v1/status",
        "/" + "x" * 2000,
        "/[",
        "//[",
    ],
)
def test_the_way_back_stays_here(path: str) -> None:
    assert forms.local(path) in ("/", "/%5B")
    assert forms.local("/deployments/4?state=failed#job-1") == "/deployments/4?state=failed#job-1"
    assert forms.local("/devices/a%2Fb") == "/devices/a%2Fb"


async def test_forms_of_others_do_nothing(house: House, browser: Browser) -> None:
    await browser.enter("operator")
    other = house.browser()
    page = await other.enter("admin")
    mine = FORM.findall((await browser.get("/pause"))[2])[-1]
    ours = f"http://{browser.client.host}:{browser.client.port}"
    for fields, headers in (
        ({}, {}),
        ({"form": "0" * 64}, {}),
        ({"form": FORM.findall(page)[0]}, {}),
        ({"form": mine}, {"Origin": "https://evil.example"}),
        ({"form": mine}, {"Origin": "null"}),
        ({"form": mine}, {"Origin": "http://[evil"}),
        ({"form": mine}, {"Sec-Fetch-Site": "cross-site"}),
        ({"form": mine}, {"Sec-Fetch-Site": "same-site", "Origin": ours}),
        ({"form": mine}, {"Content-Type": "text/plain"}),
    ):
        status, _, text = await browser.post("/pause", {"reason": "x", **fields}, headers)
        assert status in (403, 415), (fields, headers)
        assert "Nothing was done" in text
    assert house.memory.held is None
    for origin in (ours, "http://catnet.example.net"):
        fields = {"form": mine, "reason": "core moves"}
        status, ended, text = await browser.post("/pause", fields, {"Origin": origin})
        assert (status, ended) == (200, "/")
        assert "core moves" in text
    await other.client.session.close()


async def test_a_bearer_of_a_token_sees_and_presses_nothing(house: House) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with house.site.client.get("/pause", headers=headers) as answer:
        text = await answer.text()
    assert FORM.search(text) is None
    async with house.site.client.post(
        "/pause", data={"reason": "x"}, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    assert house.memory.held is None


async def test_a_viewer_sees_no_button_and_cannot_press_one(house: House, browser: Browser) -> None:
    text = await browser.enter("viewer")
    proof = FORM.findall(text)[0]
    for path in ("/", "/devices/core1", "/deployments/42"):
        text = (await browser.get(path))[2]
        assert 'class="button' not in text.replace('class="button" href="/devices/core1/b', "")
    for path in ("/look", "/devices/core1/sync", "/deployments/42/cancel"):
        assert (await browser.get(path))[0] == 403
        assert (await browser.post(path, {"form": proof}))[0] == 403
    assert house.site.asked == []
    acts = [act for act in await house.store.acts() if act.who == "user viewer"]
    assert sum(act.result == "403 role-too-low" for act in acts) == 3


async def test_every_button_does_what_it_says(house: House, browser: Browser) -> None:
    text = await browser.enter("operator")
    assert 'href="/pause"' in text
    for what in ("check", "dry-run", "backup", "sync"):
        await browser.press(f"/devices/core1/{what}")
    assert [(mode, names) for mode, names, _ in house.site.asked] == [
        (Mode.CHECK, ["core1"]),
        (Mode.DRY_RUN, ["core1"]),
        (Mode.BACKUP, ["core1"]),
        (Mode.PUSH, ["core1"]),
    ]
    assert {cause for _, _, cause in house.site.asked} == {"user operator"}
    backup = helpers_web.BACKUPS[0].id
    await browser.press("/devices/core1/rollback", backup=backup)
    # Only the second page, which says so, goes back for real.
    _, _, text = await browser.get(f"/devices/core1/rollback?backup={backup}&seen=yes")
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
    await browser.post("/devices/core1/rollback", hidden)
    assert [(it.backup, it.dry_run, it.by) for it in house.site.wishes] == [
        (backup, True, "operator"),
        (backup, False, "operator"),
    ]
    _, ended, text = await browser.press("/look", force="yes")
    assert (ended, house.memory.triggers[-1].force) == ("/", True)
    assert house.memory.triggers[-1].reason == "user operator"
    status, _, text = await browser.press("/pause", reason="  ")
    assert (status, house.memory.held) == (400, None)
    await browser.press("/pause", reason="core moves")
    assert "core moves" in (await browser.get("/resume"))[2]
    assert "Pushes are paused by operator" in (await browser.get("/devices/core1/sync"))[2]
    await browser.press("/resume")
    assert house.memory.held is None
    acts = [act for act in await house.store.acts() if act.who == "user operator"]
    assert ("POST /resume", "303 /") in [(act.what, act.result) for act in acts]


async def test_buttons_of_a_deployment(house: House, browser: Browser) -> None:
    await browser.enter("operator")
    _, ended, text = await browser.press("/deployments/42/cancel")
    assert (ended, "cancelled by operator" in text) == ("/deployments/42", True)
    assert (await browser.get("/deployments/42/cancel"))[0] == 409
    await browser.press("/deployments/41/retry")
    assert house.site.asked[-1] == (Mode.PUSH, ["edge1"], "user operator")
    assert "promote" not in (await browser.get("/deployments/41"))[2]
    push = house.memory.kept[41]
    plan = replace(
        push,
        mode=Mode.DRY_RUN,
        state=State.COMPLETE,
        jobs=tuple(replace(it, mode=Mode.DRY_RUN) for it in push.jobs),
    )
    house.memory.kept[41] = replace(plan, id=41)
    # The counts of what is over are kept in memory, so another number.
    house.memory.kept[51] = replace(plan, id=51)
    assert 'href="/deployments/51/promote"' in (await browser.get("/deployments/51"))[2]
    await browser.press("/deployments/51/promote")
    assert house.site.asked[-1] == (Mode.PUSH, ["core1"], "user operator")
    back = replace(plan.revision, ref="rollback/core1", sha="")
    house.memory.kept[52] = replace(plan, id=52, revision=back, jobs=plan.jobs[:1])
    backup = helpers_web.BACKUPS[0].id
    wanted = house.memory.texts["sha256:core1"]
    house.memory.texts["sha256:x"] = replace(wanted, origins=(f"{backup}:1",), literal=True)
    _, ended, text = await browser.get("/deployments/52/go-back")
    assert ended.startswith("/devices/core1/rollback?backup=core1")
    assert "Roll back now" in text


async def test_the_look_is_remembered(house: House, browser: Browser) -> None:
    text = await browser.enter("viewer")
    assert 'data-theme="auto"' in text
    fields = {"form": FORM.findall(text)[-1], "theme": "dark", "next": "/deployments/41"}
    _, ended, text = await browser.post("/theme", fields)
    assert ended == "/deployments/41"
    assert 'data-theme="dark"' in text
