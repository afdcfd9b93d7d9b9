"""The only place that turns the outcomes of a deployment into words for people."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from catnet_controller.models import (
    CommentMessage,
    Conclusion,
    Deployment,
    Job,
    Message,
    Mode,
    RecordMessage,
    Restored,
    State,
    StatusMessage,
    StatusState,
    Verdict,
)

DESCRIPTION_LIMIT = 140
"""Characters GitHub takes as a status description; a longer one is refused with 422."""
FORK = "pull-request from a fork"
"""The cause of a deployment that is validated offline only."""
UNHEARD = ", of a commit that was compared for another"
"""What that ends with where its commit has a status already that says more."""
MERGED = "pull-request merged into "
"""What the cause of a plan of the would-be merge begins with; branch and its commit follow."""
CONFLICT = "pull-request in conflict with "
"""What the cause of a pull request that cannot be merged begins with; the branch follows."""
AGAIN = " again, as the branch moved"
"""What the cause of a plan ends with that takes the place of one for the same commit: as long as it
is under way, the former one stands."""
BY = ", asked by "
"""What the cause of a plan ends with that somebody asked for; who follows."""
PRODUCTION = "production"
"""The environment of devices without a site, and of all when there are too many sites."""
MOST_SITES = 20
"""Each costs GitHub three writes for a deployment, and statuses wait in the same line."""
ALONE = "pull-request before its merge"
"""The cause of a plan of the pull request's own files, as GitHub has not merged them yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the verdict needs to know of the surroundings.

    ``public_url`` is the address of the status page without trailing slash, or empty.
    ``statuses_per_device`` is how many devices a deployment may have to get a context for each.
    ``environments``: GitHub's list of deployments is kept, an environment for each site.
    """

    public_url: str = ""
    statuses_per_device: int = 20
    environments: bool = False


def conclude(deployment: Deployment, wording: Wording) -> Conclusion:
    """State, one line and messages of a deployment as it stands, final or not."""
    verdict = judge(deployment)
    messages: list[Message] = []
    corrections: list[Message] = []
    replaces = deployment.cause.endswith(AGAIN)
    if replaces and verdict.state not in (State.COMPLETE, State.FAILED):
        return Conclusion(state=verdict.state, summary=verdict.line)
    if deployment.mode in (Mode.PUSH, Mode.DRY_RUN) and deployment.revision.reported:
        if not deployment.cause.endswith(UNHEARD):
            few = len(deployment.jobs) <= wording.statuses_per_device
            (messages if few else corrections).extend(_of_devices(deployment, wording))
            messages.append(_of_all(deployment, verdict, wording))
        pull = deployment.revision.pull
        if pull is not None and verdict.state.final and verdict.state is not State.SUPERSEDED:
            body = f"{verdict.text}\n\n{_footer(deployment, wording)}"
            hidden = _uneventful(deployment, verdict)
            messages.append(CommentMessage(pull=pull, body=body, hidden=hidden))
    if wording.environments and deployment.mode is Mode.PUSH and deployment.revision.reported:
        messages.extend(_records(deployment, wording))
    back = deployment.mode is Mode.ROLLBACK and verdict.state is State.COMPLETE
    if back and deployment.revision.sha:
        one, whole = _taken_back(deployment, wording)
        corrections.append(one)
        messages.append(whole)
    return Conclusion(
        state=verdict.state,
        summary=verdict.line,
        messages=tuple(messages),
        corrections=tuple(corrections),
    )


def _uneventful(deployment: Deployment, verdict: Verdict) -> bool:
    """Whether there is nothing to review: every device was compared and none would change."""
    return (
        verdict.state is State.COMPLETE
        and not deployment.cause.startswith(FORK)
        and not any(job.outcome is not None and job.outcome.changed for job in deployment.jobs)
    )


def judge(deployment: Deployment) -> Verdict:
    """The outcomes in words.

    Success is said only when every device was dealt with and none failed.
    """
    if deployment.problems:
        return _refused(deployment)
    if deployment.cause.startswith(CONFLICT):
        return _conflicts(deployment)
    jobs = deployment.jobs
    if any(not job.state.final for job in jobs):
        return _under_way(deployment)
    if any(job.state is State.FAILED for job in jobs):
        return _failed(deployment)
    superseded = [job for job in jobs if job.state is State.SUPERSEDED]
    if superseded:
        line = f"superseded by a newer revision before it reached {_names(superseded)}"
        return Verdict(status=StatusState.ERROR, state=State.SUPERSEDED, line=clip(line), text=line)
    held = [job for job in jobs if job.state is State.HELD_BACK]
    if held:
        line = f"held back: {_names(held)}"
        return Verdict(status=StatusState.ERROR, state=State.HELD_BACK, line=clip(line), text=line)
    cancelled = [job for job in jobs if job.state is State.CANCELLED]
    if cancelled:
        line = f"cancelled before it reached {_names(cancelled)}"
        return Verdict(status=StatusState.ERROR, state=State.CANCELLED, line=clip(line), text=line)
    return _complete(deployment)


def context(pull: int | None) -> str:
    """The status context of a deployment (branch or pull request)."""
    return "catnet/plan" if pull is not None else "catnet/deploy"


def clip(line: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """One line of at most ``limit`` characters, cut at the end with an ellipsis."""
    flat = " ".join(line.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


# --- verdicts ----------------------------------------------------------------------------------


def _refused(deployment: Deployment) -> Verdict:
    first, *rest = deployment.problems
    more = f" (and {_count(len(rest), 'more problem', 'more problems')})" if rest else ""
    room = DESCRIPTION_LIMIT - len(more)
    listed = "\n".join(str(problem) for problem in deployment.problems)
    text = (
        f"### {_mark(StatusState.FAILURE)} The repository has "
        f"{_count(len(deployment.problems), 'problem', 'problems')}; nothing was done\n\n"
        f"{fence(listed)}\n\nRun `catnet check` in the repository, correct each, and push again."
    )
    return Verdict(
        status=StatusState.FAILURE,
        state=State.FAILED,
        line=clip(str(first), room) + more,
        text=text,
    )


def _conflicts(deployment: Deployment) -> Verdict:
    branch = _kind(deployment).removeprefix(CONFLICT)
    line = f"conflicts with {branch}: nothing can be planned"
    return Verdict(
        status=StatusState.FAILURE,
        state=State.FAILED,
        line=clip(line),
        text=(
            f"### {_mark(StatusState.FAILURE)} {line}\n\n"
            f"Merge or rebase onto `{branch}`, solve the conflicts, and push again."
        ),
    )


def _under_way(deployment: Deployment) -> Verdict:
    jobs = deployment.jobs
    running = any(job.state is not State.PENDING for job in jobs)
    done = sum(1 for job in jobs if job.state.final)
    devices = _count(len(jobs), "device", "devices")
    line = f"{_DOING[deployment.mode]} {devices}"
    if deployment.pause is not None and not any(job.state is State.RUNNING for job in jobs):
        line = str(deployment.pause)
    # The count is left out of the line on purpose: a description that changes with every device
    # would be a new status for every device.
    return Verdict(
        status=StatusState.PENDING,
        state=State.RUNNING if running else State.PENDING,
        line=clip(line),
        text=f"{line}, {done} done",
    )


def _failed(deployment: Deployment) -> Verdict:
    jobs = deployment.jobs
    failed = [job for job in jobs if job.state is State.FAILED]
    held = sum(1 for job in jobs if job.state is State.HELD_BACK)
    count = f"{len(failed)} of {len(jobs)} failed" + (f", {held} held back" if held else "")
    line = f"{count}: {', '.join(job.device.name for job in failed)}"
    if len(failed) == 1 and failed[0].outcome is not None and failed[0].outcome.error:
        line = f"{line}: {failed[0].outcome.error}"
    restored = {job.outcome.restored for job in failed if job.outcome is not None}
    head = f"### {_mark(StatusState.FAILURE)} {count}"
    if restored & {Restored.PARTLY, Restored.UNKNOWN}:
        head += " — **look at the devices: not all could be restored**"
    return Verdict(
        status=StatusState.FAILURE,
        state=State.FAILED,
        line=clip(line),
        text=f"{head}\n\n{_table(jobs)}\n\n{_details(jobs)}",
    )


def _complete(deployment: Deployment) -> Verdict:
    jobs = deployment.jobs
    changed = [job for job in jobs if job.outcome is not None and job.outcome.changed]
    devices = _count(len(jobs), "device", "devices")
    if deployment.cause.startswith(FORK):
        line = "files are valid; a fork is never compared with devices"
    elif not jobs:
        line = "no device affected"
    elif deployment.mode is Mode.BACKUP:
        line = f"{devices} backed up"
    elif not changed:
        line = f"nothing to change on {devices}"
    elif deployment.mode is Mode.PUSH:
        line = f"{devices} in sync: {len(changed)} changed, verified and saved {_lines(changed)}"
        moved = sum(1 for job in jobs if job.outcome is not None and job.outcome.moved)
        if moved:
            line += f"; {moved} had changed since the plan"
    elif deployment.mode is Mode.ROLLBACK:
        line = f"{_names(jobs)} rolled back, verified and saved {_lines(changed)}"
    elif deployment.mode is Mode.CHECK:
        line = f"drift on {len(changed)} of {devices}: {_names(changed)} {_lines(changed)}"
    else:
        would = f"{len(changed)} of {devices} would change {_lines(changed)}"
        line = would if deployment.revision.pull is not None else f"dry-run only: {would}"
    parts = [f"### {_mark(StatusState.SUCCESS)} {line}"]
    if changed:
        parts += [_risks(changed), _table(jobs), _details(jobs)]
    elif jobs:
        # Nothing to read: one line, the devices folded away.
        parts.append(f"<details><summary>{devices}</summary>\n\n{_table(jobs)}\n\n</details>")
    return Verdict(
        status=StatusState.SUCCESS,
        state=State.COMPLETE,
        line=clip(line),
        text="\n\n".join(part for part in parts if part),
    )


# --- messages ----------------------------------------------------------------------------------


def _of_devices(deployment: Deployment, wording: Wording) -> Iterable[StatusMessage]:
    """A status for each device."""
    for job in deployment.jobs:
        state, line = _device_line(deployment, job)
        yield StatusMessage(
            sha=deployment.revision.sha,
            context=f"{context(deployment.revision.pull)}/{job.device.name}",
            state=state,
            description=clip(line),
            target_url=_url(deployment, wording),
        )


def _of_all(deployment: Deployment, verdict: Verdict, wording: Wording) -> StatusMessage:
    return StatusMessage(
        sha=deployment.revision.sha,
        context=context(deployment.revision.pull),
        state=verdict.status,
        description=verdict.line,
        target_url=_url(deployment, wording),
    )


def left_out(last: Deployment, devices: Collection[str]) -> Sequence[StatusMessage]:
    """What to say of the devices of a former plan for the same commit that are not among these."""
    base = context(last.revision.pull)
    return [
        StatusMessage(
            sha=last.revision.sha,
            context=f"{base}/{job.device.name}",
            state=StatusState.SUCCESS,
            description="not affected any more",
        )
        for job in last.jobs
        if job.device.name not in devices
    ]


def _records(deployment: Deployment, wording: Wording) -> Iterable[RecordMessage]:
    """How the deployment stands at each site, for GitHub's list of deployments."""
    sites: dict[str, list[Job]] = {}
    for job in deployment.jobs:
        sites.setdefault(job.device.site or PRODUCTION, []).append(job)
    if len(sites) > MOST_SITES:
        sites = {PRODUCTION: list(deployment.jobs)}
    for site, jobs in sorted(sites.items()):
        part = judge(replace(deployment, jobs=tuple(jobs)))
        yield RecordMessage(
            sha=deployment.revision.sha,
            environment=site,
            number=deployment.id,
            state=_RECORDED.get(part.state, "error"),
            description=part.line,
            log_url=_url(deployment, wording),
        )


