"""Configuration mode of one session: typed lines in, answers out, the running-config changed."""

import re
from collections.abc import Callable

from catnet_controller.ios import names
from catnet_controller.ios.tree import Path
from catnet_controller.simulator import hashing, syntax
from catnet_controller.simulator.device import Machine
from catnet_controller.simulator.dialogue import Answer, Block, Input, Question, confirmed
from catnet_controller.simulator.grammar import Incomplete, Invalid, Reading, Trouble, interface
from catnet_controller.simulator.refusals import refuse

PROMPT_CUT = 20
"""A configuration prompt shows this many characters of the hostname."""

_NO_USERNAME = (
    "This operation will remove all username related configurations with same name."
    "Do you want to continue? [confirm]"
)
_NO_AAA = "Changing configuration back to no aaa new-model is not supported.\nContinue?[confirm]"
_NO_TRUSTPOINT = (
    "% Removing an enrolled trustpoint will destroy all certificates\n"
    " received from the related Certificate Authority.\n\n"
    "Are you sure you want to do this? [yes/no]: "
)
_ZEROIZE = (
    "% All keys will be removed.\n"
    "% All router certs issued using these keys will also be removed.\n"
    "Do you really want to remove these keys? [yes/no]: "
)
_PORTFAST = (
    "%Warning: portfast should only be enabled on ports connected to a single\n"
    " host. Connecting hubs, concentrators, switches, bridges, etc... to this\n"
    " interface  when portfast is enabled, can cause temporary bridging loops.\n"
    " Use with CAUTION\n\n"
)
_NOT_ENCRYPTED = (
    "ERROR: The secret you entered is not a valid encrypted secret.\n"
    "To enter an UNENCRYPTED secret, do not specify type {kind} encryption.\n"
    "When you properly enter an UNENCRYPTED secret, it will be encrypted.\n"
)

# A secret's place: everything before it, its type if given, the secret, what follows.
_HASHED = re.compile(
    r"(?P<head>(?:enable secret(?: level \d+)?|username \S+ (?:.* )?secret))"
    r"(?: (?P<type>\d))? (?P<secret>\S+)(?P<tail>.*)$"
)
_OBSCURED = re.compile(
    r"(?P<head>(?:enable password(?: level \d+)?|username \S+ (?:.* )?password"
    r"|neighbor \S+ password|ip ospf authentication-key|ip ospf message-digest-key \d+ md5"
    r"|standby .*md5 key-string|ppp chap password))"
    r"(?: (?P<type>\d))? (?P<secret>\S+)(?P<tail>.*)$"
)
# Words that name a secret in one kind of section only.
_SECTION_SECRET = re.compile(
    r"(?P<head>key|key-string|password)(?: (?P<type>\d))? (?P<secret>\S+)(?P<tail>)$"
)
_SECTIONS = {
    "key": ("tacacs server ", "radius server "),
    "key-string": ("key ",),
    "password": ("line ",),
}
_NTP_KEY = re.compile(
    r"(?P<head>ntp authentication-key \d+ md5) (?P<secret>\S+)(?: (?P<type>\d+))?$"
)
_ALGORITHMS = {"md5": "5", "sha256": "8", "scrypt": "9"}
_MAKERS: dict[str, Callable[[str], str]] = {
    "5": hashing.type5,
    "8": hashing.type8,
    "9": hashing.type9,
}
_RANGE = re.compile(r"int\w* ra\w* (?P<list>.+)$", re.IGNORECASE)


