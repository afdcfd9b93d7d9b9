"""The exec commands: what is typed at ``>`` or ``#``, in; what the device prints or asks, out."""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

from catnet_controller.simulator import links
from catnet_controller.simulator.archiving import FULL, contextual, incremental
from catnet_controller.simulator.clock import clock_stamp, long_stamp
from catnet_controller.simulator.device import NVRAM, Machine
from catnet_controller.simulator.dialogue import Answer, Input, Question, confirmed
from catnet_controller.simulator.faults import What
from catnet_controller.simulator.grammar import Invalid, Mode, Reading, Row, Trouble

_LOCKED = (
    "Configuration mode is locked by process '484' user 'NETCONF' from terminal '64'. "
    "Please try later.\n"
)
_CONFIGURE = "Enter configuration commands, one per line.  End with CNTL/Z.\n"
_REPLACE = (
    "This will apply all necessary additions and deletions\n"
    "to replace the current running configuration with the\n"
    "contents of the specified configuration file, which is\n"
    "assumed to be a complete configuration, not a partial\n"
    "configuration. Enter Y if you are sure you want to proceed. ? [no]: "
)
_ERASE = "Erasing the nvram filesystem will remove all configuration files! Continue? [confirm]"
_CUT = (
    "Building configuration...\n"
    "Compressed configuration is too large for nvram\nTruncate config?? [no]: "
)
_NO_TERMINAL = "            ^\n% Invalid input detected at '^' marker.\n\n"
_UNKNOWN = "% Unknown command or computer name, or unable to find computer address\n"


