"""Lines that travel together: which may, how many at once, and whose answer is whose. Pure.

In: the lines typed ahead and the text that comes back, cut anywhere. Out: the answer of each line,
told by its echo and by the prompts. A device echoes a line that it read and draws a prompt when it
is done with it, so both come in the order of the lines. Where that order is disturbed (a message
of the system, a garbled echo, a question), the answers are still told apart as far as they can
be, and `Window` goes back to one line at a time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from catnet_controller.devices.platforms import Platform
from catnet_controller.devices.prompts import Prompt, split
from catnet_controller.ios import answers
from catnet_controller.ios.changes import Command, Expect

_FIRST = 16
"""Lines in flight at first: a device that cannot take more shows it early."""
_CAUTION = 8
"""Lines typed singly after a disturbance before as many travel again; doubles each time."""


class Calm(IntEnum):
    """How well the answers could be told apart, worst last."""

    CLEAN = 0
    NOISY = 1
    """Something came in between, but every line was found."""
    GARBLED = 2
    """The echo was not that of the line; only the prompts could be counted."""
    LOST = 3
    """The line was never echoed although a later one was: the device did not get it."""


class Window:
    """How many lines may be in flight on one session: grows while all is clean, else back to one.

    ``lines`` 1 is lockstep for ever. ``bytes`` bounds what the device must hold unread.
    """

    def __init__(self, *, lines: int, bytes: int) -> None:  # noqa: A002 - says what it bounds
        self._lines = max(lines, 1)
        self._bytes = bytes
        self._size = min(_FIRST, self._lines)
        self._single = 0
        self._caution = _CAUTION

    @property
    def size(self) -> int:
        """Lines that may be in flight now."""
        return self._size

    def room(self, waiting: Sequence[int], length: int) -> bool:
        """Whether a line of so many bytes may follow those of ``waiting``, none answered yet."""
        if not waiting:
            return True
        return len(waiting) < self._size and sum(waiting) + length <= self._bytes

    def answered(self, calm: Calm) -> None:
        """One line was answered."""
        if calm >= Calm.GARBLED:
            self._lines = self._size = 1
        elif calm is Calm.NOISY:
            self._size, self._single = 1, self._caution
            self._caution *= 2
        elif self._single:
            self._single -= 1
            if not self._single:
                self._size = min(_CAUTION, self._lines)
        elif self._size < self._lines:
            self._size += 1


def runs(commands: Sequence[Command], platform: Platform) -> tuple[tuple[Command, ...], ...]:
    """The commands in order, cut where all that was typed must be answered before the next.

    Alone go: what asks, opens or fills a text block, changes the prompt or how one gets in. An
    ``exit`` never travels with the header of its section: were that refused, it would leave
    configuration mode, and the lines after it would be typed as commands.
    """
    made: list[tuple[Command, ...]] = []
    run: list[Command] = []
    opened = block = False
    for number, command in enumerate(commands):
        inside, block = block, command.expect is Expect.TEXT
        single = inside or block or bool(command.asks) or _risky(command, platform)
        leaves = command.text.strip() == "exit" and (opened or command.depth == 0)
        if run and (single or leaves):
            made.append(tuple(run))
            run, opened = [], False
        run.append(command)
        if single:
            made.append(tuple(run))
            run, opened = [], False
        elif number + 1 < len(commands) and commands[number + 1].depth > command.depth:
            opened = True
    if run:
        made.append(tuple(run))
    return tuple(made)


def _risky(command: Command, platform: Platform) -> bool:
    text = command.text.strip()
    return platform.alone.match(text) is not None or platform.renames.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One line and what the device said to it; messages of the system are left out."""

    number: int
    answer: str
    calm: Calm
    prompt: Prompt | None
    """Drawn after it."""
    late: bool = False
    """Further words, for a line that was answered already."""


@dataclass(slots=True, kw_only=True)
class _Open:
    number: int
    calm: Calm
    said: list[str] = field(default_factory=list)


