"""Results come in; what people read in a terminal goes out. Foreign text is never markup."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from catnet_controller.models import Backup, Outcome

if TYPE_CHECKING:
    from catnet_controller.app.differing import Difference
    from catnet_controller.app.keeping import Kept

_COLOURS = {
    "in-sync": "green",
    "out-of-sync": "yellow",
    "reachable": "green",
    "degraded": "yellow",
    "unreachable": "red",
    "complete": "green",
    "failed": "red",
    "running": "blue",
    "pending": "blue",
    "quarantined": "red",
}


def status(console: Console, facts: dict[str, Any]) -> None:
    """The fleet, its devices and the last deployments, as `catnet status` fetched them."""
    it = facts["status"]
    head = Text.assemble((it["repository"], "bold"), (f"  {it['branch']}  ", "dim"))
    head.append("push" if it["mode"] == "push" else "dry-run only", "cyan")
    head.append(f"  CatNet {it['version']}", "dim")
    console.print(head)
    for part, reason in it["reasons"].items():
        console.print(Text.assemble(("not ready ", "bold red"), (part, "bold"), f": {reason}"))
    for ref, reason in it.get("held_up", {}).items():
        console.print(Text.assemble(("held up ", "bold yellow"), (ref, "bold"), f": {reason}"))
    if it["pause"] is not None:
        pause = it["pause"]
        told = f"by {pause['by']}, {_ago(pause['since'], _time(it['now']))}: {pause['reason']}"
        console.print(Text.assemble(("pushes are paused ", "bold red"), told))
    fleet, queue = it["devices"], it["queue"]
    console.print(
        Text(
            f"{fleet['total']} devices: {fleet['sync']['in-sync']} in sync,"
            f" {fleet['sync']['out-of-sync']} out of sync, {fleet['sync']['unknown']} unknown;"
            f" {fleet['health']['unreachable']} unreachable."
            f" {queue['running']} running, {queue['pending']} waiting,"
            f" {queue['outbox']} on the way to GitHub."
        )
    )
    if queue.get("given_up"):
        console.print(
            Text(f"{queue['given_up']} reports were given up: {queue['refusal']}", style="red")
        )
    now = _time(it["now"])
    if facts["devices"]:
        devices(console, facts["devices"], now=now)
    if facts["deployments"]:
        deployments(console, facts["deployments"], now=now)


def devices(
    console: Console, found: Sequence[dict[str, Any]], *, now: datetime | None = None
) -> None:
    """Devices, a line each; without ``now`` the time is that of the clock."""
    table = _table("device", "sync", "health", "revision", "last seen", "note")
    for each in found:
        sync = _word(each["sync"]) if each["managed"] else Text("unmanaged", "dim")
        if each["rolled_back"]:
            sync.append(" rolled back", "red")
        elif each["quarantined"]:
            sync.append(" quarantined", "red")
        table.add_row(
            Text(each["name"], "bold"),
            sync,
            _word(each["health"]),
            Text((each["revision"] or "–")[:8], "dim"),
            Text(_seen(each["seen_at"], now)),
            Text(each["note"], "dim"),
        )
    console.print(table)


def _seen(at: str | None, now: datetime | None) -> str:
    if at is None:
        return "never"
    return _ago(at, now) if now is not None else _clock(_time(at).timestamp())


def device(console: Console, it: dict[str, Any]) -> None:
    """What is on record of one device."""
    table = Table.grid(padding=(0, 2))
    for key, value in it.items():
        if value not in (None, "", [], False) and key not in ("id", "note"):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            if isinstance(value, dict):
                shown = f"{value['name']} ({value['host']} port {value['port']})"
            table.add_row(Text(key.replace("_", " "), "dim"), Text(shown))
    console.print(table)
    if it["note"]:
        console.print(Text(it["note"], "yellow"))


def deployments(
    console: Console, found: Sequence[dict[str, Any]], *, now: datetime | None = None
) -> None:
    """Deployments, a line each; without ``now`` the time is that of the clock."""
    table = _table("deployment", "state", "mode", "when", "asked by", "summary")
    for each in found:
        opened = _time(each["created_at"])
        table.add_row(
            Text(f"#{each['id']}", "bold"),
            _word(each["state"]),
            Text(each["mode"]),
            Text(_ago(each["created_at"], now) if now else _clock(opened.timestamp())),
            Text(each["cause"]),
            Text(each["summary"]),
        )
    console.print(table)


def deployment(console: Console, it: dict[str, Any]) -> None:
    """A deployment with what it does, or did, to each device."""
    for problem in it["problems"]:
        console.print(Text(f"{problem['file']}:{problem['line']}: {problem['message']}"))
    for job in it["jobs"]:
        head = Text.assemble((job["device"], "bold"), "  ", _word(job["state"]))
        if job["step"]:
            head.append(f"  {job['step']}", "dim")
        console.print(Rule(head, align="left", style="dim"))
        outcome = job["outcome"]
        if outcome is None:
            continue
        for warning in outcome["warnings"]:
            console.print(Text.assemble(("warning: ", "bold yellow"), warning), soft_wrap=True)
        if outcome["diff"]:
            console.print(diff(outcome["diff"]), soft_wrap=True)
        elif outcome["error"] is None and job["state"] == "complete":
            console.print(Text("nothing to change", "dim"))
        if outcome["error"]:
            console.print(Text.assemble(("error: ", "bold red"), outcome["error"]), soft_wrap=True)
            if outcome["restored"] != "not-needed":
                console.print(Text(f"the device: {outcome['restored']}", "bold"))
            if outcome["remaining"]:
                console.print(Text("difference that remains:", "bold"))
                console.print(diff(outcome["remaining"]), soft_wrap=True)
            if outcome["next_step"]:
                console.print(Text.assemble(("next: ", "bold cyan"), outcome["next_step"]))
    line = Text.assemble((f"#{it['id']} ", "bold"), _word(it["state"]), f"  {it['summary']}")
    console.print(line, soft_wrap=True)


def plan(console: Console, results: Sequence[tuple[str, Outcome]]) -> None:
    """What would be typed into each device."""
    changed = failed = 0
    for name, outcome in results:
        if outcome.error is None and not outcome.diff and not outcome.warnings:
            continue
        console.print(Rule(Text(name, "bold"), align="left", style="dim"))
        console.print(_outcome(outcome))
    for _, outcome in results:
        failed += outcome.error is not None
        changed += outcome.error is None and outcome.changed
    same = len(results) - changed - failed
    line = Text(f"{_count(len(results), 'device')}: ", "bold")
    line.append(f"{changed} would change", "yellow" if changed else "")
    line.append(f", {same} in sync")
    if failed:
        line.append(f", {failed} could not be planned", "bold red")
    console.print(line)


def diff(text: str) -> Text:
    """A diff in colour, one style for each line."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    shown = Text()
    for line in text.splitlines():
        shown.append(line + "\n", styles.get(line[:1], ""))
    shown.rstrip()
    return shown


