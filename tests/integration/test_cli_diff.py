"""`catnet diff`: files and a simulated device; what is shown, what is hidden, and how it ends."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.cli import exits
from catnet_controller.cli.commands import catnet
from catnet_controller.simulator.fleet import DeviceSpec, Fleet
from tests.integration.test_cli_commands import run

RUNNING = """\
hostname r1
!
interface GigabitEthernet0/1
 description to the core
 ip address 10.0.0.1 255.255.255.0
!
snmp-server community tells-all RO
ntp server 192.0.2.1
!
line con 0
line vty 0 4
 login local
 transport input ssh
!
end
"""
DESIRED = (
    RUNNING.replace("to the core", "to the edge")
    .replace("192.0.2.1", "192.0.2.2")
    .replace("tells-all", "tells-more")
)
PASSWORD = "password-of-the-devices"
ENVIRON = {"DEVICE_PASSWORD": PASSWORD, "GITHUB_TOKEN": "token-of-github", "KEY": "tells-more"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    (tmp_path / "a").write_text(RUNNING)
    (tmp_path / "b").write_text(DESIRED)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = exits.call(catnet, ["diff", *arguments])
    shown = capsys.readouterr()
    for secret in ("tells-all", "tells-more", PASSWORD):
        assert secret not in shown.out + shown.err
    return code, shown.out, shown.err


@pytest.mark.usefixtures("folder")
def test_a_difference_is_shown_in_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "a", "b")
    assert code == 1
    lines = out.splitlines()
    at = lines.index(" interface GigabitEthernet0/1")
    assert lines[at + 1 : at + 3] == ["- description to the core", "+ description to the edge"]
    assert {"-ntp server 192.0.2.1", "+ntp server 192.0.2.2"} <= set(lines)
    removed, added = sorted(line for line in lines if "community" in line)[::-1]
    assert removed[1:] != added[1:]
    assert "+3 −3 lines" in err


@pytest.mark.usefixtures("folder")
def test_what_would_be_typed_and_the_way_back(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "a", "b", "--commands")
    assert code == 1
    lines = out.splitlines()
    at = lines.index("interface GigabitEthernet0/1")
    assert lines[at + 1] == " description to the edge"
    assert lines.index("ntp server 192.0.2.2") < lines.index("no ntp server 192.0.2.1")
    code, out, _ = said(capsys, "a", "b", "--reverse")
    assert code == 1
    assert " description to the core" in out.splitlines()
    assert "ntp server 192.0.2.1" in out.splitlines()


@pytest.mark.usefixtures("folder")
def test_unified_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "a", "b", "--unified")
    assert code == 1
    lines = out.splitlines()
    assert lines[:2] == ["--- a", "+++ b"]
    assert lines[2].startswith("@@ ")
    at = lines.index("+ description to the edge")
    assert lines[at - 1] == "- description to the core"
    assert lines[at + 1] == "  ip address 10.0.0.1 255.255.255.0"


@pytest.mark.usefixtures("folder")
def test_json_has_every_view(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "a", "b", "--json")
    assert code == 1
    facts = json.loads(out)
    assert (facts["same"], facts["scope"]) == (False, "full")
    assert (facts["added"], facts["removed"]) == (3, 3)
    assert "ntp server 192.0.2.2" in facts["commands"]
    assert "ntp server 192.0.2.1" in facts["reverse"]
    assert "+ntp server 192.0.2.2" in facts["diff"].splitlines()
    assert "+ntp server 192.0.2.2" in facts["unified"].splitlines()
    assert facts["refusals"] == facts["warnings"] == []


def test_another_spelling_is_no_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c").write_text(RUNNING.replace("interface GigabitEthernet0/1", "int gi0/1"))
    for view in ([], ["--commands"], ["--reverse"], ["--unified"]):
        assert said(capsys, "a", "c", *view) == (0, "", "no difference\n")


def test_partial_speaks_only_of_what_it_names(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c").write_text("interface GigabitEthernet0/1\n description to the edge\n")
    code, out, _ = said(capsys, "a", "c", "--partial", "--commands")
    assert code == 1
    assert out.splitlines() == ["interface GigabitEthernet0/1", " description to the edge"]


def test_a_line_that_is_refused_is_trouble(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c").write_text(RUNNING.replace("ntp", "frobnicate all\nntp"))
    code, out, err = said(capsys, "a", "c", "--commands")
    assert (code, out) == (2, "")
    assert "refused: c:8: `frobnicate all`" in err
    assert "nothing would be typed" in err


@pytest.mark.parametrize(
    "arguments",
    [["a"], ["a", "nowhere"], ["a", "b", "--path", "."], ["device:r1", "b"], []],
    ids=" ".join,
)
@pytest.mark.usefixtures("folder")
def test_trouble_is_never_taken_for_a_difference(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")


# --- a device ------------------------------------------------------------------------------------


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet([DeviceSpec(name="r1", config=RUNNING, password=PASSWORD)]) as made:
        one = made["r1"]
        (tmp_path / "configs").mkdir()
        (tmp_path / "inventory.yaml").write_text(
            f"devices: {{r1: {{host: {one.host}, port: {one.port}}}}}\n"
        )
        (tmp_path / "known_hosts").write_text(f"{one.known_hosts_line}\n")
        (tmp_path / "catnet.yaml").write_text(
            "github: {repository: acme/network-config, token: 'env:GITHUB_TOKEN'}\n"
            "devices:\n"
            "  known_hosts: known_hosts\n"
            "  credentials: {default: {username: catnet, password: 'env:DEVICE_PASSWORD'}}\n"
            "secrets: {community: 'env:KEY'}\n"
        )
        yield made


async def test_a_device_and_the_repository(tmp_path: Path, fleet: Fleet) -> None:
    config = tmp_path / "configs" / "r1.cfg"
    config.write_text(fleet["r1"].running())
    ended = await run("diff", "device:r1", "--path", ".", cwd=tmp_path, environ=ENVIRON)
    assert (ended.code, ended.out) == (0, ""), ended.err

    # A secret by its name, in a place where nobody would look for one too.
    wanted = fleet["r1"].running().replace("tells-all", '{{ secret("community") }}')
    config.write_text(wanted.replace("to the core", 'to {{ secret("community") }}'))
    ended = await run("diff", "device:r1", "--path", ".", cwd=tmp_path, environ=ENVIRON)
    assert ended.code == 1, ended.err
    assert "- description to the core" in ended.out
    assert "+ description to <secret community" in ended.out
    for secret in (PASSWORD, "tells-all", "tells-more"):
        assert secret not in ended.out + ended.err
    typed = {line.split(" ")[0] for _, line in fleet["r1"].transcript() if line}
    assert typed <= {"show", "terminal", "exit"}


async def test_a_device_and_a_file(tmp_path: Path, fleet: Fleet) -> None:
    (tmp_path / "configs" / "r1.cfg").write_text(RUNNING)
    (tmp_path / "before").write_text(fleet["r1"].running())
    fleet["r1"].type(["ntp server 198.51.100.1"])
    arguments = ("diff", "before", "device:r1", "--path", ".", "--commands")
    ended = await run(*arguments, cwd=tmp_path, environ=ENVIRON)
    assert (ended.code, ended.out) == (1, "ntp server 198.51.100.1\n"), ended.err


async def test_what_is_not_there_is_trouble(
    tmp_path: Path, fleet: Fleet, unused_tcp_port: int
) -> None:
    (tmp_path / "configs" / "r1.cfg").write_text(RUNNING)
    ended = await run("diff", "device:r9", "--path", ".", cwd=tmp_path, environ=ENVIRON)
    assert (ended.code, ended.out) == (2, "")
    assert "r9" in ended.err
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(inventory.read_text().replace(str(fleet["r1"].port), str(unused_tcp_port)))
    ended = await run("diff", "device:r1", "--path", ".", cwd=tmp_path, environ=ENVIRON)
    assert (ended.code, ended.out) == (exits.Exit.UNREACHABLE, "")


async def test_a_large_device_is_read_with_the_help_of_a_process(
    tmp_path: Path, fleet: Fleet
) -> None:
    ports = "".join(f"interface Loopback{n}\n description number {n}\n!\n" for n in range(150))
    fleet["r1"].type(ports.splitlines())
    running = fleet["r1"].running()
    assert len(running) > 5_000
    (tmp_path / "configs" / "r1.cfg").write_text(running.replace("number 149", "number 150"))
    ended = await run(
        *("plan", "--path", ".", "--device", "r1", "--json"), cwd=tmp_path, environ=ENVIRON
    )
    assert ended.code == 0, ended.err
    assert ended.err == ""
    [r1] = json.loads(ended.out)["devices"]
    assert (r1["added"], r1["removed"]) == (1, 1)