def _taken_back(deployment: Deployment, wording: Wording) -> tuple[StatusMessage, StatusMessage]:
    """The commit that the branch is at must not look deployed where it was taken back: what its
    status for the device says now, if there is one, and the status for all."""
    revision = deployment.revision
    line = f"{revision.title} by {revision.author}; not pushed there again by itself"
    whole = StatusMessage(
        sha=revision.sha,
        context=context(None),
        state=StatusState.FAILURE,
        description=clip(line),
        target_url=_url(deployment, wording),
    )
    return replace(whole, context=f"{whole.context}/{deployment.jobs[0].device.name}"), whole


def _url(deployment: Deployment, wording: Wording) -> str:
    return f"{wording.public_url}/deployments/{deployment.id}" if wording.public_url else ""


def _device_line(deployment: Deployment, job: Job) -> tuple[StatusState, str]:
    outcome = job.outcome
    if job.state is State.PENDING and deployment.pause is not None:
        return StatusState.PENDING, str(deployment.pause)
    if not job.state.final:
        return StatusState.PENDING, f"{_DOING[deployment.mode]} {job.device.name}"
    if job.state is State.FAILED:
        line = outcome.error if outcome is not None and outcome.error else "failed"
        if outcome is not None and outcome.restored is not Restored.NOT_NEEDED:
            left = _RESTORED[outcome.restored]
            return StatusState.FAILURE, f"{clip(line, DESCRIPTION_LIMIT - len(left) - 2)}; {left}"
        return StatusState.FAILURE, line
    if job.state is not State.COMPLETE or outcome is None:
        said = job.state in (State.CANCELLED, State.HELD_BACK)
        if said and outcome is not None and outcome.warnings:
            return StatusState.ERROR, outcome.warnings[-1]
        return StatusState.ERROR, f"{job.state.value} by a newer revision"
    if not outcome.changed:
        return StatusState.SUCCESS, "nothing to change"
    if deployment.mode is Mode.PUSH:
        return StatusState.SUCCESS, f"changed, verified and saved {_lines([job])}"
    return StatusState.SUCCESS, f"would change {_lines([job])}"


