"""The simulator as a program: a number of devices in, a fleet that runs until it is cancelled."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from catnet_controller.simulator.control import control as open_control
from catnet_controller.simulator.fleet import START, DeviceSpec, Fleet
from catnet_controller.simulator.samples import config


async def serve(
    *,
    devices: int,
    host: str,
    base_port: int,
    state: Path | None,
    ready: Callable[[Fleet], None],
    control: Path | None,
    time_scale: float = 1.0,
    start: float = START,
) -> None:
    """Run ``devices`` simulated devices, ``sim1`` on ``base_port`` (0: any ports), until cancelled.

    ``ready`` is called once with the listening fleet. ``state`` keeps host keys and
    startup-configs, ``control`` is the path of the control socket. Raises OSError when a port is
    taken.
    """
    specs = [
        DeviceSpec(
            name=f"sim{number}",
            config=config(number),
            port=base_port + number - 1 if base_port else 0,
        )
        for number in range(1, devices + 1)
    ]
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(
            Fleet(specs, host=host, time_scale=time_scale, state=state, start=start)
        )
        if control is not None:
            await stack.enter_async_context(open_control(fleet, control))
        ready(fleet)
        await asyncio.get_running_loop().create_future()
