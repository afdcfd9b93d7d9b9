"""`catnet device trust` against a real SSH server: what is shown, asked, and written."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from catnet_controller.cli import exits
from catnet_controller.devices.hostkeys import HostKeys
from tests import helpers_web
from tests.integration.test_cli_commands import Ended, run

INVENTORY = """\
devices:
  edge1:
    host: 127.0.0.1
    port: {port}
"""


@pytest.fixture
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
async def port(key: asyncssh.SSHKey) -> AsyncIterator[int]:
    async with asyncssh.listen("127.0.0.1", 0, server_host_keys=[key]) as server:
        yield server.get_port()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catnet.yaml").write_text(
        "github: {repository: a/b, token: 'env:NOT_HERE'}\ndevices: {connect_timeout: 5s}\n"
    )
    return tmp_path


async def trust(folder: Path, *arguments: str, stdin: bytes = b"") -> Ended:
    return await run("device", "trust", "edge1", *arguments, cwd=folder, stdin=stdin)


def known(folder: Path, port: int) -> list[str]:
    keys = HostKeys(folder / "state" / "known_hosts").known("127.0.0.1", port)
    return [one.fingerprint for one in keys]


async def test_a_yes_trusts_and_a_no_does_not(
    folder: Path, port: int, key: asyncssh.SSHKey
) -> None:
    host = f"127.0.0.1:{port}"
    for answer in (b"n\n", b"\n"):
        ended = await trust(folder, "--host", host, stdin=answer)
        assert ended.code == 1
        assert key.get_fingerprint() in ended.out
        assert known(folder, port) == []
    ended = await trust(folder, "--host", host, stdin=b"")
    assert ended.code == exits.Exit.INTERRUPTED
    ended = await trust(folder, "--host", host, stdin=b"y\n")
    assert ended.code == 0
    assert known(folder, port) == [key.get_fingerprint()]
    assert (folder / "state" / "known_hosts").stat().st_mode & 0o777 == 0o600
    ended = await trust(folder, "--host", host)
    assert ended.code == 0
    assert "already trusted" in ended.out


async def test_another_key_is_shown_beside_the_known_one(
    folder: Path, port: int, key: asyncssh.SSHKey
) -> None:
    hosts = folder / "state" / "known_hosts"
    hosts.parent.mkdir()
    old = asyncssh.generate_private_key("ssh-ed25519")
    line = old.export_public_key("openssh").decode().split()
    hosts.write_text(f"[127.0.0.1]:{port} {line[0]} {line[1]}\n")
    ended = await trust(folder, "--host", f"127.0.0.1:{port}", stdin=b"n\n")
    assert ended.code == 1
    assert "known with other keys" in ended.out
    assert old.get_fingerprint() in ended.out
    assert key.get_fingerprint() in ended.out
    assert known(folder, port) == [old.get_fingerprint()]


async def test_a_fingerprint_answers_for_the_operator(
    folder: Path, port: int, key: asyncssh.SSHKey
) -> None:
    host = f"127.0.0.1:{port}"
    ended = await trust(folder, "--host", host, "--fingerprint", "SHA256:" + "A" * 43)
    assert ended.code == 1
    assert "Nothing was trusted" in ended.err
    assert known(folder, port) == []
    ended = await trust(folder, "--host", host, "--fingerprint", key.get_fingerprint())
    assert ended.code == 0
    assert known(folder, port) == [key.get_fingerprint()]


async def test_the_daemon_knows_where_the_device_is(
    folder: Path, port: int, key: asyncssh.SSHKey
) -> None:
    store = helpers_web.filled()
    edge1 = store.devices["edge1"]
    store.devices["edge1"] = type(edge1)(
        device=helpers_web.device("edge1", host="127.0.0.1", port=port)
    )
    async with helpers_web.site(store) as site:
        (folder / "catnet.yaml").write_text(
            "github: {repository: a/b, token: 'env:NOT_HERE'}\n"
            f"http: {{listen: '127.0.0.1:{site.client.port}', token: 'env:HTTP_TOKEN'}}\n"
        )
        ended = await run(
            *("device", "trust", "edge1", "--fingerprint", key.get_fingerprint()),
            cwd=folder,
            environ={"HTTP_TOKEN": helpers_web.TOKEN},
        )
        assert (ended.code, ended.err) == (0, "")
        ended = await run(
            *("device", "trust", "nobody"),
            cwd=folder,
            environ={"HTTP_TOKEN": helpers_web.TOKEN},
        )
        assert ended.code == 1
        assert "knows no device nobody" in ended.err
    assert known(folder, port) == [key.get_fingerprint()]


async def test_a_device_that_is_not_there(folder: Path, unused_tcp_port: int) -> None:
    ended = await trust(folder, "--host", f"127.0.0.1:{unused_tcp_port}")
    assert ended.code == exits.Exit.UNREACHABLE
    assert "next: " in ended.err


async def test_a_checkout_knows_where_the_device_is(
    folder: Path, port: int, key: asyncssh.SSHKey
) -> None:
    repository = folder / "repository"
    (repository / "configs").mkdir(parents=True)
    (repository / "inventory.yaml").write_text(INVENTORY.format(port=port))
    (repository / "configs" / "edge1.cfg").write_text("hostname edge1\n!\nend\n")
    ended = await trust(folder, "--path", str(repository), "--fingerprint", key.get_fingerprint())
    assert (ended.code, ended.err) == (0, "")
    assert known(folder, port) == [key.get_fingerprint()]
