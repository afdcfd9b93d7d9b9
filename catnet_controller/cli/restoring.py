"""Arguments come in, an exit code goes out: `catnet backup` and `catnet rollback`."""

import asyncio
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit, Flags

if TYPE_CHECKING:
    from catnet_controller.settings import Settings


@click.group()
def backup() -> None:
    """The backups of running configurations, on the machine of the daemon."""


@backup.command("list", short_help="List the backups there are.")
@click.argument("device", required=False)
@options.config
@options.as_json
def list_(*, device: str | None, config: Path, as_json: bool) -> int:
    """List the backups of DEVICE, newest first; without DEVICE, the newest good one of each.

    Works without the daemon, from the files in the folder of the store. Each file is read and
    verified: one that was cut or edited is marked as damaged, and the command ends with 1.

    \b
    Examples:
      catnet backup list
      catnet backup list edge1
      catnet backup list edge1 --json | jq -r '.[0].id'
    """
    from catnet_controller.app import keeping
    from catnet_controller.web import views

    found = asyncio.run(keeping.listed(options.read(config, lazy=True), device))
    damaged = any(not one.good for each in found for one in each.backups)
    if as_json:
        options.print_json([views.backup(one) for each in found for one in each.backups])
        return Exit.PROBLEMS if damaged else Exit.OK
    from rich.console import Console

    from catnet_controller.cli import printing

    if not found:
        click.echo("no backups yet", err=True)
    elif device is None:
        printing.kept(Console(), found)
    else:
        printing.backups(Console(), found[0].backups)
    return Exit.PROBLEMS if damaged else Exit.OK


@backup.command(short_help="Print a backup, secrets hidden.")
@click.argument("number", metavar="ID")
@click.option("--secrets", is_flag=True, help="Print the file as it is, with every secret.")
@options.config
@options.as_json
def show(*, number: str, secrets: bool, config: Path, as_json: bool) -> int:
    """Print backup ID, verified, with its secrets hidden.

    \b
    Examples:
      catnet backup show edge1/20261102T120000.250Z-0f3a5c7e9b1d2f40
      catnet backup show ID --secrets > edge1.cfg
    """
    from catnet_controller.app import keeping
    from catnet_controller.ios.redact import redact

    text = asyncio.run(keeping.text(options.read(config, lazy=True), number))
    if not secrets:
        text = redact(text)
    if as_json:
        shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        options.print_json({"id": number, "text": shown})
        return Exit.OK
    sys.stdout.flush()
    # Bytes: a device may hold what is no UTF-8, and the file must come out as it is.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    return Exit.OK


@backup.command(short_help="Compare a backup with another, or with what runs.")
@click.argument("number", metavar="ID")
@click.argument("other", metavar="[ID|running|desired]", default="running")
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The config repository in this folder, not the branch on GitHub.",
)
@options.config
@options.as_json
@click.pass_obj
def diff(
    flags: Flags, *, number: str, other: str, path: Path | None, config: Path, as_json: bool
) -> int:
    """Compare backup ID with another backup, with what runs on its device now (read over SSH), or
    with what the config repository wants there.

    Shows what leads from the backup to the other. Secrets are hidden. Ends as diff(1): 0 the same,
    1 different, 2 or more trouble.

    \b
    Examples:
      catnet backup diff edge1/20261102T120000.250Z-0f3a5c7e9b1d2f40
      catnet backup diff OLDER NEWER
      catnet backup diff ID desired --path ~/network-config
    """
    flags.problems = Exit.USAGE
    from rich.console import Console

    from catnet_controller.app import keeping
    from catnet_controller.app.differing import differ
    from catnet_controller.cli import printing

    lazy = other not in ("running", "desired")
    with ExitStack() as stack:

        @cache
        def settings() -> "Settings":
            from catnet_controller.telemetry import logs

            read = options.read(config, lazy=lazy)
            logging = logs.configure(level="error", format="console", secrets=options.hidden(read))
            stack.callback(logging.close)
            return read

        kept = {number: asyncio.run(keeping.text(settings(), number))}
        side: str | None = other
        if other == "running":
            side = f"device:{number.rpartition('/')[0]}"
        elif other == "desired":
            side = None
        else:
            kept[other] = asyncio.run(keeping.text(settings(), other))
        found = asyncio.run(
            differ(number, side, path=path, partial=False, settings=settings, kept=kept)
        )
    if as_json:
        options.print_json(printing.facts(found))
    else:
        text = found.outcome.diff
        printing.difference(Console(), Console(stderr=True), text, found, plain=False)
    if found.refusals:
        return Exit.USAGE
    return Exit.OK if found.same else Exit.PROBLEMS


_dry_run = click.option(
    "--dry-run/--no-dry-run",
    default=True,
    show_default=True,
    help="Only show what would be typed; --no-dry-run types it.",
)
_wait = click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait for the device, and say how."
)


