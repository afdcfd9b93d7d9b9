"""Arguments come in, an exit code goes out: `catnet deploy`, `deployment`, `pause`, `resume`."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit
from catnet_controller.cli.restoring import source_text

_LIVE = ("pending", "running")
_STEPS = ("connect", "read", "compare", "guard", "arm", "push", "prove", "confirm", "save")

_settings = click.option(
    "--settings",
    type=click.Path(path_type=Path),
    default=Path("catnet.yaml"),
    show_default=True,
    envvar="CATNET_CONFIG",
    help="The settings file; also CATNET_CONFIG.",
)


@click.command(short_help="Take what the repository wants, or a file, to a device.")
@click.option("--device", "devices", multiple=True, required=True, metavar="NAME", help="Repeat.")
@click.option(
    "--source",
    type=click.Choice(["github", "file"]),
    default="github",
    show_default=True,
    help="What the branch wants on the device, or the whole running-config in a file.",
)
@click.option(
    "--config",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file, with --source file.",
)
@click.option(
    "--dry-run/--no-dry-run",
    default=True,
    show_default=True,
    help="Only show what would be typed; --no-dry-run types it.",
)
@click.option("--verify", is_flag=True, help="Read back and prove the result: always so.")
@click.option("--force", is_flag=True, help="Take a file also when its hostname is another one.")
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait for the end, and show it."
)
@_settings
@options.url
@options.as_json
def deploy(
    *,
    devices: tuple[str, ...],
    source: str,
    file: Path | None,
    dry_run: bool,
    verify: bool,  # noqa: ARG001 - there is no push without it
    force: bool,
    wait: bool,
    settings: Path,
    url: str | None,
    as_json: bool,
) -> int:
    """Take to devices what the branch wants on them, or the configuration in a file.

    Only shows what would be typed, until you say --no-dry-run. The daemon does it: under the
    device's revert timer, proved from a second login, confirmed and saved. A device whose revision
    failed before, or that was rolled back, is tried again when it is named here. From a file it is
    a rollback to that file: what the branch wants is not pushed there until its files change.

    \b
    Examples:
      catnet deploy --device edge1
      catnet deploy --device edge1 --device core1 --no-dry-run
      catnet deploy --device edge1 --source file --config edge1.cfg
    """
    if (file is not None) != (source == "file"):
        raise click.UsageError("--source file and --config PATH go together.")
    if file is not None and len(devices) > 1:
        raise click.UsageError("A file is the configuration of one device.")
    daemon = options.daemon(settings, url)
    if file is not None:
        body: dict[str, Any] = {"device": devices[0], "text": source_text(file), "file": file.name}
        body |= {"dry_run": dry_run, "force": force, "by": options.who()}
        asked = daemon.post("/api/v1/rollback", body)
    else:
        mode = "dry-run" if dry_run else "push"
        asked = daemon.post(
            "/api/v1/deployments",
            {"mode": mode, "devices": list(dict.fromkeys(devices)), "by": options.who()},
        )
    if not wait:
        if as_json:
            options.print_json(asked)
        else:
            click.echo(f"deployment {asked['id']}: {asked['url']}")
        return Exit.OK
    return shown(daemon, followed(daemon, asked["id"]), as_json=as_json)


def shown(daemon: Any, ended: dict[str, Any], *, as_json: bool) -> int:
    """Print how a deployment stands; the exit code tells whether it is well."""
    if as_json:
        options.print_json(ended)
    else:
        from rich.console import Console

        from catnet_controller.cli import printing

        printing.deployment(Console(), ended)
        pause = daemon.get("/api/v1/pause")["pause"] if ended["state"] in _LIVE else None
        if pause is not None:
            click.echo(f"pushes are paused by {pause['by']}: {pause['reason']}", err=True)
    return Exit.PROBLEMS if ended["state"] not in (*_LIVE, "complete") else Exit.OK


def followed(daemon: Any, number: int) -> dict[str, Any]:
    """The deployment at its end; on a terminal its devices are seen to go on."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bars: dict[int, Any] = {}
    told = False
    pause = 0.2
    with Progress(
        TextColumn("{task.fields[device]}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        try:
            while True:
                found: dict[str, Any] = daemon.get(f"/api/v1/deployments/{number}")
                for job in found["jobs"]:
                    step = job["step"] or job["state"]
                    done = len(_STEPS)
                    if job["state"] in _LIVE:
                        done = _STEPS.index(step) if step in _STEPS else 0
                    if job["id"] not in bars:
                        bars[job["id"]] = progress.add_task(
                            "", total=len(_STEPS), device=job["device"], step=step
                        )
                    progress.update(bars[job["id"]], completed=done, step=step)
                if found["state"] not in _LIVE:
                    return found
                if found["summary"].startswith("paused by ") and not told:
                    told = True
                    progress.console.print(f"{found['summary']}; waiting", markup=False)
                time.sleep(pause)
                pause = min(pause * 1.3, 2.0)
        except KeyboardInterrupt:
            click.echo(
                f"deployment {number} goes on in the daemon; `catnet deployment"
                f" cancel {number}` ends it",
                err=True,
            )
            raise


# --- what there is -------------------------------------------------------------------------------


@click.group()
def deployment() -> None:
    """Deployments: those under way, and those that were."""


@deployment.command("list", short_help="List the deployments that are not over.")
@options.config
@options.url
@options.as_json
def list_(*, config: Path, url: str | None, as_json: bool) -> int:
    """List the deployments that wait or run.

    \b
    Examples:
      catnet deployment list
      catnet deployment list --json | jq '.[].id'
    """
    daemon = options.daemon(config, url)
    found = [
        each
        for state in _LIVE
        for each in daemon.pages(f"/api/v1/deployments?state={state}", "deployments")
    ]
    found.sort(key=lambda each: -each["id"])
    return _listed(found, as_json, "nothing runs")


@deployment.command(short_help="List the last deployments.")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many."
)
@click.option("--device", metavar="NAME", help="Only those that went to this device.")
@click.option("--by", metavar="NAME", help="Only those that this user asked for.")
@click.option("--cause", metavar="TEXT", help="Only those with this cause, as it is shown.")
@click.option("--state", metavar="STATE", help="Only complete, failed, running, and so on.")
@options.config
@options.url
@options.as_json
def history(
    *,
    limit: int,
    device: str | None,
    by: str | None,
    cause: str | None,
    state: str | None,
    config: Path,
    url: str | None,
    as_json: bool,
) -> int:
    """List the last deployments, newest first.

    \b
    Examples:
      catnet deployment history
      catnet deployment history --device edge1 --limit 5
      catnet deployment history --by ada
    """
    cause = f"user {by}" if by is not None else cause
    asked: dict[str, Any] = {"limit": limit, "device": device, "cause": cause, "state": state}
    given = {key: value for key, value in asked.items() if value is not None}
    found = options.daemon(config, url).get(f"/api/v1/deployments?{urlencode(given)}")
    return _listed(found["deployments"], as_json, "no deployments yet")


def _listed(found: list[dict[str, Any]], as_json: bool, none: str) -> int:
    if as_json:
        options.print_json(found)
    elif not found:
        click.echo(none, err=True)
    else:
        from rich.console import Console

        from catnet_controller.cli import printing

        printing.deployments(Console(), found)
    return Exit.OK


@deployment.command(short_help="Show a deployment with its devices.")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@options.config
@options.url
@options.as_json
def show(*, number: int, config: Path, url: str | None, as_json: bool) -> int:
    """Show a deployment: each device with its difference, or why it failed. Secrets are hidden.

    Ends with 1 when it failed, was superseded or cancelled.

    \b
    Examples:
      catnet deployment show 42
      catnet deployment show 42 --json | jq -r '.jobs[].outcome.transcript'
    """
    daemon = options.daemon(config, url)
    return shown(daemon, daemon.get(f"/api/v1/deployments/{number}"), as_json=as_json)


@deployment.command(short_help="Wait for a deployment, and show it.")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@options.config
@options.url
@options.as_json
def watch(*, number: int, config: Path, url: str | None, as_json: bool) -> int:
    """Wait until a deployment is over, with a bar for each device, and show it.

    \b
    Examples:
      catnet deployment watch 42
    """
    daemon = options.daemon(config, url)
    return shown(daemon, followed(daemon, number), as_json=as_json)


@deployment.command(short_help="End what has not touched its device yet.")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@options.config
@options.url
@options.as_json
def cancel(*, number: int, config: Path, url: str | None, as_json: bool) -> int:
    """End what waits, and what runs but has not armed its device. What is armed goes on: its
    device is confirmed or reverted in a moment. Ends with 1 when nothing is left to cancel.

    \b
    Examples:
      catnet deployment cancel 42
    """
    daemon = options.daemon(config, url)
    found = daemon.post(f"/api/v1/deployments/{number}/cancel", {"by": options.who()})
    if as_json:
        options.print_json(found)
        return Exit.OK
    going = [job["device"] for job in found["jobs"] if job["state"] in _LIVE]
    click.echo(f"deployment {number}: {found['summary']}")
    if going:
        click.echo(f"past the point of cancelling: {', '.join(going)}", err=True)
    return Exit.OK


# --- the brake -----------------------------------------------------------------------------------


@click.command(short_help="Hold all pushes until resumed.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; shown wherever a push waits.")
@options.config
@options.url
@options.as_json
def pause(*, reason: str, config: Path, url: str | None, as_json: bool) -> int:
    """Hold all pushes until `catnet resume`, over restarts of the daemon too.

    A push that has not armed its device yet waits again; one that has goes on to its end. Checks,
    dry-runs, backups and rollbacks are not held. What waits says so in its commit status.

    \b
    Examples:
      catnet pause --reason "change freeze until Monday"
    """
    daemon = options.daemon(config, url)
    answer = daemon.post("/api/v1/pause", {"reason": reason, "by": options.who()})
    if as_json:
        options.print_json(answer)
    else:
        click.echo("pushes are paused; `catnet resume` lets them go on")
    return Exit.OK


@click.command(short_help="Let pushes go on.")
@options.config
@options.url
@options.as_json
def resume(*, config: Path, url: str | None, as_json: bool) -> int:
    """Let pushes go on after `catnet pause`: what waited goes first.

    \b
    Examples:
      catnet resume
    """
    daemon = options.daemon(config, url)
    answer = daemon.post("/api/v1/resume", {"by": options.who()})
    ended = answer["ended"]
    if as_json:
        options.print_json(answer)
    elif ended is None:
        click.echo("nothing was paused", err=True)
    else:
        click.echo(f"pushes go on (paused by {ended['by']}: {ended['reason']})")
    return Exit.OK
