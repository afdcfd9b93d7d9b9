"""Arguments come in, an exit code goes out: every sub-command of `catnet`.

What a command needs is imported when it runs, so that `catnet --help` answers at once.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from catnet_controller import __version__
from catnet_controller.cli.declaring import device, snapshot_of
from catnet_controller.cli.deploying import deploy, deployment, pause, resume
from catnet_controller.cli.exits import CODES, Exit, Flags, call
from catnet_controller.cli.gitops import gitops
from catnet_controller.cli.logins import credentials
from catnet_controller.cli.options import as_json as _json
from catnet_controller.cli.options import config as _config
from catnet_controller.cli.options import count as _count
from catnet_controller.cli.options import daemon as _daemon
from catnet_controller.cli.options import hidden as _hidden
from catnet_controller.cli.options import look as _look
from catnet_controller.cli.options import print_json as _print_json
from catnet_controller.cli.options import read as _settings
from catnet_controller.cli.options import url as _url
from catnet_controller.cli.restoring import backup, rollback
from catnet_controller.cli.storing import store
from catnet_controller.cli.users import audit, init, login, logout, token, user, whoami

if TYPE_CHECKING:
    from catnet_controller.settings import Settings
    from catnet_controller.simulator.fleet import Fleet


def main() -> NoReturn:
    """The entry point of the command `catnet`."""
    sys.exit(call(catnet, sys.argv[1:]))


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=CODES,
)
@click.version_option(__version__, "--version", message="catnet %(version)s")
@click.option(
    "--debug", is_flag=True, envvar="CATNET_DEBUG", help="Show the traceback of a defect."
)
@click.pass_obj
def catnet(flags: Flags, debug: bool) -> None:
    """GitOps for Cisco IOS: a push to GitHub reaches the devices and comes back as a status.

    \b
    Begin with:
      catnet demo            see it work, with simulated devices; needs nothing
      catnet check REPO      validate a config repository, offline
      catnet plan            what would change on the devices, now
      catnet init            the first admin
      catnet run             the daemon
    """
    flags.debug = debug


# --- the daemon ----------------------------------------------------------------------------------


@catnet.command(short_help="Run the daemon in the foreground.")
@_config
def run(*, config: Path) -> int:
    """Run the daemon in the foreground.

    It follows the branch, plans and pushes, reports to GitHub and serves webhook, API, status page
    and metrics. SIGTERM or Ctrl-C drains: jobs under way end, statuses go out. A second one stops
    at once; what was under way is recovered at the next start.

    \b
    Examples:
      catnet run
      catnet run --config /etc/catnet/catnet.yaml
      CATNET_DEPLOY_MODE=push catnet run
    """
    settings = _settings(config)
    import structlog

    from catnet_controller.errors import CatnetError
    from catnet_controller.telemetry import logs

    logging = logs.configure(
        level=settings.log.level, format=settings.log.format, secrets=_hidden(settings)
    )
    try:
        from catnet_controller.app import daemon, machine

        machine.run(daemon.run(settings, logs=logging))
    except CatnetError:
        raise
    except Exception:
        structlog.get_logger(__name__).exception("the daemon ended by a defect")
        raise
    finally:
        logging.close()
    return Exit.OK


@catnet.command(short_help="Show the fleet and the last deployments.")
@_config
@_url
@_json
def status(*, config: Path, url: str | None, as_json: bool) -> int:
    """Show the fleet, what runs and the last deployments, as the daemon knows them.

    Ends with 1 when the daemon says that it is not ready, with 3 when it does not answer.

    \b
    Examples:
      catnet status
      catnet status --json | jq '.devices[] | select(.sync != "in-sync") | .name'
    """
    daemon = _daemon(config, url)
    facts = {
        "status": daemon.get("/api/v1/status"),
        "devices": daemon.pages("/api/v1/devices", "devices"),
        "deployments": daemon.get("/api/v1/deployments/history?limit=10")["deployments"],
    }
    if as_json:
        _print_json(facts)
    else:
        from rich.console import Console

        from catnet_controller.cli import printing

        printing.status(Console(), facts)
    return Exit.OK if facts["status"]["ready"] else Exit.PROBLEMS


@catnet.command(short_help="Ask the daemon to look at the branch now.")
@click.option("--force", is_flag=True, help="Deploy also where the branch has not moved.")
@_config
@_url
@_json
def sync(*, force: bool, config: Path, url: str | None, as_json: bool) -> int:
    """Ask the daemon to look at the branch now.

    With --force it deploys the head again also when it is the one it knows, which brings devices
    that drifted back, and tries again what is quarantined.

    \b
    Examples:
      catnet sync
      catnet sync --force
    """
    daemon = _daemon(config, url)
    return _look(daemon, force=force, as_json=as_json)


# --- without a daemon ----------------------------------------------------------------------------


@catnet.command(short_help="Validate a config repository, offline.")
@click.argument(
    "path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path()
)
@_json
def check(*, path: Path, as_json: bool) -> int:
    """Validate the config repository in folder PATH (default: here), offline.

    Each problem is printed as FILE:LINE: MESSAGE, all of them at once. Nothing is contacted, no
    settings are needed: use it in the repository's own CI and before a commit.

    \b
    Examples:
      catnet check
      catnet check ~/network-config
      catnet check --json | jq '.problems[].file'
    """
    snapshot = snapshot_of(path)
    problems, devices = snapshot.problems, snapshot.desired
    if as_json:
        _print_json(
            {
                "ok": not problems,
                "devices": sorted(devices),
                "problems": [
                    {"file": it.file, "line": it.line, "message": it.message} for it in problems
                ],
            }
        )
    else:
        for problem in problems:
            click.echo(f"{'' if path == Path() else f'{path}/'}{problem}")
        if problems:
            files = len({problem.file for problem in problems})
            click.echo(f"{_count(len(problems), 'problem')} in {_count(files, 'file')}", err=True)
        else:
            lines = sum(len(each.text.splitlines()) for each in devices.values())
            click.echo(f"no problems: {_count(len(devices), 'device')}, {_count(lines, 'line')}")
    return Exit.PROBLEMS if problems else Exit.OK


@catnet.command(short_help="Show what would change on the devices.")
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the desired configuration from this folder, not from the branch on GitHub.",
)
@click.option("--device", "devices", multiple=True, metavar="NAME", help="Only this one; repeat.")
@_config
@_json
def plan(*, path: Path | None, devices: Sequence[str], config: Path, as_json: bool) -> int:
    """Show what would change on the devices, read now. Types nothing but `show` commands.

    Works from this process, without the daemon, with the settings and credentials of catnet.yaml.

    \b
    Examples:
      catnet plan
      catnet plan --device edge1 --device core1
      catnet plan --path ~/network-config --json
    """
    settings = _settings(config, lazy=path is not None)
    from catnet_controller.telemetry import logs

    # What libraries have to say would stand between the lines of the plan.
    logging = logs.configure(level="error", format="console", secrets=_hidden(settings))
    try:
        from rich.console import Console

        from catnet_controller.app.planning import plan as look

        with Console(stderr=True).status("reading the devices"):
            snapshot, results = asyncio.run(look(settings, path=path, devices=devices))
    finally:
        logging.close()
    problems = snapshot.problems
    failed = any(each.outcome.error is not None for each in results)
    if as_json:
        from catnet_controller.web import views

        _print_json(
            {
                "revision": snapshot.revision.sha or None,
                "problems": [
                    {"file": it.file, "line": it.line, "message": it.message} for it in problems
                ],
                "devices": [
                    {"device": each.device, **(views.outcome(each.outcome) or {})}
                    for each in results
                ],
            }
        )
    elif problems:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{_count(len(problems), 'problem')}; nothing was planned", err=True)
    else:
        from rich.console import Console

        from catnet_controller.cli import printing

        printing.plan(Console(), [(each.device, each.outcome) for each in results])
    return Exit.PROBLEMS if problems or failed else Exit.OK


@catnet.command(short_help="Compare two configurations, or a device with the repository.")
@click.argument("running", metavar="A")
@click.argument("desired", metavar="[B]", required=False)
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The config repository in this folder, not the branch on GitHub.",
)
@click.option("--partial", is_flag=True, help="B speaks only for what it names.")
@click.option("--commands", "view", flag_value="commands", help="Show what would be typed.")
@click.option("--reverse", "view", flag_value="reverse", help="Show the way back.")
@click.option("--unified", "view", flag_value="unified", help="Show plain unified text.")
@click.option("--json", "view", flag_value="json", help="Print all of it as JSON for programs.")
@_config
@click.pass_obj
def diff(
    flags: Flags,
    *,
    running: str,
    desired: str | None,
    path: Path | None,
    partial: bool,
    view: str | None,
    config: Path,
) -> int:
    """Compare configuration A (what runs) with B (what is wanted): what would change A into B.

    Each is a file, or device:NAME, which is read now over SSH with the settings of catnet.yaml;
    only `show` commands are typed. Without B, a device is compared with what the config repository
    wants on it. Secrets are hidden; a changed one is visibly another.

    Two spellings of the same configuration do not differ. Exit codes are those of diff(1): 0 the
    same, 1 different, 2 or more trouble, which is also a line that CatNet refuses to type.

    \b
    Examples:
      catnet diff running.cfg desired.cfg
      catnet diff running.cfg desired.cfg --commands
      catnet diff device:edge1 --path ~/network-config
      catnet diff device:edge1 yesterday.cfg --unified
    """
    flags.problems = Exit.USAGE
    one = running.startswith("device:")
    other = desired is not None and desired.startswith("device:")
    if desired is None and not one:
        raise click.UsageError("Give B as well, or device:NAME as A.")
    if path is not None and not (one or other):
        raise click.UsageError("--path goes with device:NAME.")
    for side in (running, desired):
        if side is None or side.startswith("device:"):
            continue
        # Not `is_file`: the shell gives a pipe for `<(ssh edge1 show running-config)`.
        if Path(side).is_dir() or not os.access(side, os.R_OK):
            raise click.UsageError(f"{side} is no file that can be read, and no device:NAME.")
    from rich.console import Console

    from catnet_controller.app.differing import differ
    from catnet_controller.cli import printing

    with ExitStack() as stack:

        @cache
        def settings() -> "Settings":
            from catnet_controller.telemetry import logs

            read = _settings(config)
            # What libraries have to say would stand between the lines of the difference.
            logging = logs.configure(level="error", format="console", secrets=_hidden(read))
            stack.callback(logging.close)
            return read

        found = asyncio.run(differ(running, desired, path=path, partial=partial, settings=settings))
    outcome = found.outcome
    if view == "json":
        _print_json(printing.facts(found))
    else:
        shown = {
            "commands": "\n".join(outcome.commands),
            "reverse": "\n".join(outcome.reverse),
            "unified": found.unified,
            None: outcome.diff,
        }[view]
        printing.difference(Console(), Console(stderr=True), shown, found, plain=view is not None)
    if found.refusals:
        return Exit.USAGE
    return Exit.OK if found.same else Exit.PROBLEMS


catnet.add_command(backup)
catnet.add_command(credentials)
catnet.add_command(deploy)
catnet.add_command(deployment)
catnet.add_command(device)
catnet.add_command(gitops)
catnet.add_command(pause)
catnet.add_command(resume)
catnet.add_command(rollback)
catnet.add_command(store)
for each in (audit, init, login, logout, token, user, whoami):
    catnet.add_command(each)


# --- trying it out -------------------------------------------------------------------------------


@catnet.command(short_help="Play the whole story on this machine.")
@click.option("--once", is_flag=True, help="Play unattended, take everything down, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print the checked facts as JSON.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep every file of the demo (logs, store, repository) in this folder.",
)
def demo(*, once: bool, as_json: bool, keep: Path | None) -> int:
    """Play the whole story on this machine: three simulated devices, a stand-in for GitHub, and
    the daemon exactly as in production.

    A pull request is planned, merged and pushed; a change by hand is found; a bad commit is refused
    by the device and taken back. Ends with 0 only if every step was checked to be true.

    \b
    Examples:
      catnet demo               play, then leave everything running to look at
      catnet demo --once        play and end, in under a minute
    """
    from rich.console import Console

    from catnet_controller.demo.story import play

    try:
        code = asyncio.run(play(once=once, json_out=as_json, console=Console(), home=keep))
    except (KeyboardInterrupt, asyncio.CancelledError):
        if once:
            raise
        # This is how it is meant to end.
        code = 0
    return Exit.OK if code == 0 else Exit.PROBLEMS


@catnet.command(short_help="Run simulated Cisco IOS devices over SSH.")
@click.option(
    "--devices", type=click.IntRange(1, 5000), default=3, show_default=True, help="How many."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--base-port",
    type=click.IntRange(0, 65535),
    default=2201,
    show_default=True,
    help="The port of the first device; the others follow. 0: any free ports.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep host keys and startup configurations here, over restarts.",
)
@click.option(
    "--control",
    type=click.Path(path_type=Path),
    help="A Unix socket that takes JSON lines: read, type, inject a fault, let time pass.",
)
@click.option(
    "--time-scale",
    type=click.FloatRange(0.1, 1000),
    default=1.0,
    show_default=True,
    help="How many seconds pass on the devices in one second: revert timers end sooner.",
)
def simulator(
    *,
    devices: int,
    host: str,
    base_port: int,
    state: Path | None,
    control: Path | None,
    time_scale: float,
) -> int:
    """Run simulated Cisco IOS devices over SSH, named sim1, sim2, …, until Ctrl-C.

    They keep a running and a startup configuration, and know the archive and the revert timer. Log
    in with user `catnet`, password `catnet`.

    What can go wrong is injected over the control socket, as
    {"do": "inject", "device": "sim1", "fault": {"what": FAULT, "when": {"match": REGEX}}}.
    FAULT is one of: reset, close, silence, hang, slow, reject, forget, alter, syslog, ask, edit,
    reboot, lost-management, unreachable, vty-full, refused, barred, auth-fail, enable-fail,
    no-shell, expired, denied, locked, confirm-lost, save-fail, save-cut, archive-fail,
    revert-fail, down, garble, chunked, mimic, repeat, pager, narrow, key-changed.

    \b
    Examples:
      catnet simulator --devices 10
      ssh -p 2201 catnet@127.0.0.1
    """
    if base_port and base_port + devices > 65536:
        raise click.BadParameter(
            f"{devices} devices do not fit above port {base_port}", param_hint="--base-port"
        )

    from catnet_controller.simulator.main import serve

    def ready(fleet: "Fleet") -> None:
        for name in fleet.names:
            one = fleet[name]
            click.echo(f"{name}  {one.host} port {one.port}  {one.fingerprint}")
        click.echo("Ctrl-C ends it.", err=True)

    try:
        asyncio.run(
            serve(
                devices=devices,
                host=host,
                base_port=base_port,
                state=state,
                ready=ready,
                control=control,
                time_scale=time_scale,
            )
        )
    except KeyboardInterrupt:
        click.echo("", err=True)
    except OSError as error:
        raise click.UsageError(f"cannot listen on {host}: {error.strerror or error}") from error
    return Exit.OK


@catnet.command(short_help="Print what makes a shell complete catnet.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> int:
    """Print the lines that make SHELL complete commands, options and words of `catnet`.

    \b
    Examples:
      catnet completion bash > /etc/bash_completion.d/catnet
      catnet completion zsh > "${fpath[1]}/_catnet"
      catnet completion fish > ~/.config/fish/completions/catnet.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    click.echo(kind(catnet, {}, "catnet", "_CATNET_COMPLETE").source())
    return Exit.OK


@catnet.group(name="log")
def logging_() -> None:
    """How much the daemon logs."""


@logging_.command("level", short_help="Show or set how much is logged.")
@click.argument("level", required=False, type=click.Choice(["debug", "info", "warning", "error"]))
@_config
@_url
@_json
def set_level(*, level: str | None, config: Path, url: str | None, as_json: bool) -> int:
    """Show how much the daemon logs, or set it until the daemon starts again.

    \b
    Examples:
      catnet log level
      catnet log level debug
    """
    daemon = _daemon(config, url)
    path = "/api/v1/log"
    got = daemon.get(path) if level is None else daemon.put(path, {"level": level})
    if as_json:
        _print_json(got)
    else:
        click.echo(got["level"])
    return Exit.OK
