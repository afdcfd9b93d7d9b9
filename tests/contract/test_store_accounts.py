"""Users, sessions, tokens, lock-out and the audit log, on every implementation of the store."""

import pytest

from catnet_controller.errors import AccountRefused
from catnet_controller.models import Act, Role, Session, SigningKey, Token, User
from catnet_controller.ports import Patience
from catnet_controller.store.store import Store
from tests.helpers_store import ManualClock

PATIENCE = Patience(free=3, longest=60.0)


def person(name: str = "ada", role: Role = Role.ADMIN) -> User:
    return User(name=name, role=role, password=f"hash of {name}")


def login(clock: ManualClock, user: str = "ada", number: str = "s1") -> Session:
    now = clock.now()
    return Session(id=number, user=user, created_at=now, until=now + 100, address="192.0.2.9")


async def test_the_first_admin_is_made_once(store: Store) -> None:
    await store.add_user(person(), first=True)
    with pytest.raises(AccountRefused, match="only the first"):
        await store.add_user(person("bob"), first=True)
    with pytest.raises(AccountRefused, match="already"):
        await store.add_user(person())
    assert [each.name for each in await store.users()] == ["ada"]
    assert await store.user("ada") == person()
    assert await store.user("eve") is None


async def test_the_last_admin_stays(store: Store) -> None:
    await store.add_user(person())
    await store.add_user(person("bob", Role.OPERATOR))
    with pytest.raises(AccountRefused, match="last admin"):
        await store.change_user("ada", role=Role.VIEWER)
    with pytest.raises(AccountRefused, match="last admin"):
        await store.change_user("ada", disabled=True)
    assert await store.user("ada") == person()
    await store.change_user("bob", role=Role.ADMIN)
    assert (await store.change_user("ada", disabled=True)).disabled
    with pytest.raises(AccountRefused, match="no user"):
        await store.change_user("eve", disabled=True)


@pytest.mark.parametrize(
    "change", [{"password": "other"}, {"disabled": True}, {"role": Role.VIEWER}], ids=str
)
async def test_a_changed_user_has_no_sessions(
    store: Store, clock: ManualClock, change: dict[str, object]
) -> None:
    await store.add_user(person())
    await store.add_user(person("bob"))
    assert await store.open_session(login(clock), password="hash of ada")
    assert await store.open_session(login(clock, "bob", "s2"), password="hash of bob")
    await store.change_user("ada", **change)  # type: ignore[arg-type]
    assert await store.session("s1") is None
    assert await store.session("s2") is not None


async def test_a_session_ends(store: Store, clock: ManualClock) -> None:
    await store.add_user(person())
    opened = login(clock)
    assert await store.open_session(opened, password="hash of ada")
    assert await store.session("s1") == (opened, person())
    clock.advance(100)
    assert await store.session("s1") is None
    assert await store.open_session(login(clock, number="s2"), password="hash of ada")
    await store.end_session("s2")
    assert await store.session("s2") is None


async def test_no_session_for_who_changed_while_the_password_was_looked_at(
    store: Store, clock: ManualClock
) -> None:
    await store.add_user(person())
    await store.add_user(person("bob"))
    await store.change_user("bob", disabled=True)
    assert not await store.open_session(login(clock), password="hash of before")
    assert not await store.open_session(login(clock, "bob"), password="hash of bob")
    assert not await store.open_session(login(clock, "eve"), password="hash of eve")
    assert await store.session("s1") is None


async def test_rehash_never_undoes_a_change(store: Store) -> None:
    await store.add_user(person())
    await store.rehash("ada", "hash of somebody", "stale")
    assert await store.user("ada") == person()
    await store.rehash("ada", "hash of ada", "stronger")
    changed = await store.user("ada")
    assert changed is not None
    assert changed.password == "stronger"


async def test_signing_keys_are_newest_first_and_old_ones_go(store: Store) -> None:
    for at in (10.0, 20.0, 30.0):
        key = SigningKey(id=f"k{at:.0f}", secret=b"s" * 32, created_at=at)
        await store.add_signing_key(key, drop_before=at - 15)
    assert [key.id for key in await store.signing_keys()] == ["k30", "k20"]


async def test_tokens(store: Store, clock: ManualClock) -> None:
    now = clock.now()
    ci = Token(name="ci", role=Role.OPERATOR, created_at=now, until=now + 50, created_by="ada")
    await store.add_token(ci, "digest")
    with pytest.raises(AccountRefused, match="already"):
        await store.add_token(ci, "other")
    assert await store.token("digest") == ci
    assert await store.token("other") is None
    assert await store.tokens() == [ci]
    clock.advance(50)
    assert await store.token("digest") is None
    await store.remove_token("ci")
    with pytest.raises(AccountRefused, match="no token"):
        await store.remove_token("ci")


async def test_lock_out_doubles_and_ends(store: Store, clock: ManualClock) -> None:
    subjects = {"user:ada": PATIENCE}
    waits = []
    for _ in range(12):
        while (wait := await store.attempt(subjects)) > 0:
            waits.append(wait)
            clock.advance(wait)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert await store.attempt({"user:bob": PATIENCE}) == 0
    clock.advance(60)
    await store.forgive("user:ada", all_of_it=True)
    assert [await store.attempt(subjects) for _ in range(3)] == [0, 0, 0]
    assert await store.attempt(subjects) == 1.0


async def test_forgiving_the_last_one(store: Store, clock: ManualClock) -> None:
    subjects = {"address:192.0.2.9": PATIENCE}
    assert [await store.attempt(subjects) for _ in range(3)] == [0, 0, 0]
    await store.forgive("address:192.0.2.9", all_of_it=False)
    assert await store.attempt(subjects) == 0
    assert await store.attempt(subjects) == 1.0


async def test_a_locked_subject_stops_the_others_from_being_counted(store: Store) -> None:
    locked = {"address:192.0.2.9": PATIENCE}
    for _ in range(3):
        await store.attempt(locked)
    for _ in range(5):
        assert await store.attempt(locked | {"user:ada": PATIENCE}) > 0
    assert await store.attempt({"user:ada": PATIENCE}) == 0


async def test_a_clock_set_back_locks_nobody_out_for_longer(
    store: Store, clock: ManualClock
) -> None:
    for _ in range(3):
        await store.attempt({"user:ada": PATIENCE})
    clock.jump(-1_000_000)
    assert await store.attempt({"user:ada": PATIENCE}) == PATIENCE.longest


async def test_the_audit_log(store: Store, clock: ManualClock) -> None:
    act = Act(at=clock.now(), who="user ada", what="sync", address="192.0.2.9", result="started")
    first = await store.begin_act(act)
    second = await store.begin_act(act)
    await store.end_act(first, "202")
    assert [(it.id, it.result) for it in await store.acts()] == [
        (second, "started"),
        (first, "202"),
    ]
    assert [it.id for it in await store.acts(1)] == [second]


async def test_pruning(store: Store, clock: ManualClock) -> None:
    now = clock.now()
    await store.add_user(person())
    await store.open_session(login(clock), password="hash of ada")
    await store.add_token(Token(name="ci", role=Role.VIEWER, created_at=now, until=now), "digest")
    await store.attempt({"user:ada": PATIENCE})
    await store.begin_act(Act(at=now, who="a", what="b", address="", result="c"))
    assert await store.prune_accounts(audit_before=now) == 0
    clock.advance(31 * 86_400)
    assert await store.prune_accounts(audit_before=clock.now()) == 4
    assert await store.users() == [person()]
