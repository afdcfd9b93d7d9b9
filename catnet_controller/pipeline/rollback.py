"""Stage: opens the deployment that takes one device back, when a person asked for it.

A wish comes in (to a backup, to a file, to a revision, or to before the last change); a deployment
of one job goes out, of mode rollback, or dry-run to see it first. The job is worked on like a push.
"""

import hashlib
import re
from dataclasses import replace

from catnet_controller.errors import NoSuchBackup, RollbackRefused
from catnet_controller.ios import parse
from catnet_controller.models import (
    Deployment,
    Desired,
    DeviceState,
    JobPlan,
    Mode,
    Revision,
    Scope,
    Wish,
)
from catnet_controller.pipeline import snapshot as stage
from catnet_controller.ports import (
    BackupFiles,
    Brake,
    Conclude,
    Deployments,
    Offload,
    Repository,
    States,
    Triggers,
)

_HOSTNAME = re.compile(r"^hostname (\S+)", re.MULTILINE)
_BY_HAND = " (deploy.mode is dry-run)"
_SHA = re.compile(r"[0-9a-f]{7,40}")


class Rollback:
    """What is put back is decided when it is asked for, and stored with the job.

    ``mode`` is that of what CatNet does by itself. A person's word goes further: also where it is
    dry-run a device is taken back, unless pushes are paused as well.
    """

    def __init__(
        self,
        *,
        branch: str,
        mode: Mode,
        triggers: Triggers,
        deployments: Deployments,
        states: States,
        brake: Brake,
        repository: Repository,
        backups: BackupFiles,
        conclude: Conclude,
        offload: Offload,
    ) -> None:
        self._ref = f"branch/{branch}"
        self._mode = mode
        self._triggers = triggers
        self._deployments = deployments
        self._states = states
        self._brake = brake
        self._repository = repository
        self._backups = backups
        self._conclude = conclude
        self._offload = offload

    async def open(self, wish: Wish) -> Deployment:
        """Raises RollbackRefused, NoSuchBackup, BackupDamaged or StoreFailed, and for a revision
        what reading the repository raises."""
        state = await self._states.state(wish.device)
        if state is None:
            raise RollbackRefused(
                f"not in the inventory: {wish.device}",
                next_step="`catnet status` lists the devices; they come from inventory.yaml.",
            )
        by_hand = self._mode is not Mode.PUSH and not wish.dry_run
        pause = await self._brake.paused() if by_hand else None
        if pause is not None:
            raise RollbackRefused(
                f"pushes are {pause}, and deploy.mode is dry-run: nothing is typed into any device",
                next_step="`catnet resume`, then ask again.",
            )
        desired, label = await self._target(wish, state)
        known = await self._triggers.ref_state(self._ref)
        # A dry-run, and a return to what the branch wants, take nothing from the commit there; nor
        # does anything on a device of which it does not speak.
        silent = wish.dry_run or state.desired in (None, desired.digest)
        return await self._deployments.open(
            Revision(
                sha=known.sha if known is not None and not silent else "",
                ref=f"rollback/{wish.device}",
                title=f"rollback of {wish.device} to {label}{_BY_HAND if by_hand else ''}",
                author=wish.by,
            ),
            Mode.DRY_RUN if wish.dry_run else Mode.ROLLBACK,
            cause=f"user {wish.by}",
            jobs=(JobPlan(device=state.device, desired=desired),),
            conclude=self._conclude,
        )

    async def _target(self, wish: Wish, state: DeviceState) -> tuple[Desired, str]:
        if wish.revision is not None:
            return await self._revision(wish.revision, state)
        if wish.text is not None:
            await self._is_its_own(wish, wish.text, state)
            return _whole(state, wish.text, wish.file), f"the file {wish.file}"
        number = wish.backup or state.before
        if number is None:
            raise NoSuchBackup(
                f"no change of {wish.device} is on record that could be taken back",
                next_step=f"Choose with `catnet backup list {wish.device}` and give --backup.",
            )
        owner = number.rpartition("/")[0]
        if owner != wish.device:
            raise RollbackRefused(
                f"backup {number} is of {owner or 'no device'}, not of {wish.device}",
                next_step=f"`catnet backup list {wish.device}` shows those of this device.",
            )
        return _whole(state, await self._backups.read(number), number), f"backup {number}"

    async def _revision(self, sha: str, state: DeviceState) -> tuple[Desired, str]:
        name = state.device.name
        if not _SHA.fullmatch(sha):
            raise RollbackRefused(
                f"{sha!r} is not the hash of a commit",
                next_step="Give 7 to 40 hexadecimal digits, as `git log` shows them.",
            )
        added = stage.added(await self._states.states())
        snapshot = await stage.take(self._repository, self._offload, sha, self._ref, added=added)
        full = snapshot.revision.sha
        if snapshot.problems:
            raise RollbackRefused(
                f"revision {full[:12]} has a problem: {snapshot.problems[0]}",
                next_step="Choose a revision that was deployed, or a backup.",
            )
        found = snapshot.desired.get(name)
        if found is None:
            raise RollbackRefused(
                f"{name} is not in the inventory of revision {full[:12]}",
                next_step="Choose a later revision, or a backup.",
            )
        return found, f"revision {full[:12]}"

    async def _is_its_own(self, wish: Wish, text: str, state: DeviceState) -> None:
        """A copied file is the way to put one router's addresses on another."""
        if not parse.whole(text):
            raise RollbackRefused(
                f"{wish.file} is not a whole running-config, with a `hostname` line and `end`",
                next_step="Give what `show running-config` prints, from first to last line.",
            )
        if wish.force:
            return
        named, expected = _HOSTNAME.search(text), await self._hostname(state)
        if named is not None and expected is not None and named[1] != expected:
            raise RollbackRefused(
                f"{wish.file} is a configuration of {named[1]}, not of {expected}",
                next_step="Choose another file, or say --force if that is what you want.",
            )

    async def _hostname(self, state: DeviceState) -> str | None:
        """What the device is called by its newest backup, else by the repository."""
        texts = []
        for backup in await self._backups.list(state.device.name):
            if backup.good:
                texts.append(await self._backups.read(backup.id))
                break
        desired = await self._deployments.desired(state.desired) if state.desired else None
        if desired is not None:
            texts.append(desired.text)
        found = (_HOSTNAME.search(text) for text in texts)
        return next((match[1] for match in found if match), None)


def _whole(state: DeviceState, text: str, where: str) -> Desired:
    """All of the device, exactly so; a name of a secret in it is only text."""
    device = replace(state.device, scope=Scope.FULL)
    text = text.replace("\r\n", "\n")
    if "\0" in text:
        raise RollbackRefused(f"{where} holds a NUL", next_step="Give a text file.")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    text = "".join(f"{line}\n" for line in lines)
    # Apart from what the repository wants; a device may hold bytes that are no UTF-8.
    key = f"rollback\n{device.name}\n{text}".encode("utf-8", "surrogateescape")
    return Desired(
        device=device,
        text=text,
        digest=f"sha256:{hashlib.sha256(key).hexdigest()}",
        origins=tuple(f"{where}:{number}" for number, _ in enumerate(lines, 1)),
        literal=True,
    )
