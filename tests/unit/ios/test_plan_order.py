"""The order of what is typed, and what is left alone on the way."""

from catnet_controller.ios.diff import compare, render
from catnet_controller.ios.predict import predict

HEAD = "hostname r1\n"
VRFS = "vrf definition A\n!\nvrf definition B\n!\n"


def typed(running: str, desired: str) -> list[str]:
    change = compare(running, desired)
    assert change.refusals == ()
    assert compare(predict(change.predicted, change.reverse), running).empty
    return [command.text for command in change.commands]


def test_definitions_users_ports_routing_services() -> None:
    desired = (
        f"{HEAD}logging facility local0\nusername a privilege 15 secret 9 x\n"
        "router ospf 1\n passive-interface default\n"
        "interface Loopback1\n ip authentication key-chain eigrp 1 K\n"
        "key chain K\n key 1\n"
    )
    heads = [line for line in typed(HEAD, desired) if line.split()[0] in desired]
    assert [line for line in heads if f"\n{line}\n" in desired] == [
        "username a privilege 15 secret 9 x",
        "key chain K",
        "interface Loopback1",
        "router ospf 1",
        "logging facility local0",
    ]
    back = [command.text for command in compare(HEAD, desired).reverse]
    assert back == [
        "no logging facility",
        "no router ospf 1",
        "no interface Loopback1",
        "no key chain K",
        "no username a",
    ]


def test_a_primary_address_moves_though_others_stay() -> None:
    first, moving = " ip address 10.0.0.1 255.255.255.0\n", " ip address 10.0.1.1 255.255.255.0\n"
    second = " ip address 10.9.0.1 255.255.255.0 secondary\n"
    ports = "interface GigabitEthernet0/1\n{}interface GigabitEthernet0/2\n{}"
    running = HEAD + ports.format(second + moving, " no ip address\n")
    lines = typed(running, HEAD + ports.format(second + first, moving))
    assert lines == [
        "interface GigabitEthernet0/1",
        f"no {second.strip()}",
        "no ip address",
        first.strip(),
        second.strip(),
        "interface GigabitEthernet0/2",
        moving.strip(),
    ]


def test_the_same_network_in_another_vrf_stays() -> None:
    one = "interface GigabitEthernet0/1\n vrf forwarding A\n ip address 10.0.0.1 255.255.255.0\n"
    two = "interface GigabitEthernet0/2\n vrf forwarding B\n no ip address\n"
    desired = HEAD + VRFS + one + two.replace("no ip address", "ip address 10.0.0.2 255.255.255.0")
    assert typed(HEAD + VRFS + one + two, desired) == [
        "interface GigabitEthernet0/2",
        "ip address 10.0.0.2 255.255.255.0",
    ]


def test_an_address_leaves_with_its_interface_before_it_comes() -> None:
    address = " ip address 10.0.0.1 255.255.255.255\n"
    lines = typed(f"{HEAD}interface Loopback1\n{address}", f"{HEAD}interface Loopback0\n{address}")
    assert lines == ["no interface Loopback1", "interface Loopback0", address.strip()]


def test_an_address_leaves_a_port_that_stays_before_it_comes() -> None:
    address = " ip address 10.0.0.1 255.255.255.0\n"
    second = " ip address 10.9.0.1 255.255.255.0 secondary\n"
    ports = "interface {}0/1\n{}interface {}0/2\n{}"
    kind = "GigabitEthernet"
    running = HEAD + ports.format(kind, address + second, kind, " no ip address\n")
    desired = HEAD + ports.format(kind, " no ip address\n", kind, address + second)
    lines = typed(running, desired)
    assert lines == [
        "interface GigabitEthernet0/1",
        f"no {second.strip()}",
        "no ip address",
        "interface GigabitEthernet0/2",
        address.strip(),
        second.strip(),
    ]


def test_lines_below_a_line_that_opens_nothing() -> None:
    running = f"{HEAD}interface Loopback1\n description x\n  frob\n mtu 1400\n"
    assert typed(running, running.replace("1400", "1500")) == ["interface Loopback1", "mtu 1500"]
    for desired in (running.replace("frob", "frob 2"), running.replace("  frob\n", "")):
        change = compare(running, desired)
        assert [refusal.line for refusal in change.refusals] == ["description x"]
        assert change.commands == ()
    change = compare(running.replace("  frob\n", ""), running)
    assert [refusal.line for refusal in change.refusals] == ["description x"]


def test_a_list_is_numbered_anew_as_widely_as_needed() -> None:
    running = f"{HEAD}ip access-list extended L\n 10 permit tcp any any\n 11 deny ip any any\n"
    hosts = [f"permit udp any host 10.0.0.{n}" for n in range(1, 14)]
    for count, step in ((9, 10), (10, 11), (13, 14)):
        new = "".join(f" {host}\n" for host in hosts[:count])
        desired = f"{HEAD}ip access-list extended L\n permit tcp any any\n{new} deny ip any any\n"
        change = compare(running, desired, strict=True)
        assert change.refusals == ()
        assert change.commands[0].text == f"ip access-list resequence L {step} {step}"
        numbers = [int(command.text.split()[0]) for command in change.commands[2:]]
        assert numbers == list(range(step + 1, step + count + 1))


def test_a_no_of_what_is_not_there_is_nowhere_in_the_diff() -> None:
    running = f"{HEAD}interface Loopback1\n description x\n cdp enable\n"
    change = compare(running, running.replace(" description x\n", " no description\n no mtu\n"))
    assert render(change.diff).splitlines() == [" interface Loopback1", "- description x"]
    assert [command.text for command in change.commands] == [
        "interface Loopback1",
        "no description",
    ]


def test_what_a_part_does_not_name_is_counted() -> None:
    running = (
        f"{HEAD}ip cef distributed\ninterface Loopback1\n description x\n mtu 1400\n"
        "interface Loopback2\n description y\nline con 0\n"
    )
    part = "interface Loopback1\n description x\n"
    assert compare(running, part, scope="partial").unmanaged == 5
    assert compare(running, f"{HEAD}{part}", scope="partial").unmanaged == 4
    assert compare(running, part + "line con 0\n", scope="partial").unmanaged == 4
    assert compare(running, running, scope="partial").unmanaged == 0


def test_a_part_takes_away_what_is_shown_as_no() -> None:
    change = compare(f"{HEAD}ip http server\n", "no ip http server\n", scope="partial")
    assert [command.text for command in change.commands] == ["no ip http server"]
    assert [command.text for command in change.reverse] == ["ip http server"]


def test_comments_of_a_list_without_numbers_are_told_apart() -> None:
    head = f"{HEAD}ip access-list extended L\n remark one\n"
    rule = " permit tcp any any\n"
    assert typed(f"{head} remark two\n{rule}", f"{head}{rule} remark three\n") == [
        "ip access-list extended L",
        "no remark two",
        "remark three",
    ]
    assert typed(f"{head} remark one\n{rule}", head + rule) == [
        "ip access-list extended L",
        "no remark one",
    ]


def test_a_part_leaves_certificates_alone() -> None:
    chain = "crypto pki certificate chain T\n certificate ca 01\n  {}\n  \tquit\n"
    change = compare(
        f"{HEAD}{chain.format('30820330 30820218')}",
        f"{chain.format('30820330 FFFFFFFF')}hostname r2\n",
        scope="partial",
    )
    assert [command.text for command in change.commands] == ["hostname r2"]
    assert change.refusals == ()