# --- words -------------------------------------------------------------------------------------

_DOING = {
    Mode.DRY_RUN: "dry-run on",
    Mode.PUSH: "pushing to",
    Mode.CHECK: "checking",
    Mode.BACKUP: "backing up",
    Mode.ROLLBACK: "rolling back",
}
_RECORDED = {
    State.PENDING: "queued",
    State.RUNNING: "in_progress",
    State.COMPLETE: "success",
    State.FAILED: "failure",
}
_RESTORED = {
    Restored.NOT_NEEDED: "nothing was changed",
    Restored.RESTORED: "rolled back",
    Restored.PARTLY: "NOT fully rolled back",
    Restored.UNKNOWN: "state of the device UNKNOWN",
}


def _mark(status: StatusState) -> str:
    return {StatusState.SUCCESS: "✅", StatusState.PENDING: "⏳"}.get(status, "❌")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _names(jobs: Sequence[Job], most: int = 5) -> str:
    names = [job.device.name for job in jobs]
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _lines(jobs: Sequence[Job]) -> str:
    added = sum(job.outcome.added for job in jobs if job.outcome is not None)
    removed = sum(job.outcome.removed for job in jobs if job.outcome is not None)
    return f"(+{added} −{removed} lines)"


def _table(jobs: Sequence[Job]) -> str:
    """One row for all devices that fared alike."""
    groups: dict[tuple[str, str, str], list[Job]] = {}
    for job in jobs:
        outcome = job.outcome
        note = lines = ""
        if outcome is not None:
            note = outcome.error or "; ".join(outcome.warnings)
            if job.state is State.FAILED and outcome.restored is not Restored.NOT_NEEDED:
                note = f"{note} — {_RESTORED[outcome.restored]}"
            lines = f"+{outcome.added} −{outcome.removed}" if outcome.changed else "no change"
        groups.setdefault((job.state.value, lines, literal(note)), []).append(job)
    rows = ["| device | result | lines | |", "|---|---|---|---|"]
    for (state, lines, note), group in groups.items():
        rows.append(f"| {_listed(group)} | {state} | {lines} | {note} |")
    return "\n".join(rows)


