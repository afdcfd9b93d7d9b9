"""Stage: a running-config and what is wanted come in; a judged change set and its words go out."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from catnet_controller.errors import CatnetError, PlanStale, Refused, SecretMissing
from catnet_controller.ios.changes import ChangeSet, Command, Sign
from catnet_controller.ios.diff import compare, render
from catnet_controller.ios.normal import shown
from catnet_controller.ios.redact import redact
from catnet_controller.ios.risks import risks
from catnet_controller.ios.secrets import names, resolve
from catnet_controller.models import Desired, Outcome, Planned, Reading, State
from catnet_controller.policy.guard import Rules, guard
from catnet_controller.ports import Decide


class Compare:
    """Compares and judges; touches nothing.

    ``secrets`` are the values for ``{{ secret("name") }}``; ``mark`` is the key that makes a
    changed secret visibly different in redacted text without showing it. ``strict`` refuses lines
    that are known by their family only. ``replan`` lets a push type something else than the plan of
    its pull request said, when the device has changed since.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        secrets: Mapping[str, str],
        mark: bytes,
        strict: bool,
        replan: bool = False,
    ) -> None:
        self._replan = replan
        self._rules = rules
        self._secrets = secrets
        self._mark = mark
        self._strict = strict
        # The longest first: one value may hold another.
        self._values = sorted(secrets.items(), key=lambda each: len(each[1]), reverse=True)

    def changes(self, desired: Desired, applied: Desired | None, running: str) -> ChangeSet:
        """What it takes to make the device so; raises SecretMissing."""
        return compare(
            running,
            self._resolved(desired),
            scope=desired.device.scope.value,
            applied=self._resolved(applied) if applied is not None else None,
            origins=desired.origins,
            mark=self._mark,
            strict=self._strict,
        )

    def decide(
        self,
        desired: Desired,
        applied: Desired | None,
        *,
        back: bool = False,
        planned: Planned | None = None,
    ) -> Decide:
        """The judgement on what may be typed; it raises Refused for what may not.

        ``back``: a person asked for a rollback, which may take away as much as it has to.
        """
        return partial(self._judged, desired, applied, back, planned)

    def _judged(
        self,
        desired: Desired,
        applied: Desired | None,
        back: bool,
        planned: Planned | None,
        running: str,
    ) -> ChangeSet:
        change_set = self.changes(desired, applied, running)
        guard(change_set, running, self._ruled(back))
        if planned is None or self._replan or shown(running) == planned.seen:
            return change_set
        typed = tuple(self._line(each) for each in change_set.commands)
        if typed and typed != planned.commands:
            raise PlanStale(
                f"{desired.device.name} changed since the plan of pull request {planned.pull}:"
                f" {len(typed)} lines would be typed now that are not those of the plan"
            )
        return change_set

    def _ruled(self, back: bool) -> Rules:
        return replace(self._rules, max_removed_percent=100) if back else self._rules

    def look(
        self,
        desired: Desired,
        applied: Desired | None,
        reading: Reading,
        *,
        back: bool = False,
    ) -> tuple[Outcome, Refused | None]:
        """A dry-run: what would change, and the refusal that a push would meet."""
        change_set = self.changes(desired, applied, reading.text)
        outcome = self.outcome(State.COMPLETE, change_set, reading)
        try:
            guard(change_set, reading.text, self._ruled(back))
        except Refused as refusal:
            return outcome, refusal
        return outcome, None

    def outcome(self, state: State, change_set: ChangeSet, reading: Reading | None) -> Outcome:
        """The change set in redacted words."""
        signs = [line.sign for line in change_set.diff]
        return Outcome(
            state=state,
            changed=not change_set.empty,
            added=signs.count(Sign.ADD),
            removed=signs.count(Sign.REMOVE),
            diff=self._masked(render(change_set.diff)),
            commands=tuple(self._line(each) for each in change_set.commands),
            reverse=tuple(self._line(each) for each in change_set.reverse),
            risks=risks(change_set.commands),
            warnings=tuple(self._masked(each) for each in change_set.warnings),
            backup=reading.backup.id if reading is not None and reading.backup else None,
            read_at=reading.read_at if reading is not None else None,
            seen=shown(reading.text) if reading is not None else "",
        )

    def redacted(self, text: str) -> str:
        """The text without its secrets; a changed secret is visibly another one."""
        return redact(self._masked(text), self._mark)

    def failed(self, error: CatnetError, outcome: Outcome | None = None) -> Outcome:
        """The outcome of a job that ended in an error, keeping what ``outcome`` knows."""
        return replace(
            outcome or Outcome(state=State.FAILED),
            state=State.FAILED,
            error_code=error.code,
            error=self.redacted(error.message),
            next_step=error.next_step,
        )

    def _masked(self, text: str) -> str:
        """The text without the values of `secret(...)`, wherever they stand.

        A line in which nobody would look for a secret can hold one: whoever may propose a change
        could write it into a description to read it in the plan.
        """
        for name, value in self._values:
            if value in text:
                made = hmac.new(self._mark, value.encode(), hashlib.sha256).hexdigest()[:4]
                text = text.replace(value, f"<secret {name} hmac:{made}>")
        return _shown(text)

    def _line(self, command: Command) -> str:
        return self.redacted(f"{' ' * command.depth}{command.text}")

    def _resolved(self, desired: Desired) -> str:
        if desired.literal:
            return desired.text
        missing = [name for name in names(desired.text) if name not in self._secrets]
        if missing:
            listed = ", ".join(f'{{{{ secret("{name}") }}}}' for name in missing)
            raise SecretMissing(
                f"{desired.device.name}: no value is given for {listed}",
                next_step="Add it under `secrets` in catnet.yaml as a reference.",
            )
        return resolve(desired.text, self._secrets)


def _shown(text: str) -> str:
    """Text that any store and any page takes: a byte that is not UTF-8 is shown as U+FFFD.

    Devices are read with such bytes kept as lone surrogates, so that they can be typed back.
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
