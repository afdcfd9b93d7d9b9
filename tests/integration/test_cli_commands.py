"""The command line as a user meets it: words, exit codes, and never a traceback."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from catnet_controller.cli import exits
from catnet_controller.cli.commands import catnet
from catnet_controller.errors import DeviceUnreachable, GuardRefused, InternalFault, StoreFailed
from tests import helpers_web
from tests.helpers_web import TOKEN

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample-repo"


@dataclass
class Ended:
    """What a finished `catnet` left."""

    code: int
    out: str
    err: str


async def run(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Ended:
    """Run `catnet` as its own process, beside the event loop of the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "catnet_controller",
        *arguments,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "140"}
        | {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
        | dict(environ or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return Ended(code=process.returncode, out=out.decode(), err=err.decode())


def commands(group: click.Group, *before: str) -> dict[tuple[str, ...], click.Command]:
    found: dict[tuple[str, ...], click.Command] = {}
    for name, command in group.commands.items():
        found[(*before, name)] = command
        if isinstance(command, click.Group):
            found |= commands(command, *before, name)
    return found


ALL = commands(catnet)


# --- help and wrong use --------------------------------------------------------------------------


@pytest.mark.parametrize("path", [(), *ALL], ids=" ".join)
def test_help_is_complete(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert exits.call(catnet, [*path, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: {' '.join(('catnet', *path))}")
    command = ALL[path] if path else catnet
    if isinstance(command, click.Group):
        for name in command.commands:
            assert re.search(rf"^  {name} +\S.*\.$", text, re.MULTILINE)
        return
    assert "Examples:" in text
    assert re.search(rf"^    {' '.join(('catnet', *path))}", text, re.MULTILINE)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_answer_is_there_for_programs_too(path: tuple[str, ...]) -> None:
    command = ALL[path]
    if isinstance(command, click.Group) or path[0] in ("run", "simulator", "completion"):
        return
    assert any("--json" in parameter.opts for parameter in command.params)


async def test_a_shell_completes_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert exits.call(catnet, ["completion", shell]) == 0
        assert f"{shell}_complete" in capsys.readouterr().out
    asked = {"COMP_WORDS": "catnet deployment w", "COMP_CWORD": "2"}
    ended = await run(cwd=tmp_path, environ=asked | {"_CATNET_COMPLETE": "bash_complete"})
    assert "watch" in ended.out


async def test_everything_that_asks_the_daemon_works_with_its_url_alone(tmp_path: Path) -> None:
    async with helpers_web.site(helpers_web.filled()) as site:
        environ = {
            "CATNET_HTTP_TOKEN": TOKEN,
            "CATNET_URL": f"http://127.0.0.1:{site.client.port}",
            "XDG_STATE_HOME": str(tmp_path),
        }
        for words in (
            ["status"],
            ["deploy", "--device", "edge1", "--no-wait"],
            ["log", "level", "debug"],
        ):
            ended = await run(*words, "--json", cwd=tmp_path, environ=environ)
            assert ended.code == 0, (words, ended.err)
            assert json.loads(ended.out) is not None


def test_exit_codes_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    exits.call(catnet, ["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for code in exits.Exit:
        assert re.search(rf"\b{code.value} ", text.partition("Exit codes:")[2])


@pytest.mark.parametrize(
    "arguments",
    [
        ["runn"],
        ["--nonsense"],
        ["run", "--nonsense"],
        ["run", "too", "many"],
        ["check", "/nowhere"],
        ["device", "trust"],
        ["device", "trust", "a", "--host", "x:y"],
        ["simulator", "--devices", "0"],
        ["simulator", "--devices", "many"],
        ["simulator", "--devices", "5000", "--base-port", "65000"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_line_that_says_what_to_do(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catnet.yaml").write_text("github: {repository: a/b, token: 'env:NONE'}\n")
    assert exits.call(catnet, arguments) == exits.Exit.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith("error: ")
    assert "--help`" in line


async def test_no_command_shows_the_help(tmp_path: Path) -> None:
    ended = await run(cwd=tmp_path)
    assert ended.code == exits.Exit.USAGE
    assert "Usage: catnet" in ended.out + ended.err
    assert "simulator" in ended.out + ended.err


async def test_version(tmp_path: Path) -> None:
    ended = await run("--version", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"catnet \d+\.\d+\.\d+\S*\n", ended.out)


async def test_help_is_quick(tmp_path: Path) -> None:
    code = "import sys, catnet_controller.__main__; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    loaded = set(out.decode().split())
    heavy = {"aiohttp", "asyncssh", "github", "jinja2", "rich", "scrapli", "sqlalchemy", "yaml"}
    assert not loaded & heavy


# --- how commands end ----------------------------------------------------------------------------


def raising(error: BaseException) -> click.Command:
    @click.group()
    @click.option("--debug", is_flag=True)
    @click.pass_obj
    def root(flags: exits.Flags, debug: bool) -> None:
        flags.debug = debug

    @root.command()
    def fail() -> None:
        raise error

    return root


@pytest.mark.parametrize(
    "error, code",
    [
        (DeviceUnreachable("edge1: no answer"), exits.Exit.UNREACHABLE),
        (GuardRefused("edge1: too much"), exits.Exit.PROBLEMS),
        (StoreFailed("disk full"), exits.Exit.PROBLEMS),
        (InternalFault("impossible"), exits.Exit.DEFECT),
        (ExceptionGroup("x", [ExceptionGroup("y", [StoreFailed("disk full")])]), 1),
    ],
)
def test_an_error_says_what_and_what_next(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits.call(raising(error), ["fail"]) == code
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert second.startswith("next: ")


def test_a_defect_is_one_line_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    broken = raising(RuntimeError("inside"))
    assert exits.call(broken, ["fail"]) == exits.Exit.DEFECT
    said = capsys.readouterr().err
    assert "unexpected RuntimeError: inside" in said
    assert "CATNET_DEBUG=1" in said
    assert "Traceback" not in said
    with pytest.raises(RuntimeError):
        exits.call(broken, ["--debug", "fail"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_interrupt_is_quiet(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert exits.call(raising(error), ["fail"]) == exits.Exit.INTERRUPTED
    assert capsys.readouterr().err.strip() == "error: interrupted"


async def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m catnet_controller --help | true; exit ${{PIPESTATUS[0]}}",
        executable="/bin/bash",
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert err == b""


# --- check ---------------------------------------------------------------------------------------


async def test_check_accepts_the_sample(tmp_path: Path) -> None:
    ended = await run("check", str(SAMPLE), cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("no problems: 3 devices, ")
    ended = await run("check", "--json", cwd=SAMPLE)
    assert json.loads(ended.out) == {
        "ok": True,
        "devices": ["access1", "core1", "edge1"],
        "problems": [],
    }


async def test_check_lists_every_problem(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "edge1.cfg").write_text("hostname edge1\n")
    (tmp_path / "configs" / "strange.cfg").write_text("hostname strange\n")
    (tmp_path / "inventory.yaml").write_text(
        "devices:\n  edge1:\n    hots: 192.0.2.1\n  core1:\n    host: 192.0.2.2\n"
    )
    ended = await run("check", cwd=tmp_path)
    assert ended.code == 1
    assert "inventory.yaml:2: " in ended.out
    assert "did you mean `host`?" in ended.out
    assert len(ended.out.splitlines()) >= 3
    assert re.fullmatch(r"\d+ problems in \d files\n", ended.err)
    named = await run("check", str(tmp_path), cwd=ROOT)
    assert named.out.startswith(f"{tmp_path}/")
    facts = json.loads((await run("check", "--json", cwd=tmp_path)).out)
    assert facts["ok"] is False
    assert {"file", "line", "message"} == set(facts["problems"][0])


async def test_check_of_a_folder_without_an_inventory(tmp_path: Path) -> None:
    ended = await run("check", cwd=tmp_path)
    assert ended.code == 1
    assert "inventory.yaml" in ended.out


# --- the daemon's commands -----------------------------------------------------------------------


def settings(folder: Path, port: int, *, token: str = "env:CATNET_HTTP_TOKEN") -> Path:
    path = folder / "catnet.yaml"
    path.write_text(
        "github: {repository: acme/network-config, token: 'env:NOT_HERE'}\n"
        f"http: {{listen: '127.0.0.1:{port}', token: '{token}'}}\n"
    )
    return path


async def test_status_of_a_running_daemon(tmp_path: Path) -> None:
    environ = {"CATNET_HTTP_TOKEN": TOKEN}
    async with helpers_web.site(helpers_web.filled()) as site:
        assert site.client.port is not None
        settings(tmp_path, site.client.port)
        # The secrets of the daemon (github.token) are not needed to ask it.
        ended = await run("status", cwd=tmp_path, environ=environ)
        assert (ended.code, ended.err) == (0, "")
        for word in ("acme/network-config", "11 devices: 9 in sync", "edge1", "#41", "quarantined"):
            assert word in ended.out
        facts: Any = json.loads((await run("status", "--json", cwd=tmp_path, environ=environ)).out)
        assert facts["status"]["devices"]["total"] == 11
        assert [each["id"] for each in facts["deployments"]] == [42, 41, 40, 39]
        site.held_up["pull/7"] = "a member cannot be looked up"
        ended = await run("status", cwd=tmp_path, environ=environ)
        assert (ended.code, ended.err) == (0, "")
        assert "held up pull/7: a member cannot be looked up" in ended.out
        site.reasons["github"] = "the token is refused"
        ended = await run("status", cwd=tmp_path, environ=environ)
        assert ended.code == 1
        assert "not ready github: the token is refused" in ended.out


async def test_sync_raises_a_trigger(tmp_path: Path) -> None:
    environ = {"CATNET_HTTP_TOKEN": TOKEN}
    async with helpers_web.site() as site:
        assert site.client.port is not None
        config = settings(tmp_path, site.client.port)
        ended = await run("sync", "--force", "--config", str(config), cwd=ROOT, environ=environ)
        assert (ended.code, ended.err) == (0, "")
        [trigger] = site.store.triggers
        assert (trigger.ref, trigger.force) == ("branch/main", True)
        ended = await run(
            "sync", "--json", cwd=tmp_path, environ=environ | {"CATNET_CONFIG": str(config)}
        )
        assert json.loads(ended.out) == {"ref": "branch/main", "force": False}


async def test_a_daemon_that_is_not_there(tmp_path: Path, unused_tcp_port: int) -> None:
    settings(tmp_path, unused_tcp_port)
    ended = await run("status", cwd=tmp_path, environ={"CATNET_HTTP_TOKEN": TOKEN})
    assert ended.code == exits.Exit.UNREACHABLE
    assert "no answer from the daemon" in ended.err
    assert "next: " in ended.err


async def test_a_wrong_token(tmp_path: Path) -> None:
    async with helpers_web.site() as site:
        assert site.client.port is not None
        settings(tmp_path, site.client.port)
        other = "another-token-0123456789"
        ended = await run("status", cwd=tmp_path, environ={"CATNET_HTTP_TOKEN": other})
        assert ended.code == 1
        assert "The token is wrong." in ended.err
        assert "not that of the running daemon" in ended.err
        assert other not in ended.err


async def test_a_token_that_is_not_there(tmp_path: Path, unused_tcp_port: int) -> None:
    settings(tmp_path, unused_tcp_port)
    ended = await run("status", cwd=tmp_path)
    assert ended.code == exits.Exit.USAGE
    assert "CATNET_HTTP_TOKEN is not set" in ended.err
    ended = await run(
        "status", "--url", "ftp://x", cwd=tmp_path, environ={"CATNET_HTTP_TOKEN": TOKEN}
    )
    assert ended.code == exits.Exit.USAGE
    assert "Correct --url" in ended.err


async def test_something_else_listens_there(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # A redirect must not take the token along.
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        settings(tmp_path, server.sockets[0].getsockname()[1])
        ended = await run("status", cwd=tmp_path, environ={"CATNET_HTTP_TOKEN": TOKEN})
    assert ended.code == exits.Exit.UNREACHABLE
    assert "does not answer like CatNet" in ended.err


async def test_run_refuses_wrong_settings(tmp_path: Path) -> None:
    (tmp_path / "catnet.yaml").write_text("github: {repositry: a/b, token: ghp_literal}\n")
    ended = await run("run", cwd=tmp_path)
    assert ended.code == exits.Exit.USAGE
    assert "catnet.yaml:1: github.repositry: unknown key, did you mean repository?" in ended.err
    assert "ghp_literal" not in ended.err
    (tmp_path / "catnet.yaml").unlink()
    ended = await run("run", cwd=tmp_path)
    assert ended.code == exits.Exit.USAGE
    assert "--config" in ended.err


# --- simulator -----------------------------------------------------------------------------------


async def test_simulated_devices_listen_until_interrupted(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "catnet_controller", "simulator", "--devices", "2", "--base-port", "0"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        for name in ("sim1", "sim2"):
            line = (await process.stdout.readline()).decode()
            found = re.fullmatch(rf"{name}  127\.0\.0\.1 port (\d+)  SHA256:\S+\n", line)
            assert found, line
            reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
            assert (await reader.readline()).startswith(b"SSH-2.0-")
            writer.close()
            await writer.wait_closed()
        await process.stderr.readuntil(b"Ctrl-C ends it.\n")
    finally:
        process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    assert b"Traceback" not in await process.stderr.read()


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = str(server.sockets[0].getsockname()[1])
        ended = await run("simulator", "--devices", "1", "--base-port", port, cwd=tmp_path)
    assert ended.code == exits.Exit.USAGE
    assert "cannot listen on 127.0.0.1" in ended.err
