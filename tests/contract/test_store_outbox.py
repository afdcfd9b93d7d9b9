"""The outbox: the newest word under each key, once, and the last word is a final one."""

from catnet_controller.models import (
    CommentMessage,
    Message,
    OutboxRow,
    State,
    StatusMessage,
    StatusState,
)
from catnet_controller.store.store import Store
from tests.helpers_store import START, ManualClock, conclude, done, push, seen, statuses, waiting


def status(state: StatusState, text: str = "") -> StatusMessage:
    return StatusMessage(sha="a" * 40, context="catnet/deploy", state=state, description=text)


PENDING, SUCCESS, ERROR = (
    status(StatusState.PENDING),
    status(StatusState.SUCCESS),
    status(StatusState.ERROR),
)


async def only(store: Store) -> OutboxRow:
    (row,) = await store.due(10)
    return row


async def test_what_is_put_is_due_until_it_is_delivered(store: Store, clock: ManualClock) -> None:
    comment = CommentMessage(pull=7, body="A plan with 🐈 and \udcff")
    await store.put([PENDING, comment])
    first, second = await store.due(10)
    assert (first.message, second.message) == (PENDING, comment)
    assert (first.seq, first.attempt, first.remote, first.created_at) == (1, 0, None, START)
    assert len(await store.due(1)) == 1
    await store.delivered(first, None)
    await store.delivered(second, "IC_77")
    assert await store.due(10) == ()
    await store.put([CommentMessage(pull=7, body="Another")])
    assert (await only(store)).remote == "IC_77", "the comment is edited and not made twice"


async def test_a_newer_message_replaces_the_one_that_waits(store: Store) -> None:
    await store.put([PENDING])
    await store.put([PENDING, SUCCESS])
    row = await only(store)
    assert (row.message, row.seq) == (SUCCESS, 2)


async def test_the_same_again_is_no_news(store: Store) -> None:
    await store.put([PENDING])
    row = await only(store)
    await store.put([PENDING])
    assert await only(store) == row
    await store.delivered(row, None)
    await store.put([PENDING])
    assert await store.due(10) == ()


async def test_a_late_answer_says_nothing_about_the_newer_message(
    store: Store, clock: ManualClock
) -> None:
    await store.put([PENDING])
    old = await only(store)
    await store.put([SUCCESS])
    await store.delivered(old, None)
    await store.defer(old, START + 900, "502")
    await store.give_up(old, "422")
    row = await only(store)
    assert (row.message, row.attempt) == (SUCCESS, 0)
    await store.delivered(row, None)
    assert await store.due(10) == ()


async def test_back_to_what_was_delivered_is_delivered_again(store: Store) -> None:
    """The one between may be on its way to GitHub at this moment."""
    await store.put([PENDING])
    await store.delivered(await only(store), None)
    await store.put([SUCCESS])
    between = await only(store)
    await store.put([PENDING])
    await store.delivered(between, None)
    assert (await only(store)).message == PENDING


async def test_deferred_waits_its_time_and_counts(store: Store, clock: ManualClock) -> None:
    await store.put([PENDING])
    await store.defer(await only(store), START + 30, "rate limit")
    assert await store.due(10) == ()
    clock.advance(30)
    row = await only(store)
    assert row.attempt == 1
    await store.defer(row, START + 900, "rate limit")
    await store.put([SUCCESS])
    assert (await only(store)).attempt == 0


async def test_given_up_stays_away_until_there_is_something_new(store: Store) -> None:
    await store.put([PENDING])
    await store.give_up(await only(store), "422 no commit found")
    assert await store.due(10) == ()
    assert (await store.depth()).outbox == 0
    await store.put([SUCCESS])
    assert (await only(store)).message == SUCCESS