class Typist:
    """One session in configuration mode. ``by`` is the user, ``where`` the line he sits at."""

    def __init__(self, *, machine: Machine, by: str, where: str = "console") -> None:
        self._machine = machine
        self._by = by
        self._where = where
        self._path: Path = ()
        self._modes: list[str] = ["config"]
        self._range: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self._path

    @property
    def prompt(self) -> str:
        name = self._machine.running.hostname[:PROMPT_CUT]
        return f"{name}({syntax.PROMPTS[self._modes[-1]]})#"

    def leave(self) -> None:
        """Configuration mode ends, whatever the reason."""
        self._machine.log(f"%SYS-5-CONFIG_I: Configured from console by {self._where}")
        self._machine.running.rest()

    def type(self, line: str, *, store: bool = True) -> Answer:
        """One line typed and entered. ``store`` False: accepted, and quietly not kept."""
        text = line.strip()
        if not text or text.startswith("!"):
            return Answer()
        word = text.lower()
        if word == "end":
            self.leave()
            return Answer(left=True)
        if word in ("exit", "exi", "ex"):
            return self._exit()
        for level in range(len(self._modes) - 1, 0, -1):
            if word in syntax.CLOSERS.get(self._modes[level], ()):
                self._up(level)
                return Answer()
        found = _RANGE.match(text)
        if found is not None and self._modes[-1] != "range":
            return self._open_range(found["list"], line)
        if self._range:
            return self._type_range(line, store=store)
        return self._type(line, store=store)

    # --- moving ----------------------------------------------------------------------------

    def _exit(self) -> Answer:
        if len(self._modes) == 1:
            self.leave()
            return Answer(left=True)
        self._up(len(self._modes) - 1)
        return Answer()

    def _up(self, level: int) -> None:
        self._path = self._path[: level - 1]
        self._modes = self._modes[:level]
        self._range = ()

    def _open_range(self, text: str, line: str) -> Answer:
        chosen: list[str] = []
        for part in text.replace(" -", "-").replace("- ", "-").split(","):
            first, _, last = part.strip().partition("-")
            if first.lower().startswith(("port", "po")) and last.lower().startswith("c"):
                first, _, last = part.strip()[5:].partition("-")
                first = f"port-{first}"
            name = interface(first.replace(" ", ""))
            if name is None:
                return self._invalid(Invalid(line.lower().find(first.lower())))
            base, number = re.fullmatch(r"(.*?)(\d+)", name).groups()  # type: ignore[union-attr]
            end = int(last) if last.isdigit() else int(number)
            chosen.extend(f"interface {base}{at}" for at in range(int(number), end + 1))
        for header in chosen:
            if not self._machine.exists(header.split(" ")[1]):
                return self._invalid(Invalid(len(line) - len(text)))
        for header in chosen:
            self._machine.running.put((), header)
        self._range = tuple(chosen)
        self._path = (chosen[0],)
        self._modes = ["config", "range"]
        return Answer()

    def _type_range(self, line: str, *, store: bool) -> Answer:
        headers = self._range
        last = Answer()
        for header in headers:
            self._path, self._modes = (header,), ["config", "if"]
            last = self._type(line, store=store)
            if last.refused or self._path != (header,):
                break
        if len(self._path) == 1 and self._path[0] in headers:
            self._path, self._modes = (headers[0],), ["config", "range"]
        else:
            self._range = ()
        return last

    # --- one line --------------------------------------------------------------------------

    def _type(self, line: str, *, store: bool) -> Answer:
        trouble: Trouble | None = None
        levels = list(range(len(self._modes) - 1, -1, -1))
        if self._modes[-1] in syntax.LOOSE:
            levels.append(levels.pop(0))
        for level in levels:
            try:
                reading = syntax.mode(self._modes[level]).read(line)
            except Trouble as error:
                trouble = _worse(trouble, error)
                continue
            outward = level != levels[-1] and self._modes[-1] in syntax.LOOSE
            if outward and not reading.row.opens and reading.words[0] not in syntax.OUTER:
                continue
            return self._take(reading, level, line, store=store)
        assert trouble is not None
        return self._trouble(trouble)

    def _trouble(self, trouble: Trouble) -> Answer:
        if isinstance(trouble, Invalid):
            return self._invalid(trouble)
        gap = "\n" if isinstance(trouble, Incomplete) else ""
        return Answer(text=f"{trouble}\n{gap}", refused=True)

    def _invalid(self, trouble: Invalid) -> Answer:
        column = " " * (len(self.prompt) + trouble.offset)
        return Answer(text=f"{column}^\n{trouble}\n\n", refused=True)

    def _take(self, reading: Reading, level: int, line: str, *, store: bool) -> Answer:
        base = self._path[:level]
        words, negative = reading.words, reading.negated or reading.defaulted
        running = self._machine.running
        if words[0] == "interface" and level == 0 and not self._machine.exists(words[1]):
            return self._invalid(Invalid(line.rstrip().rfind(line.rsplit(maxsplit=1)[-1])))
        refusal = None
        if not reading.defaulted:
            refusal = refuse(running, base, words, negated=reading.negated)
        if refusal is not None:
            return Answer(text=f"{refusal}\n", refused=True)
        if words[:2] == ("crypto", "key"):
            return self._crypto_key(reading)
        if words[0] == "banner" and not negative:
            return self._banner(words[1], line, store=store)
        if words[:2] == ("macro", "name") and not negative:
            return self._macro(words[2], store=store)
        if words[0] == "certificate" and not negative:
            return self._certificate(reading.text, base, store=store)
        question = self._question(reading)

        def act() -> Answer:
            return self._apply(reading, level, base, store=store)

        if question is None:
            return act()
        return Answer(question=Question(*question(act)))

    def _question(
        self, reading: Reading
    ) -> Callable[[Callable[[], Answer]], tuple[str, Callable[[str], Answer], Input]] | None:
        words = reading.words
        if not reading.negated:
            return None
        running = self._machine.running
        if words[0] == "username" and running.version >= (15, 0):
            if self._machine.user(words[1]) is None:
                return None
            return lambda act: (
                _NO_USERNAME,
                lambda reply: act() if confirmed(reply) else Answer(),
                Input.KEY,
            )
        if words == ("aaa", "new-model") and running.has((), "aaa new-model"):
            return lambda act: (
                _NO_AAA,
                lambda reply: act() if confirmed(reply) else Answer(),
                Input.KEY,
            )
        if words[:3] == ("crypto", "pki", "trustpoint") and running.has((), " ".join(words)):
            return lambda act: (_NO_TRUSTPOINT, _yes_no(act, _NO_TRUSTPOINT), Input.TEXT)
        return None

    def _apply(self, reading: Reading, level: int, base: Path, *, store: bool) -> Answer:
        negative = reading.negated or reading.defaulted
        opens = None if negative else reading.row.opens
        text = reading.text
        if not negative:
            stored = self._secret(base, text)
            if isinstance(stored, Answer):
                return stored
            text = stored
        running = self._machine.running
        before = running.text if "vrf forwarding" in text else ""
        had_vlan = text.startswith("switchport access vlan ")
        if not store and opens is None:
            self._path, self._modes = base, self._modes[: level + 1]
            return Answer()
        path = running.put(base, text)
        if running.refusal is not None:
            return Answer(text=f"{running.refusal}\n", refused=True)
        self._machine.changed(self._by)
        deeper = len(path) == level + 1
        if opens is None and deeper and not negative:
            opens = "opaque"
        if opens is not None and opens != "config":
            if opens == "if" and "." in reading.words[1]:
                opens = "subif"
            inside = path if deeper else (*base, text)
            self._path, self._modes = inside, [*self._modes[: level + 1], opens]
        else:
            self._path, self._modes = base, self._modes[: level + 1]
        note = self._effects(reading, base, before) if before or had_vlan else ""
        return Answer(text=note + self._notes(reading, base, text))

    # --- what a line does besides ----------------------------------------------------------

    def _effects(self, reading: Reading, base: Path, before: str) -> str:
        running = self._machine.running
        if before:
            if (
                base
                and not reading.negated
                and before.count("\n ip address ") > running.text.count("\n ip address ")
            ):
                short = _short(base[-1].split(" ")[1])
                return (
                    f"% Interface {short} IPv4 disabled and address(es) removed due to enabling "
                    f"VRF {reading.words[-1]}\n"
                )
            return ""
        vlan = reading.words[-1]
        if reading.negated or not vlan.isdigit() or self._vlan(int(vlan)):
            return ""
        running.put((), f"vlan {vlan}")
        return f"% Access VLAN does not exist. Creating vlan {vlan}\n"

    def _vlan(self, number: int) -> bool:
        if number == 1:
            return True
        for text in self._machine.running.starts("vlan "):
            for part in text.split(" ")[0].split(","):
                low, _, high = part.partition("-")
                if low.isdigit() and int(low) <= number <= int(high or low):
                    return True
        return False

    def _notes(self, reading: Reading, base: Path, text: str) -> str:
        words = reading.words
        if reading.defaulted and words[0] == "interface":
            return f"Interface {words[1]} set to default configuration\n"
        if reading.negated:
            return ""
        running = self._machine.running
        if text == "service password-encryption":
            self._encrypt()
        if text == "aaa new-model" and not any(True for _ in running.starts("aaa session-id ")):
            running.put((), "aaa session-id common")
        if words[:2] == ("spanning-tree", "portfast") and base and "disable" not in words:
            port = base[-1].split(" ")[1]
            return (
                f"{_PORTFAST}%Portfast has been configured on {port} but will only\n"
                " have effect when the interface is in a non-trunking mode.\n"
            )
        if words[0] == "channel-group":
            name = f"interface Port-channel{words[1]}"
            if not running.has((), name):
                running.put((), name)
                return f"Creating a port-channel interface Port-channel {words[1]}\n"
        return ""

    def _encrypt(self) -> None:
        """Obscure what stands readable: the effect of ``service password-encryption``."""
        running = self._machine.running
        todo: list[tuple[Path, str]] = []
        for node in running.children():
            todo.append(((), node.text))
            for child in node.children:
                todo.append(((node.text,), child.text))
                todo.extend(((node.text, child.text), leaf.text) for leaf in child.children)
        for path, text in todo:
            found = _obscured(path, text)
            if found is not None and found["type"] in (None, "0"):
                hidden = hashing.type7(found["secret"])
                running.put(path, f"{found['head']} 7 {hidden}{found['tail']}")

    def _secret(self, base: Path, text: str) -> str | Answer:
        """The line as it will be stored: secrets hashed or obscured."""
        running = self._machine.running
        found = _HASHED.match(text)
        if found is not None:
            kind, secret = found["type"] or "0", found["secret"]
            head = found["head"]
            if kind == "0":
                wanted = "9" if running.version >= (16, 0) else "5"
                algorithm = re.search(r" ?algorithm-type (\w+)", head)
                if algorithm is not None:
                    wanted = _ALGORITHMS[algorithm[1]]
                    head = head.replace(algorithm[0], "")
                return f"{head} {wanted} {_MAKERS[wanted](secret)}{found['tail']}"
            if kind in ("5", "8", "9") and secret.count("$") != 3:
                return Answer(text=_NOT_ENCRYPTED.format(kind=kind), refused=True)
            return text
        found = _obscured(base, text)
        if found is not None:
            return self._obscure(text, found)
        found = _NTP_KEY.match(text)
        if found is not None and found["type"] is None:
            return f"{found['head']} {hashing.type7(found['secret'])} 7"
        return text

    def _obscure(self, text: str, found: re.Match[str]) -> str | Answer:
        kind, secret = found["type"] or "0", found["secret"]
        if kind == "7":
            if hashing.plain7(secret) is None:
                return Answer(text=f"Invalid encrypted password: {secret}\n", refused=True)
            return text
        if kind != "0":
            return text
        if self._machine.running.has((), "service password-encryption"):
            return f"{found['head']} 7 {hashing.type7(secret)}{found['tail']}"
        shown = " 0" if found["head"].startswith("username ") else ""
        return f"{found['head']}{shown} {secret}{found['tail']}"

    # --- blocks ----------------------------------------------------------------------------

    def _banner(self, kind: str, line: str, *, store: bool) -> Answer:
        text = line.lstrip().split(None, 2)[2]
        mark, rest = text[0], text[1:]
        if mark in rest:
            self._put_banner(kind, [rest.split(mark, 1)[0]], store=store)
            return Answer()
        lines = [rest]

        def feed(more: str) -> Answer | None:
            head, closed, _ = more.partition(mark)
            lines.append(head)
            if not closed:
                return None
            self._put_banner(kind, lines, store=store)
            return Answer()

        shown = "^C" if mark == "\x03" else mark
        return Answer(
            text=f"Enter TEXT message.  End with the character '{shown}'.\n",
            block=Block(feed=feed, closer=mark),
        )

    def _put_banner(self, kind: str, lines: list[str], *, store: bool) -> None:
        self._path, self._modes, self._range = (), ["config"], ()
        if store:
            self._machine.running.put((), f"banner {kind} ^C" + "\n".join(lines) + "^C")
            self._machine.changed(self._by)

    def _macro(self, name: str, *, store: bool) -> Answer:
        lines: list[str] = []

        def feed(more: str) -> Answer | None:
            lines.append(more)
            if more.strip() != "@":
                return None
            if store:
                self._machine.running.put((), f"macro name {name}\n" + "\n".join(lines))
                self._machine.changed(self._by)
            return Answer()

        return Answer(
            text="Enter macro commands one per line. End with the character '@'.\n",
            block=Block(feed=feed),
        )

    def _certificate(self, text: str, base: Path, *, store: bool) -> Answer:
        lines: list[str] = []
        name = self._machine.running.hostname[:PROMPT_CUT]

        def feed(more: str) -> Answer | None:
            if more.strip().lower() == "quit":
                lines.append("  \tquit")
                if store:
                    self._machine.running.put(base, text + "\n" + "\n".join(lines))
                    self._machine.changed(self._by)
                return Answer()
            lines.append(f"  {more.strip()} ")
            return None

        return Answer(block=Block(feed=feed, prompt=f"{name}(config-pubkey)#"))

    def _crypto_key(self, reading: Reading) -> Answer:
        words = " ".join(reading.words)
        machine = self._machine
        if "zeroize" in words:

            def zeroize() -> Answer:
                machine.rsa_key = False
                return Answer()

            return Answer(question=Question(_ZEROIZE, _yes_no(zeroize, _ZEROIZE), Input.TEXT))
        found = re.search(r"modulus (\d+)", words)
        if "generate" not in words:
            return Answer()
        if found is None:
            asked = (
                "Choose the size of the key modulus in the range of 360 to 4096 for your\n"
                "  General Purpose Keys. Choosing a key modulus greater than 512 may take\n"
                "  a few minutes.\n\nHow many bits in the modulus [512]: "
            )
            return Answer(
                question=Question(asked, lambda reply: self._generate(reply or "512"), Input.TEXT)
            )
        return self._generate(found[1])

    def _generate(self, bits: str) -> Answer:
        self._machine.rsa_key = True
        return Answer(
            text=f"% Generating {bits} bit RSA keys, keys will be non-exportable...\n"
            "[OK] (elapsed time was 2 seconds)\n\n"
        )