class Attribution:
    """Reads what comes back for lines typed ahead. `sent` and `feed` in, `take` out.

    It begins where a prompt was drawn and nothing typed yet. What `take` gives does not depend on
    how the text was cut.
    """

    def __init__(self, *, platform: Platform, names: Sequence[str]) -> None:
        """``names`` are the hostnames that a prompt may show."""
        self._platform = platform
        self._names = tuple(names)
        self._flying: deque[tuple[int, str]] = deque()
        """Typed, the echo not seen yet."""
        self._open: deque[_Open] = deque()
        """Echoed, the prompt not seen yet; more than one where a device echoes at once."""
        self._done: deque[Answered] = deque()
        self._line = ""
        self._count = 0
        self._last = -1
        """The line that was answered last."""
        self._before: list[str] = []
        """Words that came before the first line was echoed: they go with its answer."""
        self._calm = Calm.CLEAN
        self.prompt: Prompt | None = None
        """The last prompt that was drawn."""

    @property
    def waiting(self) -> bool:
        """Whether a line has no answer yet."""
        return bool(self._flying or self._open)

    @property
    def idle(self) -> bool:
        """Whether the device is done with all it echoed, and shows nothing of what follows."""
        return bool(self._flying) and not self._open and not self._rest(self._line)

    @property
    def tail(self) -> str:
        """The words of the device that wait at the end of the text, if any do."""
        rest = self._rest(self._line)
        echo = self._flying and self._flying[0][1].startswith(rest.lstrip(" "))
        return "" if echo else rest

    def sent(self, line: str) -> int:
        """A line was typed; its number, from 0."""
        number = self._count
        self._count += 1
        self._flying.append((number, line))
        return number

    def feed(self, text: str) -> None:
        """More came, CR and the like taken out."""
        *whole, self._line = (self._line + text).split("\n")
        for line in whole:
            self._read(line)
        # A prompt at the end is drawn: nothing can follow it but echo and messages. While a
        # line is in the air the echo will, and then line and prompt are read together.
        if self._line and not self._flying and self._open and not self._rest(self._line):
            rest = self._line
            while rest and self._open:
                rest = self._prompted(rest)
            self._line = rest

    def take(self) -> Answered | None:
        """The next line that is answered, in their order."""
        return self._done.popleft() if self._done else None

    # --- one line of text ------------------------------------------------------------------------

    def _rest(self, line: str) -> str:
        prompt, rest = split(self._platform, self._names, line)
        while prompt is not None:
            prompt, rest = split(self._platform, self._names, rest)
        return rest

    def _prompted(self, line: str) -> str:
        """Take the prompt off the line; the rest. Without one the line as it is."""
        prompt, rest = split(self._platform, self._names, line)
        if prompt is None:
            return line
        self.prompt = prompt
        if self._open:
            self._close()
        return rest

    def _read(self, line: str) -> None:
        rest = line
        while rest != (after := self._prompted(rest)):
            rest = after
        drawn = rest != line
        bare = rest.lstrip(" ")  # some devices draw a blank after the prompt
        if not bare:
            return
        at = next((i for i, (_, text) in enumerate(self._flying) if text == bare), None)
        ready = not self._open
        if at == 0:
            # Echoed before its prompt came: the device echoes what it has not read yet.
            self._echo(Calm.CLEAN if ready or drawn else Calm.NOISY)
        elif at is not None and ready:
            for _ in range(at):
                self._echo(Calm.LOST)
                self._close()
            self._echo(Calm.GARBLED)
        elif answers.unasked(rest):
            self._calm = Calm.NOISY
        elif self._flying and drawn and ready and not self._speaks(rest):
            self._echo(Calm.GARBLED)
        elif self._open:
            self._open[0].said.append(rest)
        else:
            self._stray(rest)

    def _speaks(self, text: str) -> bool:
        """Whether the words after a prompt are the device's own, not an echo."""
        return self._platform.refused.match(text) is not None or self._platform.reverts(text)

    def _echo(self, calm: Calm) -> None:
        number, _ = self._flying.popleft()
        said, self._before = self._before, []
        self._open.append(_Open(number=number, calm=max(calm, self._calm), said=said))
        self._calm = Calm.CLEAN

    def _close(self) -> None:
        line = self._open.popleft()
        calm, self._calm = max(line.calm, self._calm), Calm.CLEAN
        self._last = line.number
        self._done.append(
            Answered(number=line.number, answer="\n".join(line.said), calm=calm, prompt=self.prompt)
        )

    def _stray(self, text: str) -> None:
        """Words at a prompt: late ones, of the line that was answered last."""
        if self._last < 0:
            self._before.append(text)
            return
        self._done.append(
            Answered(number=self._last, answer=text, calm=Calm.NOISY, prompt=self.prompt, late=True)
        )
