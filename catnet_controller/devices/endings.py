"""How a run with a device ended, as a `PushResult`: the error, and what the device has now."""

import structlog

from catnet_controller.devices.contact import Contact
from catnet_controller.devices.undo import Restoration
from catnet_controller.errors import (
    CatnetError,
    InternalFault,
)
from catnet_controller.ios.changes import ChangeSet
from catnet_controller.models import Reading, Restored
from catnet_controller.ports import PushResult

log = structlog.get_logger(__name__)


def result(
    *,
    contact: Contact,
    change_set: ChangeSet | None,
    before: Reading | None,
    after: Reading | None,
    error: CatnetError | None,
    restoration: Restoration | None,
) -> PushResult:
    if restoration is not None:
        after = restoration.after
        if error is not None and restoration.restored is not Restored.RESTORED:
            error.next_step = _next_step(error, restoration)
    return PushResult(
        change_set=change_set,
        before=before,
        after=after,
        transcript=tuple(contact.transcript),
        error=error,
        restored=restoration.restored if restoration is not None else Restored.NOT_NEEDED,
        remaining=restoration.remaining if restoration is not None else "",
    )


def _next_step(error: CatnetError, restoration: Restoration) -> str:
    trouble = f" ({restoration.trouble.message})" if restoration.trouble is not None else ""
    if restoration.restored is Restored.UNKNOWN:
        return (
            f"CatNet could not read the device back{trouble}: look at it on the console; a pending "
            f"rollback timer still reverts it. {error.next_step}"
        )
    return (
        f"The device still differs from what it had before{trouble}: put the remaining lines "
        f"right by hand. {error.next_step}"
    )


def ours(error: Exception) -> CatnetError:
    if isinstance(error, CatnetError):
        return error
    log.error("internal fault in a push", exc_info=error)
    fault = InternalFault(f"{type(error).__name__} in the middle of a push")
    fault.__cause__ = error
    return fault
