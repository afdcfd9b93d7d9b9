"""The terminal of a session: lines go in, answers come out, the prompt is always known.

Everything after the SSH handshake is read here until the prompt that the device itself has shown,
pinned to its hostname, so that no line of output that looks like a prompt can cut an answer short.
A terminal that timed out, lost its place or was asked an unknown question is over.
"""

import asyncio
import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, Self

from catnet_controller.devices.credentials import Credential
from catnet_controller.devices.platforms import Platform
from catnet_controller.devices.prompts import Prompt, configures, matches, parse
from catnet_controller.devices.windowing import Answered, Attribution, Calm, Window
from catnet_controller.errors import (
    AuthenticationFailed,
    ConnectionLost,
    DeviceBusy,
    DeviceTimeout,
    EnableFailed,
    LeaseLost,
    LineRefused,
    PromptUnexpected,
)
from catnet_controller.ios.changes import Ask, Command, Expect
from catnet_controller.ios.redact import redact
from catnet_controller.models import Device, Exchange

_LIMIT = 64 * 1024 * 1024
"""Letters of output of one command; more is a device gone mad."""
_MARK = "\0"
"""Where the terminal itself typed something in the middle of an answer; devices' NULs are noise."""
_TOLD = 2000
"""Characters of what the device said that are told; secrets are masked before people see it cut."""
_NUDGES = 8
"""Times ENTER is typed at what looks like a prompt, until it is known to be one."""
_LOST_AFTER = 3.0
"""Seconds after which an unanswered ENTER is held to be lost."""
_FOLLOWS = 1.0
"""Seconds within which a config that stopped at a line like the prompt goes on."""
_DRIPPING = 20
"""Times the patience within which an answer must end, however steadily it comes."""
_RECENT = 4096
"""Letters within which a notice and the prompt before it are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for one line: ``before`` its echo, and the ``text`` up to the prompt."""

    before: str
    text: str


class Wire(Protocol):
    """The bytes of a session. Every method but `drop` and `closed` raises ConnectionLost."""

    async def read(self) -> bytes:
        """What came, at least one byte."""
        ...

    def write(self, data: bytes) -> None: ...

    def drop(self) -> None:
        """Hang up at once; may be called twice."""
        ...

    async def closed(self) -> None:
        """Wait for the end of a session that was dropped."""
        ...


