"""The inventory read strictly: a document in, layers of words about devices out, or problems."""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from catnet_controller.models import (
    Checks,
    Device,
    Expectation,
    Fallback,
    Jump,
    Probe,
    Problem,
    Scope,
)

INVENTORY = "inventory.yaml"
FOLDER = "configs/"
ADDED = "configs/added/"
"""Holds what is wanted on the devices that CatNet itself keeps, as `NAME.cfg`."""


ALGORITHMS = ("modern", "legacy", "ancient")
PLATFORMS = ("ios", "iosxe", "frr")


MAX_HINTS = 100
"""How many problems get a nearest known word: each is a search through all of them."""


_JUMP = ("host", "port", "credential", "algorithms")
_LAYER = (
    "port",
    "platform",
    "credential",
    "algorithms",
    "scope",
    "fallback",
    "site",
    "window",
    "wave",
    "jump",
)
_SHARED = (*_LAYER, "configs", "vars", "health")
_HEALTH = ("watch", "settle", "ping", "checks")
_EXPECTS = tuple(each.value for each in Expectation)
_CHECK = ("show", *_EXPECTS)
_SETTLED = Checks().settle
_MOST_TARGETS = 20
_MOST_CHECKS = 50
_LONGEST_SETTLE = 600
_LONGEST_PATTERN = 200
_DEVICE = ("host", "groups", *_SHARED)
_GIVEN = ("name", "host", "site", "groups")
_RESERVED = frozenset({*_GIVEN, "secret", "range", "loop"})

DIRECT = "none"
"""The word for no jump host, where ``defaults`` or a group names one."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
SITE = re.compile(r"[^\x00-\x1f\x7f]{0,100}")
_PIECE = re.compile(r"(?!/)(?:(?!\.\.?/)[^/\x00-\x1f\\]+/)*[^/\x00-\x1f\\]+\.(?:cfg|j2)")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+|0[xob][0-9a-f_]+"
)
"""Plain words that YAML readers do not agree on: booleans, octal and base-60 numbers."""

_SHOW = re.compile(
    r"show [!-{}~ ]{1,150}"
    r"(?: \| (?:include|exclude|begin|section|count|inc|exc|beg|sec) (?!.* \| )[ -~]{1,100})?"
)
"""One line; after the bar only what filters, as `redirect`, `tee` and `append` write files."""
_TARGET = re.compile(r"(\S+)(?: vrf ([!-~]{1,32}))?")
_SETTLE = re.compile(r"([0-9]{1,4})s")
_NESTED = re.compile(r"\((?:[^()\\]|\\.)*(?:[*+]|\{\d*,\d*\})(?:[^()\\]|\\.)*\)(?:[*+]|\{)")

E = TypeVar("E", bound=StrEnum)
V = TypeVar("V")


def host(text: str) -> str | None:
    """The host name or IP address that this is; None where it is neither."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        labels = text.rstrip(".").split(".")
        named = all(map(_LABEL.fullmatch, labels)) and len(text) <= 253
        return text if named and not labels[-1].isdigit() else None


def place(device: Device) -> tuple[str, int]:
    """What two devices must not share."""
    return device.host.casefold().rstrip("."), device.port


@dataclass(slots=True)
class Value:
    """A node of the document: text of a scalar, items of a list, or pairs of a mapping."""

    line: int
    kind: str
    text: str = ""
    plain: bool = False
    items: list["Value"] = field(default_factory=list)

    @property
    def pairs(self) -> Iterator[tuple["Value", "Value"]]:
        return zip(self.items[::2], self.items[1::2], strict=True)

    @property
    def empty(self) -> bool:
        return self.kind == "scalar" and self.plain and self.text in ("", "~", "null")


@dataclass(slots=True)
class Layer:
    """What ``defaults``, a group or a device says; None and empty where it says nothing."""

    line: int = 0
    host: str = ""
    port: int | None = None
    platform: str | None = None
    credential: str | None = None
    algorithms: str | None = None
    scope: Scope | None = None
    fallback: Fallback | None = None
    site: str | None = None
    window: int | None = None
    wave: int | None = None
    jump: str | None = None
    groups: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    vars: dict[str, object] = field(default_factory=dict)
    watch: bool | None = None
    settle: float | None = None
    ping: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()


