"""Reaching a device through a jump host, over two real SSH servers: each checked, each named."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import pytest

from catnet_controller.devices.backups import Backups
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.hostkeys import HostKeys, describe
from catnet_controller.devices.platforms import IOS
from catnet_controller.devices.session import open_session
from catnet_controller.devices.terminal import Terminal
from catnet_controller.devices.transaction import Transactions
from catnet_controller.errors import (
    AuthenticationFailed,
    CatnetError,
    ConnectionLost,
    DeviceUnreachable,
    HostKeyChanged,
    HostKeyUnknown,
    SecretMissing,
)
from catnet_controller.models import Device, Jump
from tests.integration.devicelab import CONFIG, Record, SystemClock, laboratory
from tests.integration.test_cli_commands import Ended, run
from tests.integration.test_devices_login import PASSWORD, Door, serving

DEVICE = Credential(username="catnet", password=PASSWORD)
HOP = Credential(username="hopper", password="h0p-hop")


@dataclass
class Bastion:
    """A jump host that notes who came, how many at ``most`` were logging in, and where to."""

    key: asyncssh.SSHKey
    forwards: bool = True
    port: int = 0
    open: int = 0
    logging_in: int = 0
    most: int = 0
    passwords: list[str] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def jump(self) -> Jump:
        return Jump(name="bastion", host="127.0.0.1", port=self.port, credential="hop")


class _Server(asyncssh.SSHServer):
    def __init__(self, bastion: Bastion) -> None:
        self._bastion = bastion

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._bastion.connections.append(conn)
        self._bastion.open += 1
        self._bastion.logging_in += 1
        self._bastion.most = max(self._bastion.most, self._bastion.logging_in)

    def auth_completed(self) -> None:
        self._bastion.logging_in -= 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._bastion.open -= 1

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._bastion.passwords.append(password)
        return (username, password) == (HOP.username, HOP.password)

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> bool:
        self._bastion.asked.append((dest_host, dest_port))
        if not self._bastion.forwards:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "not for you"
            )
        return True


@asynccontextmanager
async def jumping(*, forwards: bool = True) -> AsyncIterator[Bastion]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    bastion = Bastion(key=key.convert_to_public(), forwards=forwards)
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: _Server(bastion), server_host_keys=[key]
    )
    bastion.port = server.get_port()
    async with server:
        yield bastion
    for connection in bastion.connections:
        connection.abort()
        await connection.wait_closed()


@pytest.fixture
def hostkeys(tmp_path: Path) -> HostKeys:
    return HostKeys(tmp_path / "known_hosts")


def trust(hostkeys: HostKeys, *ends: Bastion | Door) -> None:
    for end in ends:
        hostkeys.trust("127.0.0.1", end.port, [describe(end.key)])


async def log_in(
    device: Device, hostkeys: HostKeys, *, hop: Credential = HOP, timeout: float = 5.0
) -> Terminal:
    return await open_session(
        device,
        credential=DEVICE,
        jump_credential=hop,
        hostkeys=hostkeys,
        platform=IOS,
        connect_timeout=timeout,
        command_timeout=timeout,
    )


async def until_left(*ends: Bastion | Door) -> None:
    async with asyncio.timeout(2):
        while any(end.open for end in ends):  # noqa: ASYNC110 - the other end tells nobody
            await asyncio.sleep(0.01)


async def test_a_session_goes_through_and_leaves_nothing_behind(hostkeys: HostKeys) -> None:
    async with jumping() as bastion, serving() as door:
        trust(hostkeys, bastion, door)
        async with await log_in(door.device(jump=bastion.jump), hostkeys) as session:
            assert session.ready
            assert bastion.asked == [("127.0.0.1", door.port)]
            assert (bastion.passwords, door.passwords) == ([HOP.password], [PASSWORD])
        await until_left(bastion, door)


async def test_a_jump_host_nobody_trusts_hears_no_secret(hostkeys: HostKeys) -> None:
    async with jumping() as bastion, serving() as door:
        trust(hostkeys, door)
        with pytest.raises(HostKeyUnknown) as caught:
            await log_in(door.device(jump=bastion.jump), hostkeys)
        assert "r1: jump host bastion: the host key of" in caught.value.message
        assert describe(bastion.key).fingerprint in caught.value.message
        assert "catnet device trust bastion" in caught.value.next_step
        hostkeys.trust("127.0.0.1", bastion.port, [describe(door.key)])
        with pytest.raises(HostKeyChanged, match="jump host bastion") as changed:
            await log_in(door.device(jump=bastion.jump), hostkeys)
        assert describe(bastion.key).fingerprint in changed.value.message
        assert describe(door.key).fingerprint in changed.value.message
        assert bastion.passwords == door.passwords == []


async def test_a_trusted_jump_host_vouches_for_nobody(hostkeys: HostKeys) -> None:
    async with jumping() as bastion, serving() as door:
        trust(hostkeys, bastion)
        with pytest.raises(HostKeyUnknown) as caught:
            await log_in(door.device(jump=bastion.jump), hostkeys)
        assert "bastion" not in caught.value.message
        assert describe(door.key).fingerprint in caught.value.message
        assert "catnet device trust r1" in caught.value.next_step
        assert door.passwords == []
        await until_left(bastion, door)


async def test_wrong_password_at_the_jump_host_names_its_credential(hostkeys: HostKeys) -> None:
    async with jumping() as bastion, serving() as door:
        trust(hostkeys, bastion, door)
        wrong = Credential(username="hopper", password="hush")
        with pytest.raises(AuthenticationFailed, match=r"jump host bastion.*'hop'") as caught:
            await log_in(door.device(jump=bastion.jump), hostkeys, hop=wrong)
        assert "hush" not in f"{caught.value} {caught.value.__cause__}"
        assert door.open == 0
        await until_left(bastion)


async def test_wrong_password_at_the_device_is_not_the_jump_hosts(hostkeys: HostKeys) -> None:
    async with jumping() as bastion, serving() as door:
        trust(hostkeys, bastion, door)
        with pytest.raises(AuthenticationFailed) as caught:
            await open_session(
                door.device(jump=bastion.jump),
                credential=replace(DEVICE, password="hush"),
                jump_credential=HOP,
                hostkeys=hostkeys,
                platform=IOS,
                connect_timeout=5.0,
                command_timeout=5.0,
            )
        assert "bastion" not in caught.value.message
        await until_left(bastion, door)


async def test_a_jump_host_that_does_not_forward(hostkeys: HostKeys) -> None:
    async with jumping(forwards=False) as bastion, serving() as door:
        trust(hostkeys, bastion, door)
        with pytest.raises(DeviceUnreachable, match="bastion does not forward to") as caught:
            await log_in(door.device(jump=bastion.jump), hostkeys)
        assert "AllowTcpForwarding" in caught.value.next_step
        await until_left(bastion)


async def test_a_device_the_jump_host_cannot_reach(
    hostkeys: HostKeys, unused_tcp_port: int
) -> None:
    async with jumping() as bastion:
        trust(hostkeys, bastion)
        device = Device(name="r1", host="127.0.0.1", port=unused_tcp_port, jump=bastion.jump)
        with pytest.raises(DeviceUnreachable, match="bastion cannot reach"):
            await log_in(device, hostkeys)
        await until_left(bastion)


async def test_nobody_at_the_jump_host(hostkeys: HostKeys, unused_tcp_port: int) -> None:
    async with serving() as door:
        jump = Jump(name="bastion", host="127.0.0.1", port=unused_tcp_port)
        with pytest.raises(DeviceUnreachable, match="jump host bastion: no connection"):
            await log_in(door.device(jump=jump), hostkeys)


@pytest.mark.parametrize("hop", ["jump host", "device"])
async def test_silence_on_either_hop_ends_in_time(hop: str, hostkeys: HostKeys) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with (
        jumping() as bastion,
        serving() as door,
        await asyncio.start_server(silent, "127.0.0.1", 0) as server,
    ):
        trust(hostkeys, bastion, door)
        port = server.sockets[0].getsockname()[1]
        if hop == "device":
            device = Device(name="r1", host="127.0.0.1", port=port, jump=bastion.jump)
        else:
            device = door.device(jump=replace(bastion.jump, port=port))
        said = "bastion: no SSH" if hop == "jump host" else "r1: no SSH"
        with pytest.raises(DeviceUnreachable, match=said):
            await log_in(device, hostkeys, timeout=0.7)
        await until_left(bastion, door)
        async with asyncio.timeout(2):
            await gone.wait()


async def test_a_jump_host_that_goes_away_ends_the_session(hostkeys: HostKeys) -> None:
    async with jumping() as bastion, serving() as door:
        trust(hostkeys, bastion, door)
        async with await log_in(door.device(jump=bastion.jump), hostkeys) as session:
            bastion.connections[0].abort()
            with pytest.raises(ConnectionLost):
                await session.run("show clock")
            assert not session.alive
        await until_left(bastion, door)


def transactions(
    hostkeys: HostKeys, backups: Backups, credentials: Mapping[str, Credential]
) -> Transactions:
    return Transactions(
        credentials=Credentials(credentials),
        hostkeys=hostkeys,
        backups=backups,
        clock=SystemClock(),
        connect_timeout=5.0,
        command_timeout=5.0,
        minute=0.1,
        pause=0.02,
    )


async def test_a_push_goes_through_a_jump_host(tmp_path: Path) -> None:
    async with jumping() as bastion, laboratory(tmp_path, config=CONFIG) as lab:
        trust(lab.hostkeys, bastion)
        logins = {"default": Credential(username="catnet", password="catnet"), "hop": HOP}
        device = replace(lab.device, jump=bastion.jump)
        result = await transactions(lab.hostkeys, lab.backups, logins).push(
            device, lab.wanting((" description uplink", " description core")), Record()
        )
        assert result.error is None
        assert lab.saved
        assert len(bastion.asked) == 2, "one session typed, another proved"
        await until_left(bastion)


async def test_logins_at_a_jump_host_are_bounded(tmp_path: Path) -> None:
    async with jumping() as bastion, laboratory(tmp_path) as lab:
        trust(lab.hostkeys, bastion)
        logins = {"default": Credential(username="catnet", password="catnet"), "hop": HOP}
        devices = transactions(lab.hostkeys, lab.backups, logins)
        elsewhere = [
            Device(name=f"r{number}", host="127.0.0.1", port=1, jump=bastion.jump)
            for number in range(20)
        ]

        async def read(device: Device) -> None:
            with pytest.raises(CatnetError, match="cannot reach"):
                await devices.read(device, Record())

        # Each device has slots of its own only by its address.
        async with asyncio.TaskGroup() as group:
            for number, device in enumerate(elsewhere):
                group.create_task(read(replace(device, port=number + 1)))
        assert len(bastion.asked) == 20
        assert 1 < bastion.most <= 8


async def test_a_missing_credential_of_the_jump_host_is_said(tmp_path: Path) -> None:
    async with jumping() as bastion, laboratory(tmp_path) as lab:
        devices = transactions(lab.hostkeys, lab.backups, {"default": DEVICE})
        with pytest.raises(SecretMissing, match="'hop'"):
            await devices.read(replace(lab.device, jump=bastion.jump), Record())


# --- catnet device trust -------------------------------------------------------------------------

INVENTORY = """\
jumps:
  bastion:
    host: 127.0.0.1
    port: {bastion}
    credential: hop
