"""A real headless Chromium, driven by its DevTools protocol: clicks, keys, what the page says."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

SECONDS = 20.0
"""How long a page may take to become what is waited for."""
_WATCHED = ("Page", "Runtime", "Log", "Network")
_SAID = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
_WAIT = """new Promise(done => {
  const end = Date.now() + %d;
  const look = () => {
    let found = false;
    try { found = Boolean(%s); } catch (error) { found = false; }
    if (found || Date.now() > end) done(found); else setTimeout(look, 25);
  };
  look();
})"""


class Gone(Exception):
    """The page was left while it was asked."""


@dataclass
class Tab:
    """One page of the browser. ``console`` is what it complained of: errors, broken policies."""

    socket: aiohttp.ClientWebSocketResponse
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Addresses that were requested."""
    _number: int = 0

    async def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        mine = self._number
        await self.socket.send_json({"id": mine, "method": method, "params": params})
        while True:
            said = json.loads((await self.socket.receive(SECONDS + 10)).data)
            if said.get("id") == mine:
                if "error" in said:
                    raise Gone(said["error"]["message"])
                return said["result"]
            if said.get("method") in _SAID:
                self.console.append(json.dumps(said["params"])[:600])
            if said.get("method") == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])

    async def value(self, expression: str) -> Any:
        """The value of an expression in the page; of its promise, if it is one."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Return when the expression is true, also on a page that is loaded meanwhile."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    if await self.value(_WAIT % (SECONDS * 1000, expression)):
                        return
                except Gone:
                    continue
                raise AssertionError(f"not true: {expression}\n{await self.text()}")

    async def open(self, address: str) -> None:
        """Load a page to its end."""
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def text(self) -> str:
        return str(await self.value("document.body.innerText"))

    async def click(self, selector: str) -> None:
        """Press the mouse in the middle of what is found; it must be there and seen."""
        await self.until(f"document.querySelector({json.dumps(selector)})")
        box = await self.value(
            f"(it => {{ it.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            " const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2, box.width]; })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        assert box[2] > 0, f"{selector} is not seen"
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    async def follow(self, selector: str, path: str) -> None:
        """Click, and wait for the page at this path (with its query)."""
        await self.click(selector)
        await self.until(
            f"location.pathname + location.search === {json.dumps(path)}"
            " && document.readyState === 'complete'"
        )

    async def type(self, selector: str, text: str) -> None:
        await self.click(selector)
        await self.call("Input.insertText", text=text)

    async def look(self, *, width: int, scheme: str = "light") -> None:
        """As on a screen of this width, in this colour scheme."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Tab]:
    """A fresh browser with one empty page; skips where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    process = await asyncio.create_subprocess_exec(
        chromium,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--disable-extensions", "--hide-scrollbars", "--remote-debugging-port=0"),
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        host = await _host(process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{host}/json") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(
                pages[0]["webSocketDebuggerUrl"], max_msg_size=0
            ) as socket:
                tab = Tab(socket=socket)
                for domain in _WATCHED:
                    await tab.call(f"{domain}.enable")
                yield tab
    finally:
        process.terminate()
        await process.communicate()


async def _host(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := await process.stderr.readline():
            if b"DevTools listening on ws://" in line:
                return line.decode().split("ws://", 1)[1].split("/", 1)[0]
    raise AssertionError("the browser ended before it began")
