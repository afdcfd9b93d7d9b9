"""May this change go to this device: from a change set to silence, or a refusal that says why."""

from dataclasses import dataclass

from catnet_controller.errors import GuardRefused, NotUnderstood
from catnet_controller.ios.changes import ChangeSet, Sign
from catnet_controller.ios.danger import Danger, dangers
from catnet_controller.ios.redact import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator allows.

    ``max_removed_percent`` of the running-config may be removed by one change; a change that
    removes fewer than ``few_lines`` lines is never called a shrunken file.
    """

    allow_management_changes: bool = False
    max_removed_percent: int = 50
    few_lines: int = 20


def guard(change_set: ChangeSet, running: str, rules: Rules) -> None:
    """Pass, or raise NotUnderstood or GuardRefused with every reason at once.

    The message holds no secret.
    """
    if change_set.refusals:
        reasons = [
            f"{refusal.origin or 'on the device'}: `{redact(refusal.line)}`: {refusal.reason}"
            for refusal in change_set.refusals
        ]
        raise NotUnderstood("; ".join(reasons))
    reasons = [_reason(danger) for danger in dangers(change_set.commands) if _stops(danger, rules)]
    shrunken = _shrunken(change_set, running, rules)
    if shrunken:
        reasons.append(shrunken)
    if reasons:
        raise GuardRefused("; ".join(reasons))


def _stops(danger: Danger, rules: Rules) -> bool:
    if danger.kind == "never":
        return True
    return danger.kind == "management" and not rules.allow_management_changes


def _reason(danger: Danger) -> str:
    where = f"{danger.origin}: " if danger.origin else ""
    return f"{where}`{redact(danger.command)}`: {danger.reason}"


def _shrunken(change_set: ChangeSet, running: str, rules: Rules) -> str | None:
    removed = sum(1 for line in change_set.diff if line.sign is Sign.REMOVE)
    held = sum(1 for line in running.splitlines() if line.strip(" !"))
    if removed <= rules.few_lines or not held:
        return None
    percent = round(100 * removed / held)
    if percent <= rules.max_removed_percent:
        return None
    return (
        f"the change removes {removed} of {held} lines ({percent} %), more than "
        f"{rules.max_removed_percent} % (`deploy.max_removed_percent`)"
    )
