"""GitHub's deliveries come in; a recorded delivery and perhaps a trigger go to the store.

A stranger can reach this, so every cost before the signature is known to be right is bounded:
headers are judged before the body is read, bodies share one budget of memory and one deadline, and
nothing is parsed that was not verified.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from aiohttp import ClientError, web

from catnet_controller.errors import CatnetError
from catnet_controller.models import Delivery, Trigger
from catnet_controller.ports import Arrival, Clock
from catnet_controller.web import problems, proxies
from catnet_controller.web.arrivals import Arrivals
from catnet_controller.web.problems import RETRY_SECONDS, HttpProblem

PATH = "/webhook/github"
_SIGNATURE = re.compile(r"sha256=[0-9a-fA-F]{64}")
_MOST_READERS = 256
_BUDGET_BYTES = 64 * 1024 * 1024
_RATE = 16 * 1024
"""Bytes a second; whoever is the furthest behind this is the slowest."""
_CUT = (web.RequestPayloadError, ClientError, OSError)
"""How aiohttp tells of a body that does not come, or not as it said."""


class Event(Protocol):
    """A delivery, judged (github.events.Event)."""

    @property
    def verdict(self) -> str:
        """``accepted``, ``ignored`` or ``refused``."""
        ...

    @property
    def reason(self) -> str: ...

    @property
    def status(self) -> int: ...

    @property
    def delivery(self) -> Delivery: ...

    @property
    def trigger(self) -> Trigger | None: ...


class Interpret(Protocol):
    """Judge a delivery whose signature was verified (github.events.interpret)."""

    def __call__(
        self, event: str, delivery: str, body: bytes, *, repository: str, branch: str, now: float
    ) -> Event: ...


@dataclass(slots=True, kw_only=True, eq=False)
class _Reader:
    """A body that is on its way, begun at a time of the loop."""

    client: str | None
    begun: float
    deadline: asyncio.Timeout
    body: bytearray = field(default_factory=bytearray)


Verify = Callable[[bytes, str | None], bool]
"""Whether the header X-Hub-Signature-256 is that of the body."""


class Desk(Protocol):
    """Where deliveries go (`web.reception.Reception`, or the way to it from another process)."""

    async def record(self, arrived: Sequence[Arrival], /) -> None:
        """Returns once they are durable; raises CatnetError, and then records none.

        Not asked again before that.
        """
        ...

    def refuse(self, result: str, *, detail: str, peer: str | None) -> None:
        """One was turned away before anything of it was read: ``forged`` or ``refused``."""
        ...


class Webhook:
    """The route POST /webhook/github."""

    def __init__(
        self,
        *,
        desk: Desk,
        verify: Verify | None,
        interpret: Interpret,
        repository: str,
        branch: str,
        clock: Clock,
        max_bytes: int,
        read_seconds: float = 10.0,
        trusted: Sequence[proxies.Network] = (),
    ) -> None:
        """``max_bytes`` and ``read_seconds`` bound one delivery; ``verify`` None refuses all.

        What proxies in the networks ``trusted`` say of the client is believed.
        """
        self._desk = desk
        self._arrivals = Arrivals(desk.record)
        self._verify = verify
        self._interpret = interpret
        self._repository = repository
        self._branch = branch
        self._clock = clock
        self._max_bytes = max_bytes
        self._read_seconds = read_seconds
        self._trusted = trusted
        self._readers: set[_Reader] = set()
        self._held = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.receive)]

    async def alone(self, request: web.BaseRequest) -> web.Response:
        """The same as all there is at a port (a handler of `web.Server`)."""
        try:
            if request.path != PATH:
                raise HttpProblem(
                    404,
                    "not-found",
                    "Only webhooks are taken here.",
                    next_step=f"Deliver to {PATH}; API and status page are at another address.",
                )
            if request.method != "POST":
                raise HttpProblem(
                    405,
                    "method-not-allowed",
                    f"{PATH} does not take {request.method}.",
                    next_step="Use POST.",
                    headers={"Allow": "POST"},
                )
            answer = await self.receive(request)
        except HttpProblem as problem:
            answer = problem.response()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - it is logged
            answer = problems.defect(error, PATH).response()
        answer.headers["Server"] = "catnet"
        return answer

    async def receive(self, request: web.BaseRequest) -> web.Response:
        try:
            body = await self._verified(request)
        except HttpProblem as problem:
            forged = problem.status == HTTPStatus.UNAUTHORIZED
            self._desk.refuse(
                "forged" if forged else "refused",
                detail=problem.detail,
                peer=proxies.client_of(request, self._trusted),
            )
            raise
        event = self._interpret(
            request.headers.get("X-GitHub-Event", ""),
            request.headers.get("X-GitHub-Delivery", ""),
            body,
            repository=self._repository,
            branch=self._branch,
            now=self._clock.now(),
        )
        try:
            await self._arrivals.record((event.delivery, event.trigger))
        except CatnetError as error:
            raise HttpProblem(
                503,
                error.code,
                "The delivery could not be recorded.",
                next_step="Nothing is lost: the branch is polled as well. " + error.next_step,
                headers={"Retry-After": str(RETRY_SECONDS)},
            ) from error
        if event.status >= HTTPStatus.BAD_REQUEST:
            raise HttpProblem(
                event.status,
                "delivery-refused",
                event.reason,
                next_step="Correct the webhook in the settings of the repository on GitHub.",
            )
        return web.json_response(
            {"result": str(event.verdict), "reason": event.reason}, status=HTTPStatus.ACCEPTED
        )

    async def _verified(self, request: web.BaseRequest) -> bytes:
        """The body, once its signature is known to be right."""
        if self._verify is None:
            raise HttpProblem(
                403,
                "webhook-not-set",
                "Webhooks are closed because no secret is set; the branch is polled.",
                next_step="Set github.webhook_secrets in catnet.yaml to the webhook's secret.",
            )
        signature = request.headers.get("X-Hub-Signature-256")
        if signature is None or not _SIGNATURE.fullmatch(signature):
            raise _forged("The header X-Hub-Signature-256 is missing or malformed.")
        if request.content_length is not None and request.content_length > self._max_bytes:
            raise self._too_large()
        body = await self._read(request)
        if not self._verify(body, signature):
            raise _forged("The signature is not that of the body under a secret known here.")
        return body

    async def _read(self, request: web.BaseRequest) -> bytes:
        if request.content.is_eof():
            # All of it came with its headers, as most do: nothing to wait for.
            whole = self._now(request)
            self._bound(len(whole))
            return whole
        if len(self._readers) >= _MOST_READERS:
            self._drop(self._slowest())
        reader = _Reader(
            client=proxies.client_of(request, self._trusted),
            begun=asyncio.get_running_loop().time(),
            deadline=asyncio.timeout(self._read_seconds),
        )
        self._readers.add(reader)
        try:
            async with reader.deadline:
                while chunk := await request.content.readany():
                    if reader not in self._readers:
                        break
                    reader.body += chunk
                    self._held += len(chunk)
                    self._bound(len(reader.body))
                    self._make_room(reader)
                if reader not in self._readers:
                    raise TimeoutError
        except TimeoutError:
            within = f"within {self._read_seconds:g} seconds"
            raise HttpProblem(
                408,
                "too-slow",
                "The body did not arrive "
                + (f"{within}." if reader in self._readers else "while others waited."),
                next_step="Deliver it again.",
                headers={"Connection": "close"},
            ) from None
        except _CUT:
            raise _malformed() from None
        finally:
            self._leave(reader)
        return bytes(reader.body)

    def _now(self, request: web.BaseRequest) -> bytes:
        try:
            return request.content.read_nowait()
        except _CUT:
            raise _malformed() from None

    def _bound(self, size: int) -> None:
        if size > self._max_bytes:
            raise self._too_large()

    def _make_room(self, reader: _Reader) -> None:
        """Who has held most for longest gives way; raises where that is ``reader``."""
        now = asyncio.get_running_loop().time()
        while self._held > _BUDGET_BYTES:
            held: Counter[str | None] = Counter()
            for each in self._readers:
                held[each.client] += len(each.body)
            worst = max(self._of_most(held), key=lambda each: len(each.body) * (now - each.begun))
            if worst is reader:
                raise _busy()
            self._drop(worst)

    def _slowest(self) -> _Reader:
        """Otherwise 256 slow strangers would keep all others out."""
        crowd = Counter(each.client for each in self._readers)
        return min(self._of_most(crowd), key=lambda each: each.begun + len(each.body) / _RATE)

    def _of_most(self, share: Counter[str | None]) -> Sequence[_Reader]:
        """The readers of the client with the largest share.

        No client has a bound of its own: behind a proxy that is not trusted, all are one.
        """
        [(client, _)] = share.most_common(1)
        return [each for each in self._readers if each.client == client]

    def _drop(self, reader: _Reader) -> None:
        if not reader.deadline.expired():
            reader.deadline.reschedule(asyncio.get_running_loop().time())
        self._leave(reader)
        # Its task ends later, and what reports it may live longer still.
        reader.body.clear()

    def _leave(self, reader: _Reader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
            self._held -= len(reader.body)

    def _too_large(self) -> HttpProblem:
        return HttpProblem(
            413,
            "too-large",
            f"The delivery is larger than {self._max_bytes} bytes.",
            next_step="Nothing is lost: the branch is polled. Raise http.webhook_max_bytes"
            " if it matters.",
            headers={"Connection": "close"},
        )


def elsewhere(desk: Desk) -> list[web.RouteDef]:
    """The route where webhooks are taken at a port of their own; ``desk`` hears of them."""

    async def refuse(request: web.Request) -> web.Response:
        detail = "a delivery to http.listen: webhooks are taken at http.webhook_listen"
        desk.refuse("refused", detail=detail, peer=request.remote)
        raise HttpProblem(
            404,
            "webhook-elsewhere",
            "Webhooks are taken at a port of their own.",
            next_step="Deliver to the address that http.webhook_listen says; where it is that of"
            " http.listen, they are taken here.",
        )

    return [web.post(PATH, refuse)]


def _forged(detail: str) -> HttpProblem:
    return HttpProblem(
        401,
        "bad-signature",
        detail,
        next_step="Make the webhook's secret on GitHub one of github.webhook_secrets.",
    )


def _malformed() -> HttpProblem:
    return HttpProblem(
        400,
        "malformed-body",
        "The body is malformed, or was cut off.",
        next_step="Deliver it again.",
        headers={"Connection": "close"},
    )


def _busy() -> HttpProblem:
    return HttpProblem(
        429,
        "too-many",
        "Too many deliveries arrive at the same time.",
        next_step="Deliver it again in a moment.",
        headers={"Retry-After": str(RETRY_SECONDS), "Connection": "close"},
    )