def _listed(jobs: Sequence[Job], most: int = 20) -> str:
    names = ", ".join(f"`{job.device.name}`" for job in jobs[:most])
    if len(jobs) == 1:
        return names
    more = f" and {len(jobs) - most} more" if len(jobs) > most else ""
    return f"{len(jobs)} devices: {names}{more}"


def _risks(jobs: Sequence[Job]) -> str:
    """What is touched that must not be overlooked, and where."""
    where: dict[str, list[Job]] = {}
    for job in jobs:
        for risk in job.outcome.risks if job.outcome is not None else ():
            where.setdefault(risk, []).append(job)
    return "\n".join(
        f"- ⚠️ **{risk}** — {_names(where[risk], most=10)}" for risk in sorted(where, key=_gravity)
    )


def _gravity(risk: str) -> tuple[int, str]:
    order = ("management access", "AAA", "routing")
    return (order.index(risk) if risk in order else len(order), risk)


def _details(jobs: Sequence[Job]) -> str:
    """Each distinct change once, with the devices that get it, and what goes wrong where."""
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Job]] = {}
    for job in jobs:
        if job.outcome is not None and (job.outcome.diff or job.outcome.commands):
            key = (job.outcome.diff, job.outcome.commands, job.outcome.reverse)
            groups.setdefault(key, []).append(job)
    blocks = []
    for (diff, commands, reverse), group in groups.items():
        title = f"{_names(group, most=10)} {_lines(group[:1])}"
        if len(group) > 1:
            first = group[0].outcome
            assert first is not None, "only jobs with an outcome are grouped"
            number = first.added + first.removed
            same = "the same line" if number == 1 else f"the same {number} lines"
            title = f"{len(group)} devices, {same}: {title}"
        parts = [f"<details{' open' if len(groups) <= 3 else ''}><summary>{title}</summary>"]
        parts.append(fence(diff, "diff"))
        if commands:
            parts.append(f"Commands, in order:\n{fence(chr(10).join(commands))}")
        if reverse:
            parts.append(f"Commands that undo them:\n{fence(chr(10).join(reverse))}")
        parts.append("</details>")
        blocks.append("\n\n".join(parts))
    for job in jobs:
        if job.outcome is not None and job.outcome.remaining:
            blocks.append(
                f"Remaining difference on `{job.device.name}`:\n"
                f"{fence(job.outcome.remaining, 'diff')}"
            )
        if job.outcome is not None and job.outcome.next_step and job.state is State.FAILED:
            blocks.append(f"**{job.device.name}** — next: {literal(job.outcome.next_step)}")
    return "\n\n".join(blocks)


