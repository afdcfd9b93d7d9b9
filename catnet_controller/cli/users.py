"""The commands of accounts: the first admin, logins, users, tokens of machines, the audit log."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from catnet_controller.cli import options
from catnet_controller.cli.exits import Exit

_ROLES = ("viewer", "operator", "admin")
_stdin = click.option(
    "--password-stdin", "stdin", is_flag=True, help="Read the password from standard input."
)
_role = click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="viewer",
    show_default=True,
    help="viewer reads, operator acts, admin manages users and tokens.",
)


def _ask(prompt: str, *, stdin: bool, twice: bool) -> str:
    """A password, from the terminal or the first line of standard input; never from arguments."""
    if stdin:
        # Read as bytes: what is not UTF-8 is refused in words, not by a traceback.
        data = sys.stdin.buffer.readline(4096)
        try:
            password = data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("The password on standard input is not UTF-8.") from None
        if not password:
            raise click.UsageError("There is no password on standard input.")
        return password
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for a password; use --password-stdin.")
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    return answer


def _table(rows: Sequence[Sequence[object]]) -> None:
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in texts) for at in range(len(texts[0]))]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


# --- the first admin, logging in and out ---------------------------------------------------------


@click.command(short_help="Make the first admin.")
@click.argument("name", default="admin")
@_stdin
@options.config
@options.as_json
def init(*, name: str, stdin: bool, config: Path, as_json: bool) -> int:
    """Make the first admin, called NAME (default: admin), in the store of catnet.yaml.

    Asks for the password twice. There is no default password. Refuses when there is a user
    already. Works while the daemon is stopped, on its machine and as its user.

    \b
    Examples:
      catnet init
      catnet init ada --password-stdin < password.txt
    """
    settings = options.read(config, lazy=True)
    from catnet_controller.app import founding
    from catnet_controller.telemetry import logs

    logging = logs.configure(level="error", format="console")
    try:
        asyncio.run(founding.vacant(settings, name))
        password = _ask(f"Password of {name}", stdin=stdin, twice=True)
        asyncio.run(founding.found(settings, name, password))
    finally:
        logging.close()
    words = f"{name} is an admin; start the daemon, then `catnet login {name}`"
    options.tell(as_json, {"name": name, "role": "admin"}, words)
    return Exit.OK


@click.command(short_help="Log in to the daemon.")
@click.argument("name", required=False)
@_stdin
@options.config
@options.url
@options.as_json
def login(*, name: str | None, stdin: bool, config: Path, url: str | None, as_json: bool) -> int:
    """Log in to the daemon as user NAME (default: your name on this machine).

    The session is kept in a file that only you can read, below $XDG_STATE_HOME or ~/.local/state,
    until it ends (http.session) or you log out. It goes before http.token. A password is sent to
    another machine over https only.

    \b
    Examples:
      catnet login ada
      catnet login ada --url https://catnet.example.net
      catnet login ada --password-stdin < password.txt
    """
    from catnet_controller.cli.sessions import Login

    daemon = options.daemon(config, url, anonymous=True)
    daemon.require_private()
    user = name or options.who()
    password = _ask(f"Password of {user}", stdin=stdin, twice=False)
    got = daemon.post("/api/v1/auth/login", {"user": user, "password": password})
    until = datetime.fromisoformat(got["until"]).timestamp()
    daemon.sessions.keep(daemon.url, Login(user=got["user"], until=until, token=got["token"]))
    told = {key: got[key] for key in ("user", "role", "until")}
    if as_json:
        options.print_json(told | {"url": daemon.url})
    else:
        click.echo(
            f"logged in to {daemon.url} as {got['user']} ({got['role']}) until {got['until']}"
        )
    return Exit.OK


@click.command(short_help="End the session at the daemon.")
@options.config
@options.url
@options.as_json
def logout(*, config: Path, url: str | None, as_json: bool) -> int:
    """End the session at the daemon, and forget it here also when the daemon does not answer.

    \b
    Examples:
      catnet logout
      catnet logout --url https://catnet.example.net
    """
    daemon = options.daemon(config, url, anonymous=True)
    if not daemon.enter():
        daemon.sessions.forget(daemon.url)
        told = {"user": None, "url": daemon.url}
        options.tell(as_json, told, f"there is no session at {daemon.url}")
        return Exit.OK
    from catnet_controller.cli.talk import DaemonRefused

    try:
        daemon.post("/api/v1/auth/logout", {})
    except DaemonRefused as error:
        # It had ended there already.
        if error.status != 401:
            raise
    finally:
        daemon.sessions.forget(daemon.url)
    told = {"user": daemon.user, "url": daemon.url}
    options.tell(as_json, told, f"{daemon.user} is logged out of {daemon.url}")
    return Exit.OK


@click.command(short_help="Show who the daemon takes you for.")
@options.config
@options.url
@options.as_json
def whoami(*, config: Path, url: str | None, as_json: bool) -> int:
    """Show who the daemon takes you for: user, token, or http.token, with role and end.

    \b
    Examples:
      catnet whoami
      catnet whoami --json | jq -r .role
    """
    me = options.daemon(config, url).get("/api/v1/auth/me")
    if as_json:
        options.print_json(me)
    else:
        name = me["kind"] if me["kind"] == "http.token" else f"{me['kind']} {me['name']}"
        click.echo(f"{name} ({me['role']})" + (f" until {me['until']}" if me["until"] else ""))
    return Exit.OK


# --- users ---------------------------------------------------------------------------------------


@click.group()
def user() -> None:
    """Who may log in, and what each may do."""


@user.command("add", short_help="Add a user.")
@click.argument("name")
@_role
@_stdin
@options.config
@options.url
@options.as_json
def add_user(
    *, name: str, role: str, stdin: bool, config: Path, url: str | None, as_json: bool
) -> int:
    """Add user NAME; asks for the password twice.

    \b
    Examples:
      catnet user add ada --role operator
      catnet user add grafana --password-stdin < password.txt
    """
    daemon = options.daemon(config, url)
    daemon.require_private()
    password = _ask(f"Password of {name}", stdin=stdin, twice=True)
    made = daemon.post("/api/v1/users", {"name": name, "role": role, "password": password})
    options.tell(as_json, made, f"{made['name']} is added ({made['role']})")
    return Exit.OK


@user.command("list", short_help="List the users.")
@options.config
@options.url
@options.as_json
def list_users(*, config: Path, url: str | None, as_json: bool) -> int:
    """List the users with their roles.

    \b
    Examples:
      catnet user list
      catnet user list --json | jq '.users[] | select(.role == "admin") | .name'
    """
    got = options.daemon(config, url).get("/api/v1/users")
    if as_json:
        options.print_json(got)
        return Exit.OK
    head = ("NAME", "ROLE", "STATE", "PASSWORD SET")
    rows = [
        (it["name"], it["role"], "disabled" if it["disabled"] else "", it["password_changed_at"])
        for it in got["users"]
    ]
    _table([head, *rows])
    return Exit.OK


def _change(
    name: str,
    change: dict[str, Any],
    *,
    config: Path,
    url: str | None,
    as_json: bool,
    said: str,
) -> int:
    from urllib.parse import quote

    daemon = options.daemon(config, url)
    changed = daemon.patch(f"/api/v1/users/{quote(name, safe='')}", change)
    options.tell(as_json, changed, f"{name} {said}; sessions of {name} have ended")
    return Exit.OK


@user.command(short_help="Keep a user out.")
@click.argument("name")
@options.config
@options.url
@options.as_json
def disable(*, name: str, config: Path, url: str | None, as_json: bool) -> int:
    """Keep user NAME out from now on; what the user did stays in the history.

    \b
    Examples:
      catnet user disable ada
    """
    return _change(
        name, {"disabled": True}, config=config, url=url, as_json=as_json, said="is disabled"
    )


@user.command(short_help="Let a disabled user in again.")
@click.argument("name")
@options.config
@options.url
@options.as_json
def enable(*, name: str, config: Path, url: str | None, as_json: bool) -> int:
    """Let user NAME in again, with the same password.

    \b
    Examples:
      catnet user enable ada
    """
    return _change(
        name, {"disabled": False}, config=config, url=url, as_json=as_json, said="may log in"
    )


@user.command("role", short_help="Give a user another role.")
@click.argument("name")
@click.argument("role", type=click.Choice(_ROLES))
@options.config
@options.url
@options.as_json
def give_role(*, name: str, role: str, config: Path, url: str | None, as_json: bool) -> int:
    """Give user NAME another role: viewer reads, operator acts, admin manages users and tokens.

    \b
    Examples:
      catnet user role ada admin
    """
    return _change(
        name, {"role": role}, config=config, url=url, as_json=as_json, said=f"has the role {role}"
    )


@user.command(short_help="Set a password.")
@click.argument("name", required=False)
@_stdin
@options.config
@options.url
@options.as_json
def passwd(*, name: str | None, stdin: bool, config: Path, url: str | None, as_json: bool) -> int:
    """Set the password of user NAME as an admin; without NAME your own, which asks for the old one.

    With --password-stdin the new password is the next line, after the old one where that is asked.

    \b
    Examples:
      catnet user passwd
      catnet user passwd ada
    """
    daemon = options.daemon(config, url)
    daemon.require_private()
    if name is not None:
        password = _ask(f"New password of {name}", stdin=stdin, twice=True)
        return _change(
            name,
            {"password": password},
            config=config,
            url=url,
            as_json=as_json,
            said="has a new password",
        )
    if daemon.user is None:
        raise click.UsageError("You are not logged in; name the user, or `catnet login` first.")
    old = _ask(f"Old password of {daemon.user}", stdin=stdin, twice=False)
    new = _ask("New password", stdin=stdin, twice=True)
    daemon.post("/api/v1/auth/password", {"old": old, "new": new})
    daemon.sessions.forget(daemon.url)
    told = {"user": daemon.user, "url": daemon.url}
    options.tell(as_json, told, f"{daemon.user} has a new password; `catnet login` again")
    return Exit.OK


# --- tokens and the audit log --------------------------------------------------------------------


@click.group()
def token() -> None:
    """What machines show instead of a password."""


@token.command("add", short_help="Make a token.")
@click.argument("name")
@_role
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=90,
    show_default=True,
    help="How long it is valid.",
)
@options.config
@options.url
@options.as_json
def add_token(
    *, name: str, role: str, days: int, config: Path, url: str | None, as_json: bool
) -> int:
    """Make a token for a machine and print it, this one time: only a digest of it is kept.

    The machine sends it as `Authorization: Bearer TOKEN`, or has it as CATNET_HTTP_TOKEN.

    \b
    Examples:
      catnet token add ci --role operator --days 30 > ci.token
    """
    daemon = options.daemon(config, url)
    made = daemon.post("/api/v1/tokens", {"name": name, "role": role, "days": days})
    if as_json:
        options.print_json(made)
    else:
        click.echo(made["token"])
        click.echo(f"{name} ({role}) until {made['until']}; it is not shown again", err=True)
    return Exit.OK


@token.command("list", short_help="List the tokens.")
@options.config
@options.url
@options.as_json
def list_tokens(*, config: Path, url: str | None, as_json: bool) -> int:
    """List the tokens, without what they are.

    \b
    Examples:
      catnet token list
    """
    got = options.daemon(config, url).get("/api/v1/tokens")
    if as_json:
        options.print_json(got)
        return Exit.OK
    head = ("NAME", "ROLE", "UNTIL", "STATE", "MADE BY")
    rows = [
        (it["name"], it["role"], it["until"], "expired" if it["expired"] else "", it["created_by"])
        for it in got["tokens"]
    ]
    _table([head, *rows])
    return Exit.OK


@token.command("remove", short_help="Take a token away.")
@click.argument("name")
@options.config
@options.url
@options.as_json
def remove_token(*, name: str, config: Path, url: str | None, as_json: bool) -> int:
    """Take token NAME away; it opens nothing from now on.

    \b
    Examples:
      catnet token remove ci
    """
    from urllib.parse import quote

    gone = options.daemon(config, url).delete(f"/api/v1/tokens/{quote(name, safe='')}")
    options.tell(as_json, gone, f"{name} opens nothing any more")
    return Exit.OK


@click.command(short_help="Show who asked for what.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="How many of the last entries.",
)
@options.config
@options.url
@options.as_json
def audit(*, limit: int, config: Path, url: str | None, as_json: bool) -> int:
    """Show the audit log, newest first: each login and each act with who, from where, and result.

    \b
    Examples:
      catnet audit --limit 20
      catnet audit --json | jq '.acts[] | select(.who == "user ada")'
    """
    got = options.daemon(config, url).get(f"/api/v1/audit?limit={limit}")
    if as_json:
        options.print_json(got)
        return Exit.OK
    head = ("AT", "WHO", "WHAT", "FROM", "RESULT")
    keys = ("at", "who", "what", "address", "result")
    _table([head, *([it[key] for key in keys] for it in got["acts"])])
    return Exit.OK
