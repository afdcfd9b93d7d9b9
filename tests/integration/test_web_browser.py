"""The pages in a real browser, with real clicks: sign in, find, follow, act, sign out."""

import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from catnet_controller.models import Deployment, Outcome, State, Step
from tests import helpers_browser, helpers_web
from tests.helpers_browser import Gone, Tab
from tests.helpers_store import ManualClock, opened
from tests.helpers_web import BACKUPS, PASSWORD, Site

PAGES = (
    "/",
    "/deployments",
    "/deployments/41",
    "/deployments/42",
    "/deployments/40",
    "/deployments/43",
    "/devices/edge1",
    "/devices/core1",
    f"/devices/core1/backups/{BACKUPS[0].id.rpartition('/')[2]}",
    f"/devices/core1/backups/{BACKUPS[0].id.rpartition('/')[2]}/diff",
    "/devices/core1/rollback",
    "/pause",
    "/nothing",
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = ManualClock()
    async with (
        opened(tmp_path / "state", clock) as accounts,
        helpers_web.peopled(accounts, clock, public_url="http://catnet.example.net") as made,
    ):
        made.store.kept[43] = helpers_web.waved()
        yield made


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with helpers_browser.browser(tmp_path / "profile") as made:
        yield made


def address(site: Site, path: str) -> str:
    return f"http://{site.client.host}:{site.client.port}{path}"


async def enter(tab: Tab, site: Site, path: str = "/", user: str = "operator") -> None:
    await tab.open(address(site, path))
    await tab.type("input[name=user]", user)
    await tab.type("input[name=password]", PASSWORD)
    await tab.follow("form:has(input[name=password]) button", path)


def ended(it: Deployment) -> Deployment:
    done = Outcome(state=State.COMPLETE, changed=True, added=1, removed=0, diff="+ntp server x\n")
    jobs = [
        replace(job, state=State.COMPLETE, outcome=done) if not job.state.final else job
        for job in it.jobs
    ]
    return replace(it, state=State.FAILED, summary="1 of 8 failed", jobs=tuple(jobs))


async def test_a_day_of_an_operator(site: Site, tab: Tab) -> None:
    await tab.open(address(site, "/"))
    await tab.until("location.pathname === '/sign-in'")
    await tab.type("input[name=user]", "operator")
    await tab.type("input[name=password]", "wrong")
    await tab.click("form:has(input[name=password]) button")
    await tab.until("document.querySelector('[role=alert]')")
    # The name stays typed; only the 401 of the wrong password is on the console.
    assert all("401" in line for line in tab.console)
    tab.console.clear()
    await tab.type("input[name=password]", PASSWORD)
    await tab.follow("form:has(input[name=password]) button", "/")
    assert "2 of 11 devices need a look" in await tab.text()
    # The script keeps it up to date, and says so.
    await tab.until("document.querySelector('#live.on')")

    await tab.value("document.querySelector('select[name=group]').value = 'core'; 0")
    known = site.store.devices["access1"]
    site.store.devices["access1"] = replace(known, note="cabling in progress")
    await tab.until("document.body.innerText.includes('cabling in progress')")
    assert await tab.value("document.querySelector('select[name=group]').value") == "core"
    await tab.value("document.querySelector('select[name=group]').value = ''; 0")
    await tab.type("input[name=q]", "paris edge")
    await tab.follow(".filter button", "/?q=paris+edge&site=&group=&show=")
    rows = "[...document.querySelectorAll('.devices tbody a:first-child')].map(it => it.innerText)"
    assert await tab.value(f"{rows}.filter(it => /^[a-z]/.test(it))") == ["edge1"]
    await tab.follow(".devices tbody th a", "/devices/edge1")
    assert "Quarantined" in await tab.text()
    assert "Difference to what the branch wants" in await tab.text()

    await tab.follow("a[href$='/sync']", "/devices/edge1/sync")
    assert site.asked == []
    site.store.kept[77] = replace(site.store.kept[42], id=77)
    await tab.follow("button.main", "/deployments/77")
    assert site.asked[0][1:] == (["edge1"], "user operator")

    # Live to the end, without loading the page again; what was opened stays open.
    await tab.value("document.body.dataset.mark = 'same page'")
    await tab.click("#job-11 > summary")
    push, *_ = [it for it in site.store.kept[77].jobs if it.state is State.RUNNING]
    moved = [
        replace(it, step=Step.SAVE) if it.id == push.id else it for it in site.store.kept[77].jobs
    ]
    site.store.kept[77] = replace(site.store.kept[77], jobs=tuple(moved))
    await tab.until(f"document.querySelector('#job-{push.id} li.now').innerText.includes('save')")
    site.store.kept[77] = ended(site.store.kept[77])
    await tab.until("document.title.startsWith('failed: #77')")
    assert await tab.value("document.body.dataset.mark") == "same page"
    assert await tab.value("document.querySelector('#job-11').open")
    assert "failed: #77" in await tab.value("document.querySelector('#live').innerText")

    await tab.click("button[name=theme][value=dark]")
    await tab.until("document.body && getComputedStyle(document.body).colorScheme === 'dark'")
    await tab.follow("form[action='/sign-out'] button", "/sign-in?left")
    await tab.open(address(site, "/"))
    await tab.until("location.pathname === '/sign-in'")
    assert tab.console == []
    here = address(site, "/")
    assert all(each.startswith((here, "about:", "data:")) for each in tab.asked), tab.asked


async def test_a_signed_out_page_and_a_daemon_that_is_gone_say_so(site: Site, tab: Tab) -> None:
    await enter(tab, site, "/deployments/42")
    await tab.call("Network.setBlockedURLs", urls=["*/deployments/42*"])
    await tab.until("document.querySelector('#live.off')?.innerText.includes('no answer')")
    await tab.call("Network.setBlockedURLs", urls=[])
    await tab.until("document.querySelector('#live.on')")
    await tab.call("Network.clearBrowserCookies")
    await tab.until("document.querySelector('#live.off')?.innerText.includes('signed out')")


async def test_everything_works_without_a_script(site: Site, tab: Tab) -> None:
    await tab.call("Emulation.setScriptExecutionDisabled", value=True)
    await _open(tab, address(site, "/deployments/41"))
    await _type(tab, "input[name=user]", "operator")
    await _type(tab, "input[name=password]", PASSWORD)
    await _press(tab, "form button.main", "/deployments/41")
    assert "overlaps with" in await _source(tab)
    await _press(tab, "a[href='/deployments/41/retry']", "/deployments/41/retry")
    await _press(tab, "button.main", "/deployments/77")
    assert site.asked[0][1:] == (["edge1"], "user operator")
    await _open(tab, address(site, "/?show=in-sync"))
    await _press(tab, "a[href='/devices/core1']", "/devices/core1")
    await _press(tab, "form[action='/sign-out'] button", "/sign-in")


async def test_it_fits_a_phone_and_is_accessible(site: Site, tab: Tab) -> None:
    await enter(tab, site)
    found = []
    for scheme in ("light", "dark"):
        await tab.look(width=390, scheme=scheme)
        for path in PAGES:
            await tab.open(address(site, path))
            width = await tab.value("document.documentElement.scrollWidth")
            assert width <= 390, (path, width)
            found += [f"{scheme} {path}: {each}" for each in await tab.value(_OWN)]
    assert found == []
    complaints = [line for line in tab.console if "404" not in line]
    assert complaints == []


async def test_axe_finds_nothing(site: Site, tab: Tab) -> None:
    """axe-core is asked for at test time only; CATNET_AXE is where its axe.min.js is."""
    engine = _axe()
    found: list[str] = []

    async def judge(path: str, what: str) -> None:
        await tab.open(address(site, path))
        await tab.value(f"{engine}; 0")
        wrong: list[Any] = await tab.value(
            "axe.run(document, {resultTypes: ['violations']}).then(it => it.violations.map("
            "each => [each.id, each.help, each.nodes.map(node => node.html.slice(0, 160))]))"
        )
        found.extend(f"{what} {path}: {json.dumps(each)}" for each in wrong)

    await judge("/sign-in", "light")
    await enter(tab, site)
    for width, scheme in ((1400, "light"), (390, "dark")):
        await tab.look(width=width, scheme=scheme)
        for path in PAGES if width > 390 else PAGES[::4]:
            await judge(path, scheme)
    assert found == []


def _axe() -> str:
    file = Path(os.environ.get("CATNET_AXE", ""))
    if not file.is_file():
        pytest.skip("axe-core is not at hand (CATNET_AXE)")
    return file.read_text(encoding="utf-8")


# What axe would find too, for where it is not at hand: names, headings, ids, contrast.
_OWN = """(() => {
  const wrong = [];
  const named = it => it.textContent.trim() || it.getAttribute('aria-label');
  for (const it of document.querySelectorAll('a[href], button')) {
    if (!named(it)) wrong.push('no name: ' + it.outerHTML.slice(0, 90));
  }
  for (const it of document.querySelectorAll('input:not([type=hidden]), select')) {
    if (!it.labels.length && !it.getAttribute('aria-label')) wrong.push('no label: ' + it.name);
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
  const linear = it => (it /= 255) <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4;
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = it => {
    for (let at = it; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const it of document.querySelectorAll('main *, header *, footer *')) {
    const text = [...it.childNodes].some(each => each.nodeType === 3 && each.data.trim());
    if (!text || !it.checkVisibility() || it.closest('svg, option')) continue;
    const fore = parts(getComputedStyle(it).color), back = ground(it);
    const key = [fore, back].join();
    if (seen.has(key)) continue;
    seen.add(key);
    const [low, high] = [light(fore), light(back)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ` + it.outerHTML.slice(0, 90));
  }
  return wrong;
})()"""


# --- a page whose scripts are switched off is asked by its tree only ------------------------------


async def _node(tab: Tab, selector: str) -> int:
    root = (await tab.call("DOM.getDocument"))["root"]["nodeId"]
    found = await tab.call("DOM.querySelector", nodeId=root, selector=selector)
    return int(found["nodeId"])


async def _source(tab: Tab) -> str:
    root = (await tab.call("DOM.getDocument"))["root"]["nodeId"]
    return str((await tab.call("DOM.getOuterHTML", nodeId=root))["outerHTML"])


async def _loaded(tab: Tab, path: str) -> None:
    """Wait for the end of a page at this path; each question is a turn of the browser."""
    for _ in range(3000):
        with contextlib.suppress(Gone):
            history = await tab.call("Page.getNavigationHistory")
            here = urlsplit(history["entries"][history["currentIndex"]]["url"]).path
            if here == path and await _node(tab, "footer time"):
                return
    raise AssertionError(f"{path} was not reached")


async def _open(tab: Tab, url: str) -> None:
    await tab.call("Page.navigate", url=url)


async def _centre(tab: Tab, selector: str) -> tuple[float, float]:
    for _ in range(3000):
        with contextlib.suppress(Gone):
            node = await _node(tab, selector)
            if node:
                await tab.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
                quad = (await tab.call("DOM.getBoxModel", nodeId=node))["model"]["border"]
                return (quad[0] + quad[4]) / 2, (quad[1] + quad[5]) / 2
    raise AssertionError(f"there is no {selector}: {await _source(tab)}")


async def _click(tab: Tab, selector: str) -> None:
    x, y = await _centre(tab, selector)
    for kind in ("mousePressed", "mouseReleased"):
        await tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


async def _type(tab: Tab, selector: str, text: str) -> None:
    await _click(tab, selector)
    await tab.call("Input.insertText", text=text)


async def _press(tab: Tab, selector: str, path: str) -> None:
    await _click(tab, selector)
    await _loaded(tab, path)
