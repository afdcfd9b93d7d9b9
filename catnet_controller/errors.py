"""Errors grouped by who acts next; every leaf has a stable code and says what to do next.

A library's exception is turned into one of these at the door that imports the library, with the
original chained as its cause, so that nothing above a door ever meets a foreign exception.
"""

from typing import ClassVar


class CatnetError(Exception):
    """The root: a message for people, a stable ``code`` for machines, and the next step.

    ``message`` says what happened and names the thing it happened to. ``next_step`` is one
    sentence on what the reader does now; an instance may replace the default of its class.
    """

    code: ClassVar[str] = "error"
    default_next_step: ClassVar[str] = "Report this with the log of the daemon."

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step or self.default_next_step


class Transient(CatnetError):
    """Nobody has to act: CatNet tries again later by itself."""

    default_next_step = "CatNet retries by itself; nothing to do unless it persists."


class Refused(CatnetError):
    """The author of the commit acts: what was asked for is not acceptable as it stands."""

    default_next_step = "Correct the configuration in the repository and push again."


class Blocked(CatnetError):
    """The operator acts: CatNet lacks something that only a person can give."""

    default_next_step = "Correct the settings of CatNet or the device."


class Fault(CatnetError):
    """A defect of CatNet itself."""


# --- transient ---------------------------------------------------------------------------------


class DeviceUnreachable(Transient):
    """No TCP or SSH connection to the device."""

    code = "device-unreachable"
    default_next_step = "Check power, path and access lists to the device; CatNet keeps trying."


class DeviceBusy(Transient):
    """The device answers but has no free VTY line, or its configuration is locked."""

    code = "device-busy"
    default_next_step = "Close idle sessions on the device, or wait; CatNet keeps trying."


class DeviceTimeout(Transient):
    """The device stopped answering in the middle of a session; the session is closed."""

    code = "device-timeout"


class ConnectionLost(Transient):
    """The session ended without a goodbye."""

    code = "connection-lost"


class IncompleteRead(Transient):
    """A running-config was read that is not whole (it does not end in ``end``)."""

    code = "incomplete-read"
    default_next_step = "CatNet reads again; if it persists run `show running-config` by hand."


class GithubUnavailable(Transient):
    """GitHub did not answer, or answered with a server error."""

    code = "github-unavailable"


