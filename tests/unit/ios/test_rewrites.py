"""What means the same changes nothing: the neutral rewrites, on every device text of the corpus."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.tree import Shape, Tree
from tests.helpers_ios import CONFIGS, corpus, own, read

TEXTS = [pytest.param(read(path), id=path.stem) for path in corpus(devices=True)] or [
    pytest.param(text, id=name) for name, text in own()
]
"""Left out are grammar samples, cut and joined show outputs and a text that is wrong on purpose:
they are no running-config (see the pattern in the helpers)."""


def nothing(running: str, desired: str) -> None:
    change = compare(running, desired)
    assert [command.text for command in change.commands] == []
    assert [line.text for line in change.diff] == []
    assert change.refusals == ()


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Change the lines that are no content of a banner, a certificate or a macro."""
    out, block = [], ""
    for line in text.split("\n"):
        if block:
            block = "" if block in line else block
            out.append(line)
            continue
        if opened := re.match(r"banner \S+ (\^C|\S)(.*)", line):
            block = "" if opened[1] in opened[2] else opened[1]
        elif re.match(r" certificate ", line):
            block = "quit"
        elif line.startswith("macro name"):
            block = "@"
        out.append(line if block else change(line))
    return "\n".join(out)


def _deeper(line: str) -> str:
    return " " * (len(line) - len(line.lstrip(" "))) + line


def _comments(text: str) -> str:
    """A comment of the author before every top-level line, and an indented one in sections."""

    def said(line: str) -> str:
        if re.match(r"[a-z]", line):
            return f"# {line}\n{line}"
        return f" ! note\n{line}" if line.startswith(" ") and line.strip() != "!" else line

    return _outside(text, said)


def _reordered(text: str) -> str:
    """Top-level families from last to first; inside a family order may count, so it stays."""
    tree = parse(text)
    families: dict[str, list[str]] = {}
    for node in tree.nodes:
        if node.shape is Shape.NOISE or node.text == "end":
            continue
        words = node.text.removeprefix("no ").split()
        shown = dump(Tree((node,)))
        shown = shown if shown.endswith("\n") else f"{shown}\n"
        families.setdefault(" ".join(words[:2]), []).append(shown)
    return "".join(line for family in reversed(families.values()) for line in family)


def _opened(text: str) -> str:
    """``no shutdown`` written out where a port is open."""
    out: list[str] = []
    for section in re.split(r"(?m)^(?=interface )", text):
        header, _, rest = section.partition("\n")
        body = re.match(r"(?: .*\n)*", rest)
        shut = body is not None and re.search(r"(?m)^ (?:no )?shutdown$", body[0])
        if header.startswith("interface ") and body is not None and not shut:
            rest = f"{body[0]} no shutdown\n{rest[body.end() :]}"
        out.append(f"{header}\n{rest}" if rest or section.endswith("\n") else header)
    return "".join(out)


def _numbered(text: str) -> str:
    """Numbers written out for the entries of named lists that have none."""

    def said(section: re.Match[str]) -> str:
        number, out = 10, [section[1]]
        for line in section[2].splitlines(keepends=True):
            out.append(f" {number}{line}")
            number += 0 if line.startswith(" remark") else 10
        return "".join(out)

    entries = r"((?: (?:permit|deny|remark) .*\n)+)"
    return re.sub(rf"(?m)(^ip access-list (?:standard|extended) \S+\n){entries}", said, text)


def _left(text: str) -> str:
    """Every section left with ``exit``, as people type it."""
    lines = _outside(text, lambda line: f"{line}\0").split("\n")
    out = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        out.append(line.removesuffix("\0"))
        inside = line.startswith(" ") and line.endswith("\0") and not after.startswith(" ")
        if inside and line.strip("\0 ") != "!":
            out.append(" exit")
    return "\n".join(out)


REWRITES: dict[str, Callable[[str], str]] = {
    "identity": lambda text: f"! read again\n{text}",
    "header": lambda text: f"Building configuration...\n\nCurrent configuration : 9 bytes\n{text}",
    "date": lambda text: f"! Last configuration change at 09:00:00 UTC Mon Jan 1 2024\n{text}",
    "clock-period": lambda text: f"ntp clock-period 1234567\n{text}",
    "no marks": lambda text: _outside(text, lambda line: "" if line.strip() == "!" else line),
    "comments": _comments,
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "order": _reordered,
    "indent": lambda text: _outside(text, _deeper),
    "no shutdown": _opened,
    "short ports": lambda text: re.sub(
        r"(?m)^interface GigabitEthernet(?=\d)", "interface Gi", text
    ),
    "lower case": lambda text: re.sub(r"(?m)^interface \w+", lambda m: m[0].lower(), text),
    "numbers added": _numbered,
    "numbers removed": lambda text: re.sub(r"(?m)^ \d+ (?=(?:permit|deny|remark) )", " ", text),
    "exit": _left,
    "trailing blanks": lambda text: re.sub(r"(?m)^( \w.*)$", r"\1 ", text),
}


@pytest.mark.parametrize("name", REWRITES)
@pytest.mark.parametrize("text", TEXTS)
def test_rewrites_that_mean_the_same_change_nothing(text: str, name: str) -> None:
    text = text.replace("\r", "")
    nothing(text, REWRITES[name](text))


@pytest.mark.parametrize("text", TEXTS)
def test_two_reads_have_one_digest(text: str) -> None:
    again = re.sub(r"! Last configuration change at .*", "! Last configuration change at X", text)
    assert digest(again) == digest(text.replace("\n", "\r\n"))
    assert digest(f"{text}\nntp server 192.0.2.77\n") != digest(text)


@pytest.mark.skipif(not CONFIGS.is_dir(), reason="the corpus is not beside the project")
@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_identity_of_every_text(path: Path) -> None:
    text = read(path)
    nothing(text, f"! read again\n{text}")


def _parts(text: str) -> list[str]:
    """Top-level sections and lines, without blocks and without lines that are part of a list."""
    text = re.sub(r"(?ms)^macro name .*?^@$", "", text)
    parts = re.findall(r"(?m)^(?:[a-z].*\n)(?: .*\n)*", text)
    odd = ("banner", "end", "version", "boot", "access-list", "crypto pki certificate")
    return [part for part in parts if not part.startswith(odd)]


@pytest.mark.parametrize("path", corpus(devices=True)[::2], ids=lambda path: path.name)
def test_partial_touches_only_what_it_names(path: Path) -> None:
    running = read(path).replace("\r", "")
    parts = _parts(running)[::3]
    same = compare(running, "".join(parts), scope="partial")
    assert ([c.text for c in same.commands], same.refusals) == ([], ())
    desired = "".join(parts[:2]) + "ntp server 192.0.2.99\n"
    applied = f"{desired}logging host 192.0.2.98\n"
    before = running.replace("\nend\n", "\nlogging host 192.0.2.98\nend\n")
    change = compare(before, desired, scope="partial", applied=applied)
    gone = ["no logging host 192.0.2.98"] if before != running else []
    assert sorted(c.text for c in change.commands) == [*gone, "ntp server 192.0.2.99"]
    assert change.unmanaged > 0