def facts(found: "Difference") -> dict[str, Any]:
    """A difference for programs."""
    it = found.outcome
    return {
        "same": found.same,
        "running": found.running,
        "desired": found.desired,
        "scope": found.scope.value,
        "added": it.added,
        "removed": it.removed,
        "diff": it.diff,
        "unified": found.unified,
        "commands": list(it.commands),
        "reverse": list(it.reverse),
        "warnings": list(it.warnings),
        "refusals": list(found.refusals),
    }


def difference(
    out: Console, aside: Console, shown: str, found: "Difference", *, plain: bool
) -> None:
    """One view of a difference; what is said about it goes ``aside``."""
    if shown:
        # One line is one line, however narrow the terminal: it may be read by a program.
        out.print(Text(shown) if plain else diff(shown), soft_wrap=True)
    for refusal in found.refusals:
        aside.print(Text.assemble(("refused: ", "bold red"), refusal), soft_wrap=True)
    for warning in found.outcome.warnings:
        aside.print(Text.assemble(("warning: ", "bold yellow"), warning), soft_wrap=True)
    if found.refusals:
        aside.print(Text("nothing would be typed", "bold"))
    elif found.same:
        aside.print(Text("no difference", "dim"))
    else:
        it = found.outcome
        told = f"+{it.added} −{it.removed} lines, {_count(len(it.commands), 'command')}"
        aside.print(Text(told, "dim"))


