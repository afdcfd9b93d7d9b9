"""The questions of machines: does it live, is it ready, what did it count."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web


class Probes:
    """The routes /healthz, /readyz and /metrics; open, because probes carry no token."""

    def __init__(
        self,
        *,
        ready: Callable[[], Mapping[str, str]],
        metrics: Callable[[], tuple[bytes, str]],
    ) -> None:
        self._ready = ready
        self._metrics = metrics

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.health),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self.metrics),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """That this answers is all it says: the event loop runs."""
        return web.json_response({"alive": True})

    async def readiness(self, _: web.Request) -> web.Response:
        reasons = dict(self._ready())
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=status)

    async def metrics(self, _: web.Request) -> web.Response:
        body, content_type = self._metrics()
        return web.Response(body=body, headers={"Content-Type": content_type})
