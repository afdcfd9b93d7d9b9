"""Requests about the devices themselves come in: listed, added, removed."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from catnet_controller.models import Device, DeviceState
from catnet_controller.ports import States
from catnet_controller.web import bodies, paging, views
from catnet_controller.web.access import Access, actor
from catnet_controller.web.api import no_device
from catnet_controller.web.calls import PAGE

log = structlog.get_logger(__name__)

Add = Callable[..., Awaitable[DeviceState]]
"""Add the device with these words (those of `POST /api/v1/devices`); gives what is on record."""
Remove = Callable[[str], Awaitable[bool]]
"""Remove a device that was added; False when there is none of this name."""


class Equipment:
    """The routes /api/v1/devices and /api/v1/devices/{name}."""

    def __init__(self, *, states: States, add: Add, remove: Remove) -> None:
        self._states = states
        self._add = add
        self._remove = remove

    def routes(self, access: Access) -> list[web.RouteDef]:
        read, act = access.reading, access.acting
        return [
            web.get("/api/v1/devices", read(self.devices)),
            web.post("/api/v1/devices", act(self.add)),
            web.get("/api/v1/devices/{name}", read(self.device)),
            web.delete("/api/v1/devices/{name}", act(self.remove)),
        ]

    async def devices(self, request: web.Request) -> web.Response:
        asked = bodies.query(request)
        states = await self._states.states()
        found = [
            states[name]
            for name in sorted(states)
            if all(_fits(states[name], key, asked[key]) for key in asked.keys() & _FITS.keys())
        ]
        page, last = paging.by_name(found, asked, lambda it: it.device.name, most=PAGE)
        return paging.answer(
            request,
            {"devices": [views.device(each) for each in page], "total": len(found)},
            {"after": last} if last is not None else None,
        )

    async def device(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        state = await self._states.state(name)
        if state is None:
            raise no_device(name)
        return bodies.answer(views.device(state))

    async def add(self, request: web.Request) -> web.Response:
        state = await self._add(**await bodies.read(request))
        name = state.device.name
        log.info("device added", device=name, by=str(actor(request)), peer=request.remote)
        return bodies.answer(
            views.device(state), status=201, headers={"Location": f"/api/v1/devices/{name}"}
        )

    async def remove(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not await self._remove(name):
            raise no_device(name)
        log.info("device removed", device=name, by=str(actor(request)), peer=request.remote)
        return bodies.answer({"name": name})


def _words(it: Device, words: str) -> bool:
    return any(words.lower() in each.lower() for each in (it.name, it.host, it.site))


_FITS: dict[str, Callable[[DeviceState, str], bool]] = {
    "site": lambda it, value: it.device.site == value,
    "group": lambda it, value: value in it.device.groups,
    "platform": lambda it, value: it.device.platform == value,
    "sync": lambda it, value: it.sync == value,
    "health": lambda it, value: it.health == value,
    "owner": lambda it, value: it.device.owner == value,
    "q": lambda it, value: _words(it.device, value),
}


def _fits(state: DeviceState, key: str, value: str) -> bool:
    return _FITS[key](state, value)
