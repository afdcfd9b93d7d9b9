"""A GitHub Enterprise Server with a certificate authority of its own, over real TLS."""

import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from catnet_controller.demo import payloads
from catnet_controller.errors import GithubUnavailable
from catnet_controller.github.client import GRAPHQL, Client, Route
from tests.helpers_github import TOKEN, RealClock

NAME = "acme/network-config"


def certificate(home: Path) -> Path:
    """Of 127.0.0.1, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ghes.example.net")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = home / "ghes.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@contextlib.asynccontextmanager
async def enterprise(authority: Path) -> AsyncIterator[tuple[str, list[str]]]:
    """The base of its API, and the paths that were asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        place = payloads.Place(name=NAME, branch="main", url="https://ghes.example.net/api/v3")
        return web.json_response(payloads.whole_repository(place))

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/api/v3", asked
    finally:
        await runner.cleanup()


def client(url: str, authorities: Path | None) -> Client:
    return Client(
        repository=NAME,
        api_url=url,
        token=TOKEN,
        clock=RealClock(),
        pause=0.01,
        write_spacing=0.0,
        route=Route(authorities=authorities),
    )


async def test_its_own_authority_is_believed_and_the_api_is_below_its_path(
    authority: Path,
) -> None:
    async with enterprise(authority) as (url, asked), client(url, authority) as door:
        await door.verify_access()
        await door.write("POST", GRAPHQL, {"query": "", "variables": {}}, needs="")
    assert asked == [f"/api/v3/repos/{NAME}", "/api/graphql"]


async def test_an_authority_nobody_named_gets_no_token(authority: Path) -> None:
    async with enterprise(authority) as (url, asked), client(url, None) as door:
        with pytest.raises(GithubUnavailable, match="no trusted TLS connection") as refused:
            await door.verify_access()
    assert "certificate authority" in refused.value.next_step
    assert not asked
