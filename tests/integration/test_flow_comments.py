"""What a comment asks for, step by step over real parts: who may, once, and the answer to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catnet_controller.demo.standin import Comment, Fault, Trouble
from catnet_controller.models import Mode, State
from catnet_controller.pipeline.obey import BEGUN, LATE, NOTHING
from tests.helpers_flow import Flow, config, flow

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"
OTHER = "ip route 192.0.2.0 255.255.255.0 Null0"
COMMUNITY = "c0mmunity-of-the-test"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Flow]:
    async with flow(tmp_path, secrets={"snmp": COMMUNITY}) as made:
        await made.trigger()
        yield made


@pytest.fixture
async def number(it: Flow) -> int:
    """A pull request that is planned."""
    number = await it.github.open_pull("more", "More", {"configs/a.cfg": config("a", ROUTE)})
    await it.trigger(f"pull/{number}")
    return number


async def hear(it: Flow, *, commands: bool = True) -> str:
    """The newest webhook, as the daemon takes it; the verdict."""
    event = await it.hear(it.github.deliveries[-1], commands=commands)
    await it.settle()
    return event.delivery.verdict


async def ask(
    it: Flow, number: int, text: str, *, login: str = "ada", association: str = "MEMBER"
) -> Comment:
    comment = await it.github.add_comment(
        number, text, login=login, association=association, webhook=True
    )
    await hear(it)
    return comment


def answers(it: Flow, number: int) -> list[str]:
    """Our comments but for the plan."""
    mine = [each for each in it.github.comments(number) if each.login == it.github.login]
    return [each.body for each in mine if "catnet:plan" not in each.body]


async def audited(it: Flow) -> list[tuple[str, str, str]]:
    return [(each.who, each.what, each.result) for each in await it.store.acts()]


async def test_a_pull_request_is_planned_again(it: Flow, number: int) -> None:
    before = await it.last()
    it.device("a").type([OTHER])
    asked = await ask(it, number, "/catnet plan\r\n\r\nplease")
    assert asked.reactions == ["eyes", "rocket"]
    again = await it.last()
    assert again.id > before.id
    assert again.revision.pull == number
    assert again.cause.endswith(", asked by github:ada")
    assert answers(it, number) == [], "the plan itself is the answer"
    (plan,) = (each for each in it.github.comments(number) if "catnet:plan" in each.body)
    assert OTHER in plan.body
    assert "asked by" not in plan.body
    what = f"/catnet plan (comment {asked.id} on pull request {number})"
    assert await audited(it) == [("github:ada", what, "accepted")]


async def test_the_branch_is_deployed_and_never_the_pull_request(it: Flow, number: int) -> None:
    secret = "snmp-server community {{ secret('snmp') }} RO"
    await it.github.commit({"configs/b.cfg": config("b", OTHER, secret)}, "Other", webhook=False)
    asked = await ask(it, number, "/catnet deploy")
    assert asked.reactions == ["eyes", "rocket"]
    assert OTHER in it.device("b").running()
    assert COMMUNITY in it.device("b").running()
    assert ROUTE not in it.device("a").running()
    (answer,) = answers(it, number)
    assert answer.startswith(f"<!-- catnet:answer:{asked.id} -->\n`/catnet deploy`, asked by ada")
    assert OTHER in answer
    assert COMMUNITY not in answer
    assert "https://catnet.example.net/deployments/" in answer
    last = await it.last()
    assert (last.mode, last.cause) == (Mode.PUSH, "user github:ada")
    await hear(it)
    await hear(it)
    assert (await it.last()).id == last.id, "a webhook that comes again does nothing"
    assert len(answers(it, number)) == len(await audited(it)) == 1


async def test_a_device_is_taken_back(it: Flow, number: int) -> None:
    await it.github.merge_pull(number, webhook=False)
    await it.trigger()
    assert ROUTE in it.device("a").running()
    asked = await ask(it, number, "/catnet rollback a")
    assert asked.reactions == ["eyes", "rocket"], "a closed pull request is where one asks for it"
    assert ROUTE not in it.device("a").running()
    (answer,) = answers(it, number)
    assert "a rolled back, verified and saved" in answer
    last = await it.last()
    assert (last.mode, last.cause) == (Mode.ROLLBACK, "user github:ada")
    assert last.revision.author == "github:ada"


async def test_who_may_ask_is_a_listed_user_or_in_a_team_now(it: Flow, number: int) -> None:
    it.github.teams["network-ops"] = {"bob": "active", "eve": "pending"}
    deployments = len(await it.store.history())
    for login, association, reactions in (
        ("eve", "MEMBER", ["confused"]),
        ("mallory", "NONE", []),
        ("mallory", "CONTRIBUTOR", []),
    ):
        asked = await ask(it, number, "/catnet deploy", login=login, association=association)
        assert asked.reactions == reactions
        assert (await audited(it))[0][2] == "refused: You may not ask for this."
    assert len(await it.store.history()) == deployments
    assert answers(it, number) == []
    assert (await ask(it, number, "/catnet deploy", login="bob")).reactions == ["eyes", "rocket"]
    assert (await ask(it, number, "/catnet deploy", login="ADA")).reactions == ["eyes", "rocket"]


async def test_without_the_right_to_ask_about_teams_nobody_is_let_in(it: Flow, number: int) -> None:
    denied = Fault(trouble=Trouble.ANSWER, status=403, message="no", path="/teams/", times=99)
    it.github.inject(denied)
    asked = await ask(it, number, "/catnet deploy", login="bob")
    assert asked.reactions == []
    (trouble,) = it.reconcile.trouble.values()
    assert "Members: read" in trouble
    it.github.faults.clear()
    it.github.teams["network-ops"] = {"bob": "active"}
    it.clock.ahead += LATE + 60
    await it.settle()
    assert asked.reactions == ["confused"]
    assert "more than 10 minutes" in answers(it, number)[0]


@pytest.mark.parametrize("kind", ["off", "bot", "edited", "talk"])
async def test_what_is_not_even_looked_at(it: Flow, number: int, kind: str) -> None:
    text = "what about `/catnet deploy`?" if kind == "talk" else "/catnet deploy"
    who = "Bot" if kind == "bot" else "User"
    asked = await it.github.add_comment(number, text, login="ada", kind=who, webhook=True)
    if kind == "edited":
        await it.github.edit_comment(asked, "/catnet rollback a")
    assert (await hear(it, commands=kind != "off")).startswith("ignored: ")
    assert asked.reactions == []
    assert await audited(it) == []


async def test_a_comment_that_somebody_edited_is_not_obeyed(it: Flow, number: int) -> None:
    asked = await it.github.add_comment(number, "/catnet plan", login="ada", webhook=True)
    await it.github.edit_comment(asked, "/catnet rollback a", webhook=False)
    await hear(it)
    assert asked.reactions == ["confused"]
    assert "was edited" in answers(it, number)[0]
    gone = await it.github.add_comment(number, "/catnet plan", login="ada", webhook=True)
    await it.github.delete_comment(gone.id)
    await hear(it)
    await it.wait(3, times=6)
    assert await it.store.next_trigger() is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/catnet", "`/catnet rollback DEVICE`"),
        ("/catnet destroy <b>@all", "`destroy` is nothing that can be asked for"),
        ("/catnet rollback", "which device"),
        ("/catnet deploy a", "takes no further word"),
        ("/catnet rollback nowhere", "not in the inventory: nowhere"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_why(
    it: Flow, number: int, text: str, said: str
) -> None:
    before = (await it.last()).id
    asked = await ask(it, number, text)
    assert asked.reactions[-1] == "confused"
    (answer,) = answers(it, number)
    assert said in answer
    assert "**Next:**" in answer
    assert "<b>" not in answer
    assert (await it.last()).id == before


async def test_forks_and_closed_pull_requests(it: Flow, number: int) -> None:
    change = {"configs/b.cfg": config("b", OTHER)}
    fork = await it.github.open_pull("theirs", "Theirs", change, fork="eve/network-config")
    asked = await ask(it, fork, "/catnet deploy")
    assert asked.reactions == ["confused"]
    assert "from a fork takes no orders" in answers(it, fork)[0]
    await it.github.close_pull(number)
    await ask(it, number, "/catnet plan")
    assert "is closed" in answers(it, number)[0]


async def test_a_rollback_that_was_cut_off_is_not_begun_twice(it: Flow, number: int) -> None:
    asked = await it.github.add_comment(number, "/catnet rollback a", login="ada", webhook=True)
    await it.hear(it.github.deliveries[-1], commands=True)
    assert await it.reconcile.step()
    # As a daemon leaves it that is killed between the mark and the deployment.
    assert await it.store.claim_order(asked.id)
    assert not await it.store.claim_order(asked.id)
    await it.settle()
    assert answers(it, number) == []
    it.clock.ahead += BEGUN + 1
    await it.settle()
    assert asked.reactions == ["eyes", "confused"]
    assert "nothing was done" in answers(it, number)[0]
    assert all(each.mode is not Mode.ROLLBACK for each in await it.store.history())


async def test_an_order_that_nothing_comes_of_is_given_up_and_said(it: Flow, number: int) -> None:
    it.github.inject(Fault(trouble=Trouble.DROP, path="/git/ref", times=10**6))
    asked = await ask(it, number, "/catnet deploy")
    it.clock.ahead += NOTHING + 60
    await it.settle()
    assert asked.reactions == ["eyes", "confused"]
    assert "Nothing came of it within 60 minutes" in answers(it, number)[0]


async def test_a_deployment_that_fails_is_told_with_what_to_do(it: Flow, number: int) -> None:
    await it.github.commit({"configs/a.cfg": "hostname a\nfoo bar\n"}, "Bad", webhook=False)
    it.github.inject(Fault(trouble=Trouble.LOSE, method="POST", path="/issues/.*/comments"))
    asked = await ask(it, number, "/catnet deploy")
    it.clock.ahead += 120
    await it.settle()
    assert (await it.last()).state is State.FAILED
    assert asked.reactions == ["eyes", "confused"]
    assert len(answers(it, number)) == 1, "one answer, although GitHub's to the first was lost"
