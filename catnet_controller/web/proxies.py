"""A request that a trusted proxy passed on comes in; one that tells of its client goes on.

Who asked is what the lock-out counts and the audit log keeps. Only a proxy in a trusted network is
believed, and of its list only what trusted proxies wrote: a client can put what it likes before.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web
from aiohttp.typedefs import Middleware

from catnet_controller.web.problems import Handler

Network = IPv4Network | IPv6Network


def middleware(trusted: Sequence[Network]) -> Middleware:
    """Put the client in the place of the proxies in these networks, by X-Forwarded-For and -Proto.

    Without networks nothing is believed.
    """

    @web.middleware
    async def proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _within(request.remote, trusted):
            return await handler(request)
        client = client_of(request, trusted)
        scheme = request.headers.get("X-Forwarded-Proto", "").lower()
        if scheme not in ("http", "https"):
            scheme = request.scheme
        return await handler(request.clone(remote=client or "", scheme=scheme))

    return proxies


def client_of(request: web.BaseRequest, trusted: Sequence[Network]) -> str | None:
    """The address of who asked: the last one that a trusted proxy vouches for."""
    client = request.remote
    if not _within(client, trusted):
        return client
    hops = [
        hop.strip()
        for line in request.headers.getall("X-Forwarded-For", ())
        for hop in line.split(",")
    ]
    while hops and _within(client, trusted):
        found = _address(hops.pop())
        if found is None:
            break
        client = str(found)
    return client


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address((text or "").removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped if mapped is not None else found


def _within(text: str | None, networks: Sequence[Network]) -> bool:
    address = _address(text) if networks else None
    return address is not None and any(address in network for network in networks)
