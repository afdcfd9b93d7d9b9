"""Requests of GitHub's REST API in, its answers out: what CatNet uses of it, and refusals."""

import asyncio
import base64
import calendar
import contextlib
import hmac
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from hashlib import sha256

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from catnet_controller.demo import payloads
from catnet_controller.demo.description import Description
from catnet_controller.demo.ledger import (
    QUOTA,
    Fault,
    Grant,
    Ledger,
    Request,
    Status,
    Trouble,
)
from catnet_controller.demo.payloads import Json
from catnet_controller.demo.postings import Postings
from catnet_controller.demo.replying import Refuse, answered, invalid, links, listed
from catnet_controller.demo.worktree import Worktree

_MOST_STATUSES = 1000
_INSTALLATION = 77
_GRAPHQL = "/graphql"
_PERMISSIONS = (
    ("^/orgs/", "members"),
    ("/deployments(/|$)", "deployments"),
    ("/issues(/[0-9]+)?$", "issues"),
    ("/(issues|pulls)(/|$)", "pull_requests"),
    ("/statuses/", "statuses"),
    ("/git/", "contents"),
)
"""Which permission of an App what is asked for needs."""
_SHA = re.compile(r"[0-9a-f]{40}")


class Endpoints:
    """The API over ``ledger`` and the repository in ``git``."""

    def __init__(self, *, ledger: Ledger, git: Worktree) -> None:
        self._ledger = ledger
        self._git = git
        self._lagging: set[int] = set()
        self._description = Description()
        self._postings = Postings(
            ledger=ledger, git=git, lags=lambda request: id(request) in self._lagging
        )

    @property
    def _api(self) -> str:
        return f"{self._ledger.url}/repos/{self._ledger.place.name}"

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._front], client_max_size=10 * 2**20)
        root = "/repos/{owner}/{name}"
        app.router.add_get("/user", self._get_user)
        app.router.add_get(root, self._get_repository)
        app.router.add_get(root + "/installation", self._get_installation)
        app.router.add_post(
            "/app/installations/{id:\\d+}/access_tokens", self._post_installation_token
        )
        app.router.add_get(root + "/git/ref/{ref:.+}", self._get_ref)
        app.router.add_get(root + "/git/commits/{sha}", self._get_git_commit)
        app.router.add_get(root + "/git/trees/{sha}", self._get_tree)
        app.router.add_get(root + "/git/blobs/{sha}", self._get_blob)
        app.router.add_get(root + "/compare/{older}...{newer}", self._get_comparison)
        app.router.add_get(root + "/commits/{sha}", self._get_commit)
        app.router.add_get(root + "/commits/{sha}/status", self._get_combined)
        app.router.add_get(root + "/commits/{sha}/statuses", self._get_statuses)
        app.router.add_post(root + "/statuses/{sha}", self._post_status)
        app.router.add_get(root + "/pulls", self._get_pulls)
        app.router.add_get(root + "/pulls/{number:\\d+}", self._get_pull)
        app.router.add_get("/orgs/{org}/teams/{team}/memberships/{login}", self._get_membership)
        self._postings.serve(app, root)
        return app

    @web.middleware
    async def _front(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Faults, token, quota, conditional answers: what every request of the API meets."""
        fault = self._fault(request)
        trouble = fault.trouble if fault else None
        if trouble is Trouble.DROP:
            return self._cut(request)
        try:
            response = await self._served(request, handler, fault)
        except Refuse as refusal:
            response = answered(refusal.data, status=refusal.status, headers=refusal.headers)
        except web.HTTPException as error:
            response = answered(
                {"message": error.reason, "status": str(error.status)}, error.status
            )
        finally:
            self._lagging.discard(id(request))
        if trouble is Trouble.LOSE:
            return self._cut(request)
        if request.method == "GET" and response.status == 200:
            body = response.body if isinstance(response.body, bytes) else b""
            etag = f'W/"{sha256(body).hexdigest()}"'
            if request.headers.get("If-None-Match") == etag:
                response = web.Response(status=304)
            response.headers["ETag"] = etag
        if request.path == _GRAPHQL:
            self._ledger.questions = max(0, self._ledger.questions - 1)
        elif response.status not in (304, 401):
            self._ledger.remaining = max(0, self._ledger.remaining - 1)
        for name, value in self._quota(request.path).items():
            response.headers.setdefault(name, value)
        self._record(request, response.status)
        if fault is not None and trouble is Trouble.DRIP:
            return await _dripped(request, response, fault.seconds)
        return response

    async def _served(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        fault: Fault | None,
    ) -> web.Response:
        self._admit(request)
        if fault is not None:
            self._spoil(request, fault)
        self._find(request)
        await self._hold_to_description(request)
        response = await handler(request)
        assert isinstance(response, web.Response)
        if fault is not None and fault.trouble is Trouble.CHANGE and response.text:
            edited = fault.edit(json.loads(response.text))
            response = answered(edited, response.status, headers=links(response))
        return response

    def _admit(self, request: web.Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if request.path.startswith("/app/") or request.path.endswith("/installation"):
            if scheme.lower() != "bearer" or not _is_app(given, self._ledger.app):
                raise Refuse(401, "A JSON web token could not be decoded")
            return
        if scheme.lower() not in ("token", "bearer"):
            raise Refuse(401, "Bad credentials")
        grant = self._ledger.granted.get(given)
        if grant is not None and grant.until > _epoch():
            _hold_to_grant(request, grant)
            return
        own = self._ledger.token.encode()
        if not hmac.compare_digest(given.encode("utf-8", "replace"), own):
            raise Refuse(401, "Bad credentials")

    async def _hold_to_description(self, request: web.Request) -> None:
        if request.path == _GRAPHQL:
            return
        body = await request.read()
        refusal = self._description.refusal(request.method, request.path, request.query, body)
        if refusal is not None:
            self._ledger.violations.append(refusal.why)
            raise Refuse(refusal.status, refusal.why)

    def _spoil(self, request: web.Request, fault: Fault) -> None:
        match fault.trouble:
            case Trouble.ANSWER:
                raise Refuse(fault.status, fault.message, headers=fault.headers)
            case Trouble.SECONDARY:
                raise Refuse(
                    403,
                    "You have exceeded a secondary rate limit. Please wait a few minutes before "
                    "you try again.",
                    headers={"Retry-After": f"{fault.seconds:.0f}"} if fault.seconds else {},
                )
            case Trouble.PRIMARY:
                raise Refuse(
                    403,
                    "API rate limit exceeded for user ID 1.",
                    headers={
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Reset": f"{_epoch() + fault.seconds:.0f}",
                    },
                )
            case Trouble.LAG:
                self._lagging.add(id(request))
            case _:
                pass

    def _find(self, request: web.Request) -> None:
        """Whether the repository that is asked for is this one; GitHub's redirect if it was."""
        owner, name = request.match_info.get("owner"), request.match_info.get("name")
        if owner is None:
            return
        asked = f"{owner}/{name}".casefold()
        if self._ledger.renamed and asked == self._ledger.repository.casefold():
            rest = request.path_qs.split("/", 4)
            where = f"{self._ledger.url}/repositories/{payloads.REPOSITORY_ID}" + (
                f"/{rest[4]}" if len(rest) > 4 else ""
            )
            status = 301 if request.method == "GET" else 307
            raise Refuse(status, "Moved Permanently", headers={"Location": where})
        if self._ledger.gone or asked != self._ledger.place.name.casefold():
            raise Refuse(404, "Not Found")
        if request.method != "GET":
            if self._ledger.archived:
                raise Refuse(403, "Repository was archived so is read-only.")
            if not self._ledger.may_push:
                raise Refuse(
                    403,
                    "Resource not accessible by personal access token",
                    headers={
                        "X-Accepted-GitHub-Permissions": "statuses=write"
                        if "/statuses/" in request.path
                        else "issues=write; pull_requests=write"
                    },
                )

    def _fault(self, request: web.Request) -> Fault | None:
        for fault in self._ledger.faults:
            if (
                fault.times > 0
                and fault.method in ("", request.method)
                and re.search(fault.path, request.path)
            ):
                fault.times -= 1
                return fault
        return None

    def _cut(self, request: web.Request) -> web.Response:
        self._record(request, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _record(self, request: web.Request, status: int) -> None:
        self._ledger.requests.append(
            Request(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers={
                    name: value
                    for name, value in request.headers.items()
                    if name.lower() != "authorization"
                },
                status=status,
            )
        )

    def _quota(self, path: str) -> dict[str, str]:
        questions = path == _GRAPHQL
        remaining = self._ledger.questions if questions else self._ledger.remaining
        return {
            "X-RateLimit-Limit": str(QUOTA),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(_epoch() + 3600),
            "X-RateLimit-Resource": "graphql" if questions else "core",
        }

    # --- reading -----------------------------------------------------------------------------

    async def _get_user(self, _: web.Request) -> web.Response:
        return answered(payloads.user(self._ledger.login))

    async def _get_repository(self, _: web.Request) -> web.Response:
        return answered(payloads.whole_repository(self._ledger.place))

    async def _get_ref(self, request: web.Request) -> web.Response:
        ref = request.match_info["ref"]
        sha = await self._git.resolve(f"refs/{ref}")
        if id(request) in self._lagging:
            sha = self._ledger.former.get(ref.removeprefix("heads/")) or None
        if sha is None:
            raise Refuse(404, "Not Found")
        api = f"{self._api}/git"
        kind = await self._git.kind(sha)
        return answered(
            {
                "ref": f"refs/{ref}",
                "url": f"{api}/refs/{ref}",
                "object": {"sha": sha, "type": kind, "url": f"{api}/{kind}s/{sha}"},
            }
        )

    async def _get_git_commit(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=404)
        return answered(payloads.git_commit(self._ledger.place, await self._git.change(sha)))

    async def _get_commit(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=422)
        return answered(payloads.commit(self._ledger.place, await self._git.change(sha)))

    async def _get_comparison(self, request: web.Request) -> web.Response:
        older, newer = (request.match_info[each] for each in ("older", "newer"))
        if not all([await self._git.kind(each) == "commit" for each in (older, newer)]):
            raise Refuse(404, "Not Found")
        counted = await self._git.read("rev-list", "--left-right", "--count", f"{older}...{newer}")
        behind, ahead = map(int, counted.split())
        status = (
            ("diverged" if behind else "ahead") if ahead else "behind" if behind else "identical"
        )
        return answered({"status": status, "ahead_by": ahead, "behind_by": behind})

    async def _get_tree(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", "tree", status=404)
        tree = (await self._git.read("rev-parse", f"{sha}^{{tree}}")).strip()
        deep = ("-r", "-t") if "recursive" in request.query else ()
        listed = await self._git.raw("ls-tree", *deep, "-z", "-l", tree)
        api = f"{self._api}/git"
        entries = []
        for row in listed.split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, kind, name, size = facts.decode().split()
            entry: Json = {
                "path": path.decode("utf-8", "replace"),
                "mode": mode,
                "type": kind,
                "sha": name,
                "url": f"{api}/{kind}s/{name}",
            }
            if kind == "blob":
                entry["size"] = int(size)
            entries.append(entry)
        return answered(
            {"sha": tree, "url": f"{api}/trees/{tree}", "tree": entries, "truncated": False}
        )

    async def _get_blob(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "blob", status=404)
        content = await self._git.raw("cat-file", "blob", sha)
        text = base64.b64encode(content).decode()
        return answered(
            {
                "sha": sha,
                "size": len(content),
                "url": f"{self._api}/git/blobs/{sha}",
                "content": "".join(
                    f"{text[start : start + 60]}\n" for start in range(0, len(text), 60)
                ),
                "encoding": "base64",
            }
        )

    async def _get_combined(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=422)
        latest = self._ledger.statuses(sha)
        return answered(
            {
                "state": payloads.combined({name: each.state for name, each in latest.items()}),
                "sha": sha,
                "total_count": len(latest),
                "statuses": [self._status(each) for each in latest.values()],
            }
        )

    async def _get_statuses(self, request: web.Request) -> web.Response:
        sha = await self._known(request, "commit", status=422)
        mine = [self._status(each) for each in reversed(self._ledger.posts) if each.sha == sha]
        return listed(request, mine)

    async def _get_pulls(self, request: web.Request) -> web.Response:
        query = request.query
        state, base = query.get("state", "open"), query.get("base")
        found = [
            pull
            for pull in self._ledger.pulls.values()
            if state in ("all", pull.state) and base in (None, pull.base)
        ]
        updated = query.get("sort") == "updated"
        found.sort(
            key=lambda pull: (pull.updated if updated else 0, pull.number),
            reverse=query.get("direction", "desc") == "desc",
        )
        shown = [payloads.listed_pull_request(self._ledger.place, pull) for pull in found]
        return listed(request, shown)

    async def _get_pull(self, request: web.Request) -> web.Response:
        pull = self._postings.pull(request)
        base = await self._git.resolve(f"refs/heads/{pull.base}")
        if pull.state != "open" or base is None:
            return answered(payloads.pull_request(self._ledger.place, pull))
        if self._ledger.unmerged:
            self._ledger.unmerged -= 1
            return answered(payloads.pull_request(self._ledger.place, pull))
        if pull.tried != (base, pull.sha):
            pull.would_be = await self._git.try_merge(base, pull.sha)
            pull.tried = (base, pull.sha)
            if pull.would_be is not None:
                await self._git.keep(f"refs/pull/{pull.number}/merge", pull.would_be)
        return answered(payloads.tried_pull_request(self._ledger.place, pull))

    async def _get_membership(self, request: web.Request) -> web.Response:
        members = self._ledger.teams.get(request.match_info["team"], {})
        state = members.get(request.match_info["login"])
        if state is None or request.match_info["org"] != self._ledger.place.name.partition("/")[0]:
            raise Refuse(404, "Not Found")
        return answered({"url": str(request.url), "role": "member", "state": state})

    async def _get_installation(self, _: web.Request) -> web.Response:
        assert self._ledger.app is not None, "only the App gets here"
        return answered(
            {
                "id": _INSTALLATION,
                "app_id": self._ledger.app[0],
                "repository_selection": "selected",
                "permissions": self._ledger.app_permissions,
                "suspended_at": None,
            }
        )

    # --- writing -----------------------------------------------------------------------------

    async def _post_status(self, request: web.Request) -> web.Response:
        body = await request.json()
        sha = await self._known(request, "commit", status=422)
        context = body.get("context") or "default"
        if len(body.get("description") or "") > 140:
            raise invalid(
                "Status", "description", "description is too long (maximum is 140 characters)"
            )
        target = body.get("target_url") or ""
        if target and not target.startswith(("http://", "https://")):
            raise invalid("Status", "target_url", "Target URL must use http(s) scheme")
        same = Counter((each.sha, each.context.casefold()) for each in self._ledger.posts)
        if same[sha, context.casefold()] >= _MOST_STATUSES:
            raise invalid(
                "Status",
                "context",
                "This SHA and context has reached the maximum number of statuses.",
            )
        status = Status(
            id=next(self._ledger.ids),
            sha=sha,
            context=context,
            state=body["state"],
            description=body.get("description") or "",
            target_url=target,
        )
        await self._ledger.tell(lambda: self._ledger.posts.append(status))
        return answered(self._status(status), 201)

    async def _post_installation_token(self, request: web.Request) -> web.Response:
        if int(request.match_info["id"]) != _INSTALLATION:
            raise Refuse(404, "Not Found")
        body = await request.json()
        if body.get("repositories", []) not in ([], [self._ledger.place.name.partition("/")[2]]):
            raise Refuse(422, "There is at least one repository that does not exist.")
        wanted, given = body.get("permissions", {}), self._ledger.app_permissions
        if any(given.get(name) not in (level, "write") for name, level in wanted.items()):
            raise Refuse(422, "The permissions requested are not granted to this installation.")
        token, until = f"ghs_{secrets.token_urlsafe(24)}", _epoch() + 3600
        self._ledger.granted[token] = Grant(until=until, permissions=wanted)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
        return answered({"token": token, "expires_at": ends, "permissions": wanted}, 201)

    # --- common ------------------------------------------------------------------------------

    async def _known(self, request: web.Request, *kinds: str, status: int) -> str:
        """The object that is asked for by its full sha; refused as GitHub does."""
        sha = request.match_info["sha"]
        lags = id(request) in self._lagging
        if lags or not _SHA.fullmatch(sha) or await self._git.kind(sha) not in kinds:
            raise Refuse(
                status, "Not Found" if status == 404 else f"No commit found for SHA: {sha}"
            )
        return sha

    def _status(self, status: Status) -> Json:
        return {
            "url": f"{self._api}/statuses/{status.sha}",
            "id": status.id,
            "state": status.state,
            "description": status.description or None,
            "target_url": status.target_url or None,
            "context": status.context,
            "creator": payloads.user(self._ledger.login),
        }


async def _dripped(request: web.Request, whole: web.Response, seconds: float) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for byte in body:
            await response.write(bytes((byte,)))
            await asyncio.sleep(seconds)
    return response


def _hold_to_grant(request: web.Request, grant: Grant) -> None:
    """An App has no login, and of permissions what its token was made with."""
    needs = next((name for path, name in _PERMISSIONS if re.search(path, request.path)), None)
    level = "read" if request.method == "GET" else "write"
    lacks = needs is not None and grant.permissions.get(needs) not in (level, "write")
    if lacks or request.path == "/user":
        headers = {"X-Accepted-GitHub-Permissions": f"{needs}={level}"} if lacks else {}
        raise Refuse(403, "Resource not accessible by integration", headers=headers)


def _is_app(token: str, app: tuple[str, bytes] | None) -> bool:
    """Whether a JWT is signed by the App and of now (docs.github.com, generating a JWT)."""
    try:
        head, claims, signature = token.split(".")
        if app is None or json.loads(_unbase64(head)).get("alg") != "RS256":
            return False
        key = load_pem_public_key(app[1])
        assert isinstance(key, rsa.RSAPublicKey)
        signed = f"{head}.{claims}".encode()
        key.verify(_unbase64(signature), signed, padding.PKCS1v15(), SHA256())
        said, now = json.loads(_unbase64(claims)), _epoch()
        return bool(
            said["iss"] == app[0] and said["iat"] <= now < said["exp"] and said["exp"] <= now + 600
        )
    except (ValueError, KeyError, AttributeError, InvalidSignature):
        return False


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _epoch() -> int:
    """The stand-in is another machine to CatNet, with a clock of its own."""
    return calendar.timegm(time.gmtime())
