"""Two sides come in, files or devices; what tells them apart goes out in redacted words."""

import difflib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catnet_controller.app import wiring
from catnet_controller.app.planning import reading, wanted
from catnet_controller.ios.redact import redact
from catnet_controller.ios.secrets import names
from catnet_controller.models import Desired, Device, Outcome, Scope, State
from catnet_controller.pipeline.compare import Compare
from catnet_controller.policy.guard import Rules
from catnet_controller.settings import Settings

_CONTEXT = 3
"""Lines around a change in the unified text, as in diff(1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What tells two configurations apart, redacted.

    ``refusals`` say which lines CatNet would not type, and why; then there are no commands, and
    what was compared is no answer to rely on.
    """

    running: str
    desired: str
    scope: Scope
    outcome: Outcome
    unified: str
    refusals: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        return not self.outcome.changed


async def differ(
    running: str,
    desired: str | None,
    *,
    path: Path | None,
    partial: bool,
    settings: Callable[[], Settings],
    kept: Mapping[str, str] | None = None,
) -> Difference:
    """Compare side ``running`` with side ``desired``: each a file, or ``device:NAME``, read now.

    ``desired`` None is what the config repository wants on the device of the other side: that in
    folder ``path``, or the branch on GitHub. ``settings`` are read only where they are needed: for
    a device, and for the values of secrets. ``kept`` has the texts of sides that are backups, by
    their ids.

    Raises OSError for a file, and what reading a repository or a device raises.
    """

    async def text_of(side: str) -> str:
        if kept is not None and side in kept:
            return kept[side]
        name = _device(side)
        if name is None:
            return _file(side)
        found = await wanted(settings(), path=path, name=name)
        return (await reading(settings(), found.device)).text

    if desired is None:
        backup = (kept or {}).get(running)
        name = running.rpartition("/")[0] if backup is not None else _device(running) or running
        aim = await wanted(settings(), path=path, name=name)
        text = backup if backup is not None else (await reading(settings(), aim.device)).text
    else:
        aim = _desired(desired, await text_of(desired))
        text = await text_of(running)
    if partial:
        aim = replace(aim, device=replace(aim.device, scope=Scope.PARTIAL))
    if names(aim.text):
        compare = wiring.compare(settings())
    else:
        compare = Compare(rules=Rules(), secrets={}, mark=secrets.token_bytes(16), strict=False)
    change_set = compare.changes(aim, None, text)
    becomes = change_set.predicted
    if change_set.refusals and aim.device.scope is Scope.FULL:
        # Nothing is typed then; what was asked for still differs from what runs.
        becomes = aim.text
    return Difference(
        running=running,
        desired=desired or "repository",
        scope=aim.device.scope,
        outcome=compare.outcome(State.COMPLETE, change_set, None),
        unified=_unified(
            compare.redacted(text), compare.redacted(becomes), running, desired or "repository"
        ),
        refusals=tuple(
            f"{each.origin or running}: `{compare.redacted(each.line)}`: {redact(each.reason)}"
            for each in change_set.refusals
        ),
    )


def _device(side: str) -> str | None:
    return side.removeprefix("device:") if side.startswith("device:") else None


def _file(side: str) -> str:
    return Path(side).read_bytes().decode("utf-8", "surrogateescape")


def _desired(side: str, text: str) -> Desired:
    origins = tuple(f"{side}:{number}" for number, _ in enumerate(text.split("\n"), 1))
    return Desired(device=Device(name=side, host=""), text=text, digest="", origins=origins)


def _unified(one: str, other: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        one.splitlines(), other.splitlines(), before, after, lineterm="", n=_CONTEXT
    )
    return "\n".join(lines)
