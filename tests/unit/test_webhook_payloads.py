"""Real webhook payloads, each accepted, ignored with a reason or refused; never an exception."""

import json
import os
from pathlib import Path

import pytest

from catnet_controller.github.events import Event, Judged, interpret

SHARED = Path(os.environ.get("CATNET_SHARED") or Path(__file__).parents[2].parent / "shared")
FOLDER = SHARED / "data" / "webhooks"
FILES = sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else []

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILES, reason=f"no webhook payloads at {FOLDER}"),
]

FIRST_WORDS = (
    "check_run",
    "check_suite",
    "installation_repositories",
    "installation",
    "issue_comment",
    "pull_request_review",
    "repository",
    "create",
    "delete",
    "meta",
    "status",
    "ping",
)


def event_of(path: Path, payload: dict[str, object]) -> str:
    """The event a payload belongs to; the header is not part of the files."""
    if "pusher" in payload and "after" in payload:
        return "push"
    if "pull_request" in payload and "review" not in payload:
        return "pull_request"
    return next(word for word in FIRST_WORDS if path.stem.startswith(word))


def judge(path: Path, *, branch: str | None = None) -> Event:
    """Interpret a file as the repository it is for would; the branch is the payload's own."""
    body = path.read_bytes()
    payload = json.loads(body)
    name = (payload.get("repository") or {}).get("full_name", "acme/network")
    own = payload.get("ref") or ((payload.get("pull_request") or {}).get("base") or {}).get("ref")
    own = (own or "main").removeprefix("refs/heads/")
    return interpret(
        event_of(path, payload), "guid-1", body, repository=name, branch=branch or own, now=7.0
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_payload_is_judged(path: Path) -> None:
    event = judge(path)
    assert event.verdict is not Judged.REFUSED, event.reason
    assert event.reason
    assert event.status == 202
    assert event.delivery.guid == "guid-1"
    assert event.delivery.event == event_of(path, json.loads(path.read_bytes()))
    assert event.delivery.received_at == 7.0
    wakes = event.delivery.event in ("push", "pull_request")
    assert (event.trigger is None) or (wakes and event.verdict is Judged.ACCEPTED)


def test_comments_of_github_are_judged_where_they_may_ask() -> None:
    payload = json.loads((FOLDER / "issue_comment_atlantis.json").read_bytes())
    name = payload["repository"]["full_name"]

    def heard(body: str) -> Event:
        payload["comment"]["body"] = body
        sent = json.dumps(payload).encode()
        return interpret(
            "issue_comment", "guid-1", sent, repository=name, branch="m", now=7.0, commands=True
        )

    ping = json.dumps({"hook": {"events": ["push", "pull_request"]}}).encode()
    known = interpret("ping", "g", ping, repository=name, branch="m", now=7.0, commands=True)
    assert known.reason == "ping; the webhook does not send: issue_comment"
    assert heard("### Title").trigger is None
    trigger = heard("/catnet plan").trigger
    assert trigger is not None
    assert trigger.ref == f"comment/{payload['comment']['id']}"
    other = heard("/catnet deploy").trigger
    assert other is not None
    assert (other.ref, other.sha != trigger.sha) == (trigger.ref, True)
    for path in (("comment",), ("comment", "user"), ("comment", "created_at"), ("issue",)):
        kept = json.dumps(payload)
        part = payload
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = "nonsense"
        assert heard_as_it_is(payload, name).verdict is Judged.REFUSED, path
        payload = json.loads(kept)


def heard_as_it_is(payload: object, name: str) -> Event:
    return interpret(
        "issue_comment",
        "guid-1",
        json.dumps(payload).encode(),
        repository=name,
        branch="m",
        now=7.0,
        commands=True,
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_another_branch_is_never_woken_by_it(path: Path) -> None:
    assert judge(path, branch="some-branch-of-ours").trigger is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_another_repository_is_never_woken_by_it(path: Path) -> None:
    body = path.read_bytes()
    event = interpret(
        event_of(path, json.loads(body)),
        "guid-1",
        body,
        repository="acme/some-repository-of-ours",
        branch="main",
        now=7.0,
    )
    assert event.trigger is None


@pytest.mark.parametrize(
    "name, ref, sha",
    [
        ("generated_two_commits__push", "branch/main", "78e81e72efd0373e2690f7711c435d354126ea6f"),
        ("generated_forced_back__push", "branch/main", "a46b8171d83e7c99b0a1416b3c1199c67997f9fb"),
        ("generated_pr_merged__push", "branch/main", "245b5192d30898b4117f849ecb42129334f7cc04"),
        ("generated_branch_created_no_commits__push", "branch/same", "a46b8171"),
        ("generated_branch_deleted__push", "branch/same", None),
        ("jenkins_pushEventRemoved_50", "branch/changes", None),
        ("push_branch_argocd", "branch/master", "63738bb5"),
        ("push_feature_branch_argocd", "branch/env/dev", "63738bb5"),
        ("generated_pr__pull_request_opened", "pull/1", "88b29a16"),
        ("generated_fork_pr__pull_request_opened", "pull/", ""),
        ("generated_pr_merged__pull_request_closed", "pull/1", "6e47e8c7"),
        ("pull_request_closed_unmerged", "pull/2", ""),
        ("pull_request_synchronize", "pull/2", ""),
        ("pull_request_reopened", "pull/2", ""),
        ("pull_request_ready_for_review", "pull/2", ""),
        ("pull_request_converted_to_draft", "pull/", ""),
        ("packit_pr_52", "pull/", ""),
    ],
)
def test_what_wakes_whom(name: str, ref: str, sha: str | None) -> None:
    event = judge(FOLDER / f"{name}.json")
    assert event.verdict is Judged.ACCEPTED
    assert event.trigger is not None
    assert event.trigger.ref.startswith(ref)
    assert event.trigger.reason == ("push" if ref.startswith("branch") else "pull-request")
    if sha is None:
        assert event.trigger.sha is None
    else:
        assert event.trigger.sha is not None
        assert event.trigger.sha.startswith(sha)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("push_tag_created", "is not a branch"),
        ("push_tag_deleted", "is not a branch"),
        ("generated_annotated_tag__push", "is not a branch"),
        ("pull_request_labeled", "action labeled is not used"),
        ("issue_comment_created", "event issue_comment is not used"),
        ("repository_renamed_9", "event repository is not used"),
        ("installation_suspend_5", "event installation is not used"),
    ],
)
def test_what_is_ignored_says_why(name: str, reason: str) -> None:
    event = judge(FOLDER / f"{name}.json")
    assert event.verdict is Judged.IGNORED
    assert reason in event.reason
    assert event.delivery.verdict == f"ignored: {event.reason}"


@pytest.mark.parametrize("name", ["ping_repo", "ping_org", "ping_argocd"])
def test_ping_is_accepted_without_waking_anyone(name: str) -> None:
    event = judge(FOLDER / f"{name}.json")
    assert event.verdict is Judged.ACCEPTED
    assert event.trigger is None
