"""Arguments come in, an exit code goes out: `catnet credentials`. Secrets never are arguments."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit

if TYPE_CHECKING:
    from catnet_controller.devices.vault import Place

_ASKED = ("password", "enable", "passphrase")
_MOST_KEY_BYTES = 64 * 1024


@click.group()
def credentials() -> None:
    """The logins of credentials.yaml, encrypted, on the machine of the daemon.

    A device gets its own login, else that of its group, else the one that the inventory names
    (`default` where it names none), which is in this file or in catnet.yaml. Two that would both
    do are refused. The daemon takes a change with the next login.

    The key comes by devices.credentials_key of catnet.yaml, by the variable CATNET_CREDENTIALS_KEY
    or by the systemd credential catnet-credentials-key.
    """


def _whose(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--default", is_flag=True, help="The login of every other device."),
            click.option("--device", metavar="NAME", help="The login of this device."),
            click.option("--group", metavar="NAME", help="The login of the devices of a group."),
            click.option("--name", metavar="NAME", help="The login that the inventory calls so."),
        )
    ):
        command = option(command)
    return command


def _place(*, default: bool, device: str | None, group: str | None, name: str | None) -> "Place":
    from catnet_controller.devices.vault import DEFAULT, Place

    given = {"devices": device, "groups": group, "names": name}
    named = [(section, it) for section, it in given.items() if it is not None]
    if default + len(named) != 1:
        raise click.UsageError("Say whose: one of --default, --device, --group and --name.")
    if default or named == [("names", "default")]:
        return DEFAULT
    return Place(section=named[0][0], name=named[0][1])


@credentials.command("set", short_help="Add or change a login; secrets are asked for.")
@_whose
@click.option("--username", metavar="NAME", help="The user; asked for where the login is new.")
@click.option("--password", is_flag=True, help="Ask for a password; so without other options.")
@click.option("--enable", is_flag=True, help="Ask for an enable secret.")
@click.option(
    "--private-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the private key in this file, which may be deleted afterwards.",
)
@click.option("--passphrase", is_flag=True, help="Ask for the passphrase of the private key.")
@click.option(
    "--stdin",
    is_flag=True,
    help="Read what would be asked for, a line each: password, enable, passphrase.",
)
@options.config
@options.as_json
def set_(
    *,
    default: bool,
    device: str | None,
    group: str | None,
    name: str | None,
    username: str | None,
    private_key: Path | None,
    stdin: bool,
    config: Path,
    as_json: bool,
    **asked: bool,
) -> int:
    """Add a login, or change the parts of it that are named; the others stay.

    Secrets are asked for on the terminal and never shown; with --stdin they come by standard
    input. They are never arguments, which every user of the machine could read.

    \b
    Examples:
      catnet credentials set --default --username catnet
      catnet credentials set --device edge1 --enable
      catnet credentials set --group core --username catnet --private-key key --passphrase
      pass show lab | catnet credentials set --name lab --username catnet --stdin
    """
    place = _place(default=default, device=device, group=group, name=name)
    from catnet_controller.app import wiring

    vault = wiring.vault(options.read(config, lazy=True))
    known = vault.fields().get(place)
    wanted = [each for each in _ASKED if asked[each]]
    if not wanted and private_key is None and (known is None or username is None):
        wanted = ["password"]
    if not stdin and (wanted or (known is None and username is None)) and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on; give the values by --stdin.")
    values: dict[str, str] = {}
    if known is None and username is None:
        if stdin:
            raise click.UsageError(f"{place} is new: give its --username.")
        username = click.prompt("Username", err=True)
    if username is not None:
        values["username"] = username
    if private_key is not None:
        values["private_key"] = _key(private_key)
    values |= _lines(wanted) if stdin else _answers(wanted)
    if "private_key" in values:
        _usable(values, known is not None)
    changed = vault.set(place, values)
    did = "changed" if changed else "added"
    told = {"login": str(place), "file": str(vault.path), did: list(values)}
    options.tell(as_json, told, f"{place} {did} in {vault.path} ({', '.join(values)})")
    return Exit.OK


def _key(path: Path) -> str:
    data, text = b"", ""
    try:
        data = path.read_bytes()[: _MOST_KEY_BYTES + 1]
        text = data.decode()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        pass
    if "PRIVATE KEY" not in text or len(data) > _MOST_KEY_BYTES:
        raise click.UsageError(f"{path} is no private key (PEM or OpenSSH).")
    return text


def _usable(values: dict[str, str], known: bool) -> None:
    """Better refused now than at three in the morning."""
    import asyncssh

    try:
        asyncssh.import_private_key(values["private_key"], values.get("passphrase"))
    except asyncssh.KeyEncryptionError:
        raise click.UsageError("The passphrase does not open the private key.") from None
    except asyncssh.KeyImportError as error:
        if "passphrase" not in values and "assphrase" in str(error):
            # The passphrase may be there from before.
            if known:
                return
            raise click.UsageError("The key has a passphrase: say --passphrase too.") from None
        raise click.UsageError(f"The private key cannot be used: {error}.") from None


def _answers(wanted: list[str]) -> dict[str, str]:
    found = {}
    for each in wanted:
        what = each.capitalize() if each != "enable" else "Enable secret"
        found[each] = click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)
    return found


def _lines(wanted: list[str]) -> dict[str, str]:
    try:
        text = sys.stdin.buffer.read(1024 * 1024).decode()
    except UnicodeDecodeError:
        raise click.UsageError("What came by standard input is not UTF-8.") from None
    lines = text.splitlines()
    if len(lines) != len(wanted) or not all(lines):
        raise click.UsageError(
            f"{len(wanted)} lines are expected on standard input ({', '.join(wanted) or 'none'}),"
            f" {len(lines)} came."
        )
    return dict(zip(wanted, lines, strict=True))


@credentials.command("list", short_help="List the logins, without their secrets.")
@options.config
@options.as_json
def list_(*, config: Path, as_json: bool) -> int:
    """List the logins and what each consists of; no secret is shown, and no key is needed.

    \b
    Examples:
      catnet credentials list
      catnet credentials list --json | jq -r '.[].login'
    """
    from catnet_controller.app import wiring

    vault = wiring.vault(options.read(config, lazy=True))
    found = vault.fields()
    if as_json:
        options.print_json(
            [
                {
                    "login": str(place),
                    "username": login["username"],
                    "secrets": [each for each in login if each != "username"],
                }
                for place, login in found.items()
            ]
        )
        return Exit.OK
    if not found:
        click.echo(f"no logins in {vault.path} yet", err=True)
        return Exit.OK
    from rich.console import Console

    from catnet_controller.cli import printing

    printing.logins(
        Console(),
        [
            (str(place), login["username"] or "", [each for each in login if each != "username"])
            for place, login in found.items()
        ],
    )
    return Exit.OK


@credentials.command(short_help="Remove a login, or a part of it.")
@_whose
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(["password", "enable", "private-key", "passphrase"]),
    help="Remove only this; repeat.",
)
@options.config
@options.as_json
def remove(
    *,
    default: bool,
    device: str | None,
    group: str | None,
    name: str | None,
    only: tuple[str, ...],
    config: Path,
    as_json: bool,
) -> int:
    """Remove a login. Its device gets that of its group then, or the one the inventory names.

    \b
    Examples:
      catnet credentials remove --device edge1
      catnet credentials remove --group core --only enable
    """
    place = _place(default=default, device=device, group=group, name=name)
    from catnet_controller.app import wiring

    vault = wiring.vault(options.read(config, lazy=True))
    vault.remove(place, [each.replace("-", "_") for each in only])
    what = f" ({', '.join(only)})" if only else ""
    told = {"login": str(place), "file": str(vault.path), "only": list(only)}
    options.tell(as_json, told, f"{place}{what} removed from {vault.path}")
    return Exit.OK


@credentials.command("rotate-key", short_help="Encrypt every value with a new key.")
@options.config
@options.as_json
def rotate_key(*, config: Path, as_json: bool) -> int:
    """Encrypt every value with a new key.

    Where the key is in a file (file:PATH), a new one is made and put there; the old one is worth
    nothing afterwards but for copies of the old files. Where it comes otherwise, put the new one
    before the old one with a comma between, rotate, and take the old one out. Killed at any
    moment, the values can still be read, and the command can be run again.

    \b
    Examples:
      catnet credentials rotate-key
      CATNET_CREDENTIALS_KEY="$NEW,$OLD" catnet credentials rotate-key
    """
    from catnet_controller.app import wiring

    settings = options.read(config, lazy=True)
    key = settings.devices.credentials_key
    number = wiring.vault(settings).rotate(key.path if key is not None else None)
    where = key.source if key is not None else ""
    words = f"{options.count(number, 'value')} encrypted with the new key of {where}"
    options.tell(as_json, {"values": number, "key": where}, words)
    if not as_json and key is not None and key.path is None:
        click.echo("take the old key out now; the daemon needs the new one at its next start")
    return Exit.OK


@credentials.command("generate-key", short_help="Make a key for the credentials.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@options.as_json
def generate_key(*, file: Path | None, as_json: bool) -> int:
    """Make a key and write it to FILE (mode 0600; never over one that is there), or print it.

    Keep a copy of it apart from credentials.yaml: without it nothing in there can be read.

    \b
    Examples:
      catnet credentials generate-key /etc/catnet/credentials.key
      catnet credentials generate-key | systemd-creds encrypt - catnet-credentials-key
    """
    from catnet_controller.devices.vault import new_key

    key = new_key()
    if file is None:
        options.tell(as_json, {"key": key}, key)
        return Exit.OK
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(f"{key}\n")
            out.flush()
            os.fsync(out.fileno())
    except FileExistsError:
        raise click.UsageError(f"{file} is there already; `rotate-key` replaces a key.") from None
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from error
    words = f"a new key is in {file}; name it in catnet.yaml as\n  devices:\n"
    words += f"    credentials_key: file:{file.absolute()}"
    options.tell(as_json, {"file": str(file)}, words)
    return Exit.OK