async def test_given_up_is_tried_again_when_it_is_still_said_an_hour_later(
    store: Store, clock: ManualClock
) -> None:
    await store.put([SUCCESS])
    for _ in range(2):
        await store.give_up(await only(store), "403")
        for _ in range(3):
            clock.advance(1199)
            await store.put([SUCCESS])
            assert await store.due(10) == ()
        assert (await store.depth()).given_up == 1
        clock.advance(4)
        await store.put([SUCCESS])
        assert (await only(store)).message == SUCCESS


async def test_given_up_is_revived_once_the_token_is_mended(
    store: Store, clock: ManualClock
) -> None:
    await store.put([SUCCESS])
    await store.give_up(await only(store), "401")
    clock.advance(100)
    assert await store.revive(clock.now() - 50) == 0
    assert await store.due(10) == ()
    assert await store.revive(clock.now() - 200) == 1
    row = await only(store)
    assert (row.message, row.attempt) == (SUCCESS, 0)
    await store.delivered(row, None)
    assert await store.revive(0.0) == 0


async def test_what_was_given_up_is_revived_by_kind_or_one_of_each_kind(
    store: Store, clock: ManualClock
) -> None:
    comments = [CommentMessage(pull=number, body="A plan") for number in (1, 2)]
    await store.put([*comments, SUCCESS])
    for row in await store.due(10):
        await store.give_up(row, "403")
        clock.advance(1)
    for again in (*comments, comments[0]):
        assert await store.probe(clock.now() - 3600) == 2
        comment, _ = sorted(await store.due(10), key=lambda row: row.id)
        assert comment.message == again, "in turn"
        for row in await store.due(10):
            await store.give_up(row, "403")
            clock.advance(1)
    assert await store.probe(clock.now()) == 0, "too old"
    assert await store.revive(0.0, CommentMessage(pull=3, body="Another")) == 2
    assert [row.message for row in await store.due(10)] == comments
    assert (await store.depth()).given_up == 1


async def test_the_age_is_that_of_the_oldest_news_not_heard(
    store: Store, clock: ManualClock
) -> None:
    await store.put([PENDING])
    clock.advance(40)
    await store.put([SUCCESS])
    clock.advance(2)
    assert (await store.depth()).outbox_age == 42
    await store.delivered(await only(store), None)
    assert (await store.depth()).outbox_age == 0
    await store.put([ERROR])
    clock.advance(1)
    assert (await store.depth()).outbox_age == 1


async def test_a_final_status_is_not_overtaken_by_the_pending_one_of_its_deployment(
    store: Store,
) -> None:
    await push(store, "edge1")
    slow = await only(store)
    (claim,) = await store.claim(1)
    await store.finish(claim, done(), seen("edge1"), conclude)
    await store.delivered(slow, None)
    (last,) = await waiting(store)
    assert isinstance(last, StatusMessage)
    assert last.state is StatusState.SUCCESS


async def test_an_older_deployment_does_not_speak_over_a_newer_one(store: Store) -> None:
    """The same commit deployed again: the old verdict comes later than the new one began."""
    await push(store, "edge1", sha="a")
    (claim,) = await store.claim(1)
    await push(store, "core1", sha="a")
    await store.finish(claim, done(), seen("edge1"), conclude)
    assert statuses(await waiting(store)) == {"a": StatusState.PENDING}
    (claim,) = await store.claim(1)
    await store.finish(claim, done(State.FAILED), seen("core1"), conclude)
    assert statuses(await waiting(store)) == {"a": StatusState.FAILURE}


async def test_superseded_deployments_of_one_commit_leave_the_newest_word(store: Store) -> None:
    await push(store, "edge1", sha="a", whole=True)
    await push(store, "edge1", sha="a", whole=True)
    sent: list[Message] = await waiting(store)
    assert statuses(sent) == {"a": StatusState.PENDING}


async def test_it_survives_a_newer_deployment_that_says_the_same(store: Store) -> None:
    """The newer one speaks from now on, also when it had nothing new to say at first."""

    await push(store, sha="a")
    await store.delivered(await only(store), None)
    await store.put([PENDING])
    assert (await only(store)).message == PENDING
