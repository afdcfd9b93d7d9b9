"""The commands that a comparison plans do on a device what the comparison predicted."""

import asyncio

import pytest

from catnet_controller.ios.changes import Command
from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from catnet_controller.simulator import samples
from catnet_controller.simulator.clock import DeviceClock
from catnet_controller.simulator.configuring import Typist
from catnet_controller.simulator.device import Machine
from catnet_controller.simulator.dialogue import Block, Input
from catnet_controller.simulator.faults import Faults
from tests.helpers_ios import CHANGES, mutate

# A device makes the VLAN of an access port by itself, which no comparison can see in the text.
_DEVICE_ADDS = {"access_vlan"}


def push(machine: Machine, commands: tuple[Command, ...]) -> None:
    """Type commands as a session does; each is accepted."""
    typist = Typist(machine=machine, by="catnet")
    block: Block | None = None
    for command in commands:
        answer = block.feed(command.text) if block is not None else typist.type(command.text)
        if answer is None:
            continue
        block = answer.block
        while answer.question is not None:
            asked = answer.question
            answer = asked.answer("" if asked.input is Input.KEY else "yes")
        assert not answer.refused, (command.text, answer.text)
    typist.leave()


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("kind", sorted(set(CHANGES) - _DEVICE_ADDS))
async def test_a_change_is_what_it_was_planned_to_be(kind: str, number: int) -> None:
    running = samples.config(number)
    for seed in range(2):
        desired = mutate(running, kind, seed)
        if desired is None:
            continue
        planned = compare(running, desired)
        assert not planned.refusals
        clock = DeviceClock(loop=asyncio.get_running_loop(), scale=1.0, start=0.0)
        machine = Machine(name="x", config=running, clock=clock, faults=Faults(seed="x"))
        push(machine, planned.commands)
        assert digest(machine.running.text) == digest(planned.predicted)
        push(machine, planned.reverse)
        assert digest(machine.running.text) == digest(running)
