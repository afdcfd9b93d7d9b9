"""Bench `push`: 200 configuration lines to a device that is 50 ms away, there and back."""

from collections.abc import Iterator

from tests.bench import clients, peers
from tests.bench.frame import Bench, Figure, Run, against
from tests.bench.rack import rack
from tests.bench.trial import Client, rounds

_ROUND_TRIP = 0.05
_LINES = (
    Client(name="ours", work=clients.lines),
    Client(name="bare asyncssh, one write, no answers told apart", work=peers.bare_lines),
    Client(name="netmiko send_config_set", work=peers.netmiko_lines, needs="netmiko"),
    Client(name="nornir-netmiko", work=peers.nornir_lines, needs="nornir_netmiko"),
    Client(name="Scrapli send_configs", work=peers.scrapli_lines, needs="scrapli"),
)
_NAPALM = "NAPALM (loads a file over SCP or tclsh; it types no lines)"
_WHOLE = (
    Client(name="ours", work=clients.change),
    Client(
        name="netmiko: connect, send_config_set, save_config",
        work=peers.netmiko_change,
        needs="netmiko",
    ),
)


def run(asked: Run) -> Iterator[Figure]:
    count = 24 if asked.quick else 200
    typed = [
        line
        for number in range(1, count // 4 + 1)
        for line in (
            f"interface Loopback{number}",
            f"description customer {number}",
            f"ip address 10.200.{number}.1 255.255.255.255",
            f"ip ospf cost {number + 10}",
        )
    ]
    at = f"{count} lines at {_ROUND_TRIP * 1000:.0f} ms"
    with rack(2, delay=_ROUND_TRIP / 2) as targets:
        yield from _duel(asked, f"{at}, typed: s", _LINES, (targets, typed))
        whole = f"{at}, backed up, armed, typed, proved, confirmed, saved: s"
        yield from _duel(asked, whole, _WHOLE, (targets, typed))


def _duel(
    asked: Run, title: str, clients: tuple[Client, ...], arguments: tuple[object, ...]
) -> Iterator[Figure]:
    taken = rounds(asked, [one for one in clients if one.there], arguments, what=title)
    mine = taken["ours"]
    for peer in clients[1:]:
        theirs = taken.get(peer.name)
        name = peer.name
        if theirs is None:
            name += " (not installed)" if not peer.there else " (did not end)"
        elif theirs.failures:
            name += f" ({theirs.failures} lines refused)"
        took = None if theirs is None else theirs.seconds
        yield against("push", title, mine.seconds, took, name=name)
    if clients is _LINES:
        yield against("push", title, mine.seconds, None, name=_NAPALM)


BENCH = Bench(name="push", about="200 lines to a device 50 ms away", run=run)
