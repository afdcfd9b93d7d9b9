"""The engine against FRRouting, software that shares no knowledge with it.

Texts are taken from what FRRouting prints. A change is planned from them, typed line by line, and
what FRRouting prints then must be what was wanted; the way back must bring the first text again,
letter by letter. FRRouting writes prefixes where IOS writes masks and closes sections with `exit`;
the parts in which both speak alike are those below. Not so the values of a `match` in a route map:
IOS adds them up, FRRouting keeps the last.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from catnet_controller.ios.changes import ChangeSet, Command
from catnet_controller.ios.diff import compare
from catnet_controller.ios.normal import digest
from tests.helpers_frr import Refused, Router, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

START = """\
ip route 10.9.0.0/16 Null0
ip route 10.10.0.0/16 192.0.2.1 200
!
interface Ethernet0
 description uplink
 ip address 10.1.1.1/24
 ip ospf 1 area 0
 ip ospf cost 10
 ip ospf hello-interval 5
exit
!
interface Ethernet1
 description to the lab
 ip address 10.1.2.1/24
 ip ospf 1 area 1
exit
!
router bgp 65000
 bgp router-id 192.0.2.9
 neighbor 10.0.0.1 remote-as 65001
 neighbor 10.0.0.1 description Transit A
 neighbor 10.0.0.1 timers 10 30
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.0.0.2 description Transit B
 !
 address-family ipv4 unicast
  network 10.3.0.0/16
  network 10.4.0.0/16
  neighbor 10.0.0.1 prefix-list IN in
  neighbor 10.0.0.1 route-map OUT out
  neighbor 10.0.0.2 next-hop-self
  neighbor 10.0.0.2 soft-reconfiguration inbound
 exit-address-family
exit
!
router ospf 1
 timers throttle spf 200 1000 10000
 redistribute connected metric 20 metric-type 1
 redistribute static
 area 1 stub
 area 1 default-cost 5
 distance 120
exit
!
access-list 10 seq 5 permit 10.0.0.0 0.0.0.255
access-list 10 seq 10 deny any
!
ip prefix-list IN seq 5 deny 10.0.0.0/8 le 32
ip prefix-list IN seq 10 permit any
ip prefix-list OURS seq 5 permit 10.3.0.0/16
!
route-map OUT permit 10
 description ours
 match ip address prefix-list OURS
 set metric 5
exit
!
route-map OUT permit 20
 match ip address prefix-list IN
 set community 65000:1 65000:2
exit
!
route-map OUT deny 100
exit
!
"""

_BGP = START[START.index("router bgp") : START.index("router ospf")]
_OSPF = START[START.index("router ospf") : START.index("access-list 10")]
_MAP = START[START.index("route-map OUT permit 10") :]
_OUT20 = START[START.index("route-map OUT permit 20") : START.index("route-map OUT deny")]
_ETH1 = START[START.index("interface Ethernet1") : START.index("router bgp")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of the text: each of the first becomes the second."""

    swaps: tuple[tuple[str, str], ...]

    def apply(self, text: str) -> str:
        for old, new in self.swaps:
            assert text.count(old) == 1, (old, text.count(old))
            text = text.replace(old, new)
        return text


def edit(*swaps: tuple[str, str]) -> Edit:
    return Edit(swaps=swaps)


