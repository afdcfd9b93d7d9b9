"""What is wrong with the network comes in; the issue that says so, or that it is over, goes out."""

from collections.abc import Mapping, Sequence

from catnet_controller.models import Deployment, DeviceState, IssueMessage
from catnet_controller.policy.verdict import clip, fence


def failing(states: Mapping[str, DeviceState]) -> tuple[DeviceState, ...]:
    """The devices that have not got what the branch wants, once no deployment is under way.

    One that was rolled back is as somebody wanted it.
    """
    return tuple(
        state
        for _, state in sorted(states.items())
        if state.desired is not None and state.desired not in (state.applied, state.declined)
    )


def issue(last: Deployment, devices: Sequence[DeviceState], *, public_url: str) -> IssueMessage:
    """``last`` is the newest deployment of the branch, and over."""
    if not devices and not last.problems:
        return IssueMessage(open=False)
    title = f"CatNet: revision {last.revision.sha[:12]} was refused"
    parts = []
    if last.problems:
        listed = "\n".join(map(str, last.problems))
        parts.append(f"Nothing was deployed:\n{fence(listed)}")
    if devices:
        names = ", ".join(state.device.name for state in devices)
        title = f"CatNet: {len(devices)} not deployed: {names}"
        rows = "\n".join(f"{state.device.name}: {state.note or 'not reached'}" for state in devices)
        parts.append(f"These devices have not got what the branch wants:\n{fence(rows)}")
    if public_url:
        parts.append(f"[Deployment {last.id}]({public_url}/deployments/{last.id})")
    parts.append("This issue is closed as soon as all is well.")
    return IssueMessage(open=True, title=clip(title, 120), body="\n\n".join(parts))
