"""A simulated device as somebody at a terminal meets it: login, prompts, texts, configuration."""

import asyncio
from collections.abc import AsyncIterator

import asyncssh
import pytest

from catnet_controller.simulator.faults import Fault, What, When
from catnet_controller.simulator.fleet import DeviceSpec, Fleet, LineRefused, SimulatedDevice
from tests.helpers_simulator import ROUTER, person, settled

INVALID = "% Invalid input detected at '^' marker.\n\n"


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    specs = [
        DeviceSpec(name="r1", config=ROUTER),
        DeviceSpec(name="r2", config=ROUTER, username="low", password="pw", enable="secret"),
    ]
    async with Fleet(specs, time_scale=300.0) as running:
        yield running


@pytest.fixture
def router(fleet: Fleet) -> SimulatedDevice:
    return fleet["r1"]


async def test_what_was_loaded_is_what_is_shown(router: SimulatedDevice) -> None:
    body = ROUTER[ROUTER.index("version") :]
    assert router.running() == body == router.startup()
    async with person(router) as someone:
        shown = await someone.type("show running-config")
    head, _, text = shown.partition("version ")
    assert f"version {text}" == body + "\n"
    count = len(f"!\nversion {text}") - 1
    assert head == f"Building configuration...\n\nCurrent configuration : {count} bytes\n!\n"


async def test_a_line_changes_the_configuration_at_once(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("conf t")
        assert someone.prompt == "R1(config)#"
        await someone.type("int gi0/1")
        assert someone.prompt == "R1(config-if)#"
        assert await someone.type("desc to the core") == ""
        assert " description to the core\n" in router.running()
        await someone.type("ip route 10.9.0.0 255.255.0.0 192.0.2.9")
        assert someone.prompt == "R1(config)#"
        await someone.type("router bgp 65000")
        await someone.type("address-family ipv4")
        assert someone.prompt == "R1(config-router-af)#"
        await someone.type("exit-address-family")
        assert someone.prompt == "R1(config-router)#"
        await someone.type("end")
        assert someone.prompt == "R1#"
        shown = await someone.type("show run | include Last")
    assert "! Last configuration change at " in shown
    assert shown.endswith(" by catnet\n")
    assert router.startup() != router.running()


async def test_errors_look_as_ios_prints_them(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        assert await someone.type("gorped") == (
            "% Bad IP address or host name% Unknown command or computer name, "
            "or unable to find computer address\n"
        )
        assert await someone.type("show foo") == f"        ^\n{INVALID}"
        assert await someone.type("show") == "% Incomplete command.\n\n"
        await someone.type("conf t")
        assert await someone.type("logging 0255.255.1") == f"{' ' * 19}^\n{INVALID}"
        assert await someone.type("logging") == "% Incomplete command.\n\n"
        assert await someone.type("a") == '% Ambiguous command:  "a"\n'
        assert await someone.type("zzz") == f"{' ' * 11}^\n{INVALID}"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["int gi0/1", "ip address 192.0.2.0 255.255.255.0"], "Bad mask /24 for address 192.0.2.0"),
        (["int gi0/1", "ip address 10.0.0.1 255.255.0.255"], "Bad mask 0xFFFF00FF for address"),
        (
            ["int gi0/1", "ip address 192.0.2.9 255.255.255.128"],
            "% 192.0.2.0 overlaps with GigabitEthernet0/0",
        ),
        (["router bgp 65999"], "BGP is already running; AS is 65000"),
        (
            ["router bgp 65000", "neighbor 192.0.2.77 description x"],
            "% Specify remote-as or peer-group commands first",
        ),
        (
            ["ip route vrf foo 10.0.0.0 255.0.0.0 192.0.2.2"],
            "% IP  routing table foo does not exist",
        ),
        (
            ["username catnet password plain"],
            "ERROR: Can not have both a user password and a user secret.",
        ),
        (["no snmp-server"], "%SNMP agent not enabled"),
        (["no interface gi0/1"], "% Removal of physical interfaces is not permitted."),
        (["interface gi7/7"], "% Invalid input detected at '^' marker."),
        (["no ip route 1.0.0.0 255.0.0.0 192.0.2.2"], "%No matching route to delete"),
    ],
)
async def test_what_is_refused_changes_nothing(
    router: SimulatedDevice, lines: list[str], answer: str
) -> None:
    before = router.running()
    async with person(router) as someone:
        await someone.type("conf t")
        for line in lines[:-1]:
            assert await someone.type(line) == ""
        assert answer in await someone.type(lines[-1])
    assert router.running() == before