class RateLimited(Transient):
    """GitHub asks to wait. ``not_before`` is in seconds since the epoch, UTC."""

    code = "rate-limited"

    def __init__(self, message: str, *, not_before: float, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.not_before = not_before


class NotVisibleYet(Transient):
    """GitHub does not show a commit yet that it has just announced (replication lag)."""

    code = "not-visible-yet"


class StoreBusy(Transient):
    """The store could not be written in time."""

    code = "store-busy"


class LeaseLost(Transient):
    """Another worker owns the device now; this one must not touch it any more."""

    code = "lease-lost"


# --- refused -----------------------------------------------------------------------------------


class SnapshotRefused(Refused):
    """The repository at this revision has problems; each is listed as file:line: message."""

    code = "snapshot-refused"
    default_next_step = "Run `catnet check` in the repository, correct each problem, push again."


class NotUnderstood(Refused):
    """The change needs a line that CatNet does not understand well enough to type."""

    code = "not-understood"
    default_next_step = "Make this change by hand on the device, then commit the same lines."


class GuardRefused(Refused):
    """Policy does not let this change go to this device."""

    code = "guard-refused"
    default_next_step = "Change the commit, or allow this kind of change in catnet.yaml."


class LineRefused(Refused):
    """The device refused a line of the change."""

    code = "line-refused"
    default_next_step = "Correct the named line in the repository and push again."


class VerifyFailed(Refused):
    """After the push the device does not have what the change promised."""

    code = "verify-failed"
    default_next_step = "Compare the remaining difference with the commit; correct the commit."


class HealthFailed(Refused):
    """After the push something on the device is not well any more; the change was taken back."""

    code = "health"
    default_next_step = "Find out why it went down; correct the commit, or the checks."


class PlanStale(Refused):
    """The device moved since its plan was reviewed, and something else would be typed now."""

    code = "plan-stale"
    default_next_step = (
        "Look at the device and at the lines that would be typed now; then `catnet sync --force`,"
        " or push a new commit."
    )


class Quarantined(Refused):
    """This revision failed on this device before and is not tried again by itself."""

    code = "quarantined"
    default_next_step = "Push a corrected commit, or ask for a new deployment of this one."


class NoSuchBackup(Refused):
    """There is no backup of that id, or none that could be meant."""

    code = "no-such-backup"
    default_next_step = "`catnet backup list DEVICE` shows the backups there are."


class NoSuchConfig(Refused):
    """The repository has no such file, or none that matters to CatNet."""

    code = "no-such-config"
    default_next_step = "`catnet gitops list-configs` shows the files there are."


class RollbackRefused(Refused):
    """This configuration cannot be put back on this device."""

    code = "rollback-refused"
    default_next_step = "Choose another with `catnet backup list DEVICE`."


class DeviceRefused(Refused):
    """This cannot be a device."""

    code = "device-refused"
    default_next_step = "Correct what is named; `catnet device add --help` has examples."


# --- blocked -----------------------------------------------------------------------------------


class SettingsInvalid(Blocked):
    """catnet.yaml or the environment has problems; each is listed with key path and line."""

    code = "settings-invalid"
    default_next_step = "Correct the settings named above."


class DeviceExists(Blocked):
    """There is a device of this name, or at this address, already."""

    code = "device-exists"
    default_next_step = "`catnet device list` shows the devices there are."


class DeviceInGit(Blocked):
    """The device is declared in the config repository, and is changed there only."""

    code = "device-in-git"
    default_next_step = "Change inventory.yaml of the config repository."


class SecretMissing(Blocked):
    """A secret that is referred to cannot be read."""

    code = "secret-missing"
    default_next_step = "Provide the environment variable, file or credential that is named."


class CredentialsInvalid(Blocked):
    """credentials.yaml or its key cannot be used as it stands; the file is left as it is."""

    code = "credentials-invalid"
    default_next_step = "`catnet credentials list` shows what is in the file."


class AuthenticationFailed(Blocked):
    """The device refused the credential."""

    code = "authentication-failed"
    default_next_step = (
        "Check the login of this device: `catnet credentials list`, then catnet.yaml."
    )


class EnableFailed(Blocked):
    """The device refused privilege level 15."""

    code = "enable-failed"
    default_next_step = "Check the enable secret of this device's credential."


class HostKeyUnknown(Blocked):
    """The device's host key is not known yet."""

    code = "host-key-unknown"
    default_next_step = "Compare the fingerprint on the console, then `catnet device trust NAME`."


class HostKeyChanged(Blocked):
    """The device shows another host key than the known one."""

    code = "host-key-changed"
    default_next_step = "If the device was replaced, `catnet device trust NAME`; else investigate."


class AlgorithmsRefused(Blocked):
    """CatNet and the device have no SSH algorithm in common."""

    code = "algorithms-refused"
    default_next_step = "Set `algorithms: legacy` (or `ancient`) for this device in the inventory."


class PromptUnexpected(Blocked):
    """The device is not at the prompt where it must be before anything is typed."""

    code = "prompt-unexpected"
    default_next_step = "Log in by hand and look at what the device shows after login."


class ArmRefused(Blocked):
    """The device cannot promise to undo the change by itself, and policy asks for it."""

    code = "arm-refused"
    default_next_step = "Configure `archive` with a local `path`, or allow the fallback `reverse`."


class RollbackPending(Blocked):
    """Another rollback timer is already armed on the device."""

    code = "rollback-pending"
    default_next_step = "Confirm or revert it on the device (`configure confirm|revert now`)."


class SaveFailed(Blocked):
    """The change was confirmed but could not be written to startup-config, or nobody saw it."""

    code = "save-failed"
    default_next_step = "Free NVRAM and run `write memory` on the device."


class GithubDenied(Blocked):
    """GitHub refuses: the token is invalid or lacks a permission."""

    code = "github-denied"
    default_next_step = "Give the token the permission that is named."


class ReportRefused(Blocked):
    """GitHub does not take this one status, comment or record; others it does."""

    code = "report-refused"
    default_next_step = "Report this with the log of the daemon; repeating it does not help."


class RepositoryMoved(Blocked):
    """The repository was renamed, moved, archived or is not there."""

    code = "repository-moved"
    default_next_step = "Correct `github.repository` in catnet.yaml."


class StoreFailed(Blocked):
    """The store cannot be opened or written: disk full, read-only, corrupt, or in use."""

    code = "store-failed"
    default_next_step = "Check disk space, permissions and whether another daemon runs."


class AccountRefused(Blocked):
    """A user or a token cannot be made or changed as it was asked for."""

    code = "account-refused"
    default_next_step = "`catnet user list` and `catnet token list` show what there is."


class BackupDamaged(Blocked):
    """The file of a backup was cut or edited since it was written."""

    code = "backup-damaged"
    default_next_step = "Choose another with `catnet backup list DEVICE`; put a copy back."


class CancelRefused(Blocked):
    """What was asked to be cancelled cannot be any more."""

    code = "cancel-refused"
    default_next_step = "Let it end; `catnet rollback --device NAME` takes a device back."


class PushPaused(Blocked):
    """Pushes are paused."""

    code = "paused"
    default_next_step = "`catnet resume`, then `catnet sync --force` or `catnet deploy`."


class DaemonUnreachable(Blocked):
    """The command needs the daemon, and it does not answer."""

    code = "daemon-unreachable"
    default_next_step = "Start it with `catnet run`, or correct `http` in catnet.yaml."


# --- fault -------------------------------------------------------------------------------------


class InternalFault(Fault):
    """Something happened that the code holds to be impossible."""

    code = "internal-fault"


class TooSlow(Fault):
    """What was to be computed of something that people wrote was not done in its time."""

    code = "too-slow"
    default_next_step = "Make it simpler; or report this with what it happened with."


KINDS: tuple[type[CatnetError], ...] = (Transient, Refused, Blocked, Fault)
