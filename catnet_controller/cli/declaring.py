"""Arguments come in, an exit code goes out: `catnet device`, what concerns single devices."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit

if TYPE_CHECKING:
    from catnet_controller.devices.hostkeys import HostKey
    from catnet_controller.models import Device, Jump, Snapshot
    from catnet_controller.settings import Settings


@click.group()
def device() -> None:
    """The devices: those of inventory.yaml, and those that were added to CatNet itself."""


@device.command(short_help="Add a device that CatNet itself keeps.")
@click.argument("name")
@click.option("--host", required=True, metavar="HOST[:PORT]", help="Where it is; port 22.")
@click.option(
    "--platform",
    type=click.Choice(["ios", "iosxe", "frr"]),
    default="ios",
    show_default=True,
    help="What it runs.",
)
@click.option("--credential", metavar="NAME", help="The login; `default` where none is named.")
@click.option("--username", metavar="NAME", help="Log in under this name with that login.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group of it; repeat.")
@click.option("--site", metavar="TEXT", help="Where it stands.")
@click.option("--partial", is_flag=True, help="Its file speaks only for what it names.")
@options.config
@options.url
@options.as_json
def add(
    *,
    name: str,
    host: str,
    platform: str,
    credential: str | None,
    username: str | None,
    groups: Sequence[str],
    site: str | None,
    partial: bool,
    config: Path,
    url: str | None,
    as_json: bool,
) -> int:
    """Add device NAME to CatNet itself; a device of inventory.yaml is added there, by a commit.

    Nothing is typed into it. It is checked and backed up like every device. What is wanted on it is
    configs/added/NAME.cfg of the repository, where there is one; the inventory's groups and
    defaults do not speak of it. Trust its host key first.

    \b
    Examples:
      catnet device add lab1 --host 192.0.2.7 --site paris --group lab
      catnet device add lab2 --host 192.0.2.8:2222 --credential lab --username ops
    """
    where, port = _address(host)
    words: dict[str, Any] = {"name": name, "host": where, "port": port, "platform": platform}
    words |= {"credential": credential, "username": username, "site": site}
    words |= {"groups": list(groups), "scope": "partial" if partial else None}
    asked = {key: value for key, value in words.items() if value is not None}
    made = options.daemon(config, url).post("/api/v1/devices", asked)
    if as_json:
        options.print_json(made)
        return Exit.OK
    click.echo(f"{name} is added ({made['host']} port {made['port']})")
    if made["managed"]:
        click.echo(
            f"configs/added/{name}.cfg is wanted on it; look first: catnet deploy --device {name}",
            err=True,
        )
    else:
        click.echo(f"nothing is wanted on it: there is no configs/added/{name}.cfg", err=True)
    return Exit.OK


@device.command("list", short_help="List the devices.")
@click.option("--site", metavar="TEXT", help="Only those of this site.")
@click.option("--group", metavar="NAME", help="Only those of this group.")
@click.option("--sync", metavar="STATE", help="Only in-sync, out-of-sync or unknown.")
@click.option("--health", metavar="STATE", help="Only reachable, degraded, unreachable, unknown.")
@click.option("--owner", metavar="OWNER", help="Only those of git, or of catnet.")
@options.config
@options.url
@options.as_json
def list_(*, config: Path, url: str | None, as_json: bool, **filters: str | None) -> int:
    """List the devices with sync, health, revision and when each was last seen.

    \b
    Examples:
      catnet device list
      catnet device list --site paris --sync out-of-sync
      catnet device list --json | jq -r '.[].name'
    """
    given = {key: value for key, value in filters.items() if value is not None}
    path = "/api/v1/devices" + (f"?{urlencode(given)}" if given else "")
    found = options.daemon(config, url).pages(path, "devices")
    if as_json:
        options.print_json(found)
    elif not found:
        click.echo("no devices", err=True)
    else:
        from rich.console import Console

        from catnet_controller.cli import printing

        printing.devices(Console(), found)
    return Exit.OK


@device.command(short_help="Show a device.")
@click.argument("name")
@click.option("--diff", is_flag=True, help="How it differed when last compared.")
@options.config
@options.url
@options.as_json
def show(*, name: str, diff: bool, config: Path, url: str | None, as_json: bool) -> int:
    """Show what is on record of device NAME; with --diff how it differed from what is wanted.

    \b
    Examples:
      catnet device show edge1
      catnet device show edge1 --diff
    """
    path = f"/api/v1/devices/{quote(name, safe='')}{'/diff' if diff else ''}"
    found = options.daemon(config, url).get(path)
    if as_json:
        options.print_json(found)
        return Exit.OK
    from rich.console import Console

    from catnet_controller.cli import printing

    if not diff:
        printing.device(Console(), found)
    elif found["deployment"] is None:
        click.echo(f"{name} has not been compared with what is wanted now", err=True)
    elif found["diff"]:
        Console().print(printing.diff(found["diff"]), soft_wrap=True)
    else:
        click.echo(f"no difference at {found['read_at']}", err=True)
    return Exit.OK


@device.command(short_help="Remove a device that was added.")
@click.argument("name")
@options.config
@options.url
@options.as_json
def remove(*, name: str, config: Path, url: str | None, as_json: bool) -> int:
    """Remove device NAME, which was added to CatNet itself. Nothing is changed on it; its history
    and its backups stay. A device of inventory.yaml is removed there, by a commit.

    \b
    Examples:
      catnet device remove lab1
    """
    gone = options.daemon(config, url).delete(f"/api/v1/devices/{quote(name, safe='')}")
    if as_json:
        options.print_json(gone)
    else:
        click.echo(f"{name} is removed")
    return Exit.OK


@device.command(short_help="Read a device now and compare it.")
@click.argument("name")
@options.config
@options.url
@options.as_json
def check(*, name: str, config: Path, url: str | None, as_json: bool) -> int:
    """Have the daemon read device NAME now and compare it with what is wanted; types `show` lines
    only. Ends with 1 when it cannot be read.

    \b
    Examples:
      catnet device check edge1
    """
    from catnet_controller.cli.deploying import followed, shown

    daemon = options.daemon(config, url)
    wish = {"mode": "check", "devices": [name], "by": options.who()}
    asked = daemon.post("/api/v1/deployments", wish)
    return shown(daemon, followed(daemon, asked["id"]), as_json=as_json)


@device.command(short_help="Trust the SSH host key of a device.")
@click.argument("name")
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Look the device up in this checkout; without it the daemon is asked.",
)
@click.option("--host", metavar="HOST[:PORT]", help="Where the device is; nothing is looked up.")
@click.option(
    "--fingerprint",
    metavar="SHA256:…",
    help="Trust the device if it shows a key with this fingerprint; asks nothing.",
)
@options.config
@options.url
@options.as_json
def trust(
    *,
    name: str,
    path: Path | None,
    host: str | None,
    fingerprint: str | None,
    config: Path,
    url: str | None,
    as_json: bool,
) -> int:
    """Show the SSH host key of device NAME, ask, and trust it from now on.

    Compare the fingerprint with what the device shows on its console (`show crypto key mypubkey
    all`, or `show ip ssh`), not with what the network shows: that is the point of it. NAME may be
    a jump host of the inventory too; trust it first, a device behind it is asked through it.

    \b
    Examples:
      catnet device trust edge1
      catnet device trust edge1 --path ~/network-config
      catnet device trust edge1 --host 192.0.2.1:22 --fingerprint SHA256:abc…
    """
    settings = options.read(config, lazy=True)
    from catnet_controller.app import wiring
    from catnet_controller.devices.hostkeys import HostKeys
    from catnet_controller.errors import HostKeyChanged

    # With --json the words are for the person who is asked, the answer for the program.
    say = partial(click.echo, err=as_json)
    where, port, jump = _find(name, settings=settings, path=path, host=host, url=url)
    known_hosts = HostKeys(settings.devices.known_hosts)
    known = known_hosts.known(where, port)
    shown = asyncio.run(wiring.host_keys(settings, name, host=where, port=port, jump=jump))
    if {key.fingerprint for key in shown} <= {key.fingerprint for key in known}:
        say(f"{name} ({where} port {port}) is already trusted:")
        for key in shown:
            say(f"  {key.fingerprint}  {key.algorithm}")
        return _trusted(name, shown, as_json=as_json)
    say(f"{name} ({where} port {port}) shows:")
    for key in shown:
        say(f"  {key.fingerprint}  {key.algorithm}")
    if known:
        say(click.style("It is known with other keys:", fg="red", bold=True))
        for key in known:
            say(f"  {key.fingerprint}  {key.algorithm}")
        say("If nobody replaced the device or its keys, somebody may stand in between.")
    if fingerprint is not None:
        wanted = fingerprint.removeprefix("SHA256:").rstrip("=")
        matching = [key for key in shown if key.fingerprint.removeprefix("SHA256:") == wanted]
        if not matching:
            raise HostKeyChanged(
                f"{name} shows no key with the fingerprint {fingerprint}",
                next_step="Nothing was trusted. Compare the fingerprints above on the console.",
            )
        shown = tuple(matching)
    elif not click.confirm(
        "Is this what the console of the device shows?", default=False, err=as_json
    ):
        click.echo("nothing was changed", err=True)
        return Exit.PROBLEMS
    known_hosts.trust(where, port, shown)
    say(f"{name} is trusted ({settings.devices.known_hosts})")
    return _trusted(name, shown, as_json=as_json)


def _trusted(name: str, keys: "Sequence[HostKey]", *, as_json: bool) -> int:
    if as_json:
        options.print_json({"device": name, "trusted": [key.fingerprint for key in keys]})
    return Exit.OK


def _find(
    name: str, *, settings: "Settings", path: Path | None, host: str | None, url: str | None
) -> tuple[str, int, "Jump | None"]:
    """Where a device or a jump host is reached, and through which jump host."""
    from catnet_controller.errors import Refused
    from catnet_controller.models import Jump

    if host is not None:
        return *_address(host), None
    places: dict[str, tuple[str, int, Jump | None]] = {}
    if path is not None:
        snapshot = snapshot_of(path)
        if snapshot.problems:
            raise Refused(
                f"{path} has {options.count(len(snapshot.problems), 'problem')}",
                next_step=f"Run `catnet check {path}`, or give --host.",
            )
        for each in snapshot.desired.values():
            it: Device = each.device
            if it.jump is not None:
                places.setdefault(it.jump.name, (it.jump.host, it.jump.port, None))
            places[it.name] = (it.host, it.port, it.jump)
        if name not in places:
            raise Refused(
                f"{name} is not in the inventory of {path}",
                next_step=f"Known: {', '.join(sorted(places))}.",
            )
        return places[name]
    from catnet_controller.cli.talk import Daemon

    for one in Daemon(settings, url=url).pages("/api/v1/devices", "devices"):
        jump = Jump(**one["jump"]) if one.get("jump") else None
        if jump is not None:
            places.setdefault(jump.name, (jump.host, jump.port, None))
        places[one["name"]] = (str(one["host"]), int(one["port"]), jump)
    if name not in places:
        raise Refused(
            f"the daemon knows no device {name}",
            next_step="Give --path with a checkout of the repository, or --host.",
        )
    return places[name]


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1], 22
    if not colon or (":" in host and not host.startswith("[")):
        return text, 22
    if not port.isdigit() or not 0 < int(port) < 65536 or not host:
        raise click.BadParameter(f"{text!r} is not HOST or HOST:PORT", param_hint="--host")
    return host.strip("[]"), int(port)


def snapshot_of(path: Path) -> "Snapshot":
    """The config repository in a folder, as it stands."""
    from catnet_controller.models import Revision
    from catnet_controller.pipeline import checkout
    from catnet_controller.policy import desired

    return desired.build(checkout.files(path), Revision(sha="", ref="folder"))
