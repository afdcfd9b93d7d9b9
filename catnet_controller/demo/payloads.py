"""What happened in the stand-in's repository in; GitHub's JSON for the API and webhooks out.

Valid under GitHub's published webhook schemas (@octokit/webhooks-schemas 7.6.1). Pure.
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
    updated: int = 0
    """Grows with whatever happens to it."""
    tried: tuple[str, str] | None = None
    """Base and head that the would-be merge was made of."""
    would_be: str | None = None
    """That merge; None when they conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The repository and where its API is."""

    name: str
    branch: str
    url: str
    archived: bool = False
    push: bool = True


_USER_LINKS = (
    "events", "followers", "following", "gists", "organizations", "received_events", "repos",
    "starred", "subscriptions",
)  # fmt: skip
_REPOSITORY_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare",
    "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits",
    "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels",
    "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers",
    "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip
_WHOLE_ONLY = frozenset(
    {
        "merged", "merged_by", "mergeable", "mergeable_state", "rebaseable", "comments",
        "review_comments", "maintainer_can_modify", "commits", "additions", "deletions",
        "changed_files",
    }
)  # fmt: skip
_COUNTS = ("forks", "open_issues", "stargazers", "watchers")
_BORN = "2026-01-01T00:00:00Z"


def user(login: str, *, kind: str = "User") -> Json:
    home = f"https://api.github.com/users/{login}"
    return {
        "login": login,
        "id": sum(login.encode()),
        "node_id": f"U_{login}",
        "avatar_url": f"https://avatars.githubusercontent.com/{login}",
        "gravatar_id": "",
        "url": home,
        "html_url": f"https://github.com/{login}",
        "type": kind,
        "site_admin": False,
    } | {f"{name}_url": f"{home}/{name}" for name in _USER_LINKS}


def repository(place: Place, *, name: str | None = None) -> Json:
    """The repository, or (``name``) a fork of it."""
    full = name or place.name
    owner, _, short = full.partition("/")
    api = f"{place.url}/repos/{full}"
    page = f"https://github.com/{full}"
    return (
        {
            "id": REPOSITORY_ID if full == place.name else FORK_ID,
            "node_id": f"R_{short}",
            "name": short,
            "full_name": full,
            "private": True,
            "owner": user(owner, kind="Organization"),
            "html_url": page,
            "description": None,
            "fork": full != place.name,
            "url": api,
            "created_at": _BORN,
            "updated_at": _BORN,
            "pushed_at": _BORN,
            "clone_url": f"{page}.git",
            "git_url": f"git://github.com/{full}.git",
            "ssh_url": f"git@github.com:{full}.git",
            "svn_url": page,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "size": 0,
            "topics": [],
            "custom_properties": {},
            "default_branch": place.branch,
            "archived": place.archived,
            "disabled": False,
            "is_template": False,
            "has_discussions": False,
            "has_downloads": True,
            "has_issues": True,
            "has_pages": False,
            "has_projects": False,
            "has_wiki": False,
            "forks": 0,
            "open_issues": 0,
            "watchers": 0,
            "visibility": "private",
            "web_commit_signoff_required": False,
        }
        | {f"{link}_url": f"{api}/{link.replace('_', '/')}" for link in _REPOSITORY_LINKS}
        | {f"{name}_count": 0 for name in _COUNTS}
    )


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


def listed_pull_request(place: Place, pull: PullRequest) -> Json:
    """As a list of pull requests has it: without what GitHub computes for one alone."""
    return {
        name: value for name, value in pull_request(place, pull).items() if name not in _WHOLE_ONLY
    }


def tried_pull_request(place: Place, pull: PullRequest) -> Json:
    """As GET pulls/N answers once the would-be merge is computed."""
    clean = pull.would_be is not None
    return pull_request(place, pull) | {
        "merge_commit_sha": pull.would_be,
        "mergeable": clean,
        "mergeable_state": "clean" if clean else "dirty",
        "rebaseable": clean,
    }


def pull_request(place: Place, pull: PullRequest) -> Json:
    api = f"{place.url}/repos/{place.name}"
    owner = place.name.partition("/")[0]
    head = pull.fork or place.name
    page = f"https://github.com/{place.name}/pull/{pull.number}"
    here, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    links = {
        "self": here,
        "html": page,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{here}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{here}/commits",
        "statuses": f"{api}/statuses/{pull.sha}",
    }
    return {
        "id": 233873830 + pull.number,
        "node_id": f"PR_{pull.number}",
        "number": pull.number,
        "url": here,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "comments_url": links["comments"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "commits_url": links["commits"],
        "statuses_url": links["statuses"],
        "_links": {name: {"href": url} for name, url in links.items()},
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "user": user(pull.author),
        "body": None,
        "created_at": pull.created_at,
        "updated_at": pull.created_at,
        "closed_at": None if pull.state == "open" else pull.created_at,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": None,
        "author_association": "MEMBER",
        "auto_merge": None,
        "draft": pull.draft,
        "merged": pull.merged is not None,
        "merged_at": pull.created_at if pull.merged else None,
        "merged_by": user(pull.author) if pull.merged else None,
        "merge_commit_sha": pull.merged,
        "mergeable": None,  # GitHub computes it later
        "mergeable_state": "unknown",
        "rebaseable": None,
        "maintainer_can_modify": False,
        "comments": 0,
        "review_comments": 0,
        "commits": 1,
        "additions": 1,
        "deletions": 1,
        "changed_files": 1,
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


def comment(
    place: Place,
    *,
    number: int,
    pull: int,
    author: Json,
    association: str,
    created_at: str,
    body: str,
) -> Json:
    """A comment under a pull request, as the API and webhooks have it."""
    here = f"{place.url}/repos/{place.name}/issues/comments/{number}"
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "url": here,
        "html_url": f"https://github.com/{place.name}/pull/{pull}#issuecomment-{number}",
        "issue_url": f"{place.url}/repos/{place.name}/issues/{pull}",
        "user": author,
        "created_at": created_at,
        "updated_at": created_at,
        "author_association": association,
        "body": body,
        "reactions": {"url": f"{here}/reactions", "total_count": 0} | dict.fromkeys(kinds, 0),
        "performed_via_github_app": None,
    }


def issue_comment_event(
    place: Place, pull: PullRequest, action: str, comment: Json, *, before: str = ""
) -> Json:
    """``before`` is the text that was edited."""
    whole = pull_request(place, pull)
    same = (
        "node_id", "user", "title", "body", "state", "locked", "active_lock_reason", "assignee",
        "assignees", "labels", "milestone", "created_at", "updated_at", "closed_at",
        "author_association", "draft", "number", "comments", "comments_url", "html_url",
    )  # fmt: skip
    url = whole["issue_url"]
    page = whole["html_url"]
    issue = {name: whole[name] for name in same} | {
        "id": 333000000 + pull.number,
        "url": url,
        "repository_url": f"{place.url}/repos/{place.name}",
        "labels_url": f"{url}/labels{{/name}}",
        "events_url": f"{url}/events",
        "reactions": comment["reactions"] | {"url": f"{url}/reactions"},
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
        "pull_request": {
            "url": whole["url"],
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": None,
        },
    }
    event: Json = {
        "action": action,
        "issue": issue,
        "comment": comment,
        "repository": repository(place),
        "sender": comment["user"],
    }
    if action == "edited":
        event["changes"] = {"body": {"from": before}}
    return event


def push_event(
    place: Place, *, branch: str, before: str, after: str, changes: Sequence[Change], forced: bool
) -> Json:
    """``changes`` are the new commits, oldest first; none when the branch went back or away."""
    name = changes[-1].author if changes else place.name.partition("/")[0]
    commits = [_pushed(place, change) for change in changes]
    owner = place.name.partition("/")[0]
    # In pushes alone, GitHub describes the repository in an older way as well.
    older = {
        "owner": user(owner, kind="Organization") | {"name": owner, "email": None},
        "master_branch": place.branch,
        "stargazers": 0,
    }
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
        "repository": repository(place) | older,
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
    hook = 109948940
    api = f"{place.url}/repos/{place.name}/hooks/{hook}"
    return {
        "zen": "Keep it logically awesome.",
        "hook_id": hook,
        "hook": {
            "type": "Repository",
            "id": hook,
            "name": "web",
            "active": True,
            "events": ["pull_request", "push"],
            "config": {"content_type": "json", "insecure_ssl": "0", "url": url},
            "created_at": _BORN,
            "updated_at": _BORN,
            "url": api,
            "test_url": f"{api}/test",
            "ping_url": f"{api}/pings",
            "deliveries_url": f"{api}/deliveries",
            "last_response": {"code": None, "status": "unused", "message": None},
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