defaults:
  jump: bastion
devices:
  edge1:
    host: 127.0.0.1
    port: {door}
"""


async def test_trust_asks_the_jump_host_and_then_the_device_through_it(tmp_path: Path) -> None:
    async with jumping() as bastion, serving() as door:
        (tmp_path / "repository" / "configs").mkdir(parents=True)
        (tmp_path / "repository" / "inventory.yaml").write_text(
            INVENTORY.format(bastion=bastion.port, door=door.port)
        )
        (tmp_path / "repository" / "configs" / "edge1.cfg").write_text("hostname edge1\n!\nend\n")
        (tmp_path / "catnet.yaml").write_text(
            "github: {repository: a/b, token: 'env:NOT_HERE'}\n"
            "devices: {connect_timeout: 5s, credentials: "
            "{hop: {username: hopper, password: 'env:HOP'}}}\n"
        )

        async def trusting(name: str, fingerprint: str) -> Ended:
            return await run(
                *("device", "trust", name, "--path", "repository", "--fingerprint", fingerprint),
                cwd=tmp_path,
                environ={"HOP": HOP.password},
            )

        ended = await trusting("edge1", describe(door.key).fingerprint)
        assert ended.code != 0
        assert "jump host bastion" in ended.err
        assert "catnet device trust bastion" in ended.err
        assert bastion.passwords == []

        ended = await trusting("bastion", describe(bastion.key).fingerprint)
        assert (ended.code, ended.err) == (0, "")
        ended = await trusting("edge1", describe(door.key).fingerprint)
        assert (ended.code, ended.err) == (0, "")
        assert door.passwords == []
        kept = HostKeys(tmp_path / "state" / "known_hosts")
        assert kept.known("127.0.0.1", door.port) == (describe(door.key),)
