"""What happened in the stand-in's repository in; GitHub's JSON for the API and webhooks out.

Shaped after real payloads and GitHub's published webhook schemas; fields nobody needs are left
out where the schemas allow it. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catnet_controller.demo.worktree import ZERO, Change

Json = dict[str, Any]
REPOSITORY_ID = 172636753
FORK_ID = 172636754


@dataclass(slots=True, kw_only=True)
class PullRequest:
    """A pull request as the stand-in keeps it."""

    number: int
    branch: str
    base: str
    title: str
    sha: str
    base_sha: str
    author: str
    created_at: str
    draft: bool = False
    fork: str | None = None
    """OWNER/NAME of the repository the head is in, when it is another one."""
    state: str = "open"
    merged: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The repository and where its API is."""

    name: str
    branch: str
    url: str
    archived: bool = False
    push: bool = True


def user(login: str, *, kind: str = "User") -> Json:
    return {"login": login, "id": sum(login.encode()), "type": kind, "site_admin": False}


def repository(place: Place, *, name: str | None = None) -> Json:
    """The repository, or (``name``) a fork of it."""
    full = name or place.name
    owner, _, short = full.partition("/")
    api = f"{place.url}/repos/{full}"
    return {
        "id": REPOSITORY_ID if full == place.name else FORK_ID,
        "name": short,
        "full_name": full,
        "private": True,
        "owner": user(owner, kind="Organization"),
        "html_url": f"https://github.com/{full}",
        "description": None,
        "fork": full != place.name,
        "url": api,
        "statuses_url": f"{api}/statuses/{{sha}}",
        "git_refs_url": f"{api}/git/refs{{/sha}}",
        "default_branch": place.branch,
        "archived": place.archived,
        "disabled": False,
        "visibility": "private",
    }


def whole_repository(place: Place) -> Json:
    """As GET /repos/OWNER/NAME answers: with what the token may do."""
    return repository(place) | {
        "permissions": {
            "admin": False,
            "maintain": False,
            "push": place.push,
            "triage": place.push,
            "pull": True,
        }
    }


def pull_request(place: Place, pull: PullRequest) -> Json:
    api = f"{place.url}/repos/{place.name}"
    owner = place.name.partition("/")[0]
    head = pull.fork or place.name
    return {
        "id": 233873830 + pull.number,
        "number": pull.number,
        "url": f"{api}/pulls/{pull.number}",
        "html_url": f"https://github.com/{place.name}/pull/{pull.number}",
        "statuses_url": f"{api}/statuses/{pull.sha}",
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": user(pull.author),
        "body": None,
        "created_at": pull.created_at,
        "draft": pull.draft,
        "merged": pull.merged is not None,
        "merge_commit_sha": pull.merged,
        "mergeable": None,
        "head": {
            "label": f"{head.partition('/')[0]}:{pull.branch}",
            "ref": pull.branch,
            "sha": pull.sha,
            "user": user(head.partition("/")[0]),
            "repo": repository(place, name=head),
        },
        "base": {
            "label": f"{owner}:{pull.base}",
            "ref": pull.base,
            "sha": pull.base_sha,
            "user": user(owner),
            "repo": repository(place),
        },
    }


def pull_request_event(place: Place, pull: PullRequest, action: str, *, before: str = "") -> Json:
    event: Json = {
        "action": action,
        "number": pull.number,
        "pull_request": pull_request(place, pull),
        "repository": repository(place),
        "sender": user(pull.author),
    }
    if action == "synchronize":
        event |= {"before": before, "after": pull.sha}
    return event


def push_event(
    place: Place, *, branch: str, before: str, after: str, changes: Sequence[Change], forced: bool
) -> Json:
    """``changes`` are the new commits, oldest first; none when the branch went back or away."""
    name = changes[-1].author if changes else place.name.partition("/")[0]
    commits = [_pushed(place, change) for change in changes]
    return {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "created": before == ZERO,
        "deleted": after == ZERO,
        "forced": forced,
        "base_ref": None,
        "compare": f"https://github.com/{place.name}/compare/{before[:12]}...{after[:12]}",
        "commits": commits,
        "head_commit": commits[-1] if commits else None,
        "repository": repository(place),
        "pusher": {"name": name, "email": f"{name}@example.net"},
        "sender": user(name),
    }


def _pushed(place: Place, change: Change) -> Json:
    person = {"name": change.author, "email": change.email, "username": change.author}
    return {
        "id": change.sha,
        "tree_id": change.tree,
        "distinct": True,
        "message": change.message,
        "timestamp": change.date,
        "url": f"https://github.com/{place.name}/commit/{change.sha}",
        "author": person,
        "committer": person,
        "added": list(change.added),
        "removed": list(change.removed),
        "modified": list(change.modified),
    }


def git_commit(place: Place, change: Change) -> Json:
    """As GET git/commits/SHA answers."""
    api = f"{place.url}/repos/{place.name}/git"
    person = {"name": change.author, "email": change.email, "date": change.date}
    return {
        "sha": change.sha,
        "url": f"{api}/commits/{change.sha}",
        "author": person,
        "committer": person,
        "message": change.message,
        "tree": {"sha": change.tree, "url": f"{api}/trees/{change.tree}"},
        "parents": [{"sha": sha, "url": f"{api}/commits/{sha}"} for sha in change.parents],
    }


def commit(place: Place, change: Change) -> Json:
    """As GET commits/SHA answers, without the patches."""
    inner = git_commit(place, change)
    return {
        "sha": change.sha,
        "url": f"{place.url}/repos/{place.name}/commits/{change.sha}",
        "commit": {key: inner[key] for key in ("author", "committer", "message", "tree")},
        "author": user(change.author),
        "committer": user(change.author),
        "parents": inner["parents"],
    }


def ping_event(place: Place, *, url: str) -> Json:
    return {
        "zen": "Keep it logically awesome.",
        "hook_id": 109948940,
        "hook": {
            "type": "Repository",
            "id": 109948940,
            "name": "web",
            "active": True,
            "events": ["pull_request", "push"],
            "config": {"content_type": "json", "insecure_ssl": "0", "url": url},
        },
        "repository": repository(place),
        "sender": user(place.name.partition("/")[0]),
    }


def combined(states: Mapping[str, str]) -> str:
    """The state of a commit from those of its contexts, as GitHub combines them."""
    values = set(states.values())
    if values & {"error", "failure"}:
        return "failure"
    return "pending" if not values or "pending" in values else "success"
