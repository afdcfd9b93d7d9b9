"""Values come in, HTML goes out: templates, the static files they link to, and how values look.

Templates escape every value; nothing is loaded from elsewhere, and the Content-Security-Policy
says so to the browser.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from aiohttp import web

from catnet_controller.models import Mode
from catnet_controller.ports import Clock
from catnet_controller.web import views
from catnet_controller.web.cookies import Cookies
from catnet_controller.web.problems import HttpProblem
from catnet_controller.web.visits import FRAGMENT, visitor

_HERE = Path(__file__).parent


class Drawing:
    """Draws pages; the one place that knows the templates."""

    def __init__(
        self,
        *,
        clock: Clock,
        cookies: Cookies,
        repository: str,
        branch: str,
        mode: Mode,
        version: str,
        commits: str | None,
    ) -> None:
        self._clock = clock
        self._cookies = cookies
        self._static = _Static.read(_HERE / "static")
        self._jinja = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters.update(
            ago=lambda at: span(max(1.0, clock.now() - at) // 1),
            clock=lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            iso=views.when,
            span=span,
            sign=sign,
            size=size,
        )
        self._jinja.globals.update(
            repository=repository,
            branch=branch,
            mode=mode,
            version=version,
            commits=commits,
            static=self._static.address,
        )

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/static/{name}", self._static.serve)]

    def page(self, request: web.Request, template: str, **values: object) -> web.Response:
        """A page for whoever asks. The script of a page that is shown gets 304 when nothing of it
        has changed."""
        found = visitor(request)
        given: dict[str, object] = {
            "now": self._clock.now(),
            "who": None if found is None else found.actor,
            "acts": found is not None and found.acts,
            "proof": "" if found is None or found.proof is None else found.proof,
            "theme": self._cookies.theme(request),
            "here": request.path_qs,
            "fragment": FRAGMENT in request.headers,
        }
        text = self._jinja.get_template(template).render(given | values)
        # Some rows of a page are written for one reader; he has the tag of what he was shown.
        tag = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        if given["fragment"] and request.headers.get("If-None-Match") == f'"{tag}"':
            return web.Response(status=304, headers={"ETag": f'"{tag}"'})
        return web.Response(
            body=text.encode("utf-8", "replace"),
            content_type="text/html",
            charset="utf-8",
            headers={"ETag": f'"{tag}"'} if given["fragment"] else None,
        )

    def problem(self, request: web.Request, problem: HttpProblem) -> web.Response:
        """An error as a page."""
        made = self.page(request, "problem.html", problem=problem)
        made.set_status(problem.status)
        made.headers.update(problem.headers)
        return made


class _Static:
    """The few files that pages link to, held in memory under an address that names their content,
    so that a browser may keep them for ever."""

    def __init__(self, files: Mapping[str, tuple[bytes, str]]) -> None:
        self._files = files
        self._tags = {
            name: hashlib.sha256(body).hexdigest()[:12] for name, (body, _) in files.items()
        }

    @classmethod
    def read(cls, folder: Path) -> "_Static":
        types = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
        return cls(
            {
                path.name: (path.read_bytes(), types[path.suffix])
                for path in sorted(folder.iterdir())
                if path.suffix in types
            }
        )

    def address(self, name: str) -> str:
        return f"/static/{name}?v={self._tags[name]}"

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        body, content_type = self._files[name]
        current = request.query.get("v") == self._tags[name]
        keep = "public, max-age=31536000, immutable" if current else "no-cache"
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8",
            headers={"Cache-Control": keep},
        )


def span(seconds: float) -> str:
    """A duration in its one or two largest units."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return f"{whole // 86400} days"


def sign(text: str) -> Sequence[tuple[str, str]]:
    """The lines of a diff, each with the name of its colour."""
    names = {"+": "add", "-": "remove", "@": "where"}
    return [(names.get(line[:1], "keep"), line) for line in text.splitlines()]


def size(count: int) -> str:
    """A number of bytes in its largest unit."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024**2 else f"{count / 1024**2:.1f} MiB"
