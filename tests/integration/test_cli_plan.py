"""`catnet plan` against simulated devices over SSH: what is shown, and that nothing is typed."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from catnet_controller.cli import exits
from catnet_controller.models import Revision
from catnet_controller.policy import desired
from catnet_controller.simulator.fleet import DeviceSpec, Fleet
from tests.integration.test_cli_commands import SAMPLE, run

PASSWORD = "password-of-the-devices"
ENVIRON = {"DEVICE_PASSWORD": PASSWORD, "GITHUB_TOKEN": "token-of-github"}


@dataclass
class Lab:
    """Two devices, a checkout that wants something of them, and settings."""

    folder: Path
    checkout: Path
    fleet: Fleet


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    files = {
        path.relative_to(SAMPLE).as_posix(): path.read_bytes()
        for path in SAMPLE.rglob("*")
        if path.is_file()
    }
    snapshot = desired.build(files, Revision(sha="", ref="folder"))
    specs = [
        DeviceSpec(name=name, config=snapshot.desired[name].text, password=PASSWORD)
        for name in ("core1", "edge1")
    ]
    async with Fleet(specs) as fleet:
        checkout = tmp_path / "checkout"
        (checkout / "configs").mkdir(parents=True)
        inventory = "devices:\n"
        known = ""
        for name in fleet.names:
            one = fleet[name]
            inventory += f"  {name}: {{host: {one.host}, port: {one.port}}}\n"
            known += f"{one.known_hosts_line}\n"
            (checkout / "configs" / f"{name}.cfg").write_text(snapshot.desired[name].text)
        (checkout / "inventory.yaml").write_text(inventory)
        (tmp_path / "known_hosts").write_text(known)
        (tmp_path / "catnet.yaml").write_text(
            "github: {repository: acme/network-config, token: 'env:GITHUB_TOKEN'}\n"
            "devices:\n"
            "  known_hosts: known_hosts\n"
            "  credentials: {default: {username: catnet, password: 'env:DEVICE_PASSWORD'}}\n"
        )
        yield Lab(folder=tmp_path, checkout=checkout, fleet=fleet)


def typed(fleet: Fleet) -> list[str]:
    """What was typed but commands that show; an empty line asks for the prompt."""
    return [
        line
        for name in fleet.names
        for _, line in fleet[name].transcript()
        if line and not line.startswith(("show ", "terminal ", "exit"))
    ]


async def test_a_plan_shows_the_difference_and_types_nothing(lab: Lab) -> None:
    lab.fleet["edge1"].type(["snmp-server location typed by hand"])
    ended = await run("plan", "--path", "checkout", cwd=lab.folder, environ=ENVIRON)
    assert ended.code == 0, ended.err
    assert "edge1" in ended.out
    assert "typed by hand" in ended.out
    assert "2 devices: 1 would change, 1 in sync" in ended.out
    assert typed(lab.fleet) == []
    for secret in ENVIRON.values():
        assert secret not in ended.out + ended.err

    ended = await run(
        *("plan", "--path", "checkout", "--device", "edge1", "--json"),
        cwd=lab.folder,
        # A checkout is here already: nothing of GitHub is needed.
        environ={"DEVICE_PASSWORD": PASSWORD},
    )
    facts = json.loads(ended.out)
    [edge1] = facts["devices"]
    assert (edge1["device"], edge1["changed"], edge1["error"]) == ("edge1", True, None)
    assert facts["problems"] == []


async def test_a_device_that_does_not_answer_is_said(lab: Lab, unused_tcp_port: int) -> None:
    inventory = lab.checkout / "inventory.yaml"
    port = str(lab.fleet["edge1"].port)
    inventory.write_text(inventory.read_text().replace(port, str(unused_tcp_port)))
    ended = await run("plan", "--path", "checkout", cwd=lab.folder, environ=ENVIRON)
    assert ended.code == exits.Exit.PROBLEMS
    assert "1 could not be planned" in ended.out
    assert "error: " in ended.out


async def test_what_cannot_be_planned(lab: Lab) -> None:
    ended = await run(
        "plan", "--path", "checkout", "--device", "nobody", cwd=lab.folder, environ=ENVIRON
    )
    assert ended.code == exits.Exit.PROBLEMS
    assert "nobody" in ended.err
    (lab.checkout / "inventory.yaml").write_text("device:\n")
    ended = await run("plan", "--path", "checkout", cwd=lab.folder, environ=ENVIRON)
    assert ended.code == exits.Exit.PROBLEMS
    assert "inventory.yaml:1" in ended.out
    assert "nothing was planned" in ended.err


async def test_an_unknown_host_key_is_believed_only_by_setting(lab: Lab) -> None:
    known = lab.folder / "known_hosts"
    lines = known.read_text().splitlines()
    known.write_text("")
    ended = await run("plan", "--path", "checkout", cwd=lab.folder, environ=ENVIRON)
    assert ended.code == exits.Exit.PROBLEMS
    assert "is not known; it shows SHA256:" in ended.out
    assert known.read_text() == ""
    first_use = {**ENVIRON, "CATNET_DEVICES_HOST_KEYS": "first-use"}
    ended = await run("plan", "--path", "checkout", cwd=lab.folder, environ=first_use)
    assert ended.code == 0, ended.err
    assert sorted(known.read_text().split("\n")) == sorted(["", *lines])
