"""One terminal session: bytes typed in, echo, output and prompts out.

The session is a state machine driven by the bytes that arrive; it has no task of its own. While
it waits (a slow or hanging device) what is typed ahead stays in its input buffer.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from catnet_controller.simulator import operations
from catnet_controller.simulator.clock import log_stamp
from catnet_controller.simulator.configuring import Typist
from catnet_controller.simulator.device import Machine
from catnet_controller.simulator.dialogue import Answer, Block, Input, Question
from catnet_controller.simulator.faults import Fault, What
from catnet_controller.simulator.hashing import verifies

_CONTROL = re.compile(r"[\x00-\x1f\x7f?]")
_DO = re.compile(r"\s*do\s+(?P<rest>\S.*)$", re.IGNORECASE)
_AT_LINE = (
    What.RESET,
    What.CLOSE,
    What.SILENCE,
    What.HANG,
    What.SLOW,
    What.REJECT,
    What.DENIED,
    What.FORGET,
    What.ALTER,
    What.ASK,
    What.EDIT,
    What.REBOOT,
    What.LOST_MANAGEMENT,
    What.SYSLOG,
    What.GARBLE,
    What.MIMIC,
    What.REPEAT,
)
_LATE = (What.HANG, What.SLOW)
_GONE = (What.RESET, What.CLOSE, What.SILENCE, What.REBOOT, What.LOST_MANAGEMENT)
_LOG = "%SYS-5-CONFIG_I: Configured from console by admin on vty1 (192.0.2.9)"
_EXEC_TIMEOUT = 600.0
_MORE = " --More-- "
_EXPIRED = "Your password has expired.\nEnter new password: "
"""Wording not seen on a device."""
_OTHER = "core-sw9#"
_PIECE = 3
_SCROLL = 10
"""Characters by which an input line scrolls at once; the number is not known of a device."""
_WIPE = "\b" * 9 + " " * 8 + "\b" * 9


class Shell:
    """A session on a VTY line. ``send`` writes to the wire; ``hang_up`` ends the connection in
    one of the ways ``close``, ``reset``, ``bye``; ``mute`` stops or resumes reading from it."""

    def __init__(
        self,
        *,
        machine: Machine,
        user: str,
        privilege: int,
        enable: str | None,
        peer: str,
        send: Callable[[bytes], None],
        hang_up: Callable[[str], None],
        mute: Callable[[bool], None],
    ) -> None:
        self.machine = machine
        self.user = user
        self.privilege = privilege
        self.peer = peer
        self.length = 24
        self.width = 80
        self.history: list[str] = []
        self.number = machine.enter(self)
        self.session = machine.session()
        self._enable = enable
        self._send = send
        self._hang_up = hang_up
        self._mute = mute
        self._input = ""
        self._output: list[str] = []
        self._line = ""
        self._after_return = False
        self._typist: Typist | None = None
        self._typed = 0
        self._question: Question | None = None
        self._block: Block | None = None
        self._busy = False
        self._gone = False
        self._silent = False
        self._lost = False
        self._damage = ""
        self._answered = ""
        self._shown = 0

    # --- the wire --------------------------------------------------------------------------

    def start(self) -> None:
        """The login succeeded: banners and the first prompt."""
        running = self.machine.running
        for kind in ("motd", "exec"):
            banner = running.banner(kind)
            if banner is not None:
                self._say(f"\n{banner}\n")
        if self.machine.faults.strike(What.NO_SHELL):
            self._say("% Authorization failed.\n")
            self._flush()
            self._wait(1.0, self.bye)
            return
        self._say("\n")
        if self.machine.faults.strike(What.EXPIRED):
            self._ask(Question(_EXPIRED, self._renew, Input.SECRET))
        else:
            self._prompt()
        self._flush()

    def _renew(self, _reply: str) -> Answer:
        """No password is good enough: the one of the lab stays."""
        return Answer(
            text="\n% Password does not meet the requirements\n",
            question=Question(_EXPIRED, self._renew, Input.SECRET),
        )

    def feed(self, data: str) -> None:
        """Bytes arrived."""
        if self._gone or self._lost:
            return
        self._input += data
        self._pump()

    def ended(self) -> None:
        """The connection is no more."""
        self._gone = True
        self.machine.leave(self.number, self)

    def notice(self, text: str) -> None:
        """A message of the system on the line as it stands; the prompt redrawn if so set."""
        if self._gone:
            return
        self._say(f"{text}" if text.endswith("\n") else f"{text}\n")
        if self._synchronous() and not self._busy:
            self._say("\n")
            self._prompt()
            self._say(self._line)
        self._flush()

    def vanish(self) -> None:
        self._drop("close")

    def silence(self) -> None:
        if not self._gone:
            self._silent = True
            self._mute(True)
            self.machine.clock.later(_EXEC_TIMEOUT, self._expire)

    def _expire(self) -> None:
        """A line nobody is heard on is freed."""
        if self._silent:
            self.vanish()

    def wake(self) -> None:
        if self._silent and not self._lost and not self._gone:
            self._silent = False
            self._mute(False)
            self._flush()

    def _drop(self, how: str) -> None:
        self._gone = True
        self._output.clear()
        self._hang_up(how)

    def _say(self, text: str) -> None:
        self._output.append(text)

    def _flush(self) -> None:
        if not self._output or self._silent:
            return
        text = "".join(self._output)
        self._output.clear()
        text = text.replace("\n", "\r\n").replace("\r\r\n", "\r\n")
        data = text.encode("utf-8", "surrogateescape")
        if not self.machine.faults.active(What.CHUNKED):
            self._send(data)
            return
        for start in range(0, len(data), _PIECE):
            self._send(data[start : start + _PIECE])

    # --- the desk of exec commands ---------------------------------------------------------

    def configure(self) -> None:
        where = f"{self.user} on vty{self.number} ({self.peer})"
        self._typist = Typist(machine=self.machine, by=self.user, where=where)
        self._typed = 0

    def become(self, privilege: int) -> None:
        if self._enable is None or self.privilege >= privilege:
            self.privilege = privilege
            return
        self._ask(Question("Password: ", self._try_enable(3), Input.SECRET))

    def _try_enable(self, left: int) -> Callable[[str], Answer]:
        def answer(reply: str) -> Answer:
            refused = self.machine.faults.strike(What.ENABLE_FAIL)
            if refused is None and self._enables(reply):
                self.privilege = 15
                return Answer()
            if left == 1:
                return Answer(text="% Bad secrets\n\n", refused=True)
            return Answer(
                text="% Access denied\n" if refused and refused.text else "",
                question=Question("Password: ", self._try_enable(left - 1), Input.SECRET),
            )

        return answer

    def _enables(self, reply: str) -> bool:
        stored = self.machine.running.first("enable secret ")
        if stored is not None:
            kind, _, text = stored.rpartition(" ")
            if verifies(reply, kind.split(" ")[-1], text):
                return True
        return reply == self._enable

    def bye(self) -> None:
        self._flush()
        self._drop("bye")

    def later(self, seconds: float, text: str) -> None:
        def go() -> None:
            self._say(text)
            self._prompt()

        self._wait(seconds, go)

    def everyone(self) -> Iterator[tuple[int, str, str]]:
        for number, line in sorted(self.machine.lines.items()):
            if isinstance(line, Shell):
                yield number, line.user, line.peer

    # --- input -----------------------------------------------------------------------------

    def _pump(self) -> None:
        while self._input and not (self._busy or self._gone or self._lost):
            if self._after_return:
                self._after_return = False
                if self._input[0] in "\n\x00":
                    self._input = self._input[1:]
                    continue
            if self._question is not None and self._question.input in (Input.KEY, Input.PAGE):
                key, self._input = self._input[0], self._input[1:]
                self._after_return = key == "\r"
                self._reply("" if key in "\r\n" else key)
                continue
            self._read()
        self._flush()

    def _read(self) -> None:
        """Take input up to the next control character."""
        found = _CONTROL.search(self._input)
        plain = self._input if found is None else self._input[: found.start()]
        if plain:
            self._line += plain
            if not self._hidden():
                self._echo(plain)
        if found is None:
            self._input = ""
            return
        key = found[0]
        self._input = self._input[found.end() :]
        if key in "\r\n":
            self._after_return = key == "\r"
            self._say("\n")
            self._shown = 0
            line, self._line = self._line, ""
            self._entered(line)
        else:
            self._control(key)

    def _echo(self, plain: str) -> None:
        """What is typed, as it appears; a line that is full scrolls behind a ``$``."""
        if not self.machine.faults.active(What.NARROW):
            self._say(plain)
            return
        room = self.width - len(self._prompt_text()) - 1
        for letter in plain:
            if self._shown >= room:
                kept = self._line[: self._line.rindex(plain)] + plain[: plain.index(letter)]
                kept = kept[-(room - _SCROLL) :]
                wipe = " " * (self._shown - len(kept) - 1)
                self._say("\b" * self._shown + "$" + kept + wipe + "\b" * len(wipe))
                self._shown = len(kept) + 1
            self._say(letter)
            self._shown += 1

    def _control(self, key: str) -> None:
        if key == "?" and (self._question is not None or self._block is not None):
            self._line += key
            if not self._hidden():
                self._say(key)
        elif key == "\x03":
            self._interrupt()
        elif key == "\x1a":
            if self._block is None and self._question is None and self._typist is not None:
                self._line = ""
                self._say("^Z\n")
                self._entered("end")
        elif key in "\x15\x18":
            self._say("\b \b" * len(self._line))
            self._line = ""
        elif key in "\x08\x7f" and self._line:
            self._line = self._line[:-1]
            if not self._hidden():
                self._say("\b \b")
        elif key == "\t" and self._block is not None:
            self._line += key
            self._say(key)

    def _interrupt(self) -> None:
        """Ctrl-C: a banner may be delimited by it; else the line is abandoned."""
        if self._block is not None and self._block.closer == "\x03":
            self._line += "\x03"
            self._say("^C")
            return
        words = self._line.split()
        if self._typist is not None and words and "banner".startswith(words[0].lower()):
            self._line += "\x03"
            self._say("^C")
            return
        self._line = ""
        self._question = None
        self._block = None
        self._say("^C\n")
        self._prompt()

    def _hidden(self) -> bool:
        return self._question is not None and self._question.input is Input.SECRET

    def _entered(self, line: str) -> None:
        if self._question is not None:
            self._reply(line)
        elif self._block is not None:
            self._fill(line)
        else:
            self._command(line)

    def _reply(self, reply: str) -> None:
        question = self._question
        assert question is not None
        self._question = None
        if question.input is Input.KEY:
            self._say("\n")
        self._finish(question.answer(reply))

    def _fill(self, line: str) -> None:
        assert self._block is not None
        answer = self._block.feed(line)
        if answer is None:
            self._say(self._block.prompt)
            return
        self._block = None
        self._finish(answer)

    # --- commands --------------------------------------------------------------------------

    def _command(self, line: str) -> None:
        text = line.strip()
        machine = self.machine
        machine.archive.touch()
        machine.typed.append((self.session, text))
        if text:
            self.history.append(text)
        if self._typist is not None and text:
            self._typed += 1
        fault = self._strike(text, after=False) if machine.faults else None
        if fault is None:
            self._execute(line)
            return
        if fault.what in _GONE:
            self._lose(fault)
        elif fault.what in _LATE:
            self._hold(fault, lambda: self._execute(line))
        elif fault.what is What.REJECT:
            self._say(self._rejection(line, fault))
            self._prompt()
        elif fault.what is What.DENIED:
            self._say(f"{fault.text or 'Command authorization failed.'}\n\n")
            self._prompt()
        elif fault.what is What.FORGET:
            self._execute(line, store=False)
        elif fault.what is What.ALTER:
            self._execute(fault.text)
        elif fault.what is What.ASK:
            self._ask(
                Question(fault.text or "Continue? [confirm]", lambda _: self._run(line, store=True))
            )
        elif fault.what is What.GARBLE:
            self._damage = fault.text or "lose"
            self._execute(line)
        elif fault.what is What.MIMIC:
            self._say(fault.text or _OTHER)
            self._flush()
            self._wait(fault.seconds, lambda: self._unmask(line))
        elif fault.what is What.REPEAT:
            self._say(self._answered)
            self._execute(line)
        elif fault.what is What.EDIT:
            other = Typist(machine=machine, by="console")
            for edit in fault.text.splitlines():
                other.type(edit)
            other.leave()
            self._execute(line)
        else:
            self._execute(line)
            self._syslog(fault)

    def _unmask(self, line: str) -> None:
        self._say("\n")
        self._execute(line)

    def _strike(self, text: str, *, after: bool) -> Fault | None:
        inside = self._typist is not None
        return self.machine.faults.strike(
            *_AT_LINE,
            text=text,
            line=self._typed if inside else None,
            after=after,
            bare=inside and bool(text),
        )

    def _rejection(self, line: str, fault: Fault) -> str:
        if fault.text:
            return f"{fault.text}\n"
        indent = len(line) - len(line.lstrip())
        column = " " * (len(self._prompt_text()) + indent)
        return f"{column}^\n% Invalid input detected at '^' marker.\n\n"

    def _lose(self, fault: Fault) -> None:
        """The session ends the way the fault says."""
        if fault.what is What.REBOOT:
            self.machine.reboot()
        elif fault.what is What.LOST_MANAGEMENT:
            self.machine.cut_way(broken=True)
        elif fault.what is What.SILENCE:
            self._lost = True
            self.silence()
        else:
            self._flush()
            self._drop(fault.what.value)

    def _hold(self, fault: Fault, call: Callable[[], None]) -> None:
        """What was said so far is sent; ``call`` comes late, or never."""
        self._flush()
        if fault.what is What.SLOW or fault.seconds:
            self._wait(fault.seconds, call)
        else:
            self._lost = True

    def _execute(self, line: str, *, store: bool = True) -> None:
        text = line.strip()
        confirming = self._typist is None and re.match(r"conf\w* conf", text) is not None
        answer = self._run(line, store=store)
        if confirming and self.machine.faults.strike(What.CONFIRM_LOST, text=text):
            self._lost = True
            self.silence()
            return
        fault = None
        if self.machine.faults and not self._gone:
            fault = self._strike(text, after=True)
        if fault is not None and fault.what in _LATE:
            self._hold(fault, lambda: self._finish(answer))
            return
        self._finish(answer)
        if fault is None or self._gone:
            return
        if fault.what in _GONE:
            self._output.clear()
            self._lose(fault)
        else:
            self._syslog(fault)

    def _run(self, line: str, *, store: bool) -> Answer:
        if self._typist is None:
            if not line.strip() or line.lstrip().startswith("!"):
                return Answer()
            return operations.run(self, line, prompt=self._prompt_text())
        found = _DO.match(line)
        if found is not None:
            prompt = self._prompt_text() + line[: found.start("rest")]
            typist = self._typist
            answer = operations.run(self, found["rest"], prompt=prompt)
            self._typist = typist
            return answer
        answer = self._typist.type(line, store=store)
        if answer.left:
            self._typist = None
        return answer

    def _finish(self, answer: Answer) -> None:
        """Print an answer and what follows it: a question, a block, the next prompt."""
        if self._gone:
            return
        if self._damage:
            answer = replace(answer, text=_damaged(answer.text, self._damage))
            self._damage = ""
        lines = answer.text.count("\n")
        if self.length and lines > self.length - 1:
            self._page(answer.text.split("\n"), answer)
            return
        self._say(answer.text)
        if answer.question is not None:
            self._ask(answer.question)
        elif answer.block is not None:
            self._block = answer.block
            self._say(answer.block.prompt)
        elif self._question is None and not self._busy:
            self._prompt()
            self._answered = answer.text + self._prompt_text()

    def _page(self, lines: list[str], answer: Answer) -> None:
        """Show a screen and wait for a key: SPACE a screen, ENTER a line, else stop."""
        shown, rest = lines[: self.length - 1], lines[self.length - 1 :]
        self._say("".join(f"{line}\n" for line in shown))

        def turn(reply: str) -> Answer:
            nonlocal rest
            self._say(_WIPE)
            step = self.length - 1 if reply == " " else 1 if reply == "" else 0
            if step == 0:
                return Answer(question=answer.question)
            shown, rest = rest[:step], rest[step:]
            if not rest or rest == [""]:
                return Answer(text="\n".join([*shown, *rest]), question=answer.question)
            self._say("".join(f"{line}\n" for line in shown))
            return Answer(question=Question(_MORE, turn, Input.PAGE))

        self._ask(Question(_MORE, turn, Input.PAGE))

    def _ask(self, question: Question) -> None:
        self._question = question
        self._say(question.text)

    # --- prompts and waiting ---------------------------------------------------------------

    def _prompt_text(self) -> str:
        if self._typist is not None:
            return self._typist.prompt
        return self.machine.running.hostname + ("#" if self.privilege > 1 else ">")

    def _prompt(self) -> None:
        self._say(self._prompt_text())

    def _syslog(self, fault: Fault) -> None:
        machine = self.machine
        stamp = log_stamp(machine.clock.now(), machine.running.zone)
        self._say(f"\n{stamp}: {fault.text or _LOG}\n")
        if self._synchronous():
            self._prompt()

    def _synchronous(self) -> bool:
        running = self.machine.running
        return any(
            node.text == "logging synchronous"
            for text in running.starts("line vty ")
            for node in running.children((f"line vty {text}",))
        )

    def _wait(self, seconds: float, call: Callable[[], None]) -> None:
        self._busy = True
        self.machine.clock.later(seconds, lambda: self._go(call))

    def _go(self, call: Callable[[], None]) -> None:
        self._busy = False
        if not self._gone and not self._lost:
            call()
            self._pump()


def _damaged(text: str, how: str) -> str:
    """A text that suffered on the way: bytes lost or doubled, with NULs or a log message inside."""
    middle = len(text) // 2
    if how == "nul":
        return text.replace("\n", "\0\n")
    if how == "log":
        between = text.rfind("\n", 0, middle) + 1
        return f"{text[:between]}{_LOG}\n{text[between:]}"
    if how == "double":
        return text[:middle] + text[middle : middle + 40] + text[middle:]
    return text[:middle] + text[middle + 40 :]
