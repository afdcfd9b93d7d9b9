"""Bodies of HTML forms come in as texts by field; what another site made a browser send does not.

Two things are asked of each: that it says to come from a page of ours (Origin and Sec-Fetch-Site,
which no page can forge), and the proof that only a page drawn for this very browser carries.
"""

import asyncio
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from aiohttp import web

from catnet_controller.web.cookies import proof
from catnet_controller.web.problems import HttpProblem

_MOST_BYTES = 16 * 1024
_MOST_FIELDS = 32
_SECONDS = 10.0
_KIND = "application/x-www-form-urlencoded"


async def read(request: web.Request, secret: str | None, *, public_url: str) -> Mapping[str, str]:
    """The fields of a form that a page of ours made for the browser with this secret."""
    _same_site(request, public_url)
    if request.content_type != _KIND:
        raise _refused(415, "not-a-form", "The body is not that of a form.")
    try:
        async with asyncio.timeout(_SECONDS):
            data = await request.clone(client_max_size=_MOST_BYTES).read()
        fields = parse_qsl(
            data.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except TimeoutError:
        raise _refused(408, "too-slow", "The form did not arrive in time.") from None
    except ValueError:
        raise _refused(400, "malformed", "The form cannot be read.") from None
    form = dict(fields)
    shown = form.pop("form", "")
    if secret is None or not hmac.compare_digest(shown.encode(), proof(secret).encode()):
        raise _refused(403, "form-expired", "This form was made for another session.")
    return form


def local(path: str) -> str:
    """The path, if it leads to a page of this server; else that of the fleet."""
    if not path.startswith("/") or path[1:2] in ("/", "\\") or len(path) > 1024:
        return "/"
    if any(ord(each) < 0x21 or each == "\\" or ord(each) == 0x7F for each in path):
        return "/"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    away = parts.scheme or parts.netloc or parts.path.startswith(("/sign-", "/theme", "/api/"))
    return "/" if away else quote(path, safe="/?&=%+,;:@!$'()*~#")


def _same_site(request: web.Request, public_url: str) -> None:
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    ours = {request.host.lower(), urlsplit(public_url).netloc.lower()}
    # Every browser says it with a POST; what is no browser has no cookie of somebody else.
    try:
        known = origin is None or urlsplit(origin).netloc.lower() in ours - {""}
    except ValueError:
        known = False
    if not known or site not in ("same-origin", "none"):
        raise _refused(403, "wrong-origin", "Another site sent this form.")


def _refused(status: int, code: str, detail: str) -> HttpProblem:
    return HttpProblem(
        status, code, detail, next_step="Nothing was done. Load the page again and send it there."
    )