@backup.command(short_help="Put a backup back on its device.")
@click.argument("number", metavar="ID")
@_dry_run
@_wait
@options.config
@options.url
@options.as_json
def restore(
    *, number: str, dry_run: bool, wait: bool, config: Path, url: str | None, as_json: bool
) -> int:
    """Put backup ID back on the device it was made of: `catnet rollback --backup ID`.

    Shows what would be typed, until you say --no-dry-run.

    \b
    Examples:
      catnet backup restore edge1/20261102T120000.250Z-0f3a5c7e9b1d2f40
      catnet backup restore ID --no-dry-run
    """
    name = number.rpartition("/")[0]
    if not name:
        raise click.UsageError(f"{number} is no id of a backup, which is DEVICE/TIME-CHECKSUM.")
    body = {"device": name, "backup": number, "dry_run": dry_run}
    return _take_back(body, wait=wait, config=config, url=url, as_json=as_json)


@click.command(short_help="Take a device back to an earlier configuration.")
@click.option("--device", "name", metavar="NAME", required=True, help="The device.")
@click.option(
    "--backup", "number", metavar="ID|FILE", help="To this backup, or this running-config."
)
@click.option("--revision", metavar="SHA", help="To what this commit of the repository wants.")
@_dry_run
@click.option("--force", is_flag=True, help="Take FILE also when its hostname is another one.")
@_wait
@options.config
@options.url
@options.as_json
def rollback(
    *,
    name: str,
    number: str | None,
    revision: str | None,
    dry_run: bool,
    force: bool,
    wait: bool,
    config: Path,
    url: str | None,
    as_json: bool,
) -> int:
    """Take a device back: to a backup, a file, a revision, or to before its last change.

    The daemon does it as a push: under the device's own revert timer, proved from a second login,
    confirmed and saved; before every other work on that device. Your word goes further than
    deploy.mode, which is about what CatNet does by itself. Without --no-dry-run it only shows
    what would be typed.

    Afterwards what the branch wants on this device is not pushed to it again by itself, until a
    commit changes its files or `catnet sync --force` asks for it.

    \b
    Examples:
      catnet rollback --device edge1
      catnet rollback --device edge1 --no-dry-run
      catnet rollback --device edge1 --backup edge1/20261102T120000.250Z-0f3a5c7e9b1d2f40
      catnet rollback --device edge1 --backup saved.cfg --no-dry-run
      catnet rollback --device edge1 --revision 4f2a9c1 --no-dry-run
    """
    if number is not None and revision is not None:
        raise click.UsageError("--backup and --revision do not go together.")
    body: dict[str, Any] = {"device": name, "dry_run": dry_run, "force": force}
    if revision is not None:
        body["revision"] = revision
    elif number is not None and Path(number).is_file():
        body |= {"text": source_text(Path(number)), "file": Path(number).name}
    elif number is not None:
        if "/" not in number or number.startswith(("/", ".")):
            raise click.UsageError(f"{number} is neither a file nor an id of a backup.")
        body["backup"] = number
    return _take_back(body, wait=wait, config=config, url=url, as_json=as_json)


def source_text(path: Path) -> str:
    """A configuration in a file, as it is."""
    most = 3 * 1024 * 1024
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > most:
        raise click.UsageError(f"{path} is larger than 3 MiB; is it the right file?")
    return data.decode("utf-8", "surrogateescape")


def _take_back(
    body: dict[str, Any], *, wait: bool, config: Path, url: str | None, as_json: bool
) -> int:
    daemon = options.daemon(config, url)
    asked = daemon.post("/api/v1/rollback", {**body, "by": options.who()})
    if not wait:
        if as_json:
            options.print_json(asked)
        else:
            click.echo(f"{asked['title']}: deployment {asked['id']}, {asked['url']}")
        return Exit.OK
    from rich.console import Console
    from rich.text import Text

    from catnet_controller.cli import printing

    doing = Text(f"{asked['title']} (deployment {asked['id']})")
    try:
        with Console(stderr=True).status(doing):
            ended = _ended(daemon, asked["id"])
    except KeyboardInterrupt:
        click.echo(f"deployment {asked['id']} goes on in the daemon: {asked['url']}", err=True)
        raise
    if as_json:
        options.print_json(ended)
    else:
        printing.taken_back(Console(), ended, dry_run=asked["dry_run"])
    return Exit.OK if ended["state"] == "complete" else Exit.PROBLEMS


def _ended(daemon: Any, number: int) -> Any:
    pause = 0.2
    while True:
        found = daemon.get(f"/api/v1/deployments/{number}")
        if found["state"] not in ("pending", "running"):
            return found
        time.sleep(pause)
        pause = min(pause * 1.5, 3.0)
