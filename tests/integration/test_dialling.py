"""What a connection says on the wire, and that none is left behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest
from asyncssh.packet import SSHPacket

from catnet_controller.devices import dialling
from catnet_controller.devices.dialling import dial

_IGNORE = 2
_CIPHERS = ["aes128-gcm@openssh.com", "aes128-cbc"]


class _Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, _username: str, password: str) -> bool:
        return password == "right"


class _Heard(asyncssh.SSHServerConnection):
    heard: list[int]

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        self.heard.append(pkttype)
        return super().process_packet(pkttype, pktid, packet)


@asynccontextmanager
async def _host(made: list[_Heard]) -> AsyncIterator[tuple[int, asyncssh.SSHKey]]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    options = asyncssh.SSHServerConnectionOptions(
        server_factory=_Server, server_host_keys=[key], encryption_algs=_CIPHERS
    )

    def arrived() -> _Heard:
        made.append(_Heard(asyncio.get_running_loop(), options))
        made[-1].heard = []
        return made[-1]

    server = await asyncio.get_running_loop().create_server(arrived, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], key.convert_to_public()
        for one in made:
            one.abort()
            await one.wait_closed()


async def _dial(
    port: int, *known: asyncssh.SSHKey, cipher: str = "aes128-gcm@openssh.com", said: str = "right"
) -> asyncssh.SSHClientConnection:
    shared = asyncssh.SSHClientConnectionOptions(
        username="catnet", encryption_algs=[cipher], config=None, client_keys=None, agent_path=None
    )
    own = {
        "known_hosts": (list(known), [], []),
        "password": said,
        "preferred_auth": ("password",),
    }
    return await dial(
        "127.0.0.1", port, accepts=lambda _: False, tunnel=None, shared=shared, own=own
    )


@pytest.mark.parametrize(("cipher", "empty"), [("aes128-gcm@openssh.com", 0), ("aes128-cbc", 2)])
async def test_empty_messages_go_only_where_the_cipher_needs_them(cipher: str, empty: int) -> None:
    made: list[_Heard] = []
    async with _host(made) as (port, key):
        connection = await _dial(port, key, cipher=cipher)
        connection.close()
        await connection.wait_closed()
        await made[0].wait_closed()
    assert min(made[0].heard.count(_IGNORE), 2) == empty


async def test_nothing_secret_is_said_to_a_stranger() -> None:
    made: list[_Heard] = []
    async with _host(made) as (port, _):
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await _dial(port)
        await made[0].wait_closed()
    assert not any(kind >= 50 for kind in made[0].heard)


async def test_wrong_password_is_told_and_nothing_stays_open() -> None:
    made: list[_Heard] = []
    async with _host(made) as (port, key):
        with pytest.raises(asyncssh.PermissionDenied):
            await _dial(port, key, said="wrong")
        await made[0].wait_closed()
    assert made[0].is_closed()


async def test_options_of_one_connection_do_not_reach_the_next() -> None:
    made: list[_Heard] = []
    shared = asyncssh.SSHClientConnectionOptions(
        username="catnet", config=None, known_hosts=None, client_keys=None, agent_path=None
    )
    own = {"password": "right", "preferred_auth": ("password",)}
    async with _host(made) as (port, _):
        connection = await dial(
            "127.0.0.1", port, accepts=lambda _: False, tunnel=None, shared=shared, own=own
        )
        connection.close()
        await connection.wait_closed()
    assert shared.password is None
    assert shared.host == ""


class _Ended(asyncio.Transport):
    """A transport as uvloop's is at its end: it takes nothing any more, and says so."""

    def is_closing(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise RuntimeError("the handler is closed")


async def test_what_was_still_to_be_said_when_the_other_hung_up_is_no_error() -> None:
    loop = asyncio.get_running_loop()
    met: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: met.append(context))
    gathered = dialling._Gathered(_Ended(), loop)
    gathered.write(b"goodbye")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert met == []
