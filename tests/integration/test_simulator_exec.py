"""The exec commands of a simulated device."""

from collections.abc import AsyncIterator

import pytest

from catnet_controller.simulator.fleet import DeviceSpec, Fleet, SimulatedDevice
from tests.helpers_simulator import ROUTER, Person, person, settled


@pytest.fixture
async def router() -> AsyncIterator[SimulatedDevice]:
    async with Fleet([DeviceSpec(name="r1", config=ROUTER)]) as fleet:
        yield fleet["r1"]


@pytest.fixture
async def someone(router: SimulatedDevice) -> AsyncIterator[Person]:
    async with person(router) as typing:
        yield typing


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("show version", "Cisco IOS Software, Version 15.7(3)M"),
        ("show version | include uptime", "R1 uptime is 0 hours, 0 minutes\n"),
        ("sh clock", "UTC Mon Nov 2 2026\n"),
        ("show ip int brief", "GigabitEthernet0/1         unassigned      YES unset"),
        ("show ip int brief | exclude unassigned", "192.0.2.1       YES NVRAM  up"),
        ("show ip int brief | count up", "Number of lines which match regexp = 2\n"),
        ("show run | begin line con", "line con 0\nline vty 0 4\n transport input ssh\n!\nend\n"),
        ("show run | section bgp", "router bgp 65000\n bgp log-neighbor-changes\n neighbor"),
        ("show run | section include archive", "archive\n path flash:archive\n"),
        ("show run | nonsense x", "% Incomplete command.\n"),
        ("show run | include (", "% Failed to compile regular expression.\n"),
        ("show run interface gi0/0", "interface GigabitEthernet0/0\n description management\n"),
        ("show run interface gi4/4", "% Invalid input detected at '^' marker.\n"),
        ("show startup-config", "Using "),
        ("show ip ssh", "SSH enabled - version 2.0\n"),
        ("show inventory", 'NAME: "Chassis"'),
        ("show reload", "No reload is scheduled.\n"),
        ("reload cancel", "%No reload is scheduled\n"),
        ("show archive config differences", "!No changes were found\n"),
        ("show archive config differences flash:x", "Could not open file flash:x"),
        ("show archive config incremental-diffs flash:x", "Could not open file flash:x"),
        ("show archive config incremental-diffs nvram:startup-config", "!No changes were found"),
        ("ping 192.0.2.2", "Success rate is 100 percent (5/5)"),
        ("dir", "Directory of flash:/\n"),
        ("more flash:x", "%Error opening flash:x (No such file or directory)\n"),
        ("copy flash:x running-config", "%Error opening flash:x (No such file or directory)\n"),
        ("show history", "  terminal length 0\n"),
        ("write terminal", "Current configuration : "),
        ("configure revert timer 5", "%No Rollback Confirmed Change pending\n"),
    ],
)
async def test_a_command_prints(someone: Person, line: str, part: str) -> None:
    assert part in await someone.type(line)


@pytest.mark.parametrize("line", ["terminal width 512", "terminal monitor", "clear counters"])
async def test_a_command_prints_nothing(someone: Person, line: str) -> None:
    assert await someone.type(line) == ""


async def test_an_unknown_host_is_looked_up(router: SimulatedDevice, someone: Person) -> None:
    router.type(["ip domain lookup"])
    someone.write("gorped\r")
    await someone.until(r'Translating "gorped"\.\.\.domain server \(255\.255\.255\.255\)\s+')
    router.advance(10)
    text = await someone.until(r"R1#$")
    assert "% Unknown command or computer name, or unable to find computer address\n" in text


async def test_a_scheduled_reload(router: SimulatedDevice, someone: Person) -> None:
    await someone.type("reload in 2", pattern=r"\[confirm\]$")
    someone.write("\r")
    text = await someone.until(r"SHUTDOWN in 0:02:00 ---\s+\*\*\*\s+")
    assert "\a***\n" in text
    await someone.until(r"R1#$")
    assert "Reload scheduled in " in await someone.type("show reload")
    someone.write("reload cancel\r")
    await someone.until(r"SHUTDOWN ABORTED")
    await someone.until(r"R1#$")
    router.advance(300)
    assert router.reachable
    await someone.type("reload in 0:10", pattern=r"\[confirm\]$")
    someone.write("\r")
    await someone.until(r"R1#$")
    router.advance(600)
    assert not router.reachable


async def test_files(router: SimulatedDevice, someone: Person) -> None:
    router.type(["file prompt quiet"])
    assert "bytes copied" in await someone.type("copy running-config flash:a")
    router.type(["interface gi0/1", "description later"])
    differences = await someone.type("show archive config differences")
    assert " +description later\n" in differences
    assert "bytes copied" in await someone.type("copy flash:a running-config")
    assert "description later" not in router.running()
    assert "bytes copied" in await someone.type("copy flash:a startup-config")
    assert router.startup() == router.running()
    assert await someone.type("delete /force flash:a") == ""
    assert "No such file" in await someone.type("delete /force flash:a")
    router.type(["ip host later 192.0.2.9"])
    assert await someone.type("copy running-config flash:b") != ""
    router.type(["no ip host later 192.0.2.9"])
    incremental = await someone.type("show archive config incremental-diffs flash:b")
    assert incremental == "!List of Commands:\nip host later 192.0.2.9\nend\n"


async def test_erasing(router: SimulatedDevice, someone: Person) -> None:
    asked = await someone.type("write erase", pattern=r"\[confirm\]$")
    assert asked.startswith("Erasing the nvram filesystem will remove all configuration files!")
    someone.write("n")
    await someone.until(r"R1#$")
    assert router.startup()
    await someone.type("write erase", pattern=r"\[confirm\]$")
    assert "Erase of nvram: complete" in await someone.type("")
    assert router.startup() == ""
    assert "startup-config is not present" in await someone.type("show startup-config")
    router.reboot()
    router.advance(60)
    assert router.running() == "version 15.9\nhostname r1\nend\n"


async def test_logs(router: SimulatedDevice, someone: Person) -> None:
    router.type(["ip host a 192.0.2.1"])
    assert "%SYS-5-CONFIG_I: Configured from console" in await someone.type("show logging")
    await someone.type("clear logging", pattern=r"\[confirm\]$")
    await someone.type("")
    assert "%SYS-5-CONFIG_I" not in await someone.type("show logging")


async def test_configuring_without_saying_from_where(someone: Person) -> None:
    asked = await someone.type("configure", pattern=r"\]\? $")
    assert asked + someone.prompt == "Configuring from terminal, memory, or network [terminal]? "
    await someone.type("")
    assert someone.prompt == "R1(config)#"
    assert await someone.type("do show privilege") == "Current privilege level is 15\n"
    error = await someone.type("do show nonsense")
    assert error.startswith(" " * len("R1(config)#do show ") + "^\n")
    assert someone.prompt == "R1(config)#"


async def test_saving_before_a_reload(router: SimulatedDevice, someone: Person) -> None:
    router.type(["ip host kept 192.0.2.1"])
    await someone.type("reload", pattern=r"\[yes/no\]: $")
    await someone.type("yes", pattern=r"\[confirm\]$")
    someone.write("\r")
    await settled(lambda: not router.reachable)
    assert "ip host kept" in router.startup()
