"""Arguments come in, an exit code goes out: `catnet gitops`, about the config repository."""

import asyncio
import re
from pathlib import Path
from urllib.parse import quote

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit


@click.group()
def gitops() -> None:
    """The config repository: reach it, look at it, follow it."""


@gitops.command(short_help="Find out whether a repository can be followed.")
@click.option("--repo", metavar="OWNER/NAME", help="Not that of catnet.yaml, but this one.")
@options.config
@options.as_json
def connect(*, repo: str | None, config: Path, as_json: bool) -> int:
    """Reach a config repository with the token of catnet.yaml, from this process, and read it.

    Says what the token lacks, and every problem of the files. Nothing is written; to follow the
    repository, name it in catnet.yaml and start the daemon.

    \b
    Examples:
      catnet gitops connect
      catnet gitops connect --repo acme/network-config
    """
    settings = options.read(config, lazy=True)
    name = repo or settings.github.repository
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", name):
        raise click.UsageError(f"{name} is not OWNER/NAME, as in acme/network-config.")
    from catnet_controller.app.connecting import connect as look
    from catnet_controller.telemetry import logs

    logging = logs.configure(level="error", format="console", secrets=options.hidden(settings))
    try:
        found = asyncio.run(look(settings, name))
    finally:
        logging.close()
    it = found.snapshot
    if as_json:
        options.print_json(
            {
                "repository": name,
                "branch": found.branch,
                "head": it.revision.sha,
                "devices": sorted(it.desired),
                "problems": [
                    {"file": one.file, "line": one.line, "message": one.message}
                    for one in it.problems
                ],
                "followed": found.named,
            }
        )
        return Exit.PROBLEMS if it.problems else Exit.OK
    click.echo(f"{name}, branch {found.branch} at {it.revision.sha[:12]}: {it.revision.title}")
    for problem in it.problems:
        click.echo(str(problem))
    if it.problems:
        click.echo(f"{options.count(len(it.problems), 'problem')}; correct them first", err=True)
        return Exit.PROBLEMS
    click.echo(f"{options.count(len(it.desired), 'device')}: {', '.join(sorted(it.desired))}")
    if not found.named:
        click.echo(f"to follow it: `repository: {name}` under `github:` in {config}")
    return Exit.OK


@gitops.command("list-configs", short_help="List the files of the repository.")
@options.config
@options.url
@options.as_json
def list_configs(*, config: Path, url: str | None, as_json: bool) -> int:
    """List the files that matter, at the commit that the daemon last saw; works while GitHub is
    away.

    \b
    Examples:
      catnet gitops list-configs
    """
    found = options.daemon(config, url).get("/api/v1/gitops/configs")
    if as_json:
        options.print_json(found)
        return Exit.OK
    for each in found["configs"]:
        click.echo(f"{each['bytes']:>9}  {each['path']}")
    click.echo(f"{found['repository']} {found['branch']} at {found['revision'][:12]}", err=True)
    return Exit.OK


@gitops.command(short_help="Print a file of the repository, secrets hidden.")
@click.argument("path")
@options.config
@options.url
@options.as_json
def show(*, path: str, config: Path, url: str | None, as_json: bool) -> int:
    """Print the file PATH of the repository, at the commit that the daemon last saw, with its
    secrets hidden; works while GitHub is away.

    \b
    Examples:
      catnet gitops show configs/edge1.cfg
    """
    daemon = options.daemon(config, url)
    found = daemon.get(f"/api/v1/gitops/configs/{quote(path)}")
    if as_json:
        options.print_json(found)
    else:
        click.echo(found["text"], nl=not found["text"].endswith("\n"))
    return Exit.OK


@gitops.command(short_help="Ask the daemon to look at the branch now.")
@click.option("--force", is_flag=True, help="Deploy also where the branch has not moved.")
@options.config
@options.url
@options.as_json
def sync(*, force: bool, config: Path, url: str | None, as_json: bool) -> int:
    """The same as `catnet sync`.

    \b
    Examples:
      catnet gitops sync
      catnet gitops sync --force
    """
    daemon = options.daemon(config, url)
    return options.look(daemon, force=force, as_json=as_json)