@dataclass(slots=True)
class Inventory:
    """The layers by name, as they were written."""

    defaults: Layer
    groups: dict[str, Layer]
    devices: dict[str, Layer]
    jumps: dict[str, Layer] = field(default_factory=dict)

    def chain(self, name: str) -> list[Layer]:
        """What speaks about a device, from far to near."""
        layer = self.devices[name]
        groups = (self.groups[group] for group in layer.groups if group in self.groups)
        return [self.defaults, *groups, layer]

    def device(self, name: str) -> Device:
        """The nearest word counts: device, then its last group, then the first, then defaults."""
        layer, nearest = self.devices[name], self.chain(name)[::-1]
        return Device(
            name=name,
            host=layer.host,
            port=_first((one.port for one in nearest), 22),
            platform=_first((one.platform for one in nearest), "ios"),
            groups=layer.groups,
            site=_first((one.site for one in nearest), ""),
            credential=_first((one.credential for one in nearest), "default"),
            algorithms=_first((one.algorithms for one in nearest), "modern"),
            scope=_first((one.scope for one in nearest), Scope.FULL),
            fallback=_first((one.fallback for one in nearest), Fallback.REFUSE),
            checks=self._checks(name),
            window=_first((one.window for one in nearest), 64),
            wave=_first((one.wave for one in nearest), 0),
            jump=self.jump(_first((one.jump for one in nearest), DIRECT)),
        )

    def jump(self, name: str) -> Jump | None:
        layer = self.jumps.get(name)
        if layer is None:
            return None
        return Jump(
            name=name,
            host=layer.host,
            port=layer.port or 22,
            credential=layer.credential or "default",
            algorithms=layer.algorithms or "modern",
        )

    def _checks(self, name: str) -> Checks:
        """Targets and checks of all layers add up; of the rest the nearest word counts."""
        chain = self.chain(name)
        given = [one for one in chain if one.ping or one.probes]
        watch = _first((one.watch for one in chain[::-1]), True)
        settle = _first((one.settle for one in chain[::-1]), _SETTLED)
        if not given and watch and settle == _SETTLED:
            return Checks()
        return Checks(
            watch=watch,
            settle=settle,
            ping=tuple(dict.fromkeys(target for one in given for target in one.ping)),
            probes=tuple(probe for one in given for probe in one.probes),
        )


