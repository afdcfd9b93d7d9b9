"""The specification of the diff: each case's commands and way back, line by line, in order.

A case states its reason in ``why``, with the fact or the Cisco reference behind it. ``asks`` names
the commands that the device answers with a question. ``open`` says why the engine does not do yet
what the case asks for.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from catnet_controller.ios.changes import ChangeSet, Command
from catnet_controller.ios.diff import compare
from catnet_controller.ios.predict import lines, predict
from catnet_controller.ios.rows import Kind
from catnet_controller.ios.rules import match, mode
from catnet_controller.ios.tree import Path as Sections

CASES = sorted((Path(__file__).parents[2] / "cases" / "ios").glob("*.yaml"))
KEYS = {"why", "open", "scope", "asks", "refused", "running", "applied", "desired"}


def shown(commands: tuple[Command, ...]) -> str:
    return "".join(f"{' ' * command.depth}{command.text}\n" for command in commands)


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def compared(case: dict[str, Any], running: str) -> ChangeSet:
    scope, applied = case.get("scope", "full"), case.get("applied")
    return compare(running, case["desired"], scope=scope, applied=applied)


def cases() -> list[Any]:
    made = []
    for path in CASES:
        reason = load(path).get("open")
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        made.append(pytest.param(path, id=path.stem, marks=marks))
    return made


@pytest.mark.parametrize("path", cases())
def test_case(path: Path) -> None:
    case = load(path)
    change = compared(case, case["running"])
    assert [f"{r.line}: {r.reason}" for r in change.refusals] == case.get("refused", [])
    assert shown(change.commands) == case["commands"]
    assert shown(change.reverse) == case["rollback"]
    if change.refusals:
        return
    assert [c.text for c in change.commands if c.asks] == case.get("asks", [])
    assert predict(case["running"], change.commands) == change.predicted
    again = compared(case, change.predicted)
    assert (again.commands, again.diff, again.refusals) == ((), (), ())
    back = predict(change.predicted, change.reverse)
    left = compare(back, case["running"])
    assert (left.commands, left.diff, left.refusals) == ((), (), ())


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case_says_why(path: Path) -> None:
    case = load(path)
    assert len(case["why"].split()) > 4
    assert set(case) <= KEYS | {"commands", "rollback"}


def kinds(commands: tuple[Command, ...]) -> set[Kind]:
    """The kinds of the rows of what is typed."""
    found = set()
    path: Sections = ()
    for command, line in zip(
        (c for c in commands if c.expect == "prompt"), lines(commands), strict=True
    ):
        path = path[: command.depth]
        text = line.partition("\n")[0]
        if got := match(mode(path), text.removeprefix("default ")):
            found.add(got.row.kind)
            if got.row.kind is Kind.SECTION and not got.negative:
                path = (*path, text)
    return found


def test_the_cases_cover_every_kind_of_row() -> None:
    assert len(CASES) >= 150
    said: Counter[Kind] = Counter()
    for path in CASES:
        case = load(path)
        change = compared(case, case["running"])
        said.update(kinds(change.commands) | kinds(change.reverse))
    assert set(said) == set(Kind)
    assert min(said.values()) >= 3, said
