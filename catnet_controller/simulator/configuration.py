"""The running-config of one device: text in, then line by line; lookups out."""

import re
from collections.abc import Iterator, Sequence

from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.predict import Model
from catnet_controller.ios.tree import Node, Path, Shape, Tree
from catnet_controller.ios.words import canonical
from catnet_controller.simulator.clock import Zone

_HEADER = re.compile(
    r"Building configuration|Current configuration\s*:|Using \d+ out of|!|\s*$|Load for|Time source"
)


def body(text: str) -> str:
    """A configuration without what a device writes above ``version``, complete with ``end``."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = 0
    while start < len(lines) and _HEADER.match(lines[start]):
        start += 1
    while lines and not lines[-1].strip():
        lines.pop()
    kept = lines[start:]
    if not any(line.startswith("version ") for line in kept):
        kept.insert(0, "version 15.9")
    if kept[-1].strip() != "end":
        kept.append("end")
    return "\n".join(kept) + "\n"


class Configuration:
    """A mutable holder of the model of a configuration; lookups are answered from its tree.

    ``refusal`` is why the last ``put`` changed nothing, else None.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree: Tree | None = tree
        self._model: Model | None = None
        self._text: str | None = None
        self._facts: dict[str, str | None] = {}
        self._sections: dict[Path, tuple[Node, ...]] = {}
        self.refusal: str | None = None

    @classmethod
    def load(cls, text: str) -> "Configuration":
        """Lenient: whatever the parser keeps is kept."""
        return cls(parse(body(text)))

    def copy(self) -> "Configuration":
        return Configuration(self.tree)

    @property
    def tree(self) -> Tree:
        if self._tree is None:
            assert self._model is not None
            self._tree = self._model.tree()
        return self._tree

    @property
    def text(self) -> str:
        """From ``version`` to ``end``."""
        if self._text is None:
            self._text = dump(self.tree)
        return self._text

    @property
    def nodes(self) -> Sequence[Node]:
        return self.tree.nodes

    def put(self, path: Path, line: str) -> Path:
        """Change the configuration as IOS does for a full line typed in a section."""
        if self._model is None:
            self._model = Model(self.tree)
        after = self._model.type(path, line)
        self.refusal = self._model.refusal
        self._tree = self._text = None
        self._sections.clear()
        if not path and self._facts:
            word = line.removeprefix("no ").removeprefix("default ").split(" ", 1)[0]
            for prefix in [prefix for prefix in self._facts if prefix.startswith(word)]:
                del self._facts[prefix]
        return after

    def rest(self) -> None:
        """Give back what only typing needs."""
        self._tree = self.tree
        self._model = None

    def children(self, path: Path = ()) -> Sequence[Node]:
        """The nodes of a section, without comments; empty when there is no such section."""
        if (known := self._sections.get(path)) is None:
            known = self._sections[path] = self._children(path)
        return known

    def _children(self, path: Path) -> tuple[Node, ...]:
        nodes = self.tree.nodes
        for header in path:
            for node in nodes:
                if canonical(node.text) == header and node.shape is not Shape.NOISE:
                    nodes = node.children
                    break
            else:
                return ()
        return tuple(node for node in nodes if node.shape is not Shape.NOISE)

    def has(self, path: Path, line: str) -> bool:
        return any(node.text == line for node in self.children(path))

    def starts(self, prefix: str, path: Path = ()) -> Iterator[str]:
        """What follows ``prefix`` in each line of a section that starts with it."""
        for node in self.children(path):
            if node.text.startswith(prefix):
                yield node.text[len(prefix) :]

    def first(self, prefix: str, path: Path = ()) -> str | None:
        if path:
            return next(self.starts(prefix, path), None)
        if prefix not in self._facts:
            self._facts[prefix] = next(self.starts(prefix), None)
        return self._facts[prefix]

    @property
    def hostname(self) -> str:
        return self.first("hostname ") or "Router"

    @property
    def version(self) -> tuple[int, int]:
        """(16, 12) for ``version 16.12``."""
        found = re.match(r"(\d+)\.(\d+)", self.first("version ") or "")
        return (int(found[1]), int(found[2])) if found else (15, 9)

    @property
    def zone(self) -> Zone:
        words = (self.first("clock timezone ") or "").split()
        if len(words) < 2 or not re.fullmatch(r"-?\d+", words[1]):
            return Zone()
        hours = int(words[1])
        minutes = int(words[2]) if len(words) > 2 and words[2].isdigit() else 0
        return Zone(name=words[0], minutes=hours * 60 + (minutes if hours >= 0 else -minutes))

    def interfaces(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each interface with its lines."""
        for node in self.children():
            if node.text.startswith("interface "):
                lines = (child.text for child in node.children if child.shape is not Shape.NOISE)
                yield node.text.split()[1], tuple(lines)

    def banner(self, kind: str) -> str | None:
        """The text of a banner, or None."""
        for node in self.children():
            if node.shape is not Shape.BLOCK or not node.text.startswith(f"banner {kind} "):
                continue
            whole = "\n".join((node.text.split(" ", 2)[2], *node.body))
            mark = "^C" if whole.startswith("^C") else whole[0]
            return whole[len(mark) :].split(mark)[0]
        return None
