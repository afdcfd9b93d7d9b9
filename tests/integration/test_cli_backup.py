"""`catnet backup`: what is listed, shown and compared, what is hidden, and how it ends."""

import asyncio
import json
from pathlib import Path

import pytest

from catnet_controller.cli import exits
from catnet_controller.cli.commands import catnet
from catnet_controller.devices.backups import Backups
from catnet_controller.models import Backup
from tests.integration.test_cli_commands import run
from tests.integration.test_cli_plan import ENVIRON, Lab, lab

__all__ = ["lab"]

CONFIG = """\
hostname edge9
!
snmp-server community tells-all RO
!
interface GigabitEthernet0/1
 description {word}
!
end
"""
NOON = 1_793_620_800.0  # 2026-11-02 12:00:00 UTC


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Backup, ...]:
    """Two backups of edge9, oldest first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "catnet.yaml").write_text("github: {repository: a/b, token: 'env:NONE'}\n")
    kept = Backups(tmp_path / "state" / "backups")

    async def save() -> tuple[Backup, ...]:
        texts = [CONFIG.format(word="one"), CONFIG.format(word="two")]
        return tuple(
            [
                await kept.save("edge9", text, taken_at=NOON + 86_400 * day)
                for day, text in enumerate(texts)
            ]
        )

    backups = asyncio.run(save())
    kept.close()
    return backups


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = exits.call(catnet, ["backup", *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_list(made: tuple[Backup, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "list")
    assert code == 0
    assert "edge9" in out
    assert made[1].id.rpartition("/")[2] in out
    code, out, _ = said(capsys, "list", "edge9")
    assert code == 0
    assert out.index(made[1].id) < out.index(made[0].id)
    code, out, _ = said(capsys, "list", "edge9", "--json")
    assert [each["id"] for each in json.loads(out)] == [made[1].id, made[0].id]
    assert json.loads(out)[1]["taken_at"] == "2026-11-02T12:00:00Z"


def test_damaged_one_is_said(
    made: tuple[Backup, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "state" / "backups" / f"{made[1].id}.cfg"
    path.write_text(path.read_text()[:40])
    code, out, _ = said(capsys, "list", "edge9")
    assert code == exits.Exit.PROBLEMS
    [line] = [line for line in out.splitlines() if made[1].id in line]
    assert "damaged" in line
    code, out, _ = said(capsys, "list")
    assert made[0].id.rpartition("/")[2] in out
    code, out, err = said(capsys, "show", made[1].id)
    assert (code, out) == (exits.Exit.PROBLEMS, "")
    assert "damaged" in err
    assert "next: " in err


def test_show_hides_secrets_unless_told(
    made: tuple[Backup, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert exits.call(catnet, ["backup", "show", made[0].id]) == 0
    out = capfd.readouterr().out
    assert "tells-all" not in out
    assert " description one\n" in out
    assert exits.call(catnet, ["backup", "show", made[0].id, "--secrets"]) == 0
    assert capfd.readouterr().out == CONFIG.format(word="one")


def test_two_are_compared(made: tuple[Backup, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "diff", made[0].id, made[1].id)
    assert code == exits.Exit.PROBLEMS
    assert "+ description two" in out
    assert "tells-all" not in out + err
    code, out, _ = said(capsys, "diff", made[0].id, made[0].id)
    assert (code, out) == (0, "")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    "arguments, told",
    [
        (["show", "edge9/never"], "no backup 'edge9/never'"),
        (["show", "../../catnet"], "no backup"),
        (["list", "edge7"], "no backups of 'edge7'"),
    ],
)
def test_unknown_id_is_one_line_and_the_next_step(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (exits.Exit.PROBLEMS, "")
    error, step = err.splitlines()
    assert told in error
    assert step.startswith("next: ")


async def test_with_what_runs_and_what_is_wanted(lab: Lab) -> None:
    read = await run(
        *("diff", "device:core1", "--path", "checkout"), cwd=lab.folder, environ=ENVIRON
    )
    assert read.code == 0
    listed = await run("backup", "list", "core1", "--json", cwd=lab.folder, environ=ENVIRON)
    [one] = json.loads(listed.out)
    lab.fleet["core1"].type(["interface Loopback0", "description by hand"])
    running = await run(
        *("backup", "diff", one["id"], "--path", "checkout"), cwd=lab.folder, environ=ENVIRON
    )
    assert running.code == 1
    assert "+ description by hand" in running.out
    desired = await run(
        *("backup", "diff", one["id"], "desired", "--path", "checkout"),
        cwd=lab.folder,
        environ=ENVIRON,
    )
    assert (desired.code, desired.out) == (0, "")
