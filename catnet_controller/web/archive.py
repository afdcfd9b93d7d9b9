"""Backups come in; pages that show one and compare two go out, secrets hidden."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web

from catnet_controller.errors import NoSuchBackup
from catnet_controller.models import Backup, Desired
from catnet_controller.ports import Deployments, States
from catnet_controller.web.api import Backups, no_device
from catnet_controller.web.drawing import Drawing
from catnet_controller.web.problems import HttpProblem
from catnet_controller.web.visits import Visits

Text = Callable[[str], Awaitable[str]]
"""The text of a backup by its id. Raises NoSuchBackup, BackupDamaged or StoreFailed."""
Hide = Callable[[str], Awaitable[str]]
"""A configuration without its secrets."""
Differ = Callable[[str, str | Desired], Awaitable[str]]
"""What is to change in the first to become the second, secrets hidden."""

_DESIRED = "desired"


class Archive:
    """The pages below /devices/NAME/backups."""

    def __init__(
        self,
        *,
        drawing: Drawing,
        states: States,
        deployments: Deployments,
        backups: Backups,
        text: Text,
        hide: Hide,
        differ: Differ,
    ) -> None:
        self._drawing = drawing
        self._states = states
        self._deployments = deployments
        self._backups = backups
        self._text = text
        self._hide = hide
        self._differ = differ

    def routes(self, visits: Visits) -> list[web.RouteDef]:
        one = "/devices/{name}/backups/{backup}"
        return [
            web.get(one, visits.showing(self.show)),
            web.get(f"{one}/text", visits.showing(self.download)),
            web.get(f"{one}/diff", visits.showing(self.diff)),
        ]

    async def show(self, request: web.Request) -> web.Response:
        name, backup, others = await self._of(request)
        return self._drawing.page(
            request,
            "backup.html",
            name=name,
            backup=backup,
            others=[it for it in others if it.id != backup.id],
            text=await self._hide(await self._text(backup.id)),
        )

    async def download(self, request: web.Request) -> web.Response:
        _, backup, _ = await self._of(request)
        text = await self._hide(await self._text(backup.id))
        file = quote(backup.id.replace("/", "-"), safe="-._")
        return web.Response(
            body=text.encode("utf-8", "replace"),
            content_type="text/plain",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{file}-redacted.cfg"'},
        )

    async def diff(self, request: web.Request) -> web.Response:
        name, backup, others = await self._of(request)
        other = request.query.get("with", _DESIRED)
        after: str | Desired | None
        if other == _DESIRED:
            state = await self._states.state(name)
            wanted = state.desired if state is not None else None
            after = await self._deployments.desired(wanted) if wanted else None
            if after is None:
                raise HttpProblem(
                    409,
                    "nothing-wanted",
                    f"Nothing is on record that the branch wants on {name}.",
                    next_step="Compare with another backup, or run `catnet sync` first.",
                )
        else:
            chosen = next((it for it in others if _short(it) == other), None)
            if chosen is None:
                raise _gone(f"there is no backup {other!r} of {name}")
            after = await self._text(chosen.id)
        return self._drawing.page(
            request,
            "backupdiff.html",
            name=name,
            backup=backup,
            others=[it for it in others if it.id != backup.id],
            other=other,
            diff=await self._differ(await self._text(backup.id), after),
        )

    async def _of(self, request: web.Request) -> tuple[str, Backup, list[Backup]]:
        name = request.match_info["name"]
        if await self._states.state(name) is None:
            raise no_device(name)
        # Only what is in the list of this device: a name from outside never becomes a path.
        found = list(await self._backups(name))
        wanted = request.match_info["backup"]
        backup = next((it for it in found if _short(it) == wanted), None)
        if backup is None:
            raise _gone(f"there is no backup {wanted!r} of {name}")
        return name, backup, found


def _short(backup: Backup) -> str:
    return backup.id.rpartition("/")[2]


def _gone(message: str) -> HttpProblem:
    error = NoSuchBackup(message)
    return HttpProblem(404, error.code, f"{message}.", next_step=error.next_step)