def _obscured(section: Path, text: str) -> re.Match[str] | None:
    """A line that holds a secret of the reversible kind."""
    found = _SECTION_SECRET.match(text)
    if found is not None:
        inside = section[-1] if section else ""
        return found if inside.startswith(_SECTIONS[found["head"]]) else None
    return _OBSCURED.match(text)


def _worse(inner: Trouble | None, outer: Trouble) -> Trouble:
    """Which of two failed readings IOS reports: the one that came further, then the inner one."""
    if inner is None:
        return outer
    if isinstance(inner, Invalid) and (
        not isinstance(outer, Invalid) or outer.offset > inner.offset
    ):
        return outer
    return inner


def _yes_no(act: Callable[[], Answer], asked: str) -> Callable[[str], Answer]:
    def answer(reply: str) -> Answer:
        word = reply.strip().lower()
        if word and "yes".startswith(word):
            return act()
        if word and "no".startswith(word):
            return Answer()
        return Answer(
            text="% Please answer 'yes' or 'no'.\n",
            question=Question(asked.rsplit("\n", 1)[-1], answer, Input.TEXT),
        )

    return answer


def _short(name: str) -> str:
    """``Gi0/1`` for ``GigabitEthernet0/1``, as messages of the system name it."""
    return names.kind(name)[:2] + name[len(names.kind(name)) :]
