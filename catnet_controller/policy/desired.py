"""Files of the config repository in, the snapshot out: what it wants on each device, or problems.

Reads ``inventory.yaml`` strictly and puts the pieces of each device together. The files come from
whoever can open a pull request: size, depth and number of everything is bounded, and YAML is taken
event by event, so that no alias is expanded, no tag constructs and no nesting recurses.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from catnet_controller.models import Desired, Device, Problem, Revision, Scope, Snapshot
from catnet_controller.policy import pieces
from catnet_controller.policy.pieces import Piece
from catnet_controller.policy.roster import (
    ADDED,
    FOLDER,
    INVENTORY,
    Inventory,
    Layer,
    Notes,
    Roster,
    Value,
    place,
)
from catnet_controller.policy.templates import Renderer

MAX_BYTES = 4 * 1024 * 1024
"""Of one file."""

MAX_DEPTH = 16
"""Of the inventory's nesting."""

MAX_LINES = 5_000_000
"""Of the configurations of all devices together."""

MAX_PROBLEMS = 500
"""How many are listed; a file that is wrong from end to end need not fill a database."""


def wanted(path: str) -> bool:
    """Whether a file of the repository is part of a snapshot."""
    return path == INVENTORY or path.startswith(FOLDER)


def digest(device: str, scope: Scope, text: str) -> str:
    """The key of a desired text: two devices that want the same still have each their own."""
    return "sha256:" + hashlib.sha256(f"{device}\n{scope.value}\n{text}".encode()).hexdigest()


def build(files: Mapping[str, bytes], revision: Revision, added: Sequence[Device] = ()) -> Snapshot:
    """The snapshot of the repository at ``revision``; paths are relative to its top.

    ``added`` are the devices that CatNet itself keeps: where the repository has a file for one,
    that is wanted on it, and nothing else of the inventory speaks of it. One that the inventory
    names too is the inventory's.

    With a single problem ``desired`` is empty: a revision is taken as a whole or not at all.
    Takes time in proportion to devices times lines: an event loop calls it in an executor.
    """
    notes = Notes()
    inventory = _inventory(files, notes)
    desired: dict[str, Desired] = {}
    if inventory is not None:
        others = [one for one in added if one.name not in inventory.devices]
        _apart(inventory, others, notes)
        desired = _Assembly(files, notes).desired(inventory, others)
    problems = sorted(set(notes.problems), key=lambda one: (one.file, one.line, one.message))
    if len(problems) > MAX_PROBLEMS:
        more = Problem(
            file=INVENTORY, line=0, message=f"{len(problems) - MAX_PROBLEMS} more problems"
        )
        problems = [*problems[:MAX_PROBLEMS], more]
    return Snapshot(
        revision=revision, desired={} if problems else desired, problems=tuple(problems)
    )


def _inventory(files: Mapping[str, bytes], notes: Notes) -> Inventory | None:
    if INVENTORY not in files:
        notes.wrong(0, "is not there; it lists the devices")
        return None
    text = _text(files, INVENTORY, notes)
    if text is None:
        return None
    try:
        document = _document(text)
    except _Unreadable as error:
        notes.wrong(error.line, str(error))
        return None
    return Roster(files, notes).inventory(document)


def _apart(inventory: Inventory, added: Sequence[Device], notes: Notes) -> None:
    """Two names for one device would be two pushes into it at a time."""
    names = {one.name.casefold(): one.name for one in added}
    places = {place(one): one.name for one in added}
    for name, layer in inventory.devices.items():
        other = names.get(name.casefold())
        if other is None and layer.host:
            other = places.get(place(inventory.device(name)))
        if other is not None:
            notes.wrong(
                layer.line,
                f"device {name} is, by name or address, {other}, which was added to CatNet itself:"
                f" `catnet device remove {other}` first",
            )


def _text(files: Mapping[str, bytes], file: str, notes: Notes) -> str | None:
    """The text of a file with plain newlines; None with a problem noted."""
    data = files[file]
    if len(data) > MAX_BYTES:
        notes.wrong(0, f"a file has at most {MAX_BYTES} bytes", file)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        notes.wrong(line, f"byte 0x{data[error.start]:02x} is not UTF-8", file)
        return None
    text = re.sub(r"\r*\n", "\n", text)
    if control := pieces.CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        notes.wrong(line, f"holds the control character 0x{ord(control[0]):02x}", file)
        return None
    return text


# --- YAML, without its surprises ---------------------------------------------------------------


