"""How the API shows each noun, as shapes by name; what `views` makes of it must fit."""

from collections.abc import Mapping

from catnet_controller.models import Health, Mode, Owner, Restored, Role, Scope, State, Step, Sync
from catnet_controller.web.shapes import (
    Shape,
    maybe,
    number,
    record,
    several,
    table,
    text,
    word,
)

TIME: Shape = {"type": "string", "format": "date-time"}
ANY: Shape = {}
REAL: Shape = {"type": "number"}
FLAG: Shape = {"type": "boolean"}
WHOLE = number()
TEXT = text()


def ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


_PROBLEM = record({"file": TEXT, "line": WHOLE, "message": TEXT})
_JUMP = record({"name": TEXT, "host": TEXT, "port": WHOLE, "credential": TEXT, "algorithms": TEXT})
_JOB: Mapping[str, Shape] = {
    "id": WHOLE,
    "device": TEXT,
    "wave": WHOLE,
    "state": word(*State),
    "step": maybe(word(*Step)),
    "attempt": WHOLE,
    "started_at": maybe(TIME),
    "ended_at": maybe(TIME),
    "changed": maybe(FLAG),
    "error_code": maybe(TEXT),
    "error": maybe(TEXT),
}
_DEPLOYMENT: Mapping[str, Shape] = {
    "id": WHOLE,
    "mode": word(*Mode),
    "state": word(*State),
    "summary": TEXT,
    "cause": TEXT,
    "revision": record(
        {"sha": TEXT, "ref": TEXT, "title": TEXT, "author": TEXT, "pull": maybe(WHOLE)}
    ),
    "created_at": TIME,
    "ended_at": maybe(TIME),
    "problems": several(_PROBLEM),
    "counts": record({state.value: WHOLE for state in State}),
    "url": TEXT,
}

SHAPES: Mapping[str, Shape] = {
    "Problem": record(
        {
            "type": TEXT,
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "code": TEXT,
            "next_step": TEXT,
        }
    ),
    "Status": record(
        {
            "version": TEXT,
            "repository": TEXT,
            "branch": TEXT,
            "mode": word(Mode.DRY_RUN, Mode.PUSH),
            "ready": FLAG,
            "reasons": table(TEXT),
            "held_up": table(TEXT),
            "pause": maybe(ref("Pause")),
            "devices": record(
                {
                    "total": WHOLE,
                    "sync": record({each.value: WHOLE for each in Sync}),
                    "health": record({each.value: WHOLE for each in Health}),
                }
            ),
            "queue": record(
                {
                    "pending": WHOLE,
                    "running": WHOLE,
                    "triggers": WHOLE,
                    "outbox": WHOLE,
                    "outbox_age_seconds": REAL,
                    "given_up": WHOLE,
                    "given_up_at": maybe(TIME),
                    "refusal": TEXT,
                    "polled_at": maybe(TIME),
                }
            ),
            "now": TIME,
        }
    ),
    "Device": record(
        {
            "id": TEXT,
            "name": TEXT,
            "host": TEXT,
            "port": WHOLE,
            "platform": TEXT,
            "site": TEXT,
            "wave": WHOLE,
            "groups": several(TEXT),
            "algorithms": TEXT,
            "credential": TEXT,
            "username": maybe(TEXT),
            "jump": maybe(_JUMP),
            "scope": word(*Scope),
            "owner": word(*Owner),
            "managed": FLAG,
            "sync": word(*Sync),
            "health": word(*Health),
            "revision": maybe(TEXT),
            "seen_at": maybe(TIME),
            "applied_at": maybe(TIME),
            "quarantined": maybe(TEXT),
            "rolled_back": FLAG,
            "before": maybe(TEXT),
            "backup_at": maybe(TIME),
            "digest": maybe(TEXT),
            "note": TEXT,
        }
    ),
    "Backup": record(
        {
            "id": TEXT,
            "device": TEXT,
            "taken_at": TIME,
            "seen_at": TIME,
            "bytes": WHOLE,
            "good": FLAG,
        }
    ),
    "Outcome": record(
        {
            "state": word(*State),
            "changed": FLAG,
            "added": WHOLE,
            "removed": WHOLE,
            "diff": TEXT,
            "commands": several(TEXT),
            "reverse": several(TEXT),
            "warnings": several(TEXT),
            "risks": several(TEXT),
            "transcript": TEXT,
            "error_code": maybe(TEXT),
            "error": maybe(TEXT),
            "next_step": maybe(TEXT),
            "restored": word(*Restored),
            "remaining": TEXT,
            "backup": maybe(TEXT),
            "read_at": maybe(TIME),
            "steps": table(REAL),
        }
    ),
    "Job": record(_JOB),
    "JobWithOutcome": record({**_JOB, "outcome": maybe(ref("Outcome"))}),
    "Deployment": record({**_DEPLOYMENT, "jobs": several(ref("Job"))}),
    "DeploymentWithOutcomes": record({**_DEPLOYMENT, "jobs": several(ref("JobWithOutcome"))}),
    "Difference": record(
        {
            "device": TEXT,
            "deployment": maybe(WHOLE),
            "read_at": maybe(TIME),
            "changed": maybe(FLAG),
            "added": WHOLE,
            "removed": WHOLE,
            "diff": TEXT,
            "commands": several(TEXT),
            "reverse": several(TEXT),
            "warnings": several(TEXT),
        }
    ),
    "Pause": record({"by": TEXT, "reason": TEXT, "since": TIME}),
    "User": record(
        {
            "name": TEXT,
            "role": word(*Role),
            "disabled": FLAG,
            "created_at": TIME,
            "password_changed_at": TIME,
        }
    ),
    "Token": record(
        {
            "name": TEXT,
            "role": word(*Role),
            "created_at": TIME,
            "created_by": TEXT,
            "until": TIME,
            "expired": FLAG,
        }
    ),
    "Act": record(
        {"id": WHOLE, "at": TIME, "who": TEXT, "what": TEXT, "address": TEXT, "result": TEXT}
    ),
}
