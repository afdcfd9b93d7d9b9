"""`catnet credentials` from the first key to the last login; no secret in anything it leaves."""

import io
import json
import os
import pty
import sys
from pathlib import Path

import asyncssh
import pytest

from catnet_controller.app import wiring
from catnet_controller.app.machine import SystemClock
from catnet_controller.cli import exits
from catnet_controller.cli.commands import catnet as root
from catnet_controller.devices.computing import at_once
from catnet_controller.devices.vault import new_key
from catnet_controller.models import Device, Intent, Step
from catnet_controller.settings import load
from catnet_controller.simulator.fleet import DeviceSpec, Fleet
from catnet_controller.telemetry import logs
from tests.helpers_flow import config as running
from tests.integration.test_cli_commands import Ended, run

SETTINGS = """\
github: {repository: a/b, token: 'env:NONE'}
devices: {credentials_key: 'file:credentials.key', known_hosts: known_hosts}
"""
PASSWORD, ENABLE, PASSPHRASE = "hush-password", "hush-enable", "hush-passphrase"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "catnet.yaml").write_text(SETTINGS)
    return tmp_path


async def catnet(home: Path, *arguments: str, stdin: str = "") -> Ended:
    return await run("credentials", *arguments, cwd=home, stdin=stdin.encode())


def left(home: Path) -> list[Path]:
    return list(home.iterdir())


