"""Files of the config repository in, the snapshot out: what it wants on each device, or problems.

Reads ``inventory.yaml`` strictly and puts the pieces of each device together. The files come from
whoever can open a pull request: size, depth and number of everything is bounded, and YAML is taken
event by event, so that no alias is expanded, no tag constructs and no nesting recurses.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from catnet_controller.models import (
    Desired,
    Device,
    Fallback,
    Problem,
    Revision,
    Scope,
    Snapshot,
)
from catnet_controller.policy import pieces
from catnet_controller.policy.pieces import Piece
from catnet_controller.policy.templates import Renderer

INVENTORY = "inventory.yaml"
FOLDER = "configs/"

ALGORITHMS = ("modern", "legacy", "ancient")
PLATFORMS = ("ios",)

MAX_BYTES = 4 * 1024 * 1024
"""Of one file."""

MAX_DEPTH = 16
"""Of the inventory's nesting."""

MAX_PROBLEMS = 500
"""How many are listed; a file that is wrong from end to end need not fill a database."""

_LAYER = ("port", "platform", "credential", "algorithms", "scope", "fallback", "site")
_SHARED = (*_LAYER, "configs", "vars")
_DEVICE = ("host", "groups", *_SHARED)
_GIVEN = ("name", "host", "site", "groups")
_RESERVED = frozenset({*_GIVEN, "secret", "range", "loop"})

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_SITE = re.compile(r"[^\x00-\x1f\x7f]{0,100}")
_PIECE = re.compile(r"(?!/)(?:(?!\.\.?/)[^/\x00-\x1f\\]+/)*[^/\x00-\x1f\\]+\.(?:cfg|j2)")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+|0[xob][0-9a-f_]+"
)
"""Plain words that YAML readers do not agree on: booleans, octal and base-60 numbers."""

E = TypeVar("E", bound=StrEnum)


def wanted(path: str) -> bool:
    """Whether a file of the repository is part of a snapshot."""
    return path == INVENTORY or path.startswith(FOLDER)


def digest(scope: Scope, text: str) -> str:
    """The key of a desired text."""
    return "sha256:" + hashlib.sha256(f"{scope.value}\n{text}".encode()).hexdigest()


def build(files: Mapping[str, bytes], revision: Revision) -> Snapshot:
    """The snapshot of the repository at ``revision``; paths are relative to its top.

    With a single problem ``desired`` is empty: a revision is taken as a whole or not at all.
    Takes time in proportion to devices times lines: an event loop calls it in an executor.
    """
    reader = _Reader(files)
    inventory = reader.inventory()
    desired: dict[str, Desired] = {}
    if inventory is not None:
        desired = _Assembly(files, reader).desired(inventory)
    problems = sorted(set(reader.problems), key=lambda one: (one.file, one.line, one.message))
    if len(problems) > MAX_PROBLEMS:
        more = Problem(
            file=INVENTORY, line=0, message=f"{len(problems) - MAX_PROBLEMS} more problems"
        )
        problems = [*problems[:MAX_PROBLEMS], more]
    return Snapshot(
        revision=revision, desired={} if problems else desired, problems=tuple(problems)
    )


# --- YAML, without its surprises ---------------------------------------------------------------


@dataclass(slots=True)
class _Value:
    """A node of the document: text of a scalar, items of a list, or pairs of a mapping."""

    line: int
    kind: str
    text: str = ""
    plain: bool = False
    items: list["_Value"] = field(default_factory=list)

    @property
    def pairs(self) -> Iterator[tuple["_Value", "_Value"]]:
        return zip(self.items[::2], self.items[1::2], strict=True)

    @property
    def empty(self) -> bool:
        return self.kind == "scalar" and self.plain and self.text in ("", "~", "null")


