"""The story that `catnet demo` plays: from a pull request to a device and back, each step checked.

Comes in: nothing but a folder for temporary files. Goes out: the story in the terminal, the facts
that were checked, and an exit code that is 0 only if every fact was true on the devices, in the
statuses and in what the daemon says.
"""

import asyncio
import json
import signal
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from catnet_controller.demo.world import World
from catnet_controller.errors import CatnetError

DEPLOY = "catnet/deploy"
PLAN = "catnet/plan"
PATIENCE = 40.0
"""Seconds that any one step may take before the story gives up on it."""

OLD_NTP = "198.51.100.11"
NEW_NTP = "198.51.100.12"
DESK = "description Desk 1.02"
NEW_DESK = "description Meeting room 1.02"
OVERLAP = "ip address 10.0.0.2 255.255.255.252"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that must be true, where it was looked up, and what was seen there."""

    step: str
    fact: str
    where: str
    seen: str
    true: bool


class StoryFailed(CatnetError):
    """A fact of the story was not true."""

    code = "story-failed"
    default_next_step = "Read the daemon's log; keep its folder with `catnet demo --keep DIR`."


async def play(*, once: bool, json_out: bool, console: Console, home: Path | None = None) -> int:
    """Play the story; 0 when every fact was true, else 1.

    With ``once`` everything is taken down at the end; otherwise the world is left running, for
    the reader to look at, until it is interrupted. ``home`` keeps every file of the world.
    """
    quiet = Console(stderr=True) if json_out else console
    task = asyncio.current_task()
    assert task is not None
    # As Ctrl-C: whoever ends the demo ends its daemon as well.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="catnet-demo-") as temporary:
        folder = home or Path(temporary)
        async with World(folder) as world:
            story = Story(world, quiet)
            failure: str | None = None
            started = time.perf_counter()
            try:
                await story.tell()
            except (CatnetError, TimeoutError, AssertionError) as error:
                failure = str(error) or f"{type(error).__name__} in step {story.title!r}"
            seconds = time.perf_counter() - started
            _closing(story, quiet, failure, seconds)
            if json_out:
                _facts_out(story, failure, seconds)
            if not once and failure is None:
                await _stay(world, quiet)
            return 0 if failure is None and all(fact.true for fact in story.facts) else 1


class Story:
    """The steps, in order; each asserts its facts before the next begins."""

    def __init__(self, world: World, console: Console) -> None:
        self._world = world
        self._console = console
        self.title = ""
        self.facts: list[Fact] = []

    async def tell(self) -> None:
        with self._console.status("starting three IOS devices, a GitHub stand-in and the daemon"):
            await self._world.start_daemon()
            await self._world.add_person()
        self._introduce()
        await self._first_look()
        number = await self._pull_request()
        await self._merge(number)
        await self._drift()
        bad = await self._bad_commit()
        await self._revert(bad)

    # --- the steps -----------------------------------------------------------------------------

    async def _first_look(self) -> None:
        self._step("first look", "The daemon starts and looks at the branch for the first time.")
        sha = await self._world.github.head()
        await self._status(sha, DEPLOY, "success", "nothing to change")
        typed = self._typed()
        self._fact("no device was configured", "devices", typed, typed == "nothing")

    async def _pull_request(self) -> int:
        self._step(
            "pull request",
            "Somebody proposes a new NTP server everywhere and a new name for a port of access1.",
        )
        github = self._world.github
        number = await github.open_pull("new-ntp", "Move NTP to the new server", self._proposal())
        sha = await github.head("new-ntp")
        await self._status(sha, PLAN, "success", "3 of 3 devices would change")
        comment = await github.wait_comment(number, containing="```", timeout=PATIENCE)
        self._show_markdown_diff(comment.body)
        self._fact(
            "one comment shows the dry-run",
            f"pull request #{number}",
            f"{len(github.comments(number))} comment, names the new server: "
            f"{NEW_NTP in comment.body}",
            len(github.comments(number)) == 1 and NEW_NTP in comment.body,
        )
        typed = self._typed()
        self._fact("a dry-run types no configuration", "devices", typed, typed == "nothing")
        return number

    async def _merge(self, number: int) -> None:
        self._step("merge", "The merge reaches the devices: backed up, pushed, verified, saved.")
        sha = await self._world.github.merge_pull(number)
        await self._status(sha, DEPLOY, "success", "3 devices in sync")
        for name in self._world.fleet.names:
            device = self._world.fleet[name]
            running, startup = device.running(), device.startup()
            self._fact(
                f"{name} runs and has saved the new server, and no longer the old one",
                f"{name} running-config and startup-config",
                _which(running, startup, NEW_NTP, OLD_NTP),
                all(
                    f"ntp server {NEW_NTP}" in text and OLD_NTP not in text
                    for text in (running, startup)
                ),
            )
            self._fact(
                f"{name} has no rollback timer left armed",
                name,
                "armed" if device.pending_revert else "none",
                not device.pending_revert,
            )
        access = self._world.fleet["access1"].running()
        self._fact(
            "access1 has the new description",
            "access1 running-config",
            NEW_DESK if NEW_DESK in access else "old description",
            NEW_DESK in access,
        )

    async def _drift(self) -> None:
        self._step("drift", "Somebody changes core1 by hand. A check finds it, a sync undoes it.")
        core = self._world.fleet["core1"]
        before = core.running()
        core.type(["snmp-server location Somebody typed this by hand"])
        opened = await self._world.api(
            "POST", "/api/v1/deployments", {"mode": "check", "devices": None}
        )
        found = await self._world.deployment(opened["id"], timeout=PATIENCE)
        drifted = [
            job["device"] for job in found["jobs"] if (job.get("outcome") or {}).get("changed")
        ]
        self._fact(
            "the check finds the drift, on that device only",
            f"deployment {opened['id']}",
            f"drift on {', '.join(drifted) or 'no device'}",
            drifted == ["core1"],
        )
        for job in found["jobs"]:
            if job["device"] == "core1":
                self._show_diff(job["outcome"]["diff"])
        sync = await self._sync_of("core1")
        self._fact("the fleet shows core1 out of sync", "API", sync, sync == "out-of-sync")
        sha = await self._world.github.head()
        await self._world.api("POST", "/api/v1/gitops/sync", {"force": True})
        await self._synced("core1")
        same = _body(core.running()) == _body(before)
        self._fact(
            "after a sync core1 has its own location back",
            "core1 running-config",
            "as before" if same else "different",
            same,
        )
        await self._status(sha, DEPLOY, "success", "in sync")

    async def _bad_commit(self) -> str:
        self._step(
            "bad commit",
            "A commit gives edge1 an address that overlaps another interface; the device refuses.",
        )
        github = self._world.github
        before = {
            name: _body(self._world.fleet[name].running()) for name in self._world.fleet.names
        }
        text = self._seed()["configs/edge1.cfg"].decode()
        broken = text.replace(
            "interface GigabitEthernet0/2\n no ip address\n shutdown\n",
            f"interface GigabitEthernet0/2\n description Spare uplink\n {OVERLAP}\n",
        )
        sha = await github.commit({"configs/edge1.cfg": broken}, "Use the spare port of edge1")
        status = await self._status(sha, DEPLOY, "failure", "edge1")
        self._fact(
            "the status says what the device said",
            f"status {DEPLOY}",
            status,
            "overlaps" in status,
        )
        for name, text_before in before.items():
            device = self._world.fleet[name]
            same = _body(device.running()) == text_before and _body(device.startup()) == text_before
            self._fact(
                f"{name} runs and has saved exactly what it had before",
                name,
                "as before" if same else "different",
                same,
            )
        return sha

    async def _revert(self, bad: str) -> None:
        self._step("git revert", "`git revert` brings the branch back; everything is in sync.")
        sha = await self._world.github.revert(bad)
        await self._status(sha, DEPLOY, "success", "")
        for name in self._world.fleet.names:
            sync = await self._sync_of(name)
            self._fact(f"{name} is in sync", "API", sync, sync == "in-sync")
        final = {state.state for state in self._world.github.statuses(bad).values()}
        self._fact(
            "the bad commit keeps its failure",
            f"statuses of {bad[:7]}",
            ", ".join(sorted(final)),
            self._world.github.statuses(bad)[DEPLOY].state == "failure",
        )

    # --- what the steps are made of ------------------------------------------------------------

    def _proposal(self) -> dict[str, str | None]:
        files = {path: text.decode() for path, text in self._seed().items()}
        return {
            "inventory.yaml": files["inventory.yaml"].replace(OLD_NTP, NEW_NTP),
            "configs/access1.cfg": files["configs/access1.cfg"].replace(DESK, NEW_DESK),
        }

    def _seed(self) -> dict[str, bytes]:
        seed = self._world.home / "seed"
        return {
            str(path.relative_to(seed)): path.read_bytes()
            for path in seed.rglob("*")
            if path.is_file()
        }

    async def _status(self, sha: str, context: str, state: str, says: str) -> str:
        with self._console.status(f"waiting for {context} on {sha[:7]}"):
            seen = await self._world.github.wait_status(sha, context, timeout=PATIENCE)
        self._fact(
            f"{context} is {state}" + (f" and says “{says}”" if says else ""),
            f"status of {sha[:7]}",
            f"{seen.state}: {seen.description}",
            seen.state == state and says in seen.description,
        )
        return str(seen.description)

    async def _sync_of(self, name: str) -> str:
        devices = (await self._world.api("GET", "/api/v1/devices"))["devices"]
        return next(str(each["sync"]) for each in devices if each["name"] == name)

    async def _synced(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self._sync_of(name) != "in-sync":  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.1)

    def _typed(self) -> str:
        """The configuration lines that were typed into any device so far."""
        typed = [
            f"{name}: {line}"
            for name in self._world.fleet.names
            for _, line in self._world.fleet[name].transcript()
            if line.startswith("configure")
        ]
        return ", ".join(typed) or "nothing"

    def _fact(self, fact: str, where: str, seen: str, true: bool) -> None:
        checked = Fact(step=self.title, fact=fact, where=where, seen=seen, true=true)
        self.facts.append(checked)
        mark = Text("  ✓ ", "green") if checked.true else Text("  ✗ ", "bold red")
        line = mark.append(fact, "default").append(f"  {seen}", "dim")
        line.truncate(max(40, self._console.width - 1), overflow="ellipsis")
        self._console.print(line)
        if not checked.true:
            raise StoryFailed(f"not true: {fact} ({where}: {seen})")

    # --- for the eye ---------------------------------------------------------------------------

    def _introduce(self) -> None:
        world = self._world
        lines = Group(
            Text(f"status page  {world.url}/"),
            Text(f"sign in      user {world.person[0]}, password {world.person[1]}"),
            Text(f"devices      {', '.join(world.fleet.names)} over SSH on loopback"),
            Text(f"repository   {world.github.url} (a stand-in over local git)"),
        )
        self._console.print(Panel(lines, title="CatNet Controller", border_style="cyan"))

    def _step(self, title: str, words: str) -> None:
        self.title = title
        self._console.print(Rule(f"[bold cyan]{title}", align="left", style="cyan"))
        self._console.print(Text(words, "italic"))

    def _show_diff(self, diff: str) -> None:
        self._console.print(Syntax(diff, "diff", theme="ansi_dark", background_color="default"))

    def _show_markdown_diff(self, body: str) -> None:
        _, _, rest = body.partition("```diff\n")
        diff, _, _ = rest.partition("\n```")
        if diff:
            self._show_diff(diff)


def _which(running: str, startup: str, new: str, old: str) -> str:
    words = []
    for label, text in (("running", running), ("startup", startup)):
        words.append(
            f"{label}: {'new' if new in text else 'no new'}{', old' if old in text else ''}"
        )
    return "; ".join(words)


def _body(config: str) -> str:
    """A config without what the device writes anew at each change."""
    volatile = ("! Last configuration change", "! NVRAM config", "Current configuration", "Using ")
    return "\n".join(line for line in config.splitlines() if not line.startswith(volatile))


def _closing(story: Story, console: Console, failure: str | None, seconds: float) -> None:
    table = Table(title="What was checked", title_justify="left", title_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("step", style="cyan", no_wrap=True)
    table.add_column("fact")
    table.add_column("where", style="dim")
    last = ""
    for fact in story.facts:
        step, last = ("" if fact.step == last else fact.step), fact.step
        mark = "[green]✓" if fact.true else "[bold red]✗"
        table.add_row(mark, step, Text(fact.fact), Text(fact.where))
    console.print(table)
    if failure is None:
        true = sum(fact.true for fact in story.facts)
        console.print(f"[bold green]All {true} facts are true[/], in {seconds:.0f} seconds.")
    else:
        console.print(Text(f"The story failed: {failure}", "bold red"))


def _facts_out(story: Story, failure: str | None, seconds: float) -> None:
    print(
        json.dumps(
            {
                "ok": failure is None,
                "failure": failure,
                "seconds": round(seconds, 1),
                "facts": [asdict(fact) for fact in story.facts],
            },
            indent=2,
            ensure_ascii=False,
        )
    )


async def _stay(world: World, console: Console) -> None:
    console.print(
        f"\nEverything still runs.\n"
        f"  status page  [bold]{world.url}/[/]\n"
        f"  sign in      user [bold]{world.person[0]}[/], password [bold]{world.person[1]}[/]\n"
        f"  log          {world.log}\n"
        f"Ctrl-C ends it."
    )
    await asyncio.Event().wait()
