"""The specification of the diff: each case's commands and way back, line by line, in order."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catnet_controller.ios.changes import Command
from catnet_controller.ios.diff import compare
from catnet_controller.ios.predict import predict

CASES = sorted((Path(__file__).parents[2] / "cases" / "ios").glob("*.yaml"))


def shown(commands: tuple[Command, ...]) -> str:
    return "".join(f"{' ' * command.depth}{command.text}\n" for command in commands)


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = load(path)
    scope, applied = case.get("scope", "full"), case.get("applied")
    change = compare(case["running"], case["desired"], scope=scope, applied=applied)
    assert [f"{r.line}: {r.reason}" for r in change.refusals] == case.get("refused", [])
    assert shown(change.commands) == case["commands"]
    assert shown(change.reverse) == case["rollback"]
    if change.refusals:
        return
    assert predict(case["running"], change.commands) == change.predicted
    again = compare(change.predicted, case["desired"], scope=scope, applied=applied)
    assert (again.commands, again.diff, again.refusals) == ((), (), ())
    back = predict(change.predicted, change.reverse)
    left = compare(back, case["running"])
    assert (left.commands, left.diff, left.refusals) == ((), (), ())


def test_there_are_cases() -> None:
    assert len(CASES) >= 40
