"""Bench `backup`: the running-config of every device of a fleet, read and kept."""

from collections.abc import Iterator

from tests.bench import clients, peers
from tests.bench.frame import Bench, Figure, Run
from tests.bench.rack import rack
from tests.bench.trial import Client, rounds

_OURS = Client(name="ours", work=clients.backup)
_PEERS = (
    Client(name="bare asyncssh (the limit)", work=peers.bare_backup),
    Client(name="netmiko, 50 threads", work=peers.netmiko_backup, needs="netmiko"),
    Client(name="nornir-netmiko, 20 workers", work=peers.nornir_backup, needs="nornir_netmiko"),
    Client(name="NAPALM, 50 threads", work=peers.napalm_backup, needs="napalm"),
    Client(name="Scrapli's own driver", work=peers.scrapli_backup, needs="scrapli"),
)


def run(asked: Run) -> Iterator[Figure]:
    devices, concurrency = (40, 20) if asked.quick else (1_000, 200)
    present = [_OURS, *(peer for peer in _PEERS if peer.there)]
    title = f"{devices:,} devices"
    with rack(devices) as targets:
        taken = rounds(asked, present, (targets, concurrency), what=title)
    mine = taken["ours"]
    yield Figure(
        bench="backup", against="none allowed", measure=f"{title}: failures", ours=mine.failures
    )
    for peer in _PEERS:
        if not peer.there:
            yield _absent(f"{title}: devices/s", devices / mine.seconds, peer)
        elif (theirs := taken.get(peer.name)) is None:
            yield _absent(f"{title}: devices/s", devices / mine.seconds, peer, "did not end")
        else:
            name = peer.name
            if theirs.failures:
                name += f" ({theirs.failures} failed)"
            yield Figure(
                bench="backup",
                against=name,
                measure=f"{title}: devices/s",
                ours=round(devices / mine.seconds, 2),
                theirs=round(devices / theirs.seconds, 2),
                ratio=round(theirs.seconds / mine.seconds, 3),
            )
            yield Figure(
                bench="backup",
                against=name,
                measure=f"{title}: CPU ms a device",
                ours=round(mine.cpu / devices * 1000, 3),
                theirs=round(theirs.cpu / devices * 1000, 3),
                ratio=round(theirs.cpu / mine.cpu, 3),
            )


def _absent(measure: str, ours: float, peer: Client, why: str = "not installed") -> Figure:
    return Figure(
        bench="backup", against=f"{peer.name} ({why})", measure=measure, ours=round(ours, 2)
    )


BENCH = Bench(name="backup", about="read and keep every running-config", run=run)
