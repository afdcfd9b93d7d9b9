"""A configuration that is loaded is printed again as it was, and can be typed in whole."""

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from catnet_controller.ios.normal import digest
from catnet_controller.ios.parse import parse
from catnet_controller.ios.tree import Node, Shape
from catnet_controller.simulator import samples
from catnet_controller.simulator.clock import DeviceClock
from catnet_controller.simulator.configuration import Configuration, body
from catnet_controller.simulator.configuring import Typist
from catnet_controller.simulator.device import Machine
from catnet_controller.simulator.faults import Faults

SHARED = Path(os.environ.get("CATNET_SHARED", Path(__file__).parents[3].parent / "shared"))
CORPUS = sorted((SHARED / "data" / "configs").glob("*.cfg"))
CRAFTED = [path for path in CORPUS if path.name.startswith("crafted__")]


def machine(config: str) -> Machine:
    clock = DeviceClock(loop=asyncio.get_running_loop(), scale=1.0, start=0.0)
    return Machine(name="x", config=config, clock=clock, faults=Faults(seed="x"))


def lines(nodes: Sequence[Node]) -> Iterator[str]:
    """A configuration as a person would paste it."""
    for node in nodes:
        if node.shape is Shape.NOISE or node.text == "end":
            continue
        if node.shape is Shape.BLOCK:
            yield from node.raw.rstrip("\n").replace("^C", "\x03").split("\n")
            continue
        yield node.text
        yield from lines(node.children)


def pasted(config: str) -> tuple[str, list[tuple[str, str]]]:
    """The configuration after a paste into an empty device, and the lines that were refused."""
    device = machine(f"hostname empty\n{hardware(config)}end\n")
    typist = Typist(machine=device, by="paste")
    refused = []
    block = None
    for line in lines(parse(config).nodes):
        answer = block.feed(line) if block is not None else typist.type(line)
        if answer is None:
            continue
        block = answer.block
        while answer.question is not None:
            answer = answer.question.answer("yes")
        if answer.refused:
            refused.append((line, answer.text))
    return device.running.text, refused


def hardware(config: str) -> str:
    ports = re.findall(r"^interface (\S*Ethernet\S*|Serial\S*|\S*GigE\S*)$", config, re.MULTILINE)
    return "".join(f"interface {port}\n" for port in dict.fromkeys(ports) if "." not in port)


@pytest.mark.data
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_loading_and_printing_changes_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="surrogateescape").replace("\r\n", "\n")
    loaded = Configuration.load(text)
    assert loaded.text == body(text)
    assert Configuration.load(loaded.text).text == loaded.text


@pytest.mark.skipif(not CORPUS, reason="the shared corpus is not beside the project")
def test_the_corpus_is_there() -> None:
    assert len(CORPUS) > 50


@pytest.mark.parametrize("number", range(1, 7))
async def test_a_sample_can_be_typed_into_an_empty_device(number: int) -> None:
    config = samples.config(number)
    text, refused = pasted(config)
    assert refused == []
    assert digest(text) == digest(config)


@pytest.mark.data
@pytest.mark.parametrize("path", CRAFTED, ids=lambda path: path.stem)
async def test_most_of_a_crafted_config_can_be_typed(path: Path) -> None:
    config = path.read_text(encoding="utf-8")  # noqa: ASYNC240  a small file
    _, refused = pasted(config)
    total = sum(1 for _ in lines(parse(config).nodes))
    assert len(refused) <= total * 0.25, refused


def test_header_lines_are_no_configuration() -> None:
    text = "Building configuration...\n\nCurrent configuration : 9 bytes\n!\nhostname a\n"
    assert body(text) == "version 15.9\nhostname a\nend\n"


def test_facts_follow_the_configuration() -> None:
    loaded = Configuration.load("version 16.12\nhostname a\nclock timezone CET 1 0\nend\n")
    assert (loaded.hostname, loaded.version, loaded.zone.minutes) == ("a", (16, 12), 60)
    loaded.put((), "hostname b")
    loaded.put((), "clock timezone X -3 30")
    assert (loaded.hostname, loaded.zone.minutes) == ("b", -210)
    loaded.put((), "no clock timezone")
    assert loaded.zone.name == "UTC"