async def test_a_whole_session_leaves_no_secret(home: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    pem = key.export_private_key("openssh", PASSPHRASE).decode()
    (home / "id").write_text(pem)
    said = [await catnet(home, "generate-key", "credentials.key")]
    first = (home / "credentials.key").read_text().strip()
    again = await catnet(home, "generate-key", "credentials.key")
    assert (again.code, (home / "credentials.key").read_text().strip()) == (2, first)
    said += [
        again,
        await catnet(
            home, "set", "--default", "--username", "catnet", "--stdin", stdin=f"{PASSWORD}\n"
        ),
        await catnet(
            home,
            *("set", "--device", "edge1", "--username", "edge", "--password", "--enable"),
            "--stdin",
            stdin=f"{PASSWORD}1\n{ENABLE}\n",
        ),
        await catnet(
            home,
            *("set", "--group", "core", "--username", "core", "--private-key", "id"),
            "--passphrase",
            "--stdin",
            stdin=f"{PASSPHRASE}\n",
        ),
    ]
    listed = await catnet(home, "list", "--json")
    assert json.loads(listed.out) == [
        {"login": "default", "username": "catnet", "secrets": ["password"]},
        {"login": "devices.edge1", "username": "edge", "secrets": ["password", "enable"]},
        {"login": "groups.core", "username": "core", "secrets": ["private_key", "passphrase"]},
    ]
    said += [listed, await catnet(home, "list"), await catnet(home, "rotate-key")]
    second = (home / "credentials.key").read_text().strip()
    assert second != first
    said.append(await catnet(home, "remove", "--device", "edge1", "--only", "enable"))
    said.append(await catnet(home, "remove", "--device", "edge2"))
    # A wrong key, a wrong mode, a file that was cut.
    (home / "credentials.key").write_text(first)
    wrong = await catnet(home, "set", "--device", "edge1", "--enable", "--stdin", stdin=ENABLE)
    assert wrong.code == 2
    assert "credentials.yaml:5: no value can be decrypted with the key of file:creden" in wrong.err
    (home / "credentials.key").write_text(second)
    (home / "credentials.yaml").chmod(0o644)
    mode = await catnet(home, "list")
    assert (mode.code, "mode 0644" in mode.err, "chmod 600" in mode.err) == (2, True, True)
    (home / "credentials.yaml").chmod(0o600)
    for each in (*said, wrong, mode):
        assert len(each.err.splitlines()) <= 2
    told = "".join(each.out + each.err for each in (*said, wrong, mode))
    files = "".join(path.read_text() for path in left(home) if path.name != "id")
    body = "".join(pem.splitlines()[1:3])
    for secret in (PASSWORD, ENABLE, PASSPHRASE, body):
        assert secret not in told + files
    assert first not in told
    assert second not in told
    assert {path.name for path in left(home)} == {
        *("catnet.yaml", "credentials.key", "credentials.yaml", "id")
    }


@pytest.mark.parametrize(
    "arguments, stdin, said",
    [
        (["set"], "", "Say whose"),
        (["set", "--default", "--device", "a"], "", "Say whose"),
        (["set", "--default", "--username", "u"], "", "no terminal to ask on; give the values by"),
        (["set", "--default", "--stdin"], "p", "default is new: give its --username"),
        (["set", "--default", "--username", "u", "--stdin"], "a\nb\n", "1 lines are expected"),
        (["set", "--default", "--username", "a b", "--stdin"], "p", "without blanks"),
        (["set", "--device", "../x", "--username", "u", "--stdin"], "p", "is no name of a device"),
        (["set", "--default", "--username", "u", "--private-key", "catnet.yaml"], "", "no private"),
        (["remove", "--default"], "", "has no login for default"),
        (["rotate-key"], "", "credentials.key cannot be read"),
    ],
)
def test_wrong_use(
    *,
    home: Path,
    arguments: list[str],
    stdin: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
    if arguments[0] != "rotate-key":
        assert exits.call(root, ["credentials", "generate-key", "credentials.key"]) == 0
    assert exits.call(root, ["credentials", *arguments]) == exits.Exit.USAGE
    assert said in capsys.readouterr().err
    assert not (home / "credentials.yaml").exists()


def test_asked_on_a_terminal_nothing_is_echoed(home: Path) -> None:
    (home / "credentials.key").write_text(new_key())
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execv(
            sys.executable,
            [sys.executable, "-m", "catnet_controller", "credentials", "set", "--default"],
        )
    shown = b""
    answers = [(b"Username: ", b"catnet\n"), (b"Password: ", b"hush-typed\n")]
    answers.append((b"confirmation: ", b"hush-typed\n"))
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if answers and shown.lower().rstrip(b" ").endswith(answers[0][0].lower().rstrip(b" ")):
            os.write(terminal, answers.pop(0)[1])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert b"default added in" in shown
    assert b"hush" not in shown


async def unrecorded(_: Step, __: Intent | None = None) -> None:
    """No job stands behind it."""


async def test_devices_are_logged_in_to_with_what_the_file_says_now(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await catnet(home, "generate-key", "credentials.key")).code == 0
    specs = [DeviceSpec(name="a", config=running("a"), password=PASSWORD)]
    async with Fleet(specs) as fleet:
        (home / "known_hosts").write_text(f"{fleet['a'].known_hosts_line}\n")
        (home / "known_hosts").chmod(0o600)
        device = Device(name="a", host="127.0.0.1", port=fleet["a"].port, groups=("lab",))
        arguments = ("--username", "catnet", "--stdin")
        await catnet(home, "set", "--default", *arguments, stdin="hush-wrong")
        settings = load(home / "catnet.yaml", lazy=True)
        logging = logs.configure(level="debug", secrets=wiring.hidden(settings))
        try:
            with wiring.backups(settings) as backups:
                devices = wiring.devices(
                    settings, SystemClock(), at_once, backups, hide=logging.hide
                )
                with pytest.raises(Exception, match="user of credential 'default of credentials"):
                    await devices.read(device, unrecorded)
                await catnet(home, "set", "--group", "lab", *arguments, stdin=PASSWORD)
                reading = await devices.read(device, unrecorded)
        finally:
            logging.close()
    assert reading.text.startswith(("hostname", "Building", "!", "\n"))
    said = capsys.readouterr()
    for secret in ("hush-wrong", PASSWORD):
        assert secret not in said.out + said.err
