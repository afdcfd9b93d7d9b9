"""What the commands have in common: their options, the settings, and how they print."""

import getpass
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from catnet_controller.cli.exits import Exit

if TYPE_CHECKING:
    from catnet_controller.cli.talk import Daemon
    from catnet_controller.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[F], F]

config: Option[Any] = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("catnet.yaml"),
    show_default=True,
    envvar="CATNET_CONFIG",
    help="The settings file; also CATNET_CONFIG.",
)
as_json: Option[Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)
url: Option[Any] = click.option(
    "--url",
    metavar="URL",
    envvar="CATNET_URL",
    help="Where the daemon is, when it is not http.listen on this machine; also CATNET_URL."
    " With it no settings file is needed.",
)


def read(config: Path, *, lazy: bool = False) -> "Settings":
    """The settings; ``lazy`` for commands that need only some of the secrets."""
    from catnet_controller import settings

    return settings.load(config, lazy=lazy)


def daemon(config: Path, url: str | None, *, anonymous: bool = False) -> "Daemon":
    """Works without settings where --url says where the daemon is: on a person's own machine."""
    from catnet_controller.cli.talk import Daemon

    known = None if url is not None and not config.exists() else read(config, lazy=True)
    return Daemon(known, url=url, anonymous=anonymous)


def hidden(settings: "Settings") -> tuple[str, ...]:
    """What the log of a command must not show."""
    from catnet_controller.app import wiring

    return wiring.hidden(settings)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def tell(as_json: bool, facts: object, words: str) -> None:
    """The facts for programs, or the words for people."""
    if as_json:
        print_json(facts)
    else:
        click.echo(words)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def look(daemon: "Daemon", *, force: bool, as_json: bool) -> int:
    """Ask the daemon to look at the branch now."""
    answer = daemon.post("/api/v1/gitops/sync", {"force": force})
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['ref']} will be looked at now; `catnet status` shows what comes of it")
    return Exit.OK


def who() -> str:
    """Who asks, for the history: a claim, not a proof."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return "cli"
    return re.sub(r"[^\w.@+-]", "-", name, flags=re.ASCII)[:64] or "cli"
