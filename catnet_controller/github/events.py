"""A webhook's bytes and headers in; a verdict, the delivery record and perhaps a trigger out.

No I/O. A delivery never says what to do, only "look at this ref now", so the worst that a forged,
doubled, late or lost one can cause is an early or a late look. Nothing here raises for any input.
"""

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import orjson

from catnet_controller.errors import GithubUnavailable
from catnet_controller.github.replies import note
from catnet_controller.models import Delivery, Trigger

_GUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ORDER = re.compile(r"(?:[ \t]{0,64}\r?\n){0,16} {0,3}/catnet(?:\s|$)")
REASONS = {"branch": "push", "pull": "pull-request", "comment": "comment"}
"""Why a delivery makes us look, by the kind of ref to look at."""
_BRANCH = "refs/heads/"
_PULL_ACTIONS = frozenset(
    {
        "opened",
        "synchronize",
        "reopened",
        "ready_for_review",
        "closed",
        "converted_to_draft",
    }
)


class Judged(StrEnum):
    """What becomes of a delivery."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A delivery, judged. ``status`` is the HTTP status to answer; 4xx only when refused.

    ``reason`` is one line of plain ASCII, safe to store, log and send back.
    """

    verdict: Judged
    reason: str
    status: int
    delivery: Delivery
    trigger: Trigger | None = None


class _Malformed(Exception):
    """The payload is not what GitHub sends; the message says where."""


