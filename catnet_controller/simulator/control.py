"""The rack beside the network: a unix socket that takes JSON lines and looks into, breaks and
repairs the devices of a fleet. Never reachable from a simulated command line.

A request is an object with ``do`` and, except for ``devices``, ``device``; a reply has ``ok`` and
``result`` or ``error``.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import Fleet, SimulatedDevice

_LONGEST = 4 * 1024 * 1024
Request = Mapping[str, object]


@asynccontextmanager
async def control(fleet: Fleet, path: Path) -> AsyncIterator[None]:
    """Serve requests on a socket only its owner can use, as long as the context is entered."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(handle(fleet, line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    path.unlink(missing_ok=True)  # noqa: ASYNC240  one local file
    server = await asyncio.start_unix_server(serve, path, limit=_LONGEST)
    path.chmod(0o600)  # noqa: ASYNC240  one local file
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)  # noqa: ASYNC240  one local file


def handle(fleet: Fleet, line: bytes) -> dict[str, object]:
    """One request, answered."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ValueError("a request is a JSON object")  # noqa: TRY004
        return {"ok": True, "result": _answer(fleet, request)}
    except (ValueError, KeyError, TypeError, re.error) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def _answer(fleet: Fleet, request: Request) -> object:
    do = str(request.get("do"))
    if do == "devices":
        return [_facts(fleet[name]) for name in fleet.names]
    act = _ACTS.get(do)
    if act is None:
        raise ValueError(f"unknown request {do!r}; known: devices, {', '.join(_ACTS)}")
    return act(fleet[str(request["device"])], request)


def _facts(device: SimulatedDevice) -> dict[str, object]:
    return {
        "name": device.name,
        "host": device.host,
        "port": device.port,
        "fingerprint": device.fingerprint,
        "known_hosts": device.known_hosts_line,
        "sessions": device.sessions,
        "pending_revert": device.pending_revert,
        "reachable": device.reachable,
        "saved": device.running() == device.startup(),
    }


def _inject(device: SimulatedDevice, request: Request) -> None:
    given = request["fault"]
    if not isinstance(given, dict):
        raise ValueError("fault is an object")  # noqa: TRY004
    fields = dict(given)
    when = When(**fields.pop("when", {}))
    device.inject(Fault(what=What(fields.pop("what")), when=when, **fields))


def _type(device: SimulatedDevice, request: Request) -> None:
    lines = request["lines"]
    if not isinstance(lines, list):
        raise ValueError("lines is a list")  # noqa: TRY004
    device.type([str(line) for line in lines], by=str(request.get("by", "console")))


def _advance(device: SimulatedDevice, request: Request) -> None:
    device.advance(float(str(request["seconds"])))


_ACTS: Mapping[str, Callable[[SimulatedDevice, Request], object]] = {
    "facts": lambda device, _: _facts(device),
    "running": lambda device, _: device.running(),
    "startup": lambda device, _: device.startup(),
    "transcript": lambda device, _: device.transcript(),
    "log": lambda device, _: device.log(),
    "type": _type,
    "save": lambda device, request: device.save(str(request.get("by", "console"))),
    "inject": _inject,
    "clear": lambda device, _: device.clear(),
    "advance": _advance,
    "reboot": lambda device, _: device.reboot(),
}
