"""Bench `sessions`: a session with every device at once, and what holding them takes."""

from collections.abc import Iterator

from tests.bench import clients, peers
from tests.bench.frame import Bench, Figure, Run, against
from tests.bench.rack import rack
from tests.bench.trial import Client, rounds

_MEMORY = 150.0
_OURS = Client(name="ours", work=clients.sessions)
_BARE = Client(name="bare asyncssh", work=peers.bare_sessions)


def run(asked: Run) -> Iterator[Figure]:
    devices, concurrency, few = (150, 50, 50) if asked.quick else (1_000, 100, 100)
    title = f"{devices:,} sessions"
    with rack(devices) as targets:
        taken = rounds(asked, (_OURS, _BARE), (targets, concurrency), what=title)
        small = rounds(
            Run(quick=True, tell=asked.tell), (_OURS,), (targets[:few], few), what=f"{few} sessions"
        )["ours"]
    mine, bare = taken["ours"], taken["bare asyncssh"]
    memory, theirs = mine.memory / 2**20, bare.memory / 2**20
    yield Figure(bench="sessions", against="none allowed", measure="failures", ours=mine.failures)
    yield against("sessions", f"{title}: MB", memory, _MEMORY, name="limit of 150 MB")
    yield against("sessions", f"{title}: MB", memory, theirs, name="bare asyncssh")
    each = (mine.memory - small.memory) / (devices - few) / 1024
    yield Figure(
        bench="sessions", against="nobody", measure=f"{title}: kB a session", ours=round(each, 1)
    )
    files = mine.files / devices
    yield against("sessions", f"{title}: descriptors a session", files, 1.0, name="limit of 1")
    yield against(
        "sessions", f"{title}: threads", mine.threads, small.threads, name=f"at {few} sessions"
    )


BENCH = Bench(name="sessions", about="hold a session with every device", run=run)
