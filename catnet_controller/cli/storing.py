"""Arguments come in, an exit code goes out: `catnet store`, for the store of this machine."""

import asyncio
from pathlib import Path

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit


@click.group()
def store() -> None:
    """The store of the daemon: copied, checked, brought up to date; on its machine, as its user."""


@store.command(short_help="Copy the whole store, while the daemon runs.")
@click.argument("target", type=click.Path(path_type=Path))
@options.config
@options.as_json
def backup(*, target: Path, config: Path, as_json: bool) -> int:
    """Copy the whole store to the folder TARGET, which must not be there yet: the database as it is
    at one moment, backups of configurations, host keys. The daemon may run meanwhile.

    The copy holds secrets of devices, as the store does: keep it as safe. To go back to it, stop
    the daemon and put the folder where store.path says.

    \b
    Examples:
      catnet store backup /backup/catnet-$(date +%F)
    """
    from catnet_controller.app import upkeep

    number = upkeep.copy(options.read(config, lazy=True), target)
    if as_json:
        options.print_json({"target": str(target), "files": number})
    else:
        click.echo(f"{options.count(number, 'file')} in {target}")
    return Exit.OK


@store.command(short_help="Look whether the store is sound.")
@options.config
@options.as_json
def check(*, config: Path, as_json: bool) -> int:
    """Look whether the database is whole and every backup of a configuration is good. Changes
    nothing; the daemon may run. Ends with 1 when something is wrong.

    \b
    Examples:
      catnet store check
      catnet store check --json | jq .schema
    """
    from catnet_controller.app import upkeep

    settings = options.read(config, lazy=True)
    found = upkeep.look(settings)
    kept = asyncio.run(upkeep.backups(settings))
    damaged = [backup.id for device in kept for backup in device.backups if not backup.good]
    good = sum(len(device.backups) for device in kept) - len(damaged)
    problems = [*found.problems, *(f"backup {number} is damaged" for number in damaged)]
    if as_json:
        options.print_json(
            {
                "file": str(found.file),
                "ok": not problems,
                "schema": found.schema,
                "newest_schema": found.newest,
                "rows": dict(found.rows),
                "backups": good,
                "problems": problems,
            }
        )
        return Exit.PROBLEMS if problems else Exit.OK
    for problem in problems:
        click.echo(problem)
    rows = ", ".join(f"{number:,} {name}" for name, number in found.rows.items())
    click.echo(f"{found.file}: schema {found.schema} of {found.newest}; {rows}")
    click.echo(f"{options.count(good, 'good backup')} of {options.count(len(kept), 'device')}")
    return Exit.PROBLEMS if problems else Exit.OK


@store.command(short_help="Bring the store up to date, before the daemon does.")
@click.option("--dry-run", is_flag=True, help="Only say what there is to do.")
@options.config
@options.as_json
def migrate(*, dry_run: bool, config: Path, as_json: bool) -> int:
    """Bring the database up to the schema of this version, after a copy of it was put beside it.

    The daemon does the same at its start, without the copy. It must not run. An upgrade that is
    killed leaves the database as it was.

    \b
    Examples:
      catnet store migrate --dry-run
      catnet store migrate
    """
    from catnet_controller.app import upkeep

    settings = options.read(config, lazy=True)
    found = upkeep.look(settings)
    kept: Path | None = None
    if found.schema != found.newest and not dry_run:
        kept = asyncio.run(upkeep.migrate(settings, found))
    told = {"from": found.schema, "to": found.newest, "copy": None if kept is None else str(kept)}
    if as_json:
        options.print_json(told)
    elif found.schema == found.newest:
        click.echo(f"schema {found.schema} is the newest")
    elif kept is None:
        click.echo(f"schema {found.schema} would become {found.newest}")
    else:
        click.echo(f"schema {found.schema} is {found.newest} now; as it was: {kept}")
    return Exit.OK
