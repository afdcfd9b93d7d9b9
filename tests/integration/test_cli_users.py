"""Accounts at the command line: the first admin, a session in a private file, users and tokens."""

import json
import os
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from catnet_controller.app.machine import SystemClock
from catnet_controller.cli import exits
from catnet_controller.cli.commands import catnet
from catnet_controller.cli.sessions import Login, Sessions
from catnet_controller.errors import SettingsInvalid
from catnet_controller.settings import state_home
from catnet_controller.store.store import Store
from tests import helpers_web
from tests.helpers_web import TOKEN, quick
from tests.integration.test_cli_commands import Ended, run

PASSWORD = "four words and a comma,"
OTHER = "another four words,"


@dataclass
class Desk:
    """A folder with catnet.yaml, and what a person types there."""

    folder: Path
    port: int = 0

    def settings(self, *, token: bool) -> None:
        line = ", token: 'env:CATNET_HTTP_TOKEN'" if token else ""
        (self.folder / "catnet.yaml").write_text(
            "github: {repository: acme/network-config, token: 'env:NOT_HERE'}\n"
            f"http: {{listen: '127.0.0.1:{self.port or 8080}'{line}}}\n"
        )

    async def type(
        self, *arguments: str, stdin: str = "", environ: Mapping[str, str] | None = None
    ) -> Ended:
        given = {"XDG_STATE_HOME": str(self.folder / "home"), **(environ or {})}
        ended = await run(*arguments, cwd=self.folder, environ=given, stdin=stdin.encode())
        for secret in (PASSWORD, OTHER, TOKEN):
            assert secret not in ended.out + ended.err
        return ended

    @property
    def sessions(self) -> Path:
        return self.folder / "home" / "catnet" / "sessions.json"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.settings(token=False)
    return made


@asynccontextmanager
async def served(desk: Desk, *, token: bool = False) -> AsyncIterator[Store]:
    """The daemon's server on the store of the desk."""
    clock = SystemClock()
    store = await Store.at(desk.folder / "state", clock=clock, worker="test")
    changes = {} if token else {"token": None}
    with quick() as passwords:
        async with (
            store,
            helpers_web.site(
                helpers_web.filled(), accounts=store, passwords=passwords, clock=clock, **changes
            ) as site,
        ):
            assert site.client.port is not None
            desk.port = site.client.port
            desk.settings(token=token)
            yield store


async def test_from_the_first_admin_to_the_audit_log(desk: Desk) -> None:
    ended = await desk.type("init", "ada", "--password-stdin", stdin=PASSWORD + "\n")
    assert (ended.code, ended.err) == (0, "")
    assert "ada is an admin" in ended.out
    ended = await desk.type("init", "eve", "--password-stdin", stdin=PASSWORD)
    assert ended.code == exits.Exit.PROBLEMS
    assert "only the first admin" in ended.err
    async with served(desk):
        ended = await desk.type("status")
        assert ended.code == exits.Exit.USAGE
        assert "catnet login" in ended.err
        ended = await desk.type("login", "ada", "--password-stdin", stdin=OTHER)
        assert ended.code == exits.Exit.PROBLEMS
        assert "password is wrong" in ended.err
        ended = await desk.type("login", "ada", "--password-stdin", stdin=PASSWORD)
        assert (ended.code, ended.err) == (0, "")
        assert stat.S_IMODE(desk.sessions.stat().st_mode) == 0o600
        kept = json.loads(desk.sessions.read_text())
        [login] = kept.values()
        assert login["token"] not in ended.out
        ended = await desk.type("whoami")
        assert ended.out.startswith("user ada (admin) until ")
        assert (await desk.type("status")).code == 0
        arguments = ("user", "add", "bob", "--role", "operator", "--password-stdin")
        assert (await desk.type(*arguments, stdin=OTHER)).code == 0
        ended = await desk.type("user", "list")
        assert [line.split()[:2] for line in ended.out.splitlines()][1:] == [
            ["ada", "admin"],
            ["bob", "operator"],
        ]
        assert (await desk.type("user", "disable", "bob")).code == 0
        assert "disabled" in (await desk.type("user", "list")).out
        assert (await desk.type("user", "enable", "bob")).code == 0
        assert (await desk.type("user", "role", "bob", "viewer")).code == 0
        ended = await desk.type("user", "disable", "ada")
        assert ended.code == exits.Exit.PROBLEMS
        assert "last admin" in ended.err
        assert (await desk.type("sync")).code == 0
        ended = await desk.type("audit")
        assert "user ada" in ended.out
        assert "POST /api/v1/gitops/sync" in ended.out
        ended = await desk.type("user", "passwd", "--password-stdin", stdin=f"{PASSWORD}\n{OTHER}")
        assert (ended.code, ended.err) == (0, "")
        assert (await desk.type("whoami")).code == exits.Exit.USAGE
        ended = await desk.type("login", "ada", "--password-stdin", stdin=OTHER)
        assert ended.code == 0
        ended = await desk.type("logout")
        assert "logged out" in ended.out
        assert json.loads(desk.sessions.read_text()) == {}
        assert (await desk.type("logout")).code == 0