def logins(console: Console, found: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    """Whose login, the user, and which secrets it has."""
    table = _table("login", "username", "secrets")
    for whose, username, secrets in found:
        table.add_row(Text(whose, "bold"), Text(username), Text(", ".join(secrets), "dim"))
    console.print(table)


def kept(console: Console, found: Sequence["Kept"]) -> None:
    """The newest good backup of each device."""
    table = _table("device", "newest good backup", "last seen", "kept", "note")
    for each in found:
        newest, damaged = each.newest, sum(not one.good for one in each.backups)
        table.add_row(
            Text(each.device, "bold"),
            Text(newest.id.rpartition("/")[2]) if newest else Text("none", "bold red"),
            Text(_clock(newest.seen_at) if newest else ""),
            Text(str(len(each.backups))),
            Text(f"{damaged} damaged" if damaged else "", "red"),
        )
    console.print(table)


def backups(console: Console, found: Sequence[Backup]) -> None:
    """The backups of a device."""
    table = _table("backup", "taken", "last seen", "bytes", "note")
    for each in found:
        table.add_row(
            Text(each.id, "bold"),
            Text(_clock(each.taken_at)),
            Text(_clock(each.seen_at)),
            Text(str(each.size)),
            Text("" if each.good else "damaged", "bold red"),
        )
    console.print(table, soft_wrap=True)


def taken_back(console: Console, ended: dict[str, Any], *, dry_run: bool) -> None:
    """How the rollback of a device ended, or what it would type."""
    [job] = ended["jobs"]
    outcome = job["outcome"] or {}
    for warning in outcome.get("warnings", ()):
        console.print(Text.assemble(("warning: ", "bold yellow"), warning))
    if outcome.get("diff"):
        console.print(diff(outcome["diff"]), soft_wrap=True)
    if outcome.get("error"):
        console.print(Text.assemble(("error: ", "bold red"), outcome["error"]), soft_wrap=True)
        if outcome["restored"] == "restored":
            console.print(Text(f"{job['device']} is as it was before", "bold"))
        elif outcome["restored"] != "not-needed":
            console.print(Text(f"{job['device']}: {outcome['restored']}", "bold red"))
        if outcome.get("next_step"):
            console.print(Text.assemble(("next: ", "bold cyan"), outcome["next_step"]))
        return
    if ended["state"] != "complete":
        console.print(Text(f"{job['device']}: {ended['summary']}", "bold red"))
        return
    told = f"+{outcome['added']} −{outcome['removed']} lines"
    if not outcome["changed"]:
        console.print(Text(f"{job['device']} has this configuration already", "bold"))
    elif dry_run:
        console.print(Text(f"{job['device']} would change ({told}); nothing was typed", "bold"))
        console.print(Text("say --no-dry-run to type it", "dim"))
    else:
        console.print(Text(f"{job['device']} rolled back, verified and saved ({told})", "bold"))
    if not dry_run:
        console.print(
            Text("what the branch wants is not pushed to it until its files change,", "dim")
        )
        console.print(Text("or `catnet sync --force` asks for it", "dim"))


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _outcome(it: Outcome) -> RenderableType:
    parts: list[RenderableType] = []
    if it.error is not None:
        parts.append(Text.assemble(("error: ", "bold red"), it.error))
        if it.next_step:
            parts.append(Text.assemble(("next: ", "bold cyan"), it.next_step))
    parts += [Text.assemble(("warning: ", "bold yellow"), each) for each in it.warnings]
    if it.diff:
        parts.append(diff(it.diff))
    return Padding(Group(*parts), (0, 0, 1, 0))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column not in ("note", "summary"), overflow="fold")
    return table


def _word(word: str) -> Text:
    return Text(word, _COLOURS.get(word, "dim"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _ago(text: str | None, now: datetime) -> str:
    if text is None:
        return "never"
    seconds = max(0, int((now - _time(text)).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