def verify(body: bytes, signature: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether ``signature`` (X-Hub-Signature-256) is that of ``body`` under one of ``secrets``.

    Two secrets are accepted while one is being rotated. Compares bytes: ``compare_digest`` raises
    for text that is not ASCII, which a stranger may send. The legacy SHA-1 header is not enough.
    """
    if signature is None:
        return False
    given = signature.encode("ascii", "replace")
    matched = False
    for secret in secrets:
        if not secret:  # anyone can sign with the empty key
            continue
        expected = b"sha256=" + hmac.digest(secret, body, "sha256").hex().encode("ascii")
        matched |= hmac.compare_digest(expected, given)
    return matched


def interpret(
    event: str,
    delivery: str,
    body: bytes,
    *,
    repository: str,
    branch: str,
    now: float,
    commands: bool = False,
) -> Event:
    """Judge a delivery whose signature was verified.

    ``event`` and ``delivery`` are the headers X-GitHub-Event and X-GitHub-Delivery, empty when
    missing. ``repository`` is OWNER/NAME and ``branch`` the one that is deployed from;
    ``commands``: comments may ask for something.
    """

    def judged(
        verdict: Judged, reason: str, *, status: int = 202, trigger: Trigger | None = None
    ) -> Event:
        record = Delivery(
            guid=delivery if _GUID.fullmatch(delivery) else "",
            event=event if _NAME.fullmatch(event) else "",
            verdict=f"{verdict}: {reason}",
            received_at=now,
        )
        return Event(
            verdict=verdict, reason=reason, status=status, delivery=record, trigger=trigger
        )

    if not _NAME.fullmatch(event):
        return judged(Judged.REFUSED, "header X-GitHub-Event is missing or malformed", status=400)
    if not _GUID.fullmatch(delivery):
        return judged(
            Judged.REFUSED, "header X-GitHub-Delivery is missing or malformed", status=400
        )
    if body[:8] == b"payload=":
        return judged(
            Judged.REFUSED,
            "the body is form-encoded; set the webhook's content type to application/json",
            status=415,
        )
    try:
        payload = orjson.loads(body)
    except ValueError:  # also: not UTF-8, nesting without end
        return judged(Judged.REFUSED, "the body is not JSON", status=400)
    try:
        if not isinstance(payload, dict):
            raise _Malformed("the body is not a JSON object")
        match event:
            case "ping":
                wanted = ("push", "pull_request", *(("issue_comment",) if commands else ()))
                return judged(Judged.ACCEPTED, _ping(payload, wanted))
            case "push" | "pull_request":
                pass
            case "issue_comment" if commands:
                pass
            case _:
                return judged(Judged.IGNORED, f"event {event} is not used")
        name = _text(payload, "repository", "full_name")
        if name.casefold() != repository.casefold():
            return judged(Judged.IGNORED, f"it is for the repository {_shown(name)}")
        if event == "push":
            reason, trigger = _push(payload, branch, now)
        elif event == "issue_comment":
            reason, trigger = _comment(payload, now)
        else:
            reason, trigger = _pull_request(payload, branch, now)
    except _Malformed as problem:
        return judged(Judged.REFUSED, str(problem), status=400)
    if trigger is None:
        return judged(Judged.IGNORED, reason)
    return judged(Judged.ACCEPTED, reason, trigger=trigger)


def _push(payload: dict[str, Any], branch: str, now: float) -> tuple[str, Trigger | None]:
    """``commits`` is not read: it is empty for a branch made of, or forced back to, old commits."""
    ref = _text(payload, "ref")
    after = _sha(payload, "after")
    deleted = payload.get("deleted", False)
    if not isinstance(deleted, bool):
        raise _Malformed("deleted is not a boolean")
    if not ref.startswith(_BRANCH):
        return f"{_shown(ref)} is not a branch", None
    if ref != _BRANCH + branch:
        return f"branch {_shown(ref.removeprefix(_BRANCH))} is not deployed from", None
    gone = deleted or not after.strip("0")
    return (
        f"branch {_shown(branch)} was deleted" if gone else f"push of {after}",
        Trigger(
            ref=f"branch/{branch}",
            reason=REASONS["branch"],
            sha=None if gone else after,
            due_at=now,
        ),
    )


def _pull_request(payload: dict[str, Any], branch: str, now: float) -> tuple[str, Trigger | None]:
    action = _text(payload, "action")
    number = _at(payload, "pull_request", "number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise _Malformed("pull_request.number is not a positive number")
    base = _text(payload, "pull_request", "base", "ref")
    sha = _sha(payload, "pull_request", "head", "sha")
    bases = {base}
    if action == "edited":
        # Retargeting a pull request brings it to our branch, or takes it away.
        changes = payload.get("changes")
        if not isinstance(changes, dict) or "base" not in changes:
            return "action edited changes nothing for us", None
        bases.add(_text(payload, "changes", "base", "ref", "from"))
    elif action not in _PULL_ACTIONS:
        return f"action {_shown(action)} is not used", None
    if branch not in bases:
        return f"pull request {number} is for branch {_shown(base)}", None
    return (
        f"pull request {number} {action}",
        Trigger(ref=f"pull/{number}", reason=REASONS["pull"], sha=sha, due_at=now),
    )


def _comment(payload: dict[str, Any], now: float) -> tuple[str, Trigger | None]:
    """Only one that was just written, by a person, under a pull request, and speaks to us.

    What stands in it is read again before anything is done; here only its digest is kept, so that
    an edit in between shows.
    """
    action = _text(payload, "action")
    comment = _at(payload, "comment")
    issue = _at(payload, "issue")
    if not isinstance(issue, dict) or not isinstance(comment, dict):
        raise _Malformed("issue or comment is not an object")
    if action != "created":
        return f"action {_shown(action)} of a comment is not used", None
    if "pull_request" not in issue:
        return "the comment is not under a pull request", None
    if not _ORDER.match(str(comment.get("body") or "")):
        return "the comment asks for nothing", None
    try:
        written = note(comment, "a comment")
    except GithubUnavailable:
        raise _Malformed("comment is not one of GitHub's") from None
    if not written.person or not 0 < written.id < 2**63:
        return "the comment is not of a person", None
    return (
        f"comment {written.id} under pull request {written.pull}",
        Trigger(
            ref=f"comment/{written.id}", reason=REASONS["comment"], sha=written.digest, due_at=now
        ),
    )


def _ping(payload: dict[str, Any], wanted: Sequence[str]) -> str:
    hook = payload.get("hook")
    events = hook.get("events") if isinstance(hook, dict) else None
    if isinstance(events, list) and "*" not in events:
        absent = [name for name in wanted if name not in events]
        if absent:
            return f"ping; the webhook does not send: {', '.join(absent)}"
    return "ping"


def _at(payload: dict[str, Any], *path: str) -> object:
    value: object = payload
    for depth, key in enumerate(path):
        if not isinstance(value, dict):
            raise _Malformed(f"{'.'.join(path[:depth])} is not an object")
        if key not in value:
            raise _Malformed(f"{'.'.join(path[: depth + 1])} is missing")
        value = cast("dict[str, object]", value)[key]
    return value


def _text(payload: dict[str, Any], *path: str) -> str:
    value = _at(payload, *path)
    if not isinstance(value, str) or not value:
        raise _Malformed(f"{'.'.join(path)} is not a text")
    return value


def _sha(payload: dict[str, Any], *path: str) -> str:
    value = _text(payload, *path)
    if not _SHA.fullmatch(value):
        raise _Malformed(f"{'.'.join(path)} is not a commit sha")
    return value


def _shown(value: str) -> str:
    """Foreign text, bounded, without control characters or lone surrogates."""
    return json.dumps(value[:100])[1:-1][:200]