EDITS: dict[str, Edit] = {
    # --- interfaces
    "describe": edit((" description uplink\n", " description uplink to core\n")),
    "undescribe": edit((" description to the lab\n", "")),
    "interface cost": edit((" ip ospf cost 10\n", " ip ospf cost 25\n")),
    "interface line off": edit((" ip ospf hello-interval 5\n", "")),
    "interface line on": edit(
        (" ip ospf cost 10\n", " ip ospf cost 10\n ip ospf dead-interval 20\n")
    ),
    "new interface": edit((_ETH1, f"{_ETH1}interface Loopback2\n description third\nexit\n!\n")),
    # --- BGP
    "new neighbor": edit(
        (
            " neighbor 10.0.0.2 description Transit B\n",
            (
                " neighbor 10.0.0.2 description Transit B\n"
                " neighbor 10.0.0.3 remote-as 65003\n"
                " neighbor 10.0.0.3 description Customer\n"
                " neighbor 10.0.0.3 ebgp-multihop 3\n"
            ),
        ),
        (
            "  neighbor 10.0.0.2 soft-reconfiguration inbound\n",
            (
                "  neighbor 10.0.0.2 soft-reconfiguration inbound\n"
                "  neighbor 10.0.0.3 prefix-list IN in\n"
                "  neighbor 10.0.0.3 maximum-prefix 100\n"
            ),
        ),
    ),
    "neighbor gone": edit(
        (" neighbor 10.0.0.2 remote-as 65002\n", ""),
        (" neighbor 10.0.0.2 description Transit B\n", ""),
        ("  neighbor 10.0.0.2 next-hop-self\n", ""),
        ("  neighbor 10.0.0.2 soft-reconfiguration inbound\n", ""),
    ),
    "remote-as": edit(("10.0.0.2 remote-as 65002", "10.0.0.2 remote-as 65012")),
    "neighbor description": edit(("description Transit A", "description Transit A, new")),
    "neighbor description gone": edit((" neighbor 10.0.0.1 description Transit A\n", "")),
    "neighbor timers": edit(("timers 10 30", "timers 20 60")),
    "neighbor timers gone": edit((" neighbor 10.0.0.1 timers 10 30\n", "")),
    "neighbor attribute gone": edit(("  neighbor 10.0.0.2 next-hop-self\n", "")),
    "neighbor filter": edit(("10.0.0.1 prefix-list IN in", "10.0.0.1 prefix-list OURS in")),
    "neighbor policy gone": edit(("  neighbor 10.0.0.1 route-map OUT out\n", "")),
    "new network": edit(
        ("  network 10.4.0.0/16\n", "  network 10.4.0.0/16\n  network 10.5.0.0/16\n")
    ),
    "network gone": edit(("  network 10.4.0.0/16\n", "")),
    "redistribute": edit(
        ("  network 10.4.0.0/16\n", "  network 10.4.0.0/16\n  redistribute static\n")
    ),
    "bgp router-id": edit((" bgp router-id 192.0.2.9", " bgp router-id 192.0.2.8")),
    "bgp gone": edit((_BGP, "")),
    "bgp renumbered": edit(("router bgp 65000", "router bgp 65010")),
    # --- OSPF
    "interface to another area": edit((" ip ospf 1 area 0\n", " ip ospf 1 area 1\n")),
    "interface out of OSPF": edit((" ip ospf 1 area 0\n", "")),
    "area type": edit((" area 1 stub\n", " area 1 stub no-summary\n")),
    "area cost": edit((" area 1 default-cost 5\n", " area 1 default-cost 50\n")),
    "area plain": edit((" area 1 stub\n area 1 default-cost 5\n", "")),
    "redistribution metric": edit(("connected metric 20", "connected metric 30")),
    "redistribution gone": edit((" redistribute static\n", "")),
    "passive": edit((" area 1 stub\n", " passive-interface default\n area 1 stub\n")),
    "default route": edit((" distance 120\n", " default-information originate\n distance 120\n")),
    "timers": edit(("spf 200 1000 10000", "spf 100 500 5000")),
    "timers gone": edit((" timers throttle spf 200 1000 10000\n", "")),
    "ospf distance": edit((" distance 120\n", " distance 130\n")),
    "ospf gone": edit((_OSPF, ""), (" ip ospf 1 area 0\n", ""), (" ip ospf 1 area 1\n", "")),
    # --- lists
    "prefix inserted": edit(
        (
            "ip prefix-list IN seq 10 permit any\n",
            "ip prefix-list IN seq 7 permit 10.0.0.0/8\nip prefix-list IN seq 10 permit any\n",
        )
    ),
    "prefix replaced": edit(
        ("IN seq 5 deny 10.0.0.0/8 le 32", "IN seq 5 deny 172.16.0.0/12 le 32")
    ),
    "prefix gone": edit(("ip prefix-list IN seq 5 deny 10.0.0.0/8 le 32\n", "")),
    "prefix list new and used": edit(
        (
            "ip prefix-list OURS seq 5",
            "ip prefix-list NEW seq 5 permit 10.7.0.0/16\nip prefix-list OURS seq 5",
        ),
        ("10.0.0.1 prefix-list IN in", "10.0.0.1 prefix-list NEW in"),
    ),
    # --- route-maps
    "route-map entry new": edit(
        (
            "route-map OUT deny 100\n",
            "route-map OUT permit 30\n set local-preference 50\nexit\n!\nroute-map OUT deny 100\n",
        )
    ),
    "route-map entry gone": edit((_OUT20, "")),
    "route-map set": edit((" set metric 5\n", " set metric 50\n")),
    "route-map set gone": edit((" set metric 5\n", "")),
    "route-map community": edit(("set community 65000:1 65000:2", "set community 65000:3")),
    "route-map verdict": edit(("route-map OUT permit 20", "route-map OUT deny 20")),
    "route-map moved": edit(("route-map OUT permit 20", "route-map OUT permit 40")),
    "route-map description": edit((" description ours\n", " description all of ours\n")),
    "route-map gone with its use": edit(
        (_MAP, ""), ("  neighbor 10.0.0.1 route-map OUT out\n", "")
    ),
    # --- routes
    "route new": edit(
        (
            "ip route 10.9.0.0/16 Null0\n",
            "ip route 10.8.0.0/16 192.0.2.1\nip route 10.9.0.0/16 Null0\n",
        )
    ),
    "route gone": edit(("ip route 10.9.0.0/16 Null0\n", "")),
    "next hop": edit(("10.10.0.0/16 192.0.2.1 200", "10.10.0.0/16 192.0.2.3 200")),
}

