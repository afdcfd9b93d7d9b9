"""Logging in over real SSH: who is let in, what is refused, and what a stranger never sees."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import structlog

from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.hostkeys import HostKey, HostKeys, describe
from catnet_controller.devices.platforms import IOS
from catnet_controller.devices.session import open_session
from catnet_controller.devices.terminal import Terminal
from catnet_controller.errors import (
    AlgorithmsRefused,
    AuthenticationFailed,
    DeviceBusy,
    DeviceTimeout,
    DeviceUnreachable,
    HostKeyChanged,
    HostKeyUnknown,
    PromptUnexpected,
    SecretMissing,
    StoreFailed,
)
from catnet_controller.models import Device

PASSWORD = "pä55-wörd"


@dataclass
class Door:
    """An SSH server that notes what it was told."""

    key: asyncssh.SSHKey
    port: int = 0
    passwords: list[str] = field(default_factory=list)
    open: int = 0

    def device(self, **changes: Any) -> Device:
        return Device(name="r1", host="127.0.0.1", port=self.port, **changes)


class _Server(asyncssh.SSHServer):
    def __init__(self, door: Door, authorized: asyncssh.SSHKey | None, methods: str) -> None:
        self._door = door
        self._authorized = authorized
        self._methods = methods

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._door.open += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.open -= 1

    def password_auth_supported(self) -> bool:
        return "password" in self._methods

    def kbdint_auth_supported(self) -> bool:
        return "keyboard" in self._methods

    def public_key_auth_supported(self) -> bool:
        return self._authorized is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key == self._authorized

    def validate_password(self, username: str, password: str) -> bool:
        self._door.passwords.append(password)
        return (username, password) == ("catnet", PASSWORD)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return self.validate_password(username, responses[0])


Talk = Callable[[asyncssh.SSHServerProcess[bytes]], Awaitable[None]]


async def _ios(process: asyncssh.SSHServerProcess[bytes]) -> None:
    process.stdout.write(b"\r\nr1#")
    line = b""
    try:
        while data := await process.stdin.read(1024):
            for letter in data:
                if letter != 10:
                    line += bytes((letter,))
                    continue
                level = b"Current privilege level is 15\r\n" if line == b"show privilege" else b""
                process.stdout.write(line + b"\r\n" + level + b"r1#")
                line = b""
    except (asyncssh.BreakReceived, asyncssh.ConnectionLost, BrokenPipeError):
        pass
    process.exit(0)


@asynccontextmanager
async def serving(
    *,
    talk: Talk = _ios,
    authorized: asyncssh.SSHKey | None = None,
    methods: str = "password",
    algorithm: str = "ssh-ed25519",
    keys: tuple[asyncssh.SSHKey, ...] = (),
    **options: Any,
) -> AsyncIterator[Door]:
    key = asyncssh.generate_private_key(algorithm)
    door = Door(key=key.convert_to_public())
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Server(door, authorized, methods),
        server_host_keys=[*keys, key],
        process_factory=talk,
        encoding=None,
        line_editor=False,
        **options,
    )
    async with server:
        door.port = server.get_port()
        yield door


@pytest.fixture
def hostkeys(tmp_path: Path) -> HostKeys:
    return HostKeys(tmp_path / "known_hosts")


OLD = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
CREDENTIAL = Credential(username="catnet", password=PASSWORD)


async def log_in(
    device: Device, hostkeys: HostKeys, credential: Credential = CREDENTIAL, timeout: float = 5
) -> Terminal:
    return await open_session(
        device,
        credential=credential,
        hostkeys=hostkeys,
        platform=IOS,
        connect_timeout=timeout,
        command_timeout=timeout,
    )


@pytest.mark.parametrize("methods", ["password", "keyboard"])
async def test_password_in_either_way(hostkeys: HostKeys, methods: str) -> None:
    async with serving(methods=methods) as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        async with await log_in(door.device(), hostkeys) as session:
            assert session.hostname == "r1"
            assert session.ready
        assert door.passwords == [PASSWORD]


async def test_private_key_with_passphrase(hostkeys: HostKeys, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path = tmp_path / "id"
    key.write_private_key(path, "pkcs8-pem", passphrase="hush")
    credential = Credential(username="catnet", private_key=path, passphrase="hush")
    async with serving(authorized=key.convert_to_public(), methods="") as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        async with await log_in(door.device(), hostkeys, credential) as session:
            assert session.ready
        wrong = Credential(username="catnet", private_key=path, passphrase="hoosh")
        with pytest.raises(SecretMissing) as caught:
            await log_in(door.device(), hostkeys, wrong)
        assert "hoosh" not in str(caught.value)


async def test_unknown_host_never_sees_the_password(hostkeys: HostKeys) -> None:
    async with serving() as door:
        with pytest.raises(HostKeyUnknown, match=_shown(door.key)):
            await log_in(door.device(), hostkeys)
        assert door.passwords == []


async def test_changed_key_names_both_and_never_sees_the_password(hostkeys: HostKeys) -> None:
    former = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
    async with serving() as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(former)])
        with pytest.raises(HostKeyChanged) as caught:
            await log_in(door.device(), hostkeys)
        assert describe(former).fingerprint in caught.value.message
        assert describe(door.key).fingerprint in caught.value.message
        assert door.passwords == []


async def test_key_of_another_type_is_a_changed_key(hostkeys: HostKeys) -> None:
    former = asyncssh.generate_private_key("ecdsa-sha2-nistp256").convert_to_public()
    async with serving() as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(former)])
        with pytest.raises(HostKeyChanged):
            await log_in(door.device(), hostkeys)
        assert door.passwords == []


async def test_device_with_several_keys_is_known_by_any_of_them(hostkeys: HostKeys) -> None:
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    async with serving(keys=(rsa,)) as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(rsa.convert_to_public())])
        async with await log_in(door.device(), hostkeys) as session:
            assert session.ready


async def test_first_use_keeps_the_key_and_a_changed_one_gets_no_password(tmp_path: Path) -> None:
    counted: list[str] = []
    hostkeys = HostKeys(tmp_path / "known_hosts", first_use=True, count=counted.append)
    async with serving() as door:
        with structlog.testing.capture_logs() as said:
            async with await log_in(door.device(), hostkeys) as session:
                assert session.ready
        assert hostkeys.known("127.0.0.1", door.port) == (describe(door.key),)
        assert [(one["event"], one["device"]) for one in said] == [("host key learnt", "r1")]
        door.passwords.clear()
        former = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        hostkeys.trust("127.0.0.1", door.port, [describe(former)])
        with structlog.testing.capture_logs() as said, pytest.raises(HostKeyChanged) as caught:
            await log_in(door.device(), hostkeys)
        assert door.passwords == []
        for one in (door.key, former):
            assert describe(one).fingerprint in caught.value.message
        assert [(one["event"], one["log_level"]) for one in said] == [("host key changed", "error")]
        assert said[0]["shown"] == describe(door.key).fingerprint
        assert said[0]["known"] == [describe(former).fingerprint]
    assert counted == ["learnt", "changed"]


async def test_first_use_that_cannot_be_kept_is_no_login(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    hostkeys = HostKeys(tmp_path / "file" / "known_hosts", first_use=True)
    async with serving() as door:
        with pytest.raises(StoreFailed):
            await log_in(door.device(), hostkeys)
        assert door.passwords == []


async def test_scan_shows_every_key_and_sends_nothing(hostkeys: HostKeys) -> None:
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    async with serving(keys=(rsa,)) as door:
        found = await hostkeys.scan("127.0.0.1", door.port)
        assert {one.fingerprint for one in found} == {
            describe(door.key).fingerprint,
            describe(rsa.convert_to_public()).fingerprint,
        }
        assert all(isinstance(one, HostKey) for one in found)
        assert hostkeys.known("127.0.0.1", door.port) == ()
        assert door.passwords == []


async def test_wrong_password(hostkeys: HostKeys) -> None:
    async with serving() as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        wrong = Credential(username="catnet", password="hush")
        with pytest.raises(AuthenticationFailed) as caught:
            await log_in(door.device(), hostkeys, wrong)
        assert "hush" not in f"{caught.value} {caught.value.__cause__}"
        await _until(lambda: door.open == 0)


@OLD
async def test_old_device_needs_its_profile(hostkeys: HostKeys) -> None:
    async with serving(
        algorithm="ssh-rsa",
        kex_algs=["diffie-hellman-group14-sha1"],
        encryption_algs=["aes128-cbc"],
        mac_algs=["hmac-sha1"],
        signature_algs=["ssh-rsa"],
    ) as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        with pytest.raises(AlgorithmsRefused, match="modern"):
            await log_in(door.device(), hostkeys)
        async with await log_in(door.device(algorithms="legacy"), hostkeys) as session:
            assert session.ready


@OLD
async def test_ancient_device_needs_its_profile(hostkeys: HostKeys) -> None:
    async with serving(
        algorithm="ssh-rsa",
        kex_algs=["diffie-hellman-group1-sha1"],
        encryption_algs=["3des-cbc"],
        mac_algs=["hmac-md5"],
        signature_algs=["ssh-rsa"],
    ) as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        with pytest.raises(AlgorithmsRefused, match="legacy"):
            await log_in(door.device(algorithms="legacy"), hostkeys)
        async with await log_in(door.device(algorithms="ancient"), hostkeys) as session:
            assert session.ready


async def test_nobody_there(hostkeys: HostKeys, unused_tcp_port: int) -> None:
    device = Device(name="r1", host="127.0.0.1", port=unused_tcp_port)
    with pytest.raises(DeviceUnreachable, match="r1"):
        await log_in(device, hostkeys)
    with pytest.raises(DeviceUnreachable):
        await hostkeys.scan("127.0.0.1", unused_tcp_port)


async def test_connection_closed_at_once_is_a_busy_device(hostkeys: HostKeys) -> None:
    async def full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(full, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceBusy, match="VTY"):
            await log_in(Device(name="r1", host="127.0.0.1", port=port), hostkeys)


async def test_silent_listener_is_unreachable_in_time(hostkeys: HostKeys) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceUnreachable, match="in time"):
            await log_in(Device(name="r1", host="127.0.0.1", port=port), hostkeys, timeout=0.2)
        async with asyncio.timeout(2):
            await gone.wait()


async def test_question_at_login_is_not_answered(hostkeys: HostKeys) -> None:
    heard: list[bytes] = []

    async def expired(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.stdout.write(b"\r\nYour password has expired.\r\nNew password: ")
        heard.append(await process.stdin.read())
        process.exit(0)

    async with serving(talk=expired) as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        with pytest.raises(PromptUnexpected, match="New password"):
            await log_in(door.device(), hostkeys)
        await _until(lambda: door.open == 0)
    assert heard in ([b""], [])


async def test_login_without_a_prompt_ends_in_time_and_leaks_nothing(hostkeys: HostKeys) -> None:
    async def mute(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.stdout.write(b"\r\nWelcome\r\n")
        await process.stdin.read()
        process.exit(0)

    async with serving(talk=mute) as door:
        hostkeys.trust("127.0.0.1", door.port, [describe(door.key)])
        before = _files()
        with pytest.raises(DeviceTimeout):
            await log_in(door.device(), hostkeys, timeout=0.3)
        await _until(lambda: door.open == 0)
        assert _files() <= before


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _shown(key: asyncssh.SSHKey) -> str:
    return describe(key).fingerprint.replace("+", r"\+")


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not true():  # noqa: ASYNC110 - the other end tells nobody
            await asyncio.sleep(0.01)
