"""Accounts over real HTTP on a real store: login, roles, tokens, lock-out, keys, audit log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import argon2
import jwt
import pytest

from catnet_controller.errors import AccountRefused, StoreFailed
from catnet_controller.models import Role, User
from catnet_controller.settings import Secret
from catnet_controller.store.store import Store
from catnet_controller.web import roles
from catnet_controller.web.passwords import Passwords, check
from catnet_controller.web.problems import HttpProblem
from catnet_controller.web.signing import Signing, digest
from tests import helpers_web
from tests.helpers_store import ManualClock, opened
from tests.helpers_web import BEARER, PASSWORD, TOKEN, Site

LIFE = 3600.0


@dataclass
class House:
    """A server on a store, with a user of each role, named like it."""

    site: Site
    store: Store
    clock: ManualClock
    tokens: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> tuple[int, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.site.client.request(method, path, json=body, headers=headers) as answer:
            assert "json" in answer.content_type, await answer.text()
            return answer.status, await answer.json()

    async def login(self, user: str, password: str = PASSWORD) -> tuple[int, Any]:
        body = {"user": user, "password": password}
        return await self.ask("POST", "/api/v1/auth/login", body)

    async def entered(self, user: str) -> str:
        status, got = await self.login(user)
        assert status == 200, got
        return str(got["token"])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = ManualClock()
    async with (
        opened(tmp_path / "state", clock) as store,
        helpers_web.peopled(store, clock, session_seconds=LIFE) as site,
    ):
        yield House(site=site, store=store, clock=clock)


# --- login ---------------------------------------------------------------------------------------


async def test_login_returns_a_token_and_a_wrong_password_does_not(house: House) -> None:
    status, got = await house.login("Operator")
    assert (status, got["user"], got["role"]) == (200, "operator", "operator")
    assert got["until"] == "2027-01-15T09:00:00Z"
    status, me = await house.ask("GET", "/api/v1/auth/me", token=got["token"])
    assert (status, me["kind"], me["name"]) == (200, "user", "operator")
    for user, password in (("operator", PASSWORD + "x"), ("nobody", PASSWORD), ("operator", "x")):
        status, problem = await house.login(user, password)
        assert (status, problem["code"]) == (401, "login-failed")
        assert "token" not in problem
        assert PASSWORD not in str(problem)


async def test_wrong_and_unknown_users_are_told_the_same(house: House) -> None:
    await house.store.change_user("viewer", disabled=True)
    answers = [
        await house.login("operator", "wrong password"),
        await house.login("nobody", "wrong password"),
        await house.login("viewer"),
    ]
    assert answers[0] == answers[1] == answers[2]


async def test_an_unknown_user_costs_as_much_work_as_a_known_one() -> None:
    with Passwords(memory=64, rounds=1) as passwords:
        known = await passwords.hash(PASSWORD)
        real, made_up = map(argon2.extract_parameters, (known, passwords.nobody))
        assert made_up == real
        assert not await passwords.verify(None, PASSWORD)
        assert await passwords.verify(known, PASSWORD)
        # The hash of nobody is computed to its end: it is well-formed and only does not match.
        with pytest.raises(argon2.exceptions.VerifyMismatchError):
            argon2.PasswordHasher().verify(passwords.nobody, PASSWORD)


async def test_unknown_users_are_verified_against_the_hash_of_nobody(tmp_path: Path) -> None:
    asked: list[str | None] = []

    class Watched(Passwords):
        async def verify(self, known: str | None, password: str) -> bool:
            asked.append(known)
            return await super().verify(known, password)

    async with opened(tmp_path / "state", ManualClock()) as store:
        with Watched(memory=64, rounds=1) as passwords:
            async with helpers_web.site(accounts=store, passwords=passwords) as site:
                body = {"user": "nobody", "password": PASSWORD}
                async with site.client.post("/api/v1/auth/login", json=body) as answer:
                    assert answer.status == 401
    assert asked == [None]


async def test_the_defaults_are_those_of_rfc_9106() -> None:
    with Passwords() as passwords:
        made = argon2.extract_parameters(passwords.nobody)
    assert (made.type, made.memory_cost, made.time_cost) == (argon2.Type.ID, 65_536, 3)


async def test_logins_that_wait_are_bounded() -> None:
    with Passwords(parallel=1, waiting=1, memory=8192, rounds=8) as passwords:
        refused: list[tuple[int, str]] = []
        results: list[str] = []

        async def one() -> None:
            try:
                results.append(await passwords.hash(PASSWORD))
            except HttpProblem as problem:
                refused.append((problem.status, problem.code))

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(one())
        assert (len(results), refused) == (2, [(503, "too-many-logins")] * 3)


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "ada and three words", "x" * 300]
)
def test_easy_passwords_are_refused(password: str) -> None:
    with pytest.raises(AccountRefused) as caught:
        check(password, user="ada")
    assert password not in f"{caught.value.message}{caught.value.next_step}"


async def test_stronger_parameters_are_taken_on_at_login(house: House) -> None:
    with Passwords(memory=32, rounds=1) as weaker:
        weak = await weaker.hash(PASSWORD)
    await house.store.add_user(User(name="old", role=Role.VIEWER, password=weak))
    await house.entered("old")
    fresh = await house.store.user("old")
    assert fresh is not None
    assert argon2.extract_parameters(fresh.password).memory_cost == 64
    await house.entered("old")


# --- sessions ------------------------------------------------------------------------------------


async def test_a_session_ends_by_itself(house: House) -> None:
    token = await house.entered("viewer")
    house.clock.advance(LIFE - 1)
    assert (await house.ask("GET", "/api/v1/status", token=token))[0] == 200
    house.clock.advance(1)
    assert (await house.ask("GET", "/api/v1/status", token=token))[0] == 401


async def test_logout_ends_it_at_once(house: House) -> None:
    token, other = await house.entered("viewer"), await house.entered("viewer")
    assert (await house.ask("POST", "/api/v1/auth/logout", token=token))[0] == 200
    assert (await house.ask("GET", "/api/v1/status", token=token))[0] == 401
    assert (await house.ask("GET", "/api/v1/status", token=other))[0] == 200
    status, problem = await house.ask("POST", "/api/v1/auth/logout", token=TOKEN)
    assert (status, problem["code"]) == (400, "malformed")


async def test_disabling_a_user_ends_the_sessions(house: House) -> None:
    token, admin = await house.entered("operator"), await house.entered("admin")
    change = {"disabled": True}
    assert (await house.ask("PATCH", "/api/v1/users/operator", change, token=admin))[0] == 200
    assert (await house.ask("GET", "/api/v1/status", token=token))[0] == 401
    assert (await house.login("operator"))[0] == 401


async def test_a_role_counts_from_the_store_not_from_the_token(house: House) -> None:
    await house.store.change_user("operator", role=Role.VIEWER)
    token = await house.entered("operator")
    assert (await house.ask("POST", "/api/v1/gitops/sync", token=token))[0] == 403


async def test_ones_own_password(house: House) -> None:
    token = await house.entered("viewer")
    path, fresh = "/api/v1/auth/password", "another four words,"
    wrong = {"old": "not the password", "new": fresh}
    assert (await house.ask("POST", path, wrong, token=token))[0] == 401
    easy = {"old": PASSWORD, "new": "easy"}
    assert (await house.ask("POST", path, easy, token=token))[1]["code"] == "account-refused"
    good = {"old": PASSWORD, "new": fresh}
    assert (await house.ask("POST", path, good, token=token))[0] == 200
    assert (await house.ask("GET", "/api/v1/status", token=token))[0] == 401
    assert (await house.login("viewer"))[0] == 401
    assert (await house.login("viewer", fresh))[0] == 200


async def test_signing_keys_turn_and_old_ones_are_accepted_until_nothing_of_theirs_lives(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "state", clock) as store:
        signing = Signing(accounts=store, clock=clock, life=LIFE, turn=1000.0)
        first, _ = await signing.sign("one", user="ada", role=Role.ADMIN)
        clock.advance(999)
        second, _ = await signing.sign("two", user="ada", role=Role.ADMIN)
        clock.advance(1)
        third, _ = await signing.sign("three", user="ada", role=Role.ADMIN)
        kids = [jwt.get_unverified_header(each)["kid"] for each in (first, second, third)]
        assert kids[0] == kids[1] != kids[2]
        assert [await signing.verify(it) for it in (first, second, third)] == [
            "one",
            "two",
            "three",
        ]
        clock.advance(LIFE - 1000)
        assert [await signing.verify(it) for it in (first, second)] == [None, "two"]
        clock.advance(1001)
        await signing.sign("four", user="ada", role=Role.ADMIN)
        kept = {key.id for key in await store.signing_keys()}
        assert kids[0] not in kept
        # After a restart the same keys hold.
        again = Signing(accounts=store, clock=clock, life=LIFE, turn=1000.0)
        assert await again.verify(third) == await signing.verify(third)
        fourth, _ = await signing.sign("five", user="ada", role=Role.ADMIN)
        assert await again.verify(fourth) == "five"


async def test_forged_tokens_are_nothing(house: House) -> None:
    token = await house.entered("admin")
    [key] = await house.store.signing_keys()
    claims = jwt.decode(token, options={"verify_signature": False})
    headers = {"kid": key.id}
    other = jwt.encode(claims, b"k" * 32, algorithm="HS256", headers=headers)
    none = jwt.encode(claims, "", algorithm="none", headers=headers)
    audience = jwt.encode(claims | {"aud": "x"}, key.secret, algorithm="HS256", headers=headers)
    unknown = jwt.encode(claims, key.secret, algorithm="HS256", headers={"kid": "x"})
    odd = jwt.encode(claims | {"exp": 2**60}, b"k" * 32, algorithm="HS256", headers=headers)
    for forged in (other, none, audience, unknown, odd, "a.b.c", f"{token}x", "." * 4000):
        assert (await house.ask("GET", "/api/v1/status", token=forged))[0] == 401
    assert claims["sid"] not in str(await house.store.db.read(_sessions))
    assert digest(claims["sid"]) in str(await house.store.db.read(_sessions))


def _sessions(conn: Any) -> list[Any]:
    return [tuple(row) for row in conn.exec_driver_sql("SELECT * FROM session")]


# --- lock-out ------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["operator", "nobody"])
async def test_an_account_is_locked_out_with_backoff(house: House, user: str) -> None:
    for _ in range(5):
        assert (await house.login(user, "wrong"))[0] == 401
    status, problem = await house.login(user)
    assert (status, problem["code"]) == (429, "locked-out")
    # Others from the same address still get in.
    assert (await house.login("viewer"))[0] == 200
    house.clock.advance(1)
    assert (await house.login(user, "wrong"))[0] == 401
    assert (await house.login(user))[0] == 429
    house.clock.advance(1)
    assert (await house.login(user))[0] == 429
    house.clock.advance(1)
    assert (await house.login(user))[0] == (200 if user == "operator" else 401)


async def test_an_address_is_locked_out_whatever_names_it_tries(house: House) -> None:
    for number in range(20):
        assert (await house.login(f"name{number}", "wrong"))[0] == 401
    async with house.site.client.post(
        "/api/v1/auth/login", json={"user": "viewer", "password": PASSWORD}
    ) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    house.clock.advance(1)
    assert (await house.login("viewer"))[0] == 200


async def test_logins_at_once_are_no_way_around(house: House) -> None:
    seen: list[int] = []

    async def one() -> None:
        seen.append((await house.login("operator", "wrong"))[0])

    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(one())
    assert sorted(seen) == [401] * 5 + [429] * 7


# --- roles ---------------------------------------------------------------------------------------


def routes(site: Site) -> set[tuple[str, str]]:
    app = site.client.server.app  # type: ignore[attr-defined]
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


async def test_every_route_is_in_the_table_and_every_row_is_a_route(house: House) -> None:
    assert routes(house.site) == set(roles.NEEDED)


async def test_nothing_but_the_open_routes_answers_a_stranger(house: House) -> None:
    guarded = {row for row, role in roles.NEEDED.items() if role is not None}
    assert len(guarded) > 15
    for method, path in guarded:
        concrete = path.replace("{id}", "41").replace("{name}", "edge1").replace("{backup}", "x")
        async with house.site.client.request(method, concrete, allow_redirects=False) as answer:
            if path.startswith("/api/"):
                assert answer.status == 401, (method, path)
            else:
                assert answer.status == 303, (method, path)
                assert answer.headers["Location"].startswith("/sign-in"), (method, path)
                assert await answer.text() == ""


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_the_table_says(house: House, role: Role) -> None:
    token = await house.entered(role.value)
    for (method, path), needed in roles.NEEDED.items():
        if needed is None or path == "/api/v1/auth/logout":
            continue
        if method == "POST" and not path.startswith("/api/"):
            continue  # Forms of pages take a session of a browser only.
        concrete = path.replace("{id}", "41").replace("{name}", "edge1").replace("{backup}", "x")
        headers = {"Authorization": f"Bearer {token}"}
        async with house.site.client.request(method, concrete, headers=headers) as answer:
            assert (answer.status == 403) is not role.covers(needed), (method, path, answer.status)


async def test_a_route_without_a_row_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    less = {row: role for row, role in roles.NEEDED.items() if row[1] != "/api/v1/status"}
    monkeypatch.setattr(roles, "NEEDED", less)
    status, problem = await house.ask("GET", "/api/v1/status", token=TOKEN)
    assert (status, problem["code"]) == (403, "no-role")


async def test_no_user_and_no_token_says_how_to_begin(tmp_path: Path) -> None:
    async with (
        opened(tmp_path / "state", ManualClock()) as store,
        helpers_web.site(accounts=store, token=None) as site,
    ):
        async with site.client.get("/api/v1/status") as answer:
            problem = await answer.json()
            assert (answer.status, problem["code"]) == (403, "token-not-set")
            assert "catnet init" in problem["next_step"]
        await store.add_user(User(name="ada", role=Role.ADMIN, password="x"))
        async with site.client.get("/api/v1/status") as answer:
            assert answer.status == 401


# --- users and tokens ----------------------------------------------------------------------------


async def test_users_are_managed_by_admins(house: House) -> None:
    admin = await house.entered("admin")
    new = {"name": "ada", "role": "operator", "password": "a long enough word"}
    status, made = await house.ask("POST", "/api/v1/users", new, token=admin)
    assert (status, made["name"], made["role"], made["disabled"]) == (201, "ada", "operator", False)
    assert (await house.ask("POST", "/api/v1/users", new, token=admin))[0] == 409
    assert (await house.login("ada", "a long enough word"))[0] == 200
    status, listed = await house.ask("GET", "/api/v1/users", token=admin)
    assert [each["name"] for each in listed["users"]] == ["ada", "admin", "operator", "viewer"]
    assert "argon2" not in str(listed)
    change = {"role": "viewer"}
    assert (await house.ask("PATCH", "/api/v1/users/admin", change, token=admin))[0] == 409
    for bad in (
        {"name": "Ada"},
        {"name": "api"},
        {"name": "x", "role": "root"},
        {"name": "x", "role": "viewer"},
        {"name": "x", "role": "viewer", "password": 5},
    ):
        assert (await house.ask("POST", "/api/v1/users", bad, token=admin))[0] == 400
    for wrong in ({}, {"disabled": "yes"}, {"role": None}, {"name": "y"}):
        assert (await house.ask("PATCH", "/api/v1/users/ada", wrong, token=admin))[0] == 400


async def test_a_token_is_shown_once_and_works_until_it_ends(house: House) -> None:
    admin = await house.entered("admin")
    new = {"name": "ci", "role": "operator", "days": 2}
    status, made = await house.ask("POST", "/api/v1/tokens", new, token=admin)
    assert status == 201
    token = made["token"]
    assert token.startswith("catnet_")
    status, listed = await house.ask("GET", "/api/v1/tokens", token=admin)
    assert token not in str(listed)
    assert [(it["name"], it["created_by"]) for it in listed["tokens"]] == [("ci", "user admin")]
    assert token not in str(await house.store.db.read(_tokens))
    assert (await house.ask("POST", "/api/v1/gitops/sync", token=token))[0] == 202
    assert (await house.ask("GET", "/api/v1/users", token=token))[0] == 403
    house.clock.advance(2 * 86_400)
    assert (await house.ask("GET", "/api/v1/status", token=token))[0] == 401
    admin = await house.entered("admin")
    status, listed = await house.ask("GET", "/api/v1/tokens", token=admin)
    assert listed["tokens"][0]["expired"] is True
    assert (await house.ask("DELETE", "/api/v1/tokens/ci", token=admin))[0] == 200
    assert (await house.ask("DELETE", "/api/v1/tokens/ci", token=admin))[0] == 409
    for days in (0, 367, True, "1"):
        assert (await house.ask("POST", "/api/v1/tokens", new | {"days": days}, token=admin))[
            0
        ] == 400


def _tokens(conn: Any) -> list[Any]:
    return [tuple(row) for row in conn.exec_driver_sql("SELECT * FROM token")]


# --- who did it ----------------------------------------------------------------------------------


async def test_a_deployment_names_who_caused_it(house: House) -> None:
    admin, operator = await house.entered("admin"), await house.entered("operator")
    new = {"name": "ci", "role": "operator"}
    ci = (await house.ask("POST", "/api/v1/tokens", new, token=admin))[1]["token"]
    for token in (operator, ci, TOKEN):
        assert (await house.ask("POST", "/api/v1/deployments", {}, token=token))[0] == 202
        body = {"device": "edge1", "by": "somebody"}
        assert (await house.ask("POST", "/api/v1/rollback", body, token=token))[0] == 202
        assert (await house.ask("POST", "/api/v1/gitops/sync", {}, token=token))[0] == 202
    causes = ["user operator", "token ci", "user api"]
    assert [cause for _, _, cause in house.site.asked] == causes
    assert [wish.by for wish in house.site.wishes] == ["operator", "token:ci", "somebody"]
    assert [trigger.reason for trigger in house.site.store.triggers] == causes


async def test_the_audit_log_has_every_act_and_login(house: House) -> None:
    operator = await house.entered("operator")
    await house.login("operator", "wrong")
    await house.login(PASSWORD, PASSWORD)
    await house.ask("POST", "/api/v1/deployments", {}, token=operator)
    await house.ask("POST", "/api/v1/deployments", {"mode": "push"}, token=operator)
    await house.ask("POST", "/api/v1/users", {}, token=operator)
    await house.ask("GET", "/api/v1/status", token=operator)
    status, got = await house.ask("GET", "/api/v1/audit", token=TOKEN)
    assert status == 200
    rows = [(it["who"], it["what"], it["result"]) for it in reversed(got["acts"])]
    assert rows == [
        ("user operator", "POST /api/v1/auth/login", "200"),
        ("user operator", "POST /api/v1/auth/login", "401 login-failed"),
        ("unknown user", "POST /api/v1/auth/login", "401 login-failed"),
        ("user operator", "POST /api/v1/deployments", "202 /api/v1/deployments/77"),
        ("user operator", "POST /api/v1/deployments", "400 malformed"),
        ("user operator", "POST /api/v1/users", "403 role-too-low"),
    ]
    assert {it["address"] for it in got["acts"]} == {"127.0.0.1"}
    assert (await house.ask("GET", "/api/v1/audit?limit=0", token=TOKEN))[0] == 400


async def test_nothing_is_done_that_the_audit_log_does_not_take(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> int:
        raise StoreFailed("the disk is full")

    monkeypatch.setattr(house.store, "begin_act", full)
    status, problem = await house.ask("POST", "/api/v1/gitops/sync", token=TOKEN)
    assert (status, problem["code"]) == (409, "store-failed")
    assert house.site.store.triggers == []
    assert (await house.login("viewer"))[0] == 409


async def test_no_secret_in_the_log(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    session = await house.entered("admin")
    await house.login("admin", "a wrong password")
    await house.login("my own password in the wrong field", PASSWORD)
    new = {"name": "ci", "role": "viewer"}
    token = (await house.ask("POST", "/api/v1/tokens", new, token=session))[1]["token"]
    person = {"name": "ada", "role": "viewer", "password": "the password of ada"[4:]}
    await house.ask("POST", "/api/v1/users", person, token=session)
    written = "".join(capfd.readouterr())
    assert "token added" in written
    for secret in (session, token, PASSWORD, person["password"], "wrong field", "a wrong pass"):
        assert secret not in written


async def test_http_token_stays_an_admin(house: House) -> None:
    async with house.site.client.get("/api/v1/auth/me", headers=BEARER) as answer:
        me = await answer.json()
    assert (me["kind"], me["role"]) == ("http.token", "admin")
    assert Secret(TOKEN).reveal() not in str(me)
