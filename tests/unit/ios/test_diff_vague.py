"""Lines that only a catch-all row takes are marked, or refused where policy is strict."""

from catnet_controller.ios.diff import compare

RUNNING = "hostname r1\nend\n"
DESIRED = "hostname r2\nip nbar frobnicate password 7 0822455D0A16\nend\n"
ORIGINS = tuple(f"configs/a.cfg:{n}" for n in range(1, 5))


def test_a_vague_line_is_marked() -> None:
    change = compare(RUNNING, DESIRED, origins=ORIGINS)
    assert change.refusals == ()
    marked = [warning for warning in change.warnings if "not known in detail" in warning]
    assert len(marked) == 1
    assert marked[0].startswith("configs/a.cfg:2: `ip nbar frobnicate password")
    assert marked[0].endswith("`: not known in detail; typed as it stands")
    assert "0822455D0A16" not in str(change.warnings)


def test_a_vague_line_is_refused_where_policy_is_strict() -> None:
    change = compare(RUNNING, DESIRED, origins=ORIGINS, strict=True)
    assert change.commands == ()
    assert [(r.line.split()[1], r.origin) for r in change.refusals] == [("nbar", "configs/a.cfg:2")]
    removed = compare(DESIRED.replace("r2", "r1"), RUNNING, strict=True)
    assert [refusal.line.split()[:2] for refusal in removed.refusals] == [["no", "ip"]]


def test_what_stays_is_not_marked() -> None:
    change = compare(DESIRED, DESIRED.replace("r2", "r3"), strict=True)
    assert (change.refusals, change.warnings) == ((), ())
    assert [command.text for command in change.commands] == ["hostname r3"]
