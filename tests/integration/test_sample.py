"""The sample repository is configuration that devices take, and print back as it was written."""

from pathlib import Path

import pytest

from catnet_controller.ios import normal
from catnet_controller.models import Desired, Revision
from catnet_controller.policy.desired import build
from catnet_controller.simulator.fleet import DeviceSpec, Fleet

SAMPLE = Path(__file__).parents[2] / "sample-repo"


def sample(name: str) -> Desired:
    files = {
        str(path.relative_to(SAMPLE)): path.read_bytes()
        for path in SAMPLE.rglob("*")
        if path.is_file()
    }
    return build(files, Revision(sha="1" * 40, ref="branch/main")).desired[name]


@pytest.mark.parametrize("name", ["edge1", "core1", "access1"])
async def test_a_device_that_holds_the_sample_is_in_sync(name: str) -> None:
    desired = sample(name)
    async with Fleet([DeviceSpec(name=name, config=desired.text)]) as fleet:
        running = fleet[name].running()
    assert normal.digest(running) == normal.digest(desired.text)


@pytest.mark.parametrize("name", ["edge1", "core1", "access1"])
async def test_a_device_takes_every_line_of_the_sample(name: str) -> None:
    desired = sample(name)
    # Ports are there from the beginning; one that the simulator had to add would be shut down.
    lines = desired.text.splitlines()
    ports = "".join(f"{line}\n" for line in lines if line.startswith("interface Gigabit"))
    async with Fleet([DeviceSpec(name=name, config=f"hostname new\n{ports}")]) as fleet:
        fleet[name].type(lines)
        running = fleet[name].running()
    assert normal.digest(running) == normal.digest(desired.text)
