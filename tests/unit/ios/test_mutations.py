"""Real configurations, realistic changes: the plan reaches the aim and the way back returns."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.ios.predict import predict
from tests.helpers_ios import CHANGES, CONFIGS, corpus, mutate, read

pytestmark = pytest.mark.skipif(not CONFIGS.is_dir(), reason="the corpus is not beside the project")
DEVICES = corpus(devices=True)
SAMPLE = DEVICES[::4]
"""A quarter of the corpus for the changes; the identities run over all of it."""


def nothing(running: str, desired: str) -> None:
    change = compare(running, desired)
    assert [command.text for command in change.commands] == []
    assert [line.text for line in change.diff] == []
    assert change.refusals == ()


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_identity(path: Path) -> None:
    text = read(path)
    nothing(text, f"! read again\n{text}")


def _indented(text: str) -> str:
    """Two blanks a level, outside blocks."""
    out, block = [], ""
    for line in text.split("\n"):
        if block:
            block = "" if block in line else block
        elif opened := re.match(r"banner \S+ (\^C|\S)(.*)", line):
            block = "" if opened[1] in opened[2] else opened[1]
        elif re.match(r" certificate ", line):
            block = "quit"
        elif line.startswith("macro name"):
            block = "@"
        else:
            blanks = len(line) - len(line.lstrip(" "))
            line = " " * blanks + line
        out.append(line)
    return "\n".join(out)


def _ports(text: str) -> str:
    return re.sub(r"^interface GigabitEthernet(?=\d)", "interface Gi", text, flags=re.MULTILINE)


def _unnumbered(text: str) -> str:
    return re.sub(r"^ \d+ (?=(?:permit|deny|remark) )", " ", text, flags=re.MULTILINE)


def _opened(text: str) -> str:
    """``no shutdown`` written out where a port is open."""
    out: list[str] = []
    sections = re.split(r"(?m)^(?=interface )", text)
    for section in sections:
        header, _, rest = section.partition("\n")
        body = re.match(r"(?: .*\n)*", rest)
        shut = body is not None and re.search(r"(?m)^ (?:no )?shutdown$", body[0])
        if header.startswith("interface ") and body is not None and not shut:
            rest = f"{body[0]} no shutdown\n{rest[body.end() :]}"
        out.append(f"{header}\n{rest}" if rest or section.endswith("\n") else header)
    return "".join(out)


REWRITES: dict[str, Callable[[str], str]] = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "header": lambda text: f"Building configuration...\n\n! Last change at 1\nversion 1.2\n{text}",
    "clock-period": lambda text: f"ntp clock-period 1234567\n{text}",
    "indent": _indented,
    "short ports": _ports,
    "lower case": lambda text: text.replace("\ninterface Giga", "\ninterface giga"),
    "entry numbers": _unnumbered,
    "no shutdown": _opened,
    "trailing blanks": lambda text: re.sub(r"(?m)^( \w.*)$", r"\1 ", text),
}


@pytest.mark.parametrize("name", REWRITES)
@pytest.mark.parametrize("path", DEVICES[::2], ids=lambda path: path.name)
def test_rewrites_that_mean_the_same_change_nothing(path: Path, name: str) -> None:
    text = read(path)
    nothing(text, REWRITES[name](text))


@pytest.mark.parametrize("path", DEVICES, ids=lambda path: path.name)
def test_two_reads_have_one_digest(path: Path) -> None:
    text = read(path)
    again = re.sub(r"! Last configuration change at .*", "! Last configuration change at X", text)
    assert digest(again) == digest(text.replace("\n", "\r\n"))
    assert digest(f"{text}\nntp server 192.0.2.77\n") != digest(text)


@pytest.mark.parametrize("kind", CHANGES)
def test_change(kind: str) -> None:
    for path in SAMPLE:
        running = read(path)
        desired = mutate(running, kind, zlib.crc32(path.name.encode()))
        if desired is None or desired == running:
            continue
        change = compare(running, desired)
        reasons = [refusal.reason for refusal in change.refusals]
        assert all("no rule knows" in reason for reason in reasons), (path.name, reasons)
        if change.refusals:
            continue
        nothing(change.predicted, desired)
        assert predict(running, change.commands) == change.predicted
        if not any("way back" in warning for warning in change.warnings):
            nothing(predict(change.predicted, change.reverse), running)


def _parts(text: str) -> list[str]:
    """Top-level sections and lines, without blocks and without lines that are part of a list."""
    text = re.sub(r"(?ms)^macro name .*?^@$", "", text)
    parts = re.findall(r"(?m)^(?:[a-z].*\n)(?: .*\n)*", text)
    odd = ("banner", "end", "version", "boot", "access-list", "crypto pki certificate")
    return [part for part in parts if not part.startswith(odd)]


@pytest.mark.parametrize("path", DEVICES[::2], ids=lambda path: path.name)
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
