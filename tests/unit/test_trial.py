"""Benches that let clients work on a fleet: what is measured, who is left out, what is drawn."""

import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from tests.bench import __main__ as command
from tests.bench import clients, flight, peers, rack
from tests.bench.frame import Figure, Run, read, write
from tests.bench.plot import plot
from tests.bench.trial import Client, Meter, measured, rounds

QUICK = Run(quick=True, tell=lambda _: None)


def nap(seconds: float) -> Meter:
    with measured() as meter:
        time.sleep(seconds)
    meter.failures = 2
    return meter


def test_what_a_client_took_is_measured_in_a_process_of_its_own() -> None:
    taken = rounds(QUICK, [Client(name="one", work=nap)], (0.05,), what="nap")
    assert 0.05 <= taken["one"].seconds < 5
    assert taken["one"].cpu < taken["one"].seconds
    assert taken["one"].memory > 1_000_000
    assert taken["one"].failures == 2


def test_who_is_stopped_is_left_out_and_who_fails_is_said() -> None:
    sleeper = Client(name="sleeper", work=nap, limit=0.2)
    assert rounds(QUICK, [sleeper], (60,), what="nap") == {}
    with pytest.raises(RuntimeError, match="failing: TypeError"):
        rounds(QUICK, [Client(name="failing", work=nap)], ("long",), what="nap")


def test_a_peer_that_is_not_installed_is_known() -> None:
    assert not Client(name="nobody", work=nap, needs="no_such_module").there
    assert Client(name="ours", work=nap).there


def test_our_clients_and_the_limit_do_the_work() -> None:
    typed = ["interface Loopback1", "description one", "interface Loopback2", "shutdown"]
    with rack.rack(2, delay=0.001) as targets:
        assert clients.backup(targets, 2).failures == 0
        assert peers.bare_backup(targets, 2).failures == 0
        assert clients.lines(targets, typed).failures == 0
        assert peers.bare_lines(targets, typed).seconds > 0
        assert clients.change(targets, typed).failures == 0
        held = clients.sessions(targets, 2)
        assert (held.failures, held.files) == (0, 2)


def test_the_peer_that_types_no_lines_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = flight._LINES[:1]
    monkeypatch.setattr(flight, "_LINES", alone)
    monkeypatch.setattr(flight, "rounds", lambda *_, **__: {"ours": Meter(seconds=2.0)})
    [figure] = flight._duel(QUICK, "typed", alone, ())
    assert "NAPALM" in figure.against
    assert (figure.ours, figure.ratio) == (2.0, None)


FIGURES = [
    Figure(bench="push", against="a <peer>", measure="s", ours=1.0, theirs=20.0, ratio=20.0),
    Figure(bench="push", against="the limit", measure="s", ours=1.0, theirs=0.2, ratio=0.2),
    Figure(bench="diff", against="nobody", measure="s", ours=1.0),
]


def test_the_picture_has_a_bar_for_each_ratio() -> None:
    drawn = ET.fromstring(plot(FIGURES, title="How <much>"))
    bars = list(drawn.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(bars) == 2
    better, worse = bars
    assert better.get("fill") != worse.get("fill")
    assert float(better.get("width", 0)) > float(worse.get("width", 0))
    assert "a <peer>" in "".join(drawn.itertext())


def test_a_picture_of_an_earlier_run(tmp_path: Path) -> None:
    source, picture = tmp_path / "figures.json", tmp_path / "figures.svg"
    write(FIGURES, source)
    assert read(source) == FIGURES
    ended = CliRunner().invoke(command.main, ["push", "--plot", str(source), str(picture)])
    assert ended.exit_code == 0, ended.output
    assert "20x" in picture.read_text()
    assert ended.output == ""