async def test_a_secret_is_stored_as_a_hash_and_opens_the_door(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.configure("username bob privilege 15 secret hush", "username pat password p1")
        await someone.configure("service password-encryption")
    stored = router.running()
    assert "hush" not in stored
    assert "username bob privilege 15 secret 5 $1$" in stored
    assert "username pat password 7 " in stored
    async with person(router, username="bob", password="hush") as someone:
        assert "level is 15" in await someone.type("show privilege")
    async with person(router, username="pat", password="p1") as someone:
        assert someone.prompt == "R1>"
    with pytest.raises(asyncssh.PermissionDenied):
        async with person(router, username="bob", password="wrong"):
            pass


async def test_a_user_that_was_deleted_cannot_come_back(router: SimulatedDevice) -> None:
    question = (
        "This operation will remove all username related configurations with same name."
        "Do you want to continue? [confirm]"
    )
    async with person(router) as someone:
        await someone.type("conf t")
        asked = await someone.type("no username catnet", pattern=r"\[confirm\]$")
        assert asked + someone.prompt == question
        someone.write("n")
        await someone.until(r"#$")
        assert "username catnet" in router.running()
        await someone.type("no username catnet", pattern=r"\[confirm\]$")
        await someone.type("")
        assert "username catnet" not in router.running()
    with pytest.raises(asyncssh.PermissionDenied):
        async with person(router):
            pass


@pytest.mark.parametrize(
    "lines", [["line vty 0 4", "transport input none"], ["crypto key zeroize rsa"]]
)
async def test_ssh_can_be_shut_out(router: SimulatedDevice, lines: list[str]) -> None:
    async with person(router) as someone:
        router.type(lines)
        assert "level is 15" in await someone.type("show privilege")
    with pytest.raises((OSError, asyncssh.Error)):
        async with person(router):
            pass


async def test_the_login_banner_comes_before_the_password(router: SimulatedDevice) -> None:
    router.type(["banner login #", "Mind the gap", "#"])
    seen: list[str] = []

    class Client(asyncssh.SSHClient):
        def auth_banner_received(self, msg: str, lang: str) -> None:
            seen.append(msg)

    async with asyncssh.connect(
        router.host,
        router.port,
        username="catnet",
        password="catnet",
        known_hosts=None,
        client_factory=Client,
    ):
        assert seen == ["\r\nMind the gap\r\n\r\n"]


async def test_enable_asks_for_its_password(fleet: Fleet) -> None:
    device = fleet["r2"]
    async with person(device, username="low", password="pw") as someone:
        assert someone.prompt == "R1>"
        assert INVALID in await someone.type("configure terminal")
        await someone.type("enable", pattern="Password: $")
        await someone.type("wrong", pattern="Password: $")
        assert await someone.type("secret") == ""
        assert someone.prompt == "R1#"
        await someone.type("disable")
        await someone.type("enable", pattern="Password: $")
        for _ in range(2):
            await someone.type("wrong", pattern="Password: $")
        assert await someone.type("wrong") == "% Bad secrets\n\n"
    assert not [line for _, line in device.transcript() if line in ("wrong", "secret")]


async def test_banners_take_text_until_their_delimiter(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("conf t")
        await someone.type(
            "banner motd #", pattern=r"Enter TEXT message\.  End with the character '#'\.\s+$"
        )
        someone.write("interface not a command\r%!\r#\r")
        await someone.until(r"\(config\)#$")
        await someone.type("banner exec ^Cone line^")
    assert "banner motd ^C\ninterface not a command\n%!\n^C\n" in router.running()
    assert "banner exec ^CCone line^C\n" in router.running()
    async with asyncssh.connect(
        router.host, router.port, username="catnet", password="catnet", known_hosts=None
    ) as connection:
        process = await connection.create_process(term_type="vt100", encoding="utf-8")
        shown = await process.stdout.readuntil("R1#")
        process.close()
    assert "interface not a command\r\n%!\r\n" in shown


async def test_the_pager_waits_for_a_key(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.type("terminal length 10")
        someone.write("show running-config\r")
        first = await someone.until(r" --More-- $")
        assert first.count("\n") == 10
        someone.write("\r")
        one = await someone.until(r" --More-- $")
        assert one.count("\n") == 1
        someone.write("q")
        await someone.until(r"R1#$")
        assert await someone.type("show privilege") == "Current privilege level is 15\n"


async def test_editing_keys(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        assert "level is 15" in await someone.type("show prix\x7fvilege")
        assert "level is 15" in await someone.type("garbage\x15show privilege")
        someone.write("show clo\x03")
        await someone.until(r"R1#$")
        someone.write("configure terminal\rinterface gi0/1\r\x1a")
        await someone.until(r"\^Z\s+R1#$")


async def test_lines_typed_ahead_are_answered_in_order(router: SimulatedDevice) -> None:
    lines = ["conf t", "interface gi0/1", *(f"description {n}" for n in range(50)), "end"]
    async with person(router) as someone:
        someone.write("\n".join(lines) + "\r\n")
        text = await someone.until(r"description 49\s+R1\(config-if\)#end\s+R1#$")
    assert text.count("(config-if)#") == 51
    assert " description 49\n" in router.running()


async def test_write_memory_and_reload(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.configure("interface gi0/1", "description saved")
        assert await someone.type("write memory") == "Building configuration...\n[OK]\n"
        assert router.startup() == router.running()
        await someone.configure("interface gi0/1", "description lost")
        asked = await someone.type("reload", pattern=r"\[yes/no\]: $")
        assert asked == "\nSystem configuration has been modified. Save? "
        await someone.type("maybe", pattern=r"\[yes/no\]: $")
        await someone.type("no", pattern=r"\[confirm\]$")
        someone.write("\r")
        with pytest.raises(EOFError):
            await someone.until("never")
    with pytest.raises(OSError):
        async with person(router):
            pass
    router.advance(60)
    async with asyncio.timeout(5):
        while True:
            try:
                async with person(router) as someone:
                    break
            except OSError:
                await asyncio.sleep(0)
    assert " description saved\n" in router.running()
    assert any("%SYS-5-RESTART" in line for line in router.log())


async def test_copying_asks_for_the_file_name(router: SimulatedDevice) -> None:
    async with person(router) as someone:
        await someone.configure("interface gi0/1", "description copied")
        asked = await someone.type("copy run start", pattern=r"\]\? $")
        assert asked + someone.prompt == "Destination filename [startup-config]? "
        assert await someone.type("") == "Building configuration...\n[OK]\n"
        assert router.startup() == router.running()
        await someone.type("copy run flash:kept", pattern=r"\]\? $")
        await someone.type("")
        assert "description copied" in await someone.type("more flash:kept")
        assert "kept" in await someone.type("dir")
        await someone.type("delete flash:kept", pattern=r"\]\? $")
        await someone.type("", pattern=r"\[confirm\]$")
        await someone.type("")
        assert "No such file" in await someone.type("more flash:kept")


async def test_a_range_of_interfaces_takes_each_line(fleet: Fleet) -> None:
    device = fleet["r1"]
    async with person(device) as someone:
        await someone.type("conf t")
        await someone.type("interface range gi0/0 - 1")
        assert someone.prompt == "R1(config-if-range)#"
        await someone.type("load-interval 30")
        await someone.type("hostname R1X")
        assert someone.prompt == "R1X(config)#"
    assert device.running().count(" load-interval 30\n") == 2


async def test_somebody_edits_at_the_console(router: SimulatedDevice) -> None:
    router.type(["interface GigabitEthernet0/1", "description by hand"])
    assert " description by hand\n" in router.running()
    with pytest.raises(LineRefused, match="Invalid input"):
        router.type(["nonsense here"])
    async with person(router) as someone:
        assert "by console" in await someone.type("show running-config | include Last")


async def test_every_way_to_log_in(fleet: Fleet) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    spec = DeviceSpec(
        name="k", config=ROUTER, authorized_keys=key.export_public_key("openssh").decode()
    )
    async with Fleet([spec]) as other:
        device = other["k"]
        for auth in ("password", "keyboard-interactive", "publickey"):
            async with asyncssh.connect(
                device.host,
                device.port,
                username="catnet",
                password="catnet",
                client_keys=[key],
                preferred_auth=auth,
                known_hosts=None,
            ):
                pass
        for algorithm in ("ssh-ed25519", "rsa-sha2-256"):
            seen = await asyncssh.get_server_host_key(
                device.host, device.port, server_host_key_algs=[algorithm]
            )
            assert seen is not None
            assert (seen.get_fingerprint("sha256") == device.fingerprint) is (
                algorithm == "ssh-ed25519"
            )


async def test_lines_are_given_back(router: SimulatedDevice) -> None:
    async with person(router), person(router) as second:
        assert router.sessions == 2
        assert "vty 1" in await second.type("show users")
        second.write("exit\r")
        with pytest.raises(EOFError):
            await second.until("never")
    await settled(lambda: not router.sessions)


async def test_saying_goodbye_and_hanging_up_at_once(router: SimulatedDevice) -> None:
    for _ in range(20):
        async with person(router) as someone:
            someone.write("exit\r")
    await settled(lambda: not router.sessions)


async def test_no_vty_line_is_left(router: SimulatedDevice) -> None:
    async with person(router), person(router), person(router), person(router), person(router):
        with pytest.raises((OSError, asyncssh.Error)):
            async with person(router):
                pass


async def test_state_survives_the_process(tmp_path_factory: pytest.TempPathFactory) -> None:
    state = tmp_path_factory.mktemp("fleet")
    specs = [DeviceSpec(name="r1", config=ROUTER)]
    async with Fleet(specs, state=state) as fleet:
        fingerprint = fleet["r1"].fingerprint
        async with person(fleet["r1"]) as someone:
            await someone.configure("interface gi0/1", "description kept")
            await someone.type("write memory")
    async with Fleet(specs, state=state) as fleet:
        assert fleet["r1"].fingerprint == fingerprint
        assert " description kept\n" in fleet["r1"].running()


async def test_a_fault_says_nothing_of_itself_in_a_repr() -> None:
    spec = DeviceSpec(name="r1", config=ROUTER, password="very-secret")
    assert "very-secret" not in repr(spec)
    assert Fault(what=What.HANG, when=When(line=3)).when.line == 3


async def test_the_key_of_a_user_and_a_control_word_are_stored(router: SimulatedDevice) -> None:
    key = f"key-hash ssh-rsa {'0123456789ABCDEF' * 2}"
    router.type(["ip ssh pubkey-chain", "username bob", key, "exit", "exit"])
    assert f"ip ssh pubkey-chain\n username bob\n  {key}\n" in router.running()
    assert "\nusername bob" not in router.running()
    router.type(["interface pseudowire1", "encapsulation mpls", "control-word include"])
    assert "control-word include" in router.running()