class _Unreadable(Exception):
    """The document cannot be taken apart any further."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _document(text: str) -> _Value:
    """Raises _Unreadable, also for YAML that is valid but has no place in an inventory."""
    root = _Value(line=1, kind="list")
    stack = [root]
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.AliasEvent):
                raise _Unreadable(line, f"aliases (*{event.anchor}) cannot be used here")
            tag = getattr(event, "tag", None)
            if tag not in (None, "!"):
                raise _Unreadable(line, f"tags ({tag}) cannot be used here")
            if isinstance(event, yaml.DocumentStartEvent) and root.items:
                raise _Unreadable(line, "one document only")
            if isinstance(event, yaml.ScalarEvent):
                plain = event.style in (None, "")
                stack[-1].items.append(_Value(line, "scalar", event.value, plain))
            elif isinstance(event, yaml.CollectionStartEvent):
                kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
                stack[-1].items.append(_Value(line, kind))
                stack.append(stack[-1].items[-1])
                if len(stack) > MAX_DEPTH:
                    raise _Unreadable(line, "is nested too deeply")
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise _Unreadable(mark.line + 1 if mark else 0, f"not YAML: {message}") from error
    except yaml.YAMLError as error:
        raise _Unreadable(0, f"not YAML: {error}") from error
    return root.items[0] if root.items else _Value(line=1, kind="scalar", plain=True)


# --- the inventory -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Layer:
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
    groups: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    vars: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Inventory:
    defaults: _Layer
    groups: dict[str, _Layer]
    devices: dict[str, _Layer]


class _Reader:
    """Reads files strictly and collects every problem instead of stopping at the first."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.problems: list[Problem] = []

    def wrong(self, line: int, message: str, file: str = INVENTORY) -> None:
        self.problems.append(Problem(file=file, line=line, message=message))

    def text(self, file: str) -> str | None:
        """The text of a file with plain newlines; None with a problem noted."""
        data = self.files[file]
        if len(data) > MAX_BYTES:
            self.wrong(0, f"a file has at most {MAX_BYTES} bytes", file)
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.wrong(line, f"byte 0x{data[error.start]:02x} is not UTF-8", file)
            return None
        text = re.sub(r"\r*\n", "\n", text)
        if control := pieces.CONTROL.search(text):
            line = text.count("\n", 0, control.start()) + 1
            self.wrong(line, f"holds the control character 0x{ord(control[0]):02x}", file)
            return None
        return text

    def inventory(self) -> _Inventory | None:
        if INVENTORY not in self.files:
            self.wrong(0, "is not there; it lists the devices")
            return None
        text = self.text(INVENTORY)
        if text is None:
            return None
        try:
            document = _document(text)
        except _Unreadable as error:
            self.wrong(error.line, str(error))
            return None
        top = self.fields(document, ("defaults", "groups", "devices"), "inventory")
        defaults = self.layer(top["defaults"], "defaults") if "defaults" in top else _Layer()
        groups = {
            name: self.layer(value, f"groups.{name}")
            for name, value in self.named(top.get("groups"), "group")
        }
        devices = {
            name: self.layer(value, f"devices.{name}", device=True)
            for name, value in self.named(top.get("devices"), "device")
        }
        if not devices:
            line = top["devices"].line if "devices" in top else 0
            self.wrong(line, "no device is listed under `devices`")
        for name, layer in devices.items():
            for group in layer.groups:
                if group not in groups:
                    self.wrong(layer.line, f"device {name}: no group {group}{_near(group, groups)}")
        self.collisions(devices, defaults, groups)
        return _Inventory(defaults, groups, devices)

    def collisions(
        self, devices: Mapping[str, _Layer], defaults: _Layer, groups: Mapping[str, _Layer]
    ) -> None:
        names: dict[str, str] = {}
        places: dict[tuple[str, int], str] = {}
        for name, layer in devices.items():
            other = names.setdefault(name.casefold(), name)
            if other != name:
                self.wrong(layer.line, f"devices {other} and {name} differ in case only")
            if not layer.host:
                continue
            chain = [layer, *(groups[g] for g in reversed(layer.groups) if g in groups), defaults]
            place = (layer.host.casefold().rstrip("."), _first((one.port for one in chain), 22))
            other = places.setdefault(place, name)
            if other != name:
                self.wrong(
                    layer.line, f"devices {other} and {name} have the same host and port {place}"
                )

    def fields(self, value: _Value, known: Collection[str], where: str) -> dict[str, _Value]:
        result: dict[str, _Value] = {}
        for key, item in self.pairs(value, where):
            if key.text not in known:
                self.wrong(key.line, f"{where}: unknown key `{key.text}`{_near(key.text, known)}")
            else:
                result[key.text] = item
        return result

    def pairs(self, value: _Value, where: str) -> Iterator[tuple[_Value, _Value]]:
        if value.empty:
            return
        if value.kind != "map":
            self.wrong(value.line, f"{where}: must be a mapping")
            return
        seen: dict[str, int] = {}
        for key, item in value.pairs:
            if key.kind != "scalar":
                self.wrong(key.line, f"{where}: a key must be a word")
            elif key.text in seen:
                self.wrong(
                    key.line, f"{where}: `{key.text}` is already there in line {seen[key.text]}"
                )
            else:
                seen[key.text] = key.line
                yield key, item

    def named(self, value: _Value | None, what: str) -> Iterator[tuple[str, _Value]]:
        for key, item in self.pairs(value, f"{what}s") if value is not None else ():
            if not _NAME.fullmatch(key.text):
                self.wrong(
                    key.line,
                    f"{what} `{key.text}`: a name has up to 63 letters, digits and `. _ -`, and "
                    "begins with a letter or digit",
                )
                continue
            # The line of the name tells more than that of the first key below it.
            yield key.text, _Value(key.line, item.kind, item.text, item.plain, item.items)

    def layer(self, value: _Value, where: str, *, device: bool = False) -> _Layer:
        layer = _Layer(line=value.line)
        given = self.fields(value, _DEVICE if device else _SHARED, where)
        if device and "host" not in given:
            self.wrong(value.line, f"{where}: `host` is missing")
        checks: dict[str, Callable[[_Value, str], object]] = {
            "host": self.host,
            "port": self.port,
            "platform": lambda item, at: self.choice(item, PLATFORMS, at),
            "credential": self.name,
            "algorithms": lambda item, at: self.choice(item, ALGORITHMS, at),
            "scope": lambda item, at: self.member(item, Scope, at),
            "fallback": lambda item, at: self.member(item, Fallback, at),
            "site": lambda item, at: self.word(item, _SITE, "one line of up to 100 characters", at),
            "groups": self.groups,
            "configs": self.configs,
            "vars": self.variables,
        }
        for key, item in given.items():
            checked = checks[key](item, f"{where}.{key}")
            if checked is not None:
                setattr(layer, key, checked)
        return layer

    def word(self, value: _Value, pattern: re.Pattern[str], hint: str, where: str) -> str | None:
        if value.kind != "scalar" or value.empty or not pattern.fullmatch(value.text):
            self.wrong(value.line, f"{where}: must be {hint}")
            return None
        return value.text

    def name(self, value: _Value, where: str) -> str | None:
        return self.word(value, _NAME, "a name of letters, digits and `. _ -`", where)

    def host(self, value: _Value, where: str) -> str | None:
        text = value.text if value.kind == "scalar" else ""
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            labels = text.rstrip(".").split(".")
            named = all(map(_LABEL.fullmatch, labels)) and len(text) <= 253
            if named and not labels[-1].isdigit():
                return text
        self.wrong(value.line, f"{where}: `{text}` is neither a host name nor an IP address")
        return None

    def port(self, value: _Value, where: str) -> int | None:
        if value.kind == "scalar" and _INTEGER.fullmatch(value.text):
            port = int(value.text)
            if 1 <= port <= 65535:
                return port
        self.wrong(value.line, f"{where}: must be a number from 1 to 65535")
        return None

    def choice(self, value: _Value, options: Collection[str], where: str) -> str | None:
        if value.kind == "scalar" and value.text in options:
            return value.text
        near = _near(value.text, options)
        self.wrong(value.line, f"{where}: must be {' or '.join(options)}{near}")
        return None

    def member(self, value: _Value, options: type[E], where: str) -> E | None:
        chosen = self.choice(value, [one.value for one in options], where)
        return None if chosen is None else options(chosen)

    def listed(self, value: _Value, where: str) -> Iterator[_Value]:
        if value.kind != "list":
            if not value.empty:
                self.wrong(value.line, f"{where}: must be a list, like [one, two]")
            return
        seen: set[str] = set()
        for item in value.items:
            if item.kind == "scalar" and item.text in seen:
                self.wrong(item.line, f"{where}: `{item.text}` is listed twice")
                continue
            seen.add(item.text if item.kind == "scalar" else "")
            yield item

    def groups(self, value: _Value, where: str) -> tuple[str, ...]:
        names = (self.name(item, where) for item in self.listed(value, where))
        return tuple(name for name in names if name)

    def configs(self, value: _Value, where: str) -> tuple[str, ...]:
        paths = []
        for item in self.listed(value, where):
            path = self.word(item, _PIECE, "files below configs/ that end in .cfg or .j2", where)
            if path is None:
                continue
            path = FOLDER + path.removeprefix(FOLDER)
            if path not in self.files:
                near = _near(path, [one for one in self.files if one.startswith(FOLDER)])
                self.wrong(item.line, f"{where}: no file {path}{near}")
                continue
            paths.append(path)
        return tuple(paths)

    def variables(self, value: _Value, where: str) -> dict[str, object]:
        result: dict[str, object] = {}
        for key, item in self.pairs(value, where):
            if not _VARIABLE.fullmatch(key.text) or key.text in _RESERVED:
                why = "is given by CatNet" if key.text in _RESERVED else "is not a variable name"
                self.wrong(key.line, f"{where}: `{key.text}` {why}")
            else:
                result[key.text] = self.plain(item, f"{where}.{key.text}")
        return result

    def plain(self, value: _Value, where: str) -> object:
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
            self.wrong(value.line, f"{where}: `{value.text}` is read in two ways; put it in quotes")
        if _INTEGER.fullmatch(value.text):
            return int(value.text)
        return float(value.text) if _DECIMAL.fullmatch(value.text) else value.text