DIALECT: tuple[tuple[str, str, str], ...] = (
    (
        r"no (neighbor \S+) remote-as",
        r"no \1",
        "FRRouting wants the number of the AS, or no word after the address",
    ),
    (r"no (area 1 default-cost)", r"no \1 5", "FRRouting wants the value that goes"),
)
"""Lines that FRRouting spells otherwise: what is planned, what is typed for it, why."""

TWO_STEPS = (
    r"ip ospf 1 area (\d+)",
    r"no ip ospf 1 area\nip ospf 1 area \1",
    "FRRouting changes the area of an interface in two steps, IOS in one",
)

GAPS = {
    "ospf distance": "`distance 130` is followed by `no distance 120`, which resets it again",
}
"""Known defects of the engine that FRRouting shows; these edits are not typed."""

OWN_RULES: dict[str, str] = {
    "route distance": "the place of the next hop is counted as behind a mask; `no` with an old "
    "distance takes away the route with the new one",
    "access-list": "entries are printed on one line with `seq`, a form that IOS has not",
    "network": "under OSPF printed with a prefix, a form that IOS has not",
    "router-id": "under OSPF printed as `ospf router-id`, a form that IOS has not",
}
"""What is left out, because FRRouting answers by rules of its own that say nothing about IOS."""


@pytest.fixture(scope="module")
def started() -> Iterator[list[Router]]:
    """The router in use; a test that leaves traces puts another in its place."""
    routers = [fresh()]
    yield routers
    routers[0].stop()


def fresh() -> Router:
    router = Router().__enter__()
    try:
        router.type([line.strip() for line in START.splitlines() if line != "!"])
    except BaseException:
        router.stop()
        raise
    return router


@pytest.fixture
def router(started: list[Router]) -> Iterator[Router]:
    before = started[0].show()
    yield started[0]
    if started[0].show() != before:
        started[0].stop()
        started[0] = fresh()


def plan(running: str, desired: str) -> ChangeSet:
    change = compare(running, desired)
    assert change.refusals == ()
    assert change.commands
    return change


def spoken(name: str, commands: Sequence[Command]) -> list[str]:
    lines = [command.text for command in commands]
    for planned, said, _ in (
        *DIALECT,
        *([TWO_STEPS] if name == "interface to another area" else []),
    ):
        lines = [one for line in lines for one in re.sub(f"^{planned}$", said, line).split("\n")]
    return lines


@pytest.mark.parametrize("name", [name for name in EDITS if name not in GAPS])
def test_change_goes_in_and_comes_out(name: str, router: Router) -> None:
    before = router.show()
    assert START in before
    wanted = EDITS[name].apply(before)
    change = plan(before, wanted)

    router.type(spoken(name, change.commands))
    after = router.show()
    left = compare(after, wanted)
    assert ([command.text for command in left.commands], left.refusals) == ([], ())
    assert digest(after) == digest(wanted) == digest(change.predicted)

    router.type(spoken(name, change.reverse))
    assert router.show() == before


def test_a_line_that_is_not_taken_is_told(router: Router) -> None:
    with pytest.raises(Refused, match="Unknown command: no such line"):
        router.type(["interface Ethernet0", "no such line"])
