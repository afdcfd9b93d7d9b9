"""The IOS-XE driver of Scrapli works against a simulated device as against a real one."""

from typing import Any

import asyncssh
import pytest
from scrapli.driver.core import AsyncIOSXEDriver
from scrapli.exceptions import ScrapliAuthenticationFailed

from catnet_controller.simulator.faults import Fault, What
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from tests.helpers_simulator import ROUTER


def driver(device: SimulatedDevice, **more: Any) -> AsyncIOSXEDriver:
    key = device.known_hosts_line.split(" ", 1)[1]
    return AsyncIOSXEDriver(
        host=device.host,
        port=device.port,
        auth_username="catnet",
        auth_password="catnet",
        auth_strict_key=False,
        transport="asyncssh",
        transport_options={
            "asyncssh": {
                "known_hosts": asyncssh.import_known_hosts(
                    f"[{device.host}]:{device.port} {key}\n"
                ),
                "config": None,
            }
        },
        timeout_socket=5,
        timeout_transport=5,
        timeout_ops=5,
        **more,
    )


async def test_it_reads_configures_and_saves() -> None:
    async with Fleet([DeviceSpec(name="r1", config=ROUTER)]) as fleet:
        device = fleet["r1"]
        connection = driver(device)
        await connection.open()
        shown = await connection.send_command("show running-config")
        assert shown.result.endswith("\nend")
        assert device.running().strip() in shown.result
        lines = ["interface GigabitEthernet0/1", "description by scrapli", "no shutdown"]
        pushed = await connection.send_configs(lines, stop_on_failed=True)
        assert not pushed.failed
        wrong = await connection.send_config("interface GigabitEthernet0/1\nnonsense 1")
        assert wrong.failed
        saved = await connection.send_command("write memory")
        assert "[OK]" in saved.result
        await connection.close()
        assert " description by scrapli\n" in device.startup()


async def test_it_enables() -> None:
    spec = DeviceSpec(name="r1", config=ROUTER, enable="topsecret")
    async with Fleet([spec]) as fleet:
        device = fleet["r1"]
        connection = driver(device, auth_secondary="topsecret")
        await connection.open()
        assert await connection.get_prompt() == "R1#"
        await connection.close()
        device.inject(Fault(what=What.ENABLE_FAIL, times=None))
        connection = driver(device, auth_secondary="topsecret")
        connection.timeout_ops = 0.5
        with pytest.raises(ScrapliAuthenticationFailed):
            await connection.open()
        connection.transport.close()
