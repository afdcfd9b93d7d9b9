"""Orders of comments: written down once with what goes with them, begun once, answered once."""

from dataclasses import replace

from catnet_controller.models import AnswerMessage, Order, ReactionMessage, Trigger, Verb
from catnet_controller.store.store import Store
from tests.helpers_store import START, ManualClock

ORDER = Order(comment=2**40, pull=7, login="ada", verb=Verb.DEPLOY, after=3, asked_at=START)
EYES = ReactionMessage(comment=2**40, content="eyes")
ANSWER = AnswerMessage(comment=2**40, issue=7, body="done")


async def test_an_order_is_written_down_once(store: Store) -> None:
    heard = Trigger(ref=f"comment/{2**40}", reason="comment", sha="d", due_at=START)
    again = Trigger(ref="branch/main", reason="user github:ada", force=True, due_at=START)
    for new in (True, False):
        await store.trigger(heard)
        raised = await store.next_trigger()
        assert raised is not None
        assert await store.begin(ORDER, raised, raised=again, messages=[EYES]) is new
        waiting = await store.next_trigger()
        if new:
            assert waiting is not None
            assert (waiting.ref, waiting.force) == ("branch/main", True)
            await store.settle(waiting)
        else:
            assert waiting is None
    assert await store.order(2**40) == ORDER
    assert [row.message for row in await store.due(9)] == [EYES]


async def test_an_order_is_begun_once_and_answered_once(store: Store, clock: ManualClock) -> None:
    await store.begin(ORDER, Trigger(ref="comment/1", reason="x"), raised=None, messages=[])
    assert [await store.claim_order(2**40) for _ in range(2)] == [True, False]
    await store.carry(2**40, 4)
    (order,) = await store.orders()
    assert order == replace(ORDER, begun_at=clock.now(), deployment=4)
    await store.end_order(2**40, [ANSWER])
    await store.end_order(2**40, [replace(ANSWER, body="again")])
    assert await store.orders() == ()
    assert [row.message for row in await store.due(9)] == [ANSWER]
    await store.prune(before=START - 1, keep_deployments=1)
    assert await store.order(2**40) is not None, "a webhook that comes again finds it"
    await store.prune(before=clock.now() + 1, keep_deployments=1)
    assert await store.order(2**40) is None