class _Unreadable(Exception):
    """The document cannot be taken apart any further."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _document(text: str) -> Value:
    """Raises _Unreadable, also for YAML that is valid but has no place in an inventory."""
    root = Value(line=1, kind="list")
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
                stack[-1].items.append(Value(line, "scalar", event.value, plain))
            elif isinstance(event, yaml.CollectionStartEvent):
                kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
                stack[-1].items.append(Value(line, kind))
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
    return root.items[0] if root.items else Value(line=1, kind="scalar", plain=True)


# --- the desired texts -------------------------------------------------------------------------


class _Assembly:
    """Puts the pieces of each device together; a piece that many share is read once."""

    def __init__(self, files: Mapping[str, bytes], notes: Notes) -> None:
        self._files = files
        self._notes = notes
        self._renderer = Renderer()
        self._texts: dict[str, str | None] = {}
        self._pieces: dict[str, Piece] = {}
        self._found: dict[Problem, list[str]] = {}
        """Problems of pieces and the devices that they were met on."""

    def desired(self, inventory: Inventory, added: Sequence[Device]) -> dict[str, Desired]:
        result = {}
        hostnames: dict[str, tuple[str, str]] = {}
        lines = 0
        for name, layer in inventory.devices.items():
            chain = inventory.chain(name)
            device = inventory.device(name)
            one = self._assemble(device, layer, chain)
            if one is not None:
                result[name] = one
                self._hostname(one, layer.line, hostnames)
                lines += len(one.origins)
            if lines > MAX_LINES:
                self._notes.wrong(
                    layer.line, f"the devices have more than {MAX_LINES} lines of configuration"
                )
                break
        for device in added:
            file = f"{ADDED}{device.name}.cfg"
            one = self._put(device, [file], {}, 0) if file in self._files else None
            if one is not None:
                result[device.name] = one
                self._hostname(one, 0, hostnames)
        self._strays(inventory)
        for problem, devices in self._found.items():
            own = (f"{folder}{name}.cfg" for name in devices for folder in (FOLDER, ADDED))
            shared = problem.file not in own
            more = f" and {len(devices) - 3} more" if len(devices) > 3 else ""
            message = f"{problem.message} (device {', '.join(devices[:3])}{more})"
            self._notes.wrong(problem.line, message if shared else problem.message, problem.file)
        return result

    def _assemble(self, device: Device, layer: Layer, chain: list[Layer]) -> Desired | None:
        paths = list(dict.fromkeys(path for one in chain for path in one.configs))
        own = f"{FOLDER}{device.name}.cfg"
        if own in self._files and own not in paths:
            paths.append(own)
        elif own not in self._files and not layer.configs:
            near = self._notes.near(own, [one for one in self._files if one.startswith(FOLDER)])
            self._notes.wrong(layer.line, f"devices.{device.name}: no file {own}{near}")
            return None
        variables = {key: value for one in chain for key, value in one.vars.items()}
        return self._put(device, paths, variables, layer.line)

    def _put(
        self, device: Device, paths: Sequence[str], given: Mapping[str, object], line: int
    ) -> Desired | None:
        """The pieces of one device put together; ``line`` is its place in the inventory."""
        variables = dict(given)
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
            self._notes.wrong(line, f"devices.{device.name}: its configuration is empty")
            return None
        text = "".join(f"{line}\n" for line in merged.lines)
        key = digest(device.name, device.scope, text)
        return Desired(device=device, text=text, digest=key, origins=merged.origins)

    def _piece(self, path: str, variables: Mapping[str, object], device: Device) -> Piece | None:
        if path in self._pieces:
            return self._pieces[path]
        if path not in self._texts:
            self._texts[path] = _text(self._files, path, self._notes)
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
        self._notes.problems.extend(piece.problems)
        self._pieces[path] = piece
        return piece

    def _hostname(self, one: Desired, line: int, hostnames: dict[str, tuple[str, str]]) -> None:
        """A copied file is the way to put one router's addresses on another."""
        if one.device.scope is not Scope.FULL:
            return
        name = one.device.name
        for text, origin in zip(one.text.splitlines(), one.origins, strict=True):
            if text.startswith("hostname "):
                other, where = hostnames.setdefault(text.split()[1].casefold(), (name, origin))
                if other != name:
                    file, _, number = origin.rpartition(":")
                    self._notes.wrong(
                        int(number),
                        f"`{text}` is that of device {other} as well ({where})",
                        file,
                    )
                return
        self._notes.wrong(
            line,
            f"devices.{name}: a whole configuration has a `hostname` line; with `scope: partial` "
            "the files hold only what they name",
        )

    def _strays(self, inventory: Inventory) -> None:
        layers = (inventory.defaults, *inventory.groups.values(), *inventory.devices.values())
        listed = {path for layer in layers for path in layer.configs}
        for path in self._files:
            name = path.removeprefix(FOLDER).removesuffix(".cfg")
            if path != f"{FOLDER}{name}.cfg" or "/" in name or path in listed:
                continue
            if name not in inventory.devices:
                near = self._notes.near(name, inventory.devices)
                message = f"no device is named `{name}` and nothing lists this file{near}"
                self._notes.wrong(0, message, path)
