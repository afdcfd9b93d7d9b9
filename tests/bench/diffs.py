"""Bench `diff`: comparing by size, one long access list, equal texts; beside hier_config."""

import importlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

from catnet_controller.ios.diff import compare
from tests.bench import configs
from tests.bench.frame import Bench, Figure, Run, Side, against, duel

Pair = tuple[str, str]


class Made(Protocol):
    """Makes the text of a device."""

    def __call__(self, size: int, /, *, device: int) -> str: ...


_BUSY = "CPU s"
_LIMIT = 240.0
"""Seconds a peer gets for one run; hier_config needs about as long for 30,000 entries."""
_ENOUGH = 12_000
"""Lines that are compared per round at the least: small configurations are those of many devices,
because what is known of one text makes comparing the same text again faster than it is."""


_SMALL = configs.running(300, device=999)
_FIRST = (_SMALL, configs.changed(_SMALL))
"""What both compare once, unmeasured: it imports modules and compiles regular expressions."""


def ours(running: str, desired: str) -> object:
    """Commands, the way back, the diff, and the proof of all of it in the model of IOS."""
    return compare(running, desired)


def hier_config(running: str, desired: str) -> object:
    """The same: commands, the way back, the diff, and what each of the two would leave.

    Whether that is what was wanted is not asked: it does not always come out so.
    """
    # By name: the peer is an extra, and types are checked without it.
    it = importlib.import_module("hier_config")
    ios = it.Platform.CISCO_IOS
    have, want = it.get_hconfig(ios, running), it.get_hconfig(ios, desired)
    plan = it.WorkflowRemediation(have, want)
    there, back = plan.remediation_config, plan.rollback_config
    commands, reverse = (
        [line.cisco_style_text() for line in part.all_children_sorted()] for part in (there, back)
    )
    after = have.future(there)
    return commands, reverse, [*have.unified_diff(want)], after, after.future(back)


def run(asked: Run) -> Iterator[Figure]:
    mine = Side(name="ours", work=ours)
    peer = None
    if find_spec("hier_config"):
        limit = 10.0 if asked.quick else _LIMIT
        peer = Side(name="hier_config", work=hier_config, limit=limit)

    def pair(title: str, texts: Sequence[Pair]) -> Iterator[Figure]:
        asked.tell(title)
        took, other, stopped = duel(asked, mine, peer, texts, first=_FIRST)
        taken[title] = took / texts[0][0].count("\n")
        name = "hier_config" if peer else "nobody: the extra bench is not installed"
        if stopped:
            name += f" (stopped after {other:g} s)"
        yield against("diff", f"{title}, {_BUSY}", took, other, name=name)

    taken: dict[str, float] = {}
    for lines in (300, 3_000, 30_000):
        yield from pair(f"{lines:,} lines, 1 % changed", _fleet(configs.running, lines))
    for entries in (300, 10_000, 30_000):
        yield from pair(f"one list of {entries:,}, 1 % changed", _fleet(configs.one_list, entries))
    text = configs.running(30_000)
    # Another object with the same text, as two readings are.
    yield from pair("30,000 lines, equal", [(text, text.encode().decode())])
    yield _growth(taken, "30,000 lines, 1 % changed", "300 lines, 1 % changed")
    yield _growth(taken, "one list of 10,000, 1 % changed", "one list of 300, 1 % changed")
    yield _growth(taken, "one list of 30,000, 1 % changed", "one list of 300, 1 % changed")


def _fleet(made: Made, lines: int) -> list[Pair]:
    """Devices of this size, each with what it has and what it shall have."""
    texts = [made(lines, device=number) for number in range(max(1, _ENOUGH // lines))]
    return [(text, configs.changed(text)) for text in texts]


def _growth(taken: dict[str, float], large: str, small: str) -> Figure:
    """Time per line: a ratio of 1 is linear growth."""
    return against(
        "diff",
        f"{large}, CPU µs a line",
        taken[large] * 1e6,
        taken[small] * 1e6,
        name=f"at {small}",
    )


BENCH = Bench(name="diff", about="compare two configurations", run=run)