class Desk(Protocol):
    """The session an exec command is typed in."""

    machine: Machine
    user: str
    number: int
    privilege: int
    length: int
    width: int
    peer: str
    history: list[str]

    def configure(self) -> None:
        """Enter configuration mode."""
        ...

    def become(self, privilege: int) -> None: ...

    def bye(self) -> None:
        """Close the session in good order."""
        ...

    def notice(self, text: str) -> None: ...

    def later(self, seconds: float, text: str) -> None:
        """Print ``text`` after ``seconds`` of IOS time; nothing is read meanwhile."""
        ...

    def everyone(self) -> Iterator[tuple[int, str, str]]:
        """Each line in use: number, user, where from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verb:
    forms: str
    run: str
    level: int = 1


_VERBS: tuple[_Verb, ...] = (
    _Verb(forms="enable [<0-15>]", run="enable"),
    _Verb(forms="disable [<0-15>]", run="disable"),
    _Verb(forms="exit\nlogout\nquit", run="leave"),
    _Verb(forms="terminal length <0-512>", run="length"),
    _Verb(forms="terminal width <0-512>", run="width"),
    _Verb(forms="terminal (monitor|no LINE|history [LINE]|exec LINE|default LINE)", run="nothing"),
    _Verb(forms="show version", run="version"),
    _Verb(forms="show clock [detail]", run="time"),
    _Verb(forms="show privilege", run="level"),
    _Verb(forms="show users [all]", run="users"),
    _Verb(forms="show history", run="past"),
    _Verb(forms="show running-config [all|brief]", run="running", level=15),
    _Verb(forms="show running-config interface IFACE", run="running_interface", level=15),
    _Verb(forms="show running-config partition LINE", run="nothing", level=15),
    _Verb(forms="show startup-config\nshow configuration", run="startup", level=15),
    _Verb(forms="show archive", run="archive", level=15),
    _Verb(forms="show archive config rollback timer", run="timer", level=15),
    _Verb(forms="show archive config differences [WORD] [WORD]", run="differences", level=15),
    _Verb(forms="show archive config incremental-diffs WORD [ignorecase]", run="diffs", level=15),
    _Verb(forms="show ip interface brief", run="brief"),
    _Verb(forms="show ip bgp summary", run="bgp"),
    _Verb(forms="show ip ospf neighbor", run="ospf"),
    _Verb(forms="show ip eigrp neighbors", run="eigrp"),
    _Verb(forms="show logging", run="logging", level=15),
    _Verb(forms="show reload", run="reload_at"),
    _Verb(forms="show ip ssh", run="ssh"),
    _Verb(forms="show inventory", run="inventory"),
    _Verb(forms="show file prompt", run="nothing"),
    _Verb(forms="configure [terminal]", run="configure", level=15),
    _Verb(
        forms="configure terminal revert timer [idle] <1-120>",
        run="armed",
        level=15,
    ),
    _Verb(forms="configure terminal lock", run="configure", level=15),
    _Verb(forms="configure confirm", run="confirm", level=15),
    _Verb(forms="configure revert now", run="revert", level=15),
    _Verb(forms="configure revert timer [idle] <1-120>", run="retime", level=15),
    _Verb(
        forms="configure replace WORD {list|force|nolock|ignorecase|revert trigger [error]"
        "|time <1-120>|timer <1-120>}",
        run="replace",
        level=15,
    ),
    _Verb(forms="archive config", run="save_archive", level=15),
    _Verb(forms="write [memory]", run="save", level=15),
    _Verb(forms="write erase\nerase (startup-config|nvram:)", run="erase", level=15),
    _Verb(forms="write terminal", run="running", level=15),
    _Verb(forms="copy WORD WORD", run="copy", level=15),
    _Verb(forms="dir [WORD]", run="dir", level=15),
    _Verb(forms="more WORD", run="more", level=15),
    _Verb(forms="delete [/force] WORD", run="delete", level=15),
    _Verb(forms="reload\nreload reason LINE", run="reload", level=15),
    _Verb(forms="reload in WORD [LINE]", run="reload_in", level=15),
    _Verb(forms="reload cancel", run="reload_cancel", level=15),
    _Verb(forms="clear logging", run="clear_logging", level=15),
    _Verb(forms="clear (line|ip|arp-cache|counters|archive) [LINE]", run="nothing", level=15),
    _Verb(forms="ping [ip] WORD [LINE]\nping vrf WORD WORD [LINE]", run="ping"),
    _Verb(forms="undebug all\nno debug all\nundebug LINE", run="nothing", level=15),
)


@cache
def _mode(level: int) -> Mode:
    rows: list[Row] = []
    for verb in _VERBS:
        if verb.level <= level:
            rows.extend(Row(text=form, tag=verb.run) for form in verb.forms.splitlines())
    return Mode(rows)


@lru_cache(maxsize=1024)
def _read(level: int, text: str) -> Reading:
    """The same few commands are typed on every device of a fleet. Raises what `Mode.read` does."""
    return _mode(level).read(text, forms=False)


def run(desk: Desk, line: str, *, prompt: str) -> Answer:
    """Do one exec command; ``prompt`` places the caret of an error."""
    text, _, pipe = line.partition(" | ")
    words = text.split()
    try:
        reading = _read(desk.privilege, text)
    except Invalid as trouble:
        if len(words) == 1 and trouble.first:
            return _unknown(desk, words[0])
        column = " " * (len(prompt) + trouble.offset)
        return Answer(text=f"{column}^\n{trouble}\n\n", refused=True)
    except Trouble as trouble:
        gap = "\n" if str(trouble).startswith("% Incomplete") else ""
        return Answer(text=f"{trouble}\n{gap}", refused=True)
    answer = _ACTS[reading.row.tag](desk, reading.words)
    if pipe and reading.words[0] in ("show", "more"):
        return Answer(text=_piped(answer.text, pipe))
    return answer


def _unknown(desk: Desk, word: str) -> Answer:
    """A single unknown word is taken for the name of a host to connect to."""
    running = desk.machine.running
    lookup = running.has((), "no ip domain lookup") or running.has((), "no ip domain-lookup")
    if lookup:
        return Answer(text=f"% Bad IP address or host name{_UNKNOWN}", refused=True)
    desk.later(10.0, _UNKNOWN)
    return Answer(text=f'Translating "{word}"...domain server (255.255.255.255)\n', refused=True)


def _piped(text: str, pipe: str) -> str:
    verb, _, expression = pipe.strip().partition(" ")
    kinds = ("include", "exclude", "begin", "section", "count")
    fits = [kind for kind in kinds if verb and kind.startswith(verb.lower())]
    if len(fits) != 1 or not expression:
        return "% Incomplete command.\n\n"
    if fits[0] == "section" and expression.startswith("include "):
        expression = expression.removeprefix("include ")
    try:
        pattern = re.compile(expression)
    except re.error:
        return "% Failed to compile regular expression.\n"
    lines = text.split("\n")[:-1]
    if fits[0] == "include":
        kept = [line for line in lines if pattern.search(line)]
    elif fits[0] == "exclude":
        kept = [line for line in lines if not pattern.search(line)]
    elif fits[0] == "count":
        return (
            f"Number of lines which match regexp = {sum(1 for x in lines if pattern.search(x))}\n"
        )
    elif fits[0] == "begin":
        start = next((at for at, line in enumerate(lines) if pattern.search(line)), len(lines))
        kept = lines[start:]
    else:
        kept = _section(lines, pattern)
    return "".join(f"{line}\n" for line in kept)


def _section(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    kept: list[str] = []
    depth = -1
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if depth >= 0 and indent > depth:
            kept.append(line)
            continue
        depth = -1
        if pattern.search(line) and not line.startswith("!"):
            kept.append(line)
            depth = indent
    return kept


# --- acts ----------------------------------------------------------------------------------------

_Act = Callable[[Desk, tuple[str, ...]], Answer]


def _nothing(_desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer()


def _enable(desk: Desk, words: tuple[str, ...]) -> Answer:
    desk.become(int(words[1]) if len(words) > 1 else 15)
    return Answer()


def _disable(desk: Desk, words: tuple[str, ...]) -> Answer:
    desk.privilege = int(words[1]) if len(words) > 1 else 1
    return Answer()


def _leave(desk: Desk, _words: tuple[str, ...]) -> Answer:
    desk.bye()
    return Answer()


def _length(desk: Desk, words: tuple[str, ...]) -> Answer:
    if desk.machine.faults.strike(What.PAGER):
        return Answer(text=_NO_TERMINAL, refused=True)
    desk.length = int(words[2])
    return Answer()


def _width(desk: Desk, words: tuple[str, ...]) -> Answer:
    if desk.machine.faults.strike(What.NARROW):
        return Answer(text=_NO_TERMINAL, refused=True)
    desk.width = int(words[2])
    return Answer()


def _version(desk: Desk, _words: tuple[str, ...]) -> Answer:
    machine = desk.machine
    major, minor = machine.running.version
    minutes = int(machine.clock.uptime() // 60)
    name = machine.running.hostname
    if major >= 16:
        title = f"Cisco IOS XE Software, Version {major}.{minor:02d}.01\n"
        title += f"Cisco IOS Software, Version {major}.{minor}.1, RELEASE SOFTWARE (fc1)\n"
    else:
        title = f"Cisco IOS Software, Version {major}.{minor}(3)M, RELEASE SOFTWARE (fc1)\n"
    return Answer(
        text=f"{title}Technical Support: http://www.cisco.com/techsupport\n\n"
        "ROM: Bootstrap program is simulated\n\n"
        f"{name} uptime is {minutes // 60} hours, {minutes % 60} minutes\n"
        "System returned to ROM by reload\n"
        'System image file is "flash:simulated.bin"\n\n'
        f"Processor board ID SIM{zlib.crc32(machine.name.encode()) % 10**8:08d}\n"
        f"{NVRAM // 1024}K bytes of non-volatile configuration memory.\n\n"
        "Configuration register is 0x2102\n\n"
    )


def _time(desk: Desk, _words: tuple[str, ...]) -> Answer:
    machine = desk.machine
    return Answer(text=f"*{clock_stamp(machine.clock.now(), machine.running.zone)}\n")


def _level(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=f"Current privilege level is {desk.privilege}\n")


def _users(desk: Desk, _words: tuple[str, ...]) -> Answer:
    text = "    Line       User       Host(s)              Idle       Location\n"
    for number, user, peer in desk.everyone():
        mark = "*" if number == desk.number else " "
        text += f"{mark}{number + 2:3d} vty {number:<5d} {user:<10} idle"
        text += f"{' ' * 17}00:00:00 {peer}\n"
    return Answer(text=text)


def _past(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text="".join(f"  {line}\n" for line in desk.history[-20:]))


def _running(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=desk.machine.show_running() + "\n")


def _running_interface(desk: Desk, words: tuple[str, ...]) -> Answer:
    header = f"interface {words[-1]}"
    for node in desk.machine.running.children():
        if node.text == header or node.text.startswith(f"{header} "):
            inside = "".join(f" {child.text}\n" for child in node.children if child.text != "!")
            text = f"{node.text}\n{inside}end\n"
            return Answer(
                text="Building configuration...\n\n"
                f"Current configuration : {len(text)} bytes\n!\n{text}\n"
            )
    return Answer(
        text="                               ^\n% Invalid input detected at '^' marker.\n\n"
    )


def _startup(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=desk.machine.show_startup() + "\n")


def _archive(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=desk.machine.archive.show())


def _timer(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=desk.machine.archive.show_timer())


def _file(desk: Desk, name: str) -> str | None:
    machine = desk.machine
    if name in ("system:running-config", "running-config", "system:/running-config"):
        return machine.running.text
    if name in ("nvram:startup-config", "startup-config", "nvram:/startup-config"):
        return machine.startup
    for known, text in machine.flash.items():
        if known == name or known.replace(":/", ":") == name.replace(":/", ":"):
            return text
    return None


def _differences(desk: Desk, words: tuple[str, ...]) -> Answer:
    given = words[4:]
    first = _file(desk, given[0]) if given else desk.machine.startup
    second = _file(desk, given[1]) if len(given) > 1 else desk.machine.running.text
    if first is None or second is None:
        name = given[0] if given else "nvram:startup-config"
        return Answer(text=f"Error: Could not open file {name} for reading\n", refused=True)
    return Answer(text=contextual(first, second))


def _diffs(desk: Desk, words: tuple[str, ...]) -> Answer:
    text = _file(desk, words[4])
    if text is None:
        return Answer(text=f"Error: Could not open file {words[4]} for reading\n", refused=True)
    return Answer(text=incremental(desk.machine.running, text))


def _brief(desk: Desk, _words: tuple[str, ...]) -> Answer:
    text = "Interface                  IP-Address      OK? Method Status                Protocol\n"
    for name, address, shut, up in links.interfaces(desk.machine):
        status = "administratively down" if shut else "up" if up else "down"
        method = "NVRAM " if address else "unset "
        text += (
            f"{name:<26} {address or 'unassigned':<15} YES {method} {status:<21}"
            f" {'up' if up else 'down'}\n"
        )
    return Answer(text=text)


def _bgp(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=links.bgp(desk.machine))


def _ospf(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=links.ospf(desk.machine))


def _eigrp(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=links.eigrp(desk.machine))


def _logging(desk: Desk, _words: tuple[str, ...]) -> Answer:
    lines = "\n".join(desk.machine.log_buffer)
    return Answer(
        text="Syslog logging: enabled\n    Console logging: level debugging\n"
        f"    Buffer logging: level debugging\n\nLog Buffer (4096 bytes):\n\n{lines}\n"
    )


def _ssh(desk: Desk, _words: tuple[str, ...]) -> Answer:
    state = "enabled - version 2.0" if desk.machine.rsa_key else "disabled - version 2.0"
    return Answer(
        text=f"SSH {state}\nAuthentication timeout: 120 secs; Authentication retries: 3\n"
    )


def _inventory(desk: Desk, _words: tuple[str, ...]) -> Answer:
    name = desk.machine.name
    return Answer(text=f'NAME: "Chassis", DESCR: "Simulated router {name}"\nPID: SIM , VID: V01\n')


def _configure(desk: Desk, words: tuple[str, ...]) -> Answer:
    if len(words) == 1:
        return Answer(
            question=Question(
                "Configuring from terminal, memory, or network [terminal]? ",
                lambda _: _enter(desk),
                Input.TEXT,
            )
        )
    return _enter(desk)


def _locked(desk: Desk) -> Answer | None:
    fault = desk.machine.faults.strike(What.LOCKED)
    if fault is None:
        return None
    return Answer(text=f"{fault.text}\n" if fault.text else _LOCKED, refused=True)


def _enter(desk: Desk) -> Answer:
    locked = _locked(desk)
    if locked is not None:
        return locked
    desk.configure()
    return Answer(text=_CONFIGURE)


def _timer_of(words: tuple[str, ...]) -> tuple[int, bool]:
    return int(words[-1]), "idle" in words


def _armed(desk: Desk, words: tuple[str, ...]) -> Answer:
    locked = _locked(desk)
    if locked is not None:
        return locked
    minutes, idle = _timer_of(words)
    entered, text = desk.machine.archive.arm(minutes, idle=idle, user=desk.user, notify=desk.notice)
    if not entered:
        return Answer(text=text, refused=True)
    desk.configure()
    return Answer(text=text + _CONFIGURE)


def _confirm(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=desk.machine.archive.confirm(desk.user))


def _revert(desk: Desk, _words: tuple[str, ...]) -> Answer:
    return Answer(text=desk.machine.archive.revert(desk.user))


def _retime(desk: Desk, words: tuple[str, ...]) -> Answer:
    minutes, idle = _timer_of(words)
    return Answer(text=desk.machine.archive.retime(minutes, idle=idle, user=desk.user))


def _replace(desk: Desk, words: tuple[str, ...]) -> Answer:
    machine = desk.machine
    target = _file(desk, words[2])
    if target is None:
        return Answer(text=f"Error: Could not open file {words[2]} for reading\n", refused=True)
    if not re.search(r"^end\s*$", target, re.MULTILINE) or target.startswith("Building"):
        return Answer(text="%The input file is not a valid config file.\n", refused=True)
    locked = _locked(desk)
    if locked is not None:
        return locked
    options = words[3:]
    head = ""
    timed = next((at for at, word in enumerate(options) if word in ("time", "timer")), None)
    if timed is not None:
        entered, head = machine.archive.arm(
            int(options[timed + 1]), idle=False, user=desk.user, notify=desk.notice
        )
        if not entered:
            return Answer(text=head, refused=True)
    back = None
    if "revert" in options:
        if machine.archive.path is None:
            return Answer(text="%Please turn config archive on\n", refused=True)
        back = machine.archive.save()

    def act() -> Answer:
        done = machine.archive.replace(target, back=back)
        text = done.output
        if "list" not in options and not done.failed:
            text = text[text.index("Total number") :]
        return Answer(text=text)

    if "force" in options:
        return Answer(text=head + act().text)

    def answer(reply: str) -> Answer:
        return act() if reply.strip().lower().startswith("y") else Answer()

    return Answer(text=head, question=Question(_REPLACE, answer, Input.TEXT))


def _save_archive(desk: Desk, _words: tuple[str, ...]) -> Answer:
    archive = desk.machine.archive
    if archive.path is None:
        return Answer(text="%Archive feature not enabled\n", refused=True)
    if archive.save() is None:
        return Answer(text=FULL.format(path=archive.path), refused=True)
    return Answer()


def _save(desk: Desk, _words: tuple[str, ...]) -> Answer:
    if desk.machine.faults.strike(What.SAVE_CUT):

        def cut(reply: str) -> Answer:
            if not reply.strip().lower().startswith("y"):
                return Answer()
            text = desk.machine.running.text
            desk.machine.startup = text[: len(text) // 2]
            return Answer(text="[OK]\n")

        return Answer(question=Question(_CUT, cut, Input.TEXT))
    return Answer(text=desk.machine.save(desk.user))


def _erase(desk: Desk, _words: tuple[str, ...]) -> Answer:
    def answer(reply: str) -> Answer:
        if not confirmed(reply):
            return Answer()
        desk.machine.startup = None
        return Answer(text="[OK]\nErase of nvram: complete\n")

    return Answer(question=Question(_ERASE, answer))


def _copy(desk: Desk, words: tuple[str, ...]) -> Answer:
    source, target = _url(words[1]), _url(words[2])
    text = _file(desk, source)
    if text is None:
        return Answer(text=f"%Error opening {source} (No such file or directory)\n", refused=True)
    name = target.rsplit(":", 1)[-1].lstrip("/")

    def act(_reply: str = "") -> Answer:
        machine = desk.machine
        if target == "nvram:startup-config":
            if source == "system:running-config":
                return Answer(text=machine.save(desk.user))
            machine.startup = text
            return Answer(text=f"[OK]\n{len(text)} bytes copied in 0.100 secs\n")
        if target == "system:running-config":
            machine.archive.replace(text)
            return Answer(text=f"{len(text)} bytes copied in 0.100 secs\n")
        machine.flash[target] = text
        return Answer(text=f"\n{len(text)} bytes copied in 0.100 secs\n")

    if desk.machine.running.has((), "file prompt quiet"):
        return act()
    return Answer(question=Question(f"Destination filename [{name}]? ", act, Input.TEXT))


def _url(word: str) -> str:
    for known, full in (
        ("running-config", "system:running-config"),
        ("startup-config", "nvram:startup-config"),
    ):
        if known.startswith(word) and len(word) > 2:
            return full
    return word


def _dir(desk: Desk, _words: tuple[str, ...]) -> Answer:
    machine = desk.machine
    at = long_stamp(machine.clock.now(), machine.running.zone)
    text = "Directory of flash:/\n\n"
    for number, (name, content) in enumerate(machine.flash.items(), 1):
        text += f"{number:5d}  -rw-  {len(content):12d}  {at}  {name.split(':')[-1].lstrip('/')}\n"
    return Answer(text=text + "\n1000000000 bytes total (900000000 bytes free)\n")


def _more(desk: Desk, words: tuple[str, ...]) -> Answer:
    text = _file(desk, words[1])
    if text is None:
        return Answer(text=f"%Error opening {words[1]} (No such file or directory)\n", refused=True)
    return Answer(text=text)


def _delete(desk: Desk, words: tuple[str, ...]) -> Answer:
    url = words[-1]
    name = url.rsplit(":", 1)[-1].lstrip("/")
    flash = desk.machine.flash

    def gone(reply: str) -> Answer:
        if not confirmed(reply):
            return Answer()
        for known in list(flash):
            if known.replace(":/", ":") == url.replace(":/", ":"):
                del flash[known]
                return Answer()
        return Answer(text=f"%Error deleting {url} (No such file or directory)\n", refused=True)

    if "/force" in words:
        return gone("")
    return Answer(
        question=Question(
            f"Delete filename [{name}]? ",
            lambda _: Answer(question=Question(f"Delete {url}? [confirm]", gone)),
            Input.TEXT,
        )
    )


_PROCEED = "Proceed with reload? [confirm]"


def _reload(desk: Desk, _words: tuple[str, ...]) -> Answer:
    machine = desk.machine

    def go(reply: str) -> Answer:
        if confirmed(reply):
            machine.reboot()
        return Answer()

    proceed = Answer(question=Question(_PROCEED, go))
    if machine.startup == machine.running.text:
        return proceed

    def save(reply: str) -> Answer:
        word = reply.strip().lower()
        if word and "yes".startswith(word):
            return Answer(text=machine.save(desk.user), question=proceed.question)
        if word and "no".startswith(word):
            return Answer(text="Reload reason: Reload Command\n", question=proceed.question)
        return Answer(text="% Please answer 'yes' or 'no'.\n", question=asked)

    asked = Question("\nSystem configuration has been modified. Save? [yes/no]: ", save, Input.TEXT)
    return Answer(question=asked)


def _reload_in(desk: Desk, words: tuple[str, ...]) -> Answer:
    hours, _, minutes = words[2].rpartition(":")
    if not (minutes.isdigit() and (not hours or hours.isdigit())):
        return Answer(text="% Invalid input detected at '^' marker.\n\n", refused=True)
    total = int(hours or 0) * 60 + int(minutes)
    machine = desk.machine

    def go(reply: str) -> Answer:
        if confirmed(reply):
            machine.reload_at = machine.clock.uptime() + total * 60.0
            due = machine.reload_at
            machine.clock.later(total * 60.0, lambda: _strike(machine, due))
            if total <= 5:
                desk.notice(f"\n\n\a***\n*** --- SHUTDOWN in 0:{total:02d}:00 ---\n***")
        return Answer()

    text = (
        f"Reload scheduled in {total} minutes by {desk.user} on vty{desk.number} ({desk.peer})\n"
        "Reload reason: Reload Command\n"
    )
    return Answer(text=text, question=Question(_PROCEED, go))


def _strike(machine: Machine, due: float) -> None:
    if machine.reload_at == due:
        machine.reboot()


def _reload_cancel(desk: Desk, _words: tuple[str, ...]) -> Answer:
    if desk.machine.reload_at is None:
        return Answer(text="%No reload is scheduled\n", refused=True)
    desk.machine.reload_at = None
    desk.notice("\n\n\a***\n*** --- SHUTDOWN ABORTED ---\n***")
    return Answer()


def _reload_at(desk: Desk, _words: tuple[str, ...]) -> Answer:
    at = desk.machine.reload_at
    if at is None:
        return Answer(text="No reload is scheduled.\n")
    left = max(0, int((at - desk.machine.clock.uptime()) // 60))
    return Answer(text=f"Reload scheduled in {left} minutes\n")


def _clear_logging(desk: Desk, _words: tuple[str, ...]) -> Answer:
    def clear(reply: str) -> Answer:
        if confirmed(reply):
            desk.machine.log_buffer.clear()
        return Answer()

    return Answer(question=Question("Clear logging buffer [confirm]", clear))


def _ping(desk: Desk, words: tuple[str, ...]) -> Answer:
    target = next((word for word in words[1:] if word[0].isdigit()), words[-1])
    asked = re.search(r" repeat (\d+)", " ".join(words))
    count = min(int(asked[1]), 1000) if asked else 5
    good = links.reaches(desk.machine, target)
    got = count if good else 0
    times = ", round-trip min/avg/max = 1/1/1 ms" if good else ""
    return Answer(
        text="Type escape sequence to abort.\n"
        f"Sending {count}, 100-byte ICMP Echos to {target}, timeout is 2 seconds:\n"
        f"{('!' if good else '.') * count}\n"
        f"Success rate is {100 if good else 0} percent ({got}/{count}){times}\n"
    )


_ACTS: dict[str, _Act] = {
    "enable": _enable,
    "disable": _disable,
    "leave": _leave,
    "length": _length,
    "width": _width,
    "nothing": _nothing,
    "version": _version,
    "time": _time,
    "level": _level,
    "users": _users,
    "past": _past,
    "running": _running,
    "running_interface": _running_interface,
    "startup": _startup,
    "archive": _archive,
    "timer": _timer,
    "differences": _differences,
    "diffs": _diffs,
    "brief": _brief,
    "bgp": _bgp,
    "ospf": _ospf,
    "eigrp": _eigrp,
    "logging": _logging,
    "reload_at": _reload_at,
    "ssh": _ssh,
    "inventory": _inventory,
    "configure": _configure,
    "armed": _armed,
    "confirm": _confirm,
    "revert": _revert,
    "retime": _retime,
    "replace": _replace,
    "save_archive": _save_archive,
    "save": _save,
    "erase": _erase,
    "copy": _copy,
    "dir": _dir,
    "more": _more,
    "delete": _delete,
    "reload": _reload,
    "reload_in": _reload_in,
    "reload_cancel": _reload_cancel,
    "clear_logging": _clear_logging,
    "ping": _ping,
}