def fence(text: str, language: str = "") -> str:
    """A fenced code block that the text cannot close: hostile content stays content."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def literal(text: str) -> str:
    """Text for a table cell or within a line, as code that it cannot end: nothing in it is live."""
    flat = " ".join(text.split())
    if not flat:
        return ""
    # Nothing that looks for tags or mentions finds one, and a backslash of the text cannot take
    # away the one that keeps a bar from ending the cell.
    flat = re.sub(r"[<@](?=.)|\\(?=\|)", "\\g<0>\u200b", flat).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    ticks = "`" * (longest + 1)
    # A blank on both sides is not shown; without it backticks of the text would join ours.
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def _kind(deployment: Deployment) -> str:
    """The cause without who asked, or why again."""
    return deployment.cause.removesuffix(AGAIN).partition(BY)[0]


def _footer(deployment: Deployment, wording: Wording) -> str:
    link = f" · [details]({wording.public_url}/deployments/{deployment.id})"
    what = f"Plan of `{deployment.revision.sha[:12]}`"
    cause = _kind(deployment)
    if cause.startswith(MERGED):
        what += f" merged into {cause.removeprefix(MERGED)}"
    elif cause == ALONE:
        what += (
            " without its merge, which GitHub has not computed: what the branch got meanwhile"
            " may look taken away"
        )
    return f"<sub>{what}{link if wording.public_url else ''}</sub>"