async def test_a_token_for_a_machine(desk: Desk) -> None:
    environ = {"CATNET_HTTP_TOKEN": TOKEN}
    async with served(desk, token=True) as store:
        ended = await desk.type("whoami", environ=environ)
        assert ended.out == "http.token (admin)\n"
        ended = await desk.type("token", "add", "ci", "--role", "operator", environ=environ)
        assert ended.code == 0
        token = ended.out.strip()
        assert token not in ended.err
        ended = await desk.type("whoami", environ={"CATNET_HTTP_TOKEN": token})
        assert ended.out.startswith("token ci (operator) until ")
        ended = await desk.type("token", "list", environ=environ)
        assert "ci" in ended.out
        assert token not in ended.out
        ended = await desk.type("user", "list", environ={"CATNET_HTTP_TOKEN": token})
        assert ended.code == exits.Exit.PROBLEMS
        assert "needs the role admin; token ci has operator" in ended.err
        assert (await desk.type("token", "remove", "ci", environ=environ)).code == 0
        assert (await desk.type("whoami", environ={"CATNET_HTTP_TOKEN": token})).code == 1
        assert await store.tokens() == []


async def test_login_without_settings_on_another_machine(desk: Desk, tmp_path: Path) -> None:
    assert (await desk.type("init", "--password-stdin", stdin=PASSWORD)).code == 0
    async with served(desk):
        url = f"http://127.0.0.1:{desk.port}"
        (desk.folder / "catnet.yaml").unlink()
        arguments = ("login", "admin", "--url", url, "--password-stdin", "--json")
        ended = await desk.type(*arguments, stdin=PASSWORD)
        assert ended.code == 0, ended.err
        assert json.loads(ended.out)["role"] == "admin"
        assert (await desk.type("whoami", "--url", url)).code == 0


@pytest.mark.parametrize("url", ["http://192.0.2.1:8080", "http://catnet.example.net"])
async def test_a_password_never_crosses_a_network_in_the_clear(desk: Desk, url: str) -> None:
    ended = await desk.type("login", "ada", "--url", url, "--password-stdin", stdin=PASSWORD)
    assert ended.code == exits.Exit.USAGE
    assert "not encrypted" in ended.err


@pytest.mark.parametrize("stdin, said", [("", "no password"), ("short\n", "fewer than 12")])
async def test_init_refuses_what_is_no_password(desk: Desk, stdin: str, said: str) -> None:
    ended = await desk.type("init", "--password-stdin", stdin=stdin)
    assert ended.code != 0
    assert said in ended.err
    async with served(desk) as store:
        assert await store.users() == []


async def test_init_says_what_to_do_while_the_daemon_runs(desk: Desk) -> None:
    async with served(desk):
        ended = await desk.type("init", "--password-stdin", stdin=PASSWORD)
        assert ended.code == exits.Exit.PROBLEMS
        assert "catnet user add NAME --role admin" in ended.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
async def test_init_makes_no_files_of_root_in_the_store_of_the_daemon(desk: Desk) -> None:
    state = desk.folder / "state"
    state.mkdir(mode=0o700)
    os.chown(state, 12345, 12345)
    ended = await desk.type("init", "--password-stdin", stdin=PASSWORD)
    assert ended.code == exits.Exit.PROBLEMS
    assert "belongs to uid 12345" in ended.err
    assert list(state.iterdir()) == []


async def test_a_password_is_not_taken_from_a_pipe_unasked(desk: Desk) -> None:
    ended = await desk.type("init", stdin=PASSWORD)
    assert ended.code == exits.Exit.USAGE
    assert "--password-stdin" in ended.err


def test_no_command_takes_a_password_as_an_argument() -> None:
    for name in ("init", "login", "user", "token"):
        command = catnet.commands[name]
        below = getattr(command, "commands", {name: command}).values()
        for each in below:
            for parameter in each.params:
                if "password" in " ".join(parameter.opts):
                    assert getattr(parameter, "is_flag", False)


# --- the file of sessions ------------------------------------------------------------------------


def test_sessions_are_kept_by_daemon_and_end(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    one, two = (Login(user=user, until=100.0, token="t") for user in ("ada", "bob"))
    sessions.keep("http://one", one)
    sessions.keep("http://two", two)
    assert sessions.find("http://one", now=99.0) == one
    assert sessions.find("http://one", now=100.0) is None
    assert sessions.find("http://other", now=0.0) is None
    sessions.forget("http://one")
    assert sessions.find("http://one", now=0.0) is None
    assert sessions.find("http://two", now=0.0) == two
    assert [path.name for path in sessions.path.parent.iterdir()] == ["sessions.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_not_believed(tmp_path: Path, mode: int) -> None:
    sessions = Sessions(tmp_path)
    sessions.keep("http://one", Login(user="ada", until=100.0, token="secret-token"))
    sessions.path.chmod(mode)
    with pytest.raises(SettingsInvalid) as caught:
        sessions.find("http://one", now=0.0)
    assert "rm " in caught.value.next_step


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"user": 1}}', "\0"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    sessions = Sessions(tmp_path)
    sessions.keep("http://one", Login(user="ada", until=100.0, token="t"))
    sessions.path.write_text(text)
    with pytest.raises(SettingsInvalid, match="damaged"):
        sessions.find("http://one", now=0.0)


def test_no_home_is_no_session(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "nothing", tmp_path / "file"):
        assert Sessions(folder).find("http://one", now=0.0) is None
    with pytest.raises(SettingsInvalid, match="cannot be written") as caught:
        Sessions(tmp_path / "file").keep("http://one", Login(user="ada", until=1.0, token="t"))
    assert "XDG_STATE_HOME" in caught.value.next_step


def test_where_state_is(tmp_path: Path) -> None:
    assert state_home({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path
    assert state_home({}) == state_home({"XDG_STATE_HOME": "relative"})
    assert state_home({}).parts[-2:] == (".local", "state")