# --- the desired texts -------------------------------------------------------------------------


class _Assembly:
    """Puts the pieces of each device together; a piece that many share is read once."""

    def __init__(self, files: Mapping[str, bytes], reader: _Reader) -> None:
        self._files = files
        self._reader = reader
        self._renderer = Renderer()
        self._texts: dict[str, str | None] = {}
        self._pieces: dict[str, Piece] = {}
        self._found: dict[Problem, list[str]] = {}
        """Problems of pieces and the devices that they were met on."""

    def desired(self, inventory: _Inventory) -> dict[str, Desired]:
        result = {}
        hostnames: dict[str, tuple[str, str]] = {}
        for name, layer in inventory.devices.items():
            chain = [
                inventory.defaults,
                *(inventory.groups[group] for group in layer.groups if group in inventory.groups),
                layer,
            ]
            device = _device(name, layer, chain)
            one = self._assemble(device, layer, chain)
            if one is not None:
                result[name] = one
                self._hostname(one, layer, hostnames)
        self._strays(inventory)
        for problem, devices in self._found.items():
            shared = problem.file not in (f"{FOLDER}{name}.cfg" for name in devices)
            more = f" and {len(devices) - 3} more" if len(devices) > 3 else ""
            message = f"{problem.message} (device {', '.join(devices[:3])}{more})"
            self._reader.wrong(problem.line, message if shared else problem.message, problem.file)
        return result

    def _assemble(self, device: Device, layer: _Layer, chain: list[_Layer]) -> Desired | None:
        paths = list(dict.fromkeys(path for one in chain for path in one.configs))
        own = f"{FOLDER}{device.name}.cfg"
        if own in self._files and own not in paths:
            paths.append(own)
        elif own not in self._files and not layer.configs:
            near = _near(own, [one for one in self._files if one.startswith(FOLDER)])
            self._reader.wrong(layer.line, f"devices.{device.name}: no file {own}{near}")
            return None
        variables = {key: value for one in chain for key, value in one.vars.items()}
        variables.update(
            name=device.name, host=device.host, site=device.site, groups=list(device.groups)
        )
        read = [self._piece(path, variables, device) for path in paths]
        whole = [piece for piece in read if piece is not None]
        if len(whole) != len(read):
            return None
        merged = pieces.merge(whole)
        for problem in merged.problems:
            self._found.setdefault(problem, []).append(device.name)
        if not merged.lines:
            self._reader.wrong(layer.line, f"devices.{device.name}: its configuration is empty")
            return None
        text = "".join(f"{line}\n" for line in merged.lines)
        return Desired(
            device=device, text=text, digest=digest(device.scope, text), origins=merged.origins
        )

    def _piece(self, path: str, variables: Mapping[str, object], device: Device) -> Piece | None:
        if path in self._pieces:
            return self._pieces[path]
        if path not in self._texts:
            self._texts[path] = self._reader.text(path)
        text = self._texts[path]
        if text is None:
            return None
        if path.endswith(".j2"):
            rendered = self._renderer.render(path, text, variables)
            if isinstance(rendered, Problem):
                self._found.setdefault(rendered, []).append(device.name)
                return None
            piece = pieces.read(path, rendered)
            for problem in piece.problems:
                self._found.setdefault(problem, []).append(device.name)
            return piece
        piece = pieces.read(path, list(enumerate(text.split("\n"), start=1)))
        self._reader.problems.extend(piece.problems)
        self._pieces[path] = piece
        return piece

    def _hostname(self, one: Desired, layer: _Layer, hostnames: dict[str, tuple[str, str]]) -> None:
        """A copied file is the way to put one router's addresses on another."""
        if one.device.scope is not Scope.FULL:
            return
        name = one.device.name
        for line, origin in zip(one.text.splitlines(), one.origins, strict=True):
            if line.startswith("hostname "):
                other, place = hostnames.setdefault(line.split()[1].casefold(), (name, origin))
                if other != name:
                    file, _, number = origin.rpartition(":")
                    self._reader.wrong(
                        int(number),
                        f"`{line}` is that of device {other} as well ({place})",
                        file,
                    )
                return
        self._reader.wrong(
            layer.line,
            f"devices.{name}: a whole configuration has a `hostname` line; with `scope: partial` "
            "the files hold only what they name",
        )

    def _strays(self, inventory: _Inventory) -> None:
        layers = (inventory.defaults, *inventory.groups.values(), *inventory.devices.values())
        listed = {path for layer in layers for path in layer.configs}
        for path in self._files:
            name = path.removeprefix(FOLDER).removesuffix(".cfg")
            if path != f"{FOLDER}{name}.cfg" or "/" in name or path in listed:
                continue
            if name not in inventory.devices:
                near = _near(name, inventory.devices)
                message = f"no device is named `{name}` and nothing lists this file{near}"
                self._reader.wrong(0, message, path)


def _device(name: str, layer: _Layer, chain: list[_Layer]) -> Device:
    """The nearest word counts: device, then its last group, then the first, then the defaults."""
    nearest = chain[::-1]
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
    )


V = TypeVar("V")


def _first(values: Iterable[V | None], default: V) -> V:
    return next((value for value in values if value is not None), default)


def _near(word: str, known: Collection[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f", did you mean `{close[0]}`?" if close else ""
