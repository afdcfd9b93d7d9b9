"""Requests about what is written beside the commits in, answers out: comments, issues, records."""

import re
from collections.abc import Callable

from aiohttp import web

from catnet_controller.demo import payloads
from catnet_controller.demo.ledger import Comment, Issue, Ledger, Record
from catnet_controller.demo.payloads import Json, PullRequest
from catnet_controller.demo.replying import Refuse, answered, invalid, listed
from catnet_controller.demo.worktree import Worktree

_MUTATION = re.compile(
    r"mutation\(\$id: ID!\) \{ ((?:un)?minimizeComment)\(input: \{subjectId: \$id"
)


class Postings:
    """Comments with their reactions, issues, and the list of deployments.

    ``lags``: whether a request is answered by a replica that has not seen the last push.
    """

    def __init__(
        self, *, ledger: Ledger, git: Worktree, lags: Callable[[web.Request], bool]
    ) -> None:
        self._ledger = ledger
        self._git = git
        self._lags = lags

    def serve(self, app: web.Application, root: str) -> None:
        """Add the routes below ``root``, the path of the repository."""
        app.router.add_get(root + "/issues/{number:\\d+}/comments", self._get_comments)
        app.router.add_post(root + "/issues/{number:\\d+}/comments", self._post_comment)
        app.router.add_patch(root + "/issues/comments/{id:\\d+}", self._patch_comment)
        app.router.add_get(root + "/issues/comments/{id:\\d+}", self._get_comment)
        app.router.add_post(root + "/issues/comments/{id:\\d+}/reactions", self._post_reaction)
        app.router.add_delete(root + "/issues/comments/{id:\\d+}", self._delete_comment)
        app.router.add_post("/graphql", self._post_graphql)
        app.router.add_get(root + "/issues", self._get_issues)
        app.router.add_post(root + "/issues", self._post_issue)
        app.router.add_patch(root + "/issues/{number:\\d+}", self._patch_issue)
        app.router.add_get(root + "/deployments", self._get_records)
        app.router.add_post(root + "/deployments", self._post_record)
        app.router.add_post(root + "/deployments/{id:\\d+}/statuses", self._post_record_status)

    async def _get_comments(self, request: web.Request) -> web.Response:
        pull = self.pull(request)
        mine = [self._ledger.shown(each) for each in self._ledger.notes if each.pull == pull.number]
        return listed(request, mine)

    async def _get_comment(self, request: web.Request) -> web.Response:
        return answered(self._ledger.shown(self._note(request)))

    async def _post_comment(self, request: web.Request) -> web.Response:
        pull = self.pull(request)
        text = await _comment_text(request)
        comment = Comment(
            id=next(self._ledger.ids), pull=pull.number, login=self._ledger.login, body=text
        )
        await self._ledger.tell(lambda: self._ledger.notes.append(comment))
        return answered(self._ledger.shown(comment), 201)

    async def _get_records(self, request: web.Request) -> web.Response:
        query = request.query
        found = [
            self._entry(each)
            for each in reversed(self._ledger.records)
            if query.get("sha") in (None, each.sha)
            and query.get("environment") in (None, each.environment)
        ]
        return listed(request, found)

    async def _post_record(self, request: web.Request) -> web.Response:
        body = await request.json()
        if await self._git.kind(body["ref"]) != "commit":
            raise Refuse(422, f"No ref found for: {body['ref']}")
        if body.get("required_contexts") != []:
            raise Refuse(409, "Conflict: Commit status checks failed for main.")
        record = Record(
            id=next(self._ledger.ids),
            sha=body["ref"],
            environment=body.get("environment", "production"),
            payload=body.get("payload", ""),
        )
        await self._ledger.tell(lambda: self._ledger.records.append(record))
        return answered(self._entry(record), 201)

    async def _post_record_status(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        record = next((each for each in self._ledger.records if each.id == number), None)
        if record is None:
            raise Refuse(404, "Not Found")
        body = await request.json()
        if len(body.get("description", "")) > 140:
            raise invalid("DeploymentStatus", "description", "description is too long")
        state = body["state"], body.get("description", ""), body.get("log_url", "")
        await self._ledger.tell(lambda: record.states.append(state))
        return answered({"id": next(self._ledger.ids), "state": state[0]}, 201)

    def _entry(self, record: Record) -> Json:
        return {
            "id": record.id,
            "sha": record.sha,
            "ref": record.sha,
            "task": "deploy",
            "environment": record.environment,
            "payload": record.payload,
            "creator": payloads.user(self._ledger.login),
        }

    async def _post_reaction(self, request: web.Request) -> web.Response:
        comment = self._note(request)
        content: str = (await request.json())["content"]
        new = content not in comment.reactions
        if new:
            await self._ledger.tell(lambda: comment.reactions.append(content))
        user = payloads.user(self._ledger.login)
        reaction = {"id": 1, "node_id": "RE_1", "user": user, "content": content}
        return answered(reaction, 201 if new else 200)

    async def _get_issues(self, request: web.Request) -> web.Response:
        state = request.query.get("state", "open")
        found = [each for each in self._ledger.issues if state in ("all", each.state)]
        return listed(request, [self._issue(each) for each in reversed(found)])

    async def _post_issue(self, request: web.Request) -> web.Response:
        body = await request.json()
        number = 1000 + len(self._ledger.issues)
        issue = Issue(
            number=number, login=self._ledger.login, title=body["title"], body=body["body"]
        )
        await self._ledger.tell(lambda: self._ledger.issues.append(issue))
        return answered(self._issue(issue), 201)

    async def _patch_issue(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        issue = next((each for each in self._ledger.issues if each.number == number), None)
        if issue is None:
            raise Refuse(404, "Not Found")
        for name, value in (await request.json()).items():
            if name in ("title", "body", "state"):
                setattr(issue, name, value)
        return answered(self._issue(issue))

    def _issue(self, issue: Issue) -> Json:
        return {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "user": payloads.user(issue.login),
        }

    async def _delete_comment(self, request: web.Request) -> web.Response:
        comment = self._note(request)
        await self._ledger.tell(lambda: self._ledger.notes.remove(comment))
        return web.Response(status=204)

    async def _post_graphql(self, request: web.Request) -> web.Response:
        """The two mutations of its schema that hide a comment and show it again."""
        body = await request.json()
        found = _MUTATION.search(str(body.get("query")))
        number = str(body.get("variables", {}).get("id")).removeprefix("IC_")
        note = next((each for each in self._ledger.notes if str(each.id) == number), None)
        if found is None or body.keys() != {"query", "variables"}:
            self._ledger.violations.append(f"POST /graphql: {body}")
        if found is None or note is None:
            text = "Could not resolve to a node with the global id" if found else "Parse error"
            return answered({"data": None, "errors": [{"type": "NOT_FOUND", "message": text}]})
        hide = found[1] == "minimizeComment"
        await self._ledger.tell(lambda: setattr(note, "hidden", hide))
        name = "minimizedComment" if hide else "unminimizedComment"
        return answered({"data": {found[1]: {name: {"isMinimized": hide}}}})

    async def _patch_comment(self, request: web.Request) -> web.Response:
        comment = self._note(request)
        text = await _comment_text(request)

        def edit(comment: Comment = comment) -> None:
            comment.earlier.append(comment.body)
            comment.body = text
            comment.edits += 1

        await self._ledger.tell(edit)
        return answered(self._ledger.shown(comment))

    def _note(self, request: web.Request) -> Comment:
        wanted = int(request.match_info["id"])
        comment = next((each for each in self._ledger.notes if each.id == wanted), None)
        if comment is None:
            raise Refuse(404, "Not Found")
        return comment

    def pull(self, request: web.Request) -> PullRequest:
        pull = self._ledger.pulls.get(int(request.match_info["number"]))
        if pull is None or self._lags(request):
            raise Refuse(404, "Not Found")
        return pull


async def _comment_text(request: web.Request) -> str:
    text: str = (await request.json())["body"]
    if not text.strip():
        raise invalid("IssueComment", "body", "Body can't be blank")
    if len(text) > 65_536:
        raise invalid("IssueComment", "body", "Body is too long (maximum is 65536 characters)")
    return text