class Terminal:
    """One session with one device. `close` it in every case."""

    def __init__(self, *, wire: Wire, device: Device, platform: Platform, patience: float) -> None:
        """``patience`` is how many seconds the device may be silent."""
        self._wire = wire
        self._device = device
        self._platform = platform
        self._patience = patience
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._parts: list[str] = []
        self._size = 0
        self._replies: list[str] = []
        self._names: tuple[str, ...] = ()
        self._alive = True
        self.prompt: Prompt | None = None
        self.ours: Callable[[], bool] | None = None
        """Whether the device is still ours to type into; asked before each line (`ports.Ours`)."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def alive(self) -> bool:
        """False once the session was closed or lost its place."""
        return self._alive

    @property
    def hostname(self) -> str:
        """The name in the prompt."""
        return self._names[0]

    @property
    def configuring(self) -> bool:
        """True when the prompt is known to be that of a configuration mode."""
        prompt = self.prompt
        return self._alive and prompt is not None and configures(self._platform, prompt)

    @property
    def ready(self) -> bool:
        """True when the prompt is known to be privileged and outside configuration."""
        prompt = self.prompt
        return self._alive and prompt is not None and prompt.privileged and prompt.mode is None

    async def close(self) -> None:
        """Free the VTY line. Never raises, takes a second at most, may be called twice."""
        self.drop()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._wire.closed()

    def drop(self) -> None:
        """Hang up without waiting for the end of it."""
        self._alive = False
        self._wire.drop()

    # --- lines -----------------------------------------------------------------------------------

    async def run(
        self,
        line: str,
        *,
        asks: Sequence[Ask] = (),
        also: Sequence[str] = (),
        patience: float | None = None,
        whole: Callable[[str], bool] | None = None,
    ) -> str:
        """Type a line at whatever prompt is known and give the answer, notices left out.

        ``also`` names other hostnames that the prompt may have afterwards. ``patience`` is how
        many seconds the device may be silent. An answer that is not ``whole`` may hold the prompt
        itself as a line: it ends only when nothing follows. Raises DeviceTimeout, ConnectionLost,
        LineRefused for an unknown question; the session is closed then.
        """
        reply = await self._say(line, asks=asks, also=also, patience=patience, whole=whole)
        return self._without_notices(reply.text)

    async def type(self, command: Command) -> Exchange:
        """Type a configuration line and give the answer unjudged.

        Raises PromptUnexpected, with nothing typed, unless the device is known to be in a
        configuration mode; else as `run`.
        """
        inside = self.prompt is None and self._alive  # a text block is open
        if not (self.configuring or inside):
            raise PromptUnexpected(
                f"{self._device.name}: not in configuration mode, the line was not typed"
            )
        renamed = self._platform.renames.fullmatch(command.text) if not inside else None
        also: tuple[str, ...] = ()
        if renamed is not None:
            name = renamed["name"]
            removed = command.text.startswith("no ")
            also = self._platform.unnamed if removed or name is None else (name,)
        reply = await self._say(
            command.text,
            asks=command.asks,
            also=also,
            text=command.expect is Expect.TEXT,
            inside=inside,
        )
        answer = self._without_notices(reply.before) + self._without_notices(reply.text)
        return Exchange(line=command.text, answer=answer.strip("\n"))

    # --- lines ahead of their answers ------------------------------------------------------------

    async def pour(
        self,
        commands: Sequence[Command],
        *,
        window: Window,
        heard: Callable[[Command, Answered], bool],
    ) -> None:
        """Type configuration lines without waiting for each answer, as many as ``window`` allows.

        ``heard`` is told the answer of each line, in their order, and says whether to go on; all
        that was typed is answered when this returns. None of the lines may ask, open a text block
        or change the prompt. Raises PromptUnexpected with nothing typed unless the device is
        known to be in a configuration mode; DeviceTimeout, ConnectionLost, and LineRefused for a
        question; the session is closed then.
        """
        if not self.configuring:
            raise PromptUnexpected(
                f"{self._device.name}: not in configuration mode, no line was typed"
            )
        self.prompt = None
        self._replies.clear()
        attribution = Attribution(platform=self._platform, names=self._names)
        attribution.feed(self._take())
        with self._door():
            await self._pour(commands, window, heard, attribution)
        self.prompt = attribution.prompt

    async def _pour(
        self,
        commands: Sequence[Command],
        window: Window,
        heard: Callable[[Command, Answered], bool],
        attribution: Attribution,
    ) -> None:
        loop = asyncio.get_running_loop()
        rest = deque(commands)
        typed: list[Command | None] = []
        flying: deque[int] = deque()
        marks = 0
        end = loop.time() + self._patience * _DRIPPING
        async with asyncio.timeout(self._patience) as timer:
            while True:
                batch: list[str] = []
                while rest and window.room(flying, len(rest[0].text) + 1):
                    command = rest.popleft()
                    typed.append(command)
                    flying.append(len(command.text) + 1)
                    attribution.sent(command.text)
                    batch.append(f"{command.text}\n")
                if batch:
                    self._write("".join(batch))
                elif not attribution.waiting:
                    return
                marked = None in typed[-len(flying) :]
                doubt = not await self._news(waits=attribution.idle and not marked)
                attribution.feed(self._take())
                while (answered := attribution.take()) is not None:
                    if not answered.late:
                        flying.popleft()
                        window.answered(answered.calm)
                        end = loop.time() + self._patience * _DRIPPING
                    about = typed[answered.number]
                    if about is not None and not heard(about, answered):
                        rest.clear()
                    doubt = doubt or answered.calm >= Calm.GARBLED
                self._unasked(attribution)
                if doubt and attribution.waiting and not marked:
                    # Prompts can be counted no more: a comment marks where the typed lines end.
                    marks += 1
                    mark = f"! {marks}"
                    typed.append(None)
                    flying.append(len(mark) + 1)
                    attribution.sent(mark)
                    self._write(f"{mark}\n")
                _extend(timer, min(loop.time() + self._patience, end), slack=self._patience / 50)

    async def _news(self, *, waits: bool) -> bool:
        """Read on; False when a device that waits for a line says nothing for a while."""
        if not waits:
            await self._more()
            return True
        try:
            async with asyncio.timeout(_LOST_AFTER):
                await self._more()
        except TimeoutError:
            return False
        return True

    def _unasked(self, attribution: Attribution) -> None:
        """No line of these may ask: what would follow could be taken for the reply."""
        tail = attribution.tail
        if not tail or not attribution.waiting:
            return
        if self._platform.question.search(tail) or self._platform.pager.search(tail):
            raise self._question(tail)

    # --- reading ---------------------------------------------------------------------------------

    async def _say(
        self,
        line: str,
        *,
        asks: Sequence[Ask] = (),
        also: Sequence[str] = (),
        patience: float | None = None,
        text: bool = False,
        inside: bool = False,
        whole: Callable[[str], bool] | None = None,
    ) -> Reply:
        if not self._alive:
            raise ConnectionLost(f"{self._device.name}: the session is closed")
        self.prompt = None
        self._replies.clear()
        with self._door():
            self._write(line + "\n")
            return await self._answer(
                line,
                asks=list(asks),
                also=tuple(also),
                patience=patience,
                text=text,
                inside=inside,
                whole=whole,
            )

    async def _answer(
        self,
        echo: str,
        *,
        asks: list[Ask],
        also: tuple[str, ...],
        patience: float | None,
        text: bool,
        inside: bool,
        whole: Callable[[str], bool] | None,
    ) -> Reply:
        """Read until the prompt comes, or a text block is open and took the line.

        The line that opens a block is not done before the device says so: were it refused, the
        content would be typed as commands.
        """
        loop = asyncio.get_running_loop()
        seconds = patience or self._patience
        end = loop.time() + seconds * _DRIPPING
        before: str | None = None
        async with asyncio.timeout(seconds) as timer:
            while True:
                if before is None:
                    seen = "".join(self._parts)
                    start = seen.find(echo)
                    if start >= 0:
                        before, rest = seen[:start], seen[start + len(echo) :]
                        self._parts = [rest]
                if before is not None:
                    if text and self._swallowed(inside):
                        return Reply(before=before, text=self._take().partition("\n")[2])
                    if not (text and inside) and self._settled(also):
                        body = self._tidied("".join(self._parts).rpartition("\n")[0])
                        if whole is None or whole(body) or not await self._goes_on(seconds):
                            self._take()
                            return Reply(before=before, text=body)
                        self.prompt = None
                        continue
                    self._respond(asks)
                await self._more()
                _extend(timer, min(loop.time() + seconds, end), slack=seconds / 50)

    async def _goes_on(self, patience: float) -> bool:
        """Whether more follows what looks like the prompt."""
        try:
            async with asyncio.timeout(min(_FOLLOWS, patience / 4)):
                await self._more()
        except TimeoutError:
            return False
        return True

    def _swallowed(self, inside: bool) -> bool:
        seen = "".join(self._parts)
        return "\n" in seen if inside else self._platform.block_open.search(seen) is not None

    def _settled(self, also: tuple[str, ...]) -> bool:
        """Whether what was read ends in our prompt; takes notices off its line if so."""
        tail = self._tidied(self._tail())
        if not tail:
            # Notices come on the line of the prompt, which is then not drawn again.
            recent = self._recent()
            clean = self._without_notices(recent).rstrip("\n")
            tail = clean.rpartition("\n")[2]
            if clean == recent.rstrip("\n") or not self._fits(self._parse(tail), also):
                return False
            self._parts = ["".join(self._parts).removesuffix(recent), clean]
        prompt = self._parse(tail)
        if not self._fits(prompt, also):
            return False
        assert prompt is not None
        self.prompt = prompt
        if also:
            # Two long names may look the same in a configuration prompt: keep both then.
            self._names = tuple(
                name for name in (*also, *self._names) if self._matches(prompt, name)
            )
        return True

    def _fits(self, prompt: Prompt | None, also: tuple[str, ...]) -> bool:
        return prompt is not None and any(
            self._matches(prompt, name) for name in (*also, *self._names)
        )

    def _matches(self, prompt: Prompt, name: str) -> bool:
        return matches(self._platform, prompt, name)

    def _parse(self, line: str) -> Prompt | None:
        return parse(self._platform, line)

    def _respond(self, asks: list[Ask]) -> None:
        """Answer a question that was foreseen, once; turn the page; refuse any other question."""
        tail = self._tail()
        if not tail:
            return
        paged = self._platform.pager.search(tail)
        if paged is not None and tail[paged.start() :].strip() and paged.end() == len(tail):
            # Kept in the text with a mark: the device now wipes the words with backspaces.
            self._parts.append(_MARK)
            self._write(" ")
            return
        waiting = self._platform.question.search(tail)
        if waiting is None:
            return
        for ask in asks:
            if re.search(ask.pattern, "".join(self._parts)):
                asks.remove(ask)
                self._parts = [self._answered(ask), _MARK]
                self._replies.append(ask.reply)
                self._write(ask.reply if ask.bare else ask.reply + "\n")
                return
        raise self._question(tail)

    def _question(self, tail: str) -> LineRefused:
        return LineRefused(
            f"{self._device.name}: the device asks a question CatNet has no answer to: "
            f"`{redact(tail).strip()[-_TOLD:]}`",
            next_step="Make this change by hand on the device, then commit the same lines.",
        )

    def _answered(self, ask: Ask) -> str:
        """What was read, without the question: it is no answer to the line."""
        seen = "".join(self._parts)
        matches = list(re.finditer(ask.pattern, seen))
        start = seen.rfind("\n", 0, matches[-1].start()) + 1
        return seen[:start]

    def _tail(self) -> str:
        """The last line of what was read."""
        collected = ""
        for part in reversed(self._parts):
            head, newline, last = part.rpartition("\n")
            if newline:
                return last + collected
            collected = head + last + collected
        return collected

    def _recent(self) -> str:
        """The end of what was read."""
        size, start = 0, len(self._parts)
        while start and size < _RECENT:
            start -= 1
            size += len(self._parts[start])
        return "".join(self._parts[start:])

    def _take(self) -> str:
        taken = "".join(self._parts)
        self._parts, self._size = [], 0
        return taken

    def _tidied(self, text: str) -> str:
        """Without the marks of pages and replies, and what stands for them on the line."""
        if _MARK not in text:
            return text
        for reply in self._replies:
            echo = re.escape(f"{_MARK}{reply}")
            text = re.sub(rf"{echo}(?:\n|\Z)", "", text, count=1)
        text = text.replace(_MARK, "")
        return self._platform.pager.sub("", text) if "--More--" in text else text

    def _without_notices(self, text: str) -> str:
        if "%" not in text and "***" not in text and "Rollback" not in text:
            return text
        for notice in self._platform.notices:
            text = notice.sub("", text)
        return text

    # --- bytes -----------------------------------------------------------------------------------

    def _write(self, text: str) -> None:
        if self.ours is not None and not self.ours():
            self.drop()
            raise LeaseLost(f"{self._device.name}: the lease ran out; nothing more was typed")
        self._wire.write(text.encode("utf-8", "surrogateescape"))

    async def _more(self) -> None:
        text = self._decode(await self._wire.read())
        for noise in "\r\0\a":
            text = text.replace(noise, "")
        self._size += len(text)
        if self._size > _LIMIT:
            raise DeviceTimeout(f"{self._device.name}: the device does not stop to send")
        if text:
            self._parts.append(text)

    @contextmanager
    def _door(self) -> Iterator[None]:
        """Any trouble while a line is out ends the session: what comes next is not known."""
        name = self._device.name
        try:
            yield
        except TimeoutError as error:
            self._alive = False
            raise DeviceTimeout(f"{name}: the device stopped answering") from error
        except BaseException:
            self._alive = False
            raise

    # --- login -----------------------------------------------------------------------------------

    async def settle(self, credential: Credential) -> None:
        """From a fresh login to a known, privileged prompt with paging off.

        Raises PromptUnexpected, EnableFailed, AuthenticationFailed, DeviceBusy, DeviceTimeout.
        """
        await self._learn()
        assert self.prompt is not None
        if not self.prompt.privileged:
            await self._enable(credential)
        level = await self._prepare()
        privilege = self._platform.privilege
        if privilege is None:
            return
        if self._platform.refused.search(level) or self._platform.privileged.search(level):
            return
        # A lower level reads a running-config with lines left out, which then look removed.
        await self._enable(credential)
        level = await self.run(privilege)
        if not self._platform.privileged.search(level):
            raise EnableFailed(f"{self._device.name}: {level.strip()}, CatNet needs level 15")

    async def _prepare(self) -> str:
        """Paging off; what the device says of our privilege.

        None of these lines does harm wherever it lands, so they travel together.
        """
        lines = list(self._platform.paging)
        if self._platform.privilege is not None:
            lines.append(self._platform.privilege)
        level = ""
        calm = Calm.CLEAN

        def heard(_: Command, answered: Answered) -> bool:
            nonlocal level, calm
            level, calm = answered.answer, max(calm, answered.calm)
            return True

        if len(lines) > 1 and self._device.window > 1:
            attribution = Attribution(platform=self._platform, names=self._names)
            with self._door():
                await self._pour(
                    [Command(text=line) for line in lines],
                    Window(lines=len(lines), bytes=self._platform.typeahead),
                    heard,
                    attribution,
                )
            self.prompt = attribution.prompt
            if calm is Calm.CLEAN and self.ready:
                return level
        for line in lines:
            level = await self.run(line)
        return level

    async def _learn(self) -> None:
        """Learn the prompt: the line that comes back when ENTER is typed at it.

        A banner may hold lines that look like a prompt, so one look is not enough.
        """
        seen: list[str] | None = None
        nudges = 0
        with self._door():
            async with asyncio.timeout(self._patience):
                while True:
                    lines = [line for line in "".join(self._parts).split("\n") if line.strip()]
                    last = self._parse(self._tail())
                    if last is not None:
                        twice = len(lines) > 1 and lines[-1].strip() == lines[-2].strip()
                        if twice and nudges:
                            break
                        if lines != seen and nudges < _NUDGES:
                            seen = lines
                            nudges += 1
                            self._write("\n")
                    elif lines and self._platform.question.search(self._tail()):
                        asked = redact(lines[-1].strip())
                        raise PromptUnexpected(
                            f"{self._device.name}: the device asks {asked!r} at login"
                        )
                    try:
                        async with asyncio.timeout(_LOST_AFTER):
                            await self._greeting()
                    except TimeoutError:
                        seen = None  # a device that is not ready yet loses what is typed
        self._take()
        if last.mode is not None:
            raise PromptUnexpected(f"{self._device.name}: the login ends in mode {last.mode!r}")
        self._names, self.prompt = (last.name,), last

    async def _greeting(self) -> None:
        """Read on during the login, where a closed session has other reasons than later."""
        try:
            await self._more()
        except ConnectionLost as error:
            said = "".join(self._parts).strip()
            if re.search(r"authorization failed|access denied", said, re.IGNORECASE):
                raise AuthenticationFailed(
                    f"{self._device.name}: logged in, then refused: {redact(said)[-_TOLD:]}"
                ) from error
            raise DeviceBusy(
                f"{self._device.name}: the device closed the session at login (no free VTY line?)"
            ) from error

    async def _enable(self, credential: Credential) -> None:
        name = self._device.name
        if credential.enable is None:
            raise EnableFailed(f"{name}: the login is not privileged and no enable secret is given")
        try:
            answer = await self.run(
                "enable", asks=(Ask(pattern=r"[Pp]assword:\s*\Z", reply=credential.enable),)
            )
        except LineRefused as error:
            raise EnableFailed(f"{name}: the enable secret was refused") from error
        if not self.ready:
            raise EnableFailed(f"{name}: enable was refused: {redact(answer).strip()[-_TOLD:]}")


def _extend(timer: asyncio.Timeout, when: float, *, slack: float) -> None:
    """Give more time, but not for a moment that nobody notices: each change costs a timer."""
    set_to = timer.when()
    if set_to is None or abs(when - set_to) > slack:
        timer.reschedule(when)