class Notes:
    """Collects the problems of a snapshot."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._hints = MAX_HINTS

    def wrong(self, line: int, message: str, file: str = INVENTORY) -> None:
        if len(message) > 400:
            message = f"{message[:400]}..."
        self.problems.append(Problem(file=file, line=line, message=message))

    def near(self, word: str, known: Iterable[str]) -> str:
        """The nearest known word as the end of a sentence, or nothing."""
        self._hints -= 1
        close = get_close_matches(word[:100], list(known), n=1) if self._hints >= 0 else []
        return f", did you mean `{close[0]}`?" if close else ""


class Roster:
    """Reads the document strictly and collects every problem instead of stopping at the first."""

    def __init__(self, files: Collection[str], notes: Notes) -> None:
        self._files = files
        self._notes = notes
        self._jumps: dict[str, Layer] = {}

    def inventory(self, document: Value) -> Inventory:
        top = self.fields(document, ("defaults", "jumps", "groups", "devices"), "inventory")
        self._jumps = {
            name: self.layer(value, f"jumps.{name}", known=_JUMP)
            for name, value in self.named(top.get("jumps"), "jump")
        }
        if DIRECT in self._jumps:
            self._notes.wrong(
                self._jumps[DIRECT].line, f"jumps: `{DIRECT}` means that there is no jump host"
            )
        defaults = self.layer(top["defaults"], "defaults") if "defaults" in top else Layer()
        groups = {
            name: self.layer(value, f"groups.{name}")
            for name, value in self.named(top.get("groups"), "group")
        }
        devices = {
            name: self.layer(value, f"devices.{name}", known=_DEVICE)
            for name, value in self.named(top.get("devices"), "device")
        }
        if not devices:
            line = top["devices"].line if "devices" in top else 0
            self._notes.wrong(line, "no device is listed under `devices`")
        for name, layer in devices.items():
            for group in layer.groups:
                if group not in groups:
                    self._notes.wrong(
                        layer.line,
                        f"device {name}: no group {group}{self._notes.near(group, groups)}",
                    )
        inventory = Inventory(defaults, groups, devices, self._jumps)
        self.collisions(inventory)
        return inventory

    def collisions(self, inventory: Inventory) -> None:
        names: dict[str, str] = {}
        places: dict[tuple[str, int], str] = {}
        for name, layer in inventory.jumps.items():
            if name in inventory.devices:
                self._notes.wrong(layer.line, f"{name} is both a jump host and a device")
        for name, layer in inventory.devices.items():
            other = names.setdefault(name.casefold(), name)
            if other != name:
                self._notes.wrong(layer.line, f"devices {other} and {name} differ in case only")
            if not layer.host:
                continue
            device = inventory.device(name)
            other = places.setdefault(place(device), name)
            if other != name:
                self._notes.wrong(
                    layer.line,
                    f"devices {other} and {name} have the same host and port, "
                    f"{device.host} {device.port}",
                )

    def fields(self, value: Value, known: Collection[str], where: str) -> dict[str, Value]:
        result: dict[str, Value] = {}
        for key, item in self.pairs(value, where):
            if key.text not in known:
                self._notes.wrong(
                    key.line,
                    f"{where}: unknown key `{key.text}`{self._notes.near(key.text, known)}",
                )
            else:
                result[key.text] = item
        return result

    def pairs(self, value: Value, where: str) -> Iterator[tuple[Value, Value]]:
        if value.empty:
            return
        if value.kind != "map":
            self._notes.wrong(value.line, f"{where}: must be a mapping")
            return
        seen: dict[str, int] = {}
        for key, item in value.pairs:
            if key.kind != "scalar":
                self._notes.wrong(key.line, f"{where}: a key must be a word")
            elif key.text in seen:
                self._notes.wrong(
                    key.line, f"{where}: `{key.text}` is already there in line {seen[key.text]}"
                )
            else:
                seen[key.text] = key.line
                yield key, item

    def named(self, value: Value | None, what: str) -> Iterator[tuple[str, Value]]:
        for key, item in self.pairs(value, f"{what}s") if value is not None else ():
            if not NAME.fullmatch(key.text):
                self._notes.wrong(
                    key.line,
                    f"{what} `{key.text}`: a name has up to 63 letters, digits and `. _ -`, and "
                    "begins with a letter or digit",
                )
                continue
            # The line of the name tells more than that of the first key below it.
            yield key.text, Value(key.line, item.kind, item.text, item.plain, item.items)

    def layer(self, value: Value, where: str, *, known: Collection[str] = _SHARED) -> Layer:
        layer = Layer(line=value.line)
        given = self.fields(value, known, where)
        if "host" in known and "host" not in given:
            self._notes.wrong(value.line, f"{where}: `host` is missing")
        checks: dict[str, Callable[[Value, str], object]] = {
            "host": self.host,
            "port": lambda item, at: self.number(item, 65535, at),
            "window": lambda item, at: self.number(item, 1000, at),
            "wave": lambda item, at: self.number(item, 99, at, lowest=0),
            "platform": lambda item, at: self.choice(item, PLATFORMS, at),
            "credential": self.name,
            "algorithms": lambda item, at: self.choice(item, ALGORITHMS, at),
            "scope": lambda item, at: self.member(item, Scope, at),
            "fallback": lambda item, at: self.member(item, Fallback, at),
            "site": lambda item, at: self.word(item, SITE, "one line of up to 100 characters", at),
            "jump": self.jump,
            "groups": self.groups,
            "configs": self.configs,
            "vars": self.variables,
        }
        if "health" in given:
            self.health(layer, given.pop("health"), f"{where}.health")
        for key, item in given.items():
            checked = checks[key](item, f"{where}.{key}")
            if checked is not None:
                setattr(layer, key, checked)
        return layer

    def health(self, layer: Layer, value: Value, where: str) -> None:
        given = self.fields(value, _HEALTH, where)
        if "watch" in given:
            word = self.choice(given["watch"], ("true", "false"), f"{where}.watch")
            layer.watch = None if word is None else word == "true"
        if "settle" in given:
            hint = f"seconds such as 30s, at most {_LONGEST_SETTLE}s"
            text = self.word(given["settle"], _SETTLE, hint, f"{where}.settle")
            if text is not None and int(text[:-1]) > _LONGEST_SETTLE:
                self._notes.wrong(given["settle"].line, f"{where}.settle: must be {hint}")
            elif text is not None:
                layer.settle = float(text[:-1])
        if "ping" in given:
            found = (
                self.target(item, f"{where}.ping")
                for item in self.listed(given["ping"], f"{where}.ping")
            )
            layer.ping = tuple(each for each in found if each is not None)
            if len(layer.ping) > _MOST_TARGETS:
                line = given["ping"].line
                self._notes.wrong(line, f"{where}.ping: has more than {_MOST_TARGETS} targets")
        if "checks" in given:
            layer.probes = self.probes(given["checks"], f"{where}.checks")

    def target(self, value: Value, where: str) -> str | None:
        hint = "an IP address, or `ADDRESS vrf NAME`"
        text = self.word(value, _TARGET, hint, where)
        if text is None:
            return None
        try:
            ipaddress.ip_address(text.split()[0])
        except ValueError:
            self._notes.wrong(value.line, f"{where}: `{text}` is not {hint}")
            return None
        return text

    def probes(self, value: Value, where: str) -> tuple[Probe, ...]:
        if value.kind != "list":
            self._notes.wrong(value.line, f"{where}: must be a list of `- show: …`")
            return ()
        if len(value.items) > _MOST_CHECKS:
            self._notes.wrong(value.line, f"{where}: has more than {_MOST_CHECKS} checks")
            return ()
        found = (self.probe(item, where) for item in value.items)
        return tuple(each for each in found if each is not None)

    def probe(self, value: Value, where: str) -> Probe | None:
        given = self.fields(value, _CHECK, where)
        wants = [key for key in given if key in _EXPECTS]
        if "show" not in given or len(wants) != 1:
            known = ", ".join(_EXPECTS)
            self._notes.wrong(value.line, f"{where}: a check has `show` and one of {known}")
            return None
        show = given["show"]
        if show.kind != "scalar" or not _SHOW.fullmatch(show.text) or "?" in show.text:
            self._notes.wrong(
                show.line,
                f"{where}.show: must be one `show` command, after ` | ` only include, exclude,"
                " begin, section or count",
            )
            return None
        item = given[wants[0]]
        pattern = self.pattern(item, f"{where}.{wants[0]}")
        if pattern is None:
            return None
        return Probe(
            show=show.text,
            expect=Expectation(wants[0]),
            pattern=pattern,
            origin=f"{INVENTORY}:{value.line}",
        )

    def pattern(self, value: Value, where: str) -> str | None:
        hint = f"a regular expression of up to {_LONGEST_PATTERN} characters"
        text = value.text if value.kind == "scalar" and not value.empty else ""
        if not text or len(text) > _LONGEST_PATTERN or not text.isprintable():
            self._notes.wrong(value.line, f"{where}: must be {hint}")
            return None
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            self._notes.wrong(value.line, f"{where}: is not {hint}: {error}")
            return None
        if _NESTED.search(text):
            self._notes.wrong(
                value.line, f"{where}: repeats what repeats already, which can take for ever"
            )
            return None
        return text

    def word(self, value: Value, pattern: re.Pattern[str], hint: str, where: str) -> str | None:
        if value.kind != "scalar" or value.empty or not pattern.fullmatch(value.text):
            self._notes.wrong(value.line, f"{where}: must be {hint}")
            return None
        return value.text

    def name(self, value: Value, where: str) -> str | None:
        return self.word(value, NAME, "a name of letters, digits and `. _ -`", where)

    def jump(self, value: Value, where: str) -> str | None:
        name = self.name(value, where)
        if name in (None, DIRECT) or name in self._jumps:
            return name
        near = self._notes.near(name, self._jumps)
        self._notes.wrong(value.line, f"{where}: no jump host {name} under `jumps`{near}")
        return None

    def host(self, value: Value, where: str) -> str | None:
        text = value.text if value.kind == "scalar" else ""
        found = host(text)
        if found is None:
            self._notes.wrong(
                value.line, f"{where}: `{text}` is neither a host name nor an IP address"
            )
        return found

    def number(self, value: Value, highest: int, where: str, *, lowest: int = 1) -> int | None:
        if value.kind == "scalar" and _INTEGER.fullmatch(value.text):
            number = int(value.text)
            if lowest <= number <= highest:
                return number
        self._notes.wrong(value.line, f"{where}: must be a number from {lowest} to {highest}")
        return None

    def choice(self, value: Value, options: Collection[str], where: str) -> str | None:
        if value.kind == "scalar" and value.text in options:
            return value.text
        near = self._notes.near(value.text, options)
        self._notes.wrong(value.line, f"{where}: must be {' or '.join(options)}{near}")
        return None

    def member(self, value: Value, options: type[E], where: str) -> E | None:
        chosen = self.choice(value, [one.value for one in options], where)
        return None if chosen is None else options(chosen)

    def listed(self, value: Value, where: str) -> Iterator[Value]:
        if value.kind != "list":
            if not value.empty:
                self._notes.wrong(value.line, f"{where}: must be a list, like [one, two]")
            return
        seen: set[str] = set()
        for item in value.items:
            if item.kind == "scalar" and item.text in seen:
                self._notes.wrong(item.line, f"{where}: `{item.text}` is listed twice")
                continue
            seen.add(item.text if item.kind == "scalar" else "")
            yield item

    def groups(self, value: Value, where: str) -> tuple[str, ...]:
        names = (self.name(item, where) for item in self.listed(value, where))
        return tuple(name for name in names if name)

    def configs(self, value: Value, where: str) -> tuple[str, ...]:
        paths = []
        for item in self.listed(value, where):
            path = self.word(item, _PIECE, "files below configs/ that end in .cfg or .j2", where)
            if path is None:
                continue
            path = FOLDER + path.removeprefix(FOLDER)
            if path not in self._files:
                near = self._notes.near(
                    path, [one for one in self._files if one.startswith(FOLDER)]
                )
                self._notes.wrong(item.line, f"{where}: no file {path}{near}")
                continue
            paths.append(path)
        return tuple(paths)

    def variables(self, value: Value, where: str) -> dict[str, object]:
        result: dict[str, object] = {}
        for key, item in self.pairs(value, where):
            if not _VARIABLE.fullmatch(key.text) or key.text in _RESERVED:
                why = "is given by CatNet" if key.text in _RESERVED else "is not a variable name"
                self._notes.wrong(key.line, f"{where}: `{key.text}` {why}")
            else:
                result[key.text] = self.plain(item, f"{where}.{key.text}")
        return result

    def plain(self, value: Value, where: str) -> object:
        if value.kind == "list":
            return [self.plain(item, where) for item in value.items]
        if value.kind == "map":
            return {
                key.text: self.plain(item, f"{where}.{key.text}")
                for key, item in self.pairs(value, where)
            }
        if not value.plain:
            return value.text
        if value.empty:
            return None
        if value.text.lower() in ("true", "false"):
            return value.text.lower() == "true"
        if _AMBIGUOUS.fullmatch(value.text):
            self._notes.wrong(
                value.line, f"{where}: `{value.text}` is read in two ways; put it in quotes"
            )
        if _INTEGER.fullmatch(value.text):
            return int(value.text)
        return float(value.text) if _DECIMAL.fullmatch(value.text) else value.text


def _first(values: Iterable[V | None], default: V) -> V:
    return next((value for value in values if value is not None), default)
