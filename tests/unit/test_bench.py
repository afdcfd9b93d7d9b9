"""The frame of the benches: what is measured, what is stopped, and the form of the figures."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from catnet_controller.ios.diff import compare
from tests.bench import __main__ as command
from tests.bench import configs, frame, registry

QUICK = frame.Run(quick=True, tell=lambda _: None)


def test_both_sides_are_measured() -> None:
    less = frame.Side(name="less", work=len)
    more = frame.Side(name="more", work=sorted)
    mine, peer, stopped = frame.duel(QUICK, less, more, [(list(range(200_000)),)], first=([],))
    assert peer is not None
    assert 0 <= mine < peer
    assert not stopped


def test_a_peer_is_stopped_at_its_limit_and_ours_is_not() -> None:
    # Long enough for a fresh process to start and to measure; the sleep takes no CPU.
    quick = frame.Side(name="ours", work=abs)
    slow = frame.Side(name="peer", work=time.sleep, limit=0.2)
    mine, peer, stopped = frame.duel(QUICK, quick, slow, [(60,)], first=(0,))
    assert (peer, stopped) == (0.2, True)
    assert mine < 0.2


def test_a_side_that_fails_is_said() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        frame.duel(QUICK, frame.Side(name="ours", work=int), None, [("nine",)], first=(0,))


def test_figures_for_programs(tmp_path: Path) -> None:
    figures = [
        frame.against("diff", "CPU s", 0.5, 2.0, name="peer"),
        frame.against("diff", "CPU s", 0.5, None, name="nobody"),
    ]
    frame.write(figures, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text()) == [
        {
            "bench": "diff",
            "against": "peer",
            "measure": "CPU s",
            "ours": 0.5,
            "theirs": 2.0,
            "ratio": 4.0,
        },
        {
            "bench": "diff",
            "against": "nobody",
            "measure": "CPU s",
            "ours": 0.5,
            "theirs": None,
            "ratio": None,
        },
    ]


def test_every_bench_has_its_name() -> None:
    assert all(name == bench.name and bench.about for name, bench in registry.BENCHES.items())
    ended = CliRunner().invoke(command.main, ["no-such-bench"])
    assert ended.exit_code == 2
    assert "diff" in ended.output


@pytest.mark.parametrize("lines", [300, 3_000])
def test_what_is_compared_is_understood_whole(lines: int) -> None:
    """A refused change would be a fast one."""
    running = configs.running(lines)
    assert 0.9 < running.count("\n") / lines < 1.1
    desired = configs.changed(running)
    differing = sum(a != b for a, b in zip(running.split("\n"), desired.split("\n"), strict=True))
    assert differing == pytest.approx(lines / 100, abs=1)
    planned = compare(running, desired)
    assert not planned.refusals
    assert len(planned.commands) >= differing
    assert compare(desired, desired).empty
