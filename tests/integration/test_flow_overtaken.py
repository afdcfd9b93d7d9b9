"""A newer commit arrives while jobs of an older one run, over real parts."""

from pathlib import Path

import pytest

from catnet_controller.models import Claim, Intent, State, Step, Trigger
from tests.helpers_flow import BRANCH, config, flow

OLD = "ip route 203.0.113.0 255.255.255.0 Null0"
NEW = "ip route 198.51.100.0 255.255.255.0 Null0"
DEPLOY = "catnet/deploy"


@pytest.mark.parametrize("moment", [Step.GUARD, Step.PUSH])
async def test_a_newer_commit_stops_what_has_armed_no_device(tmp_path: Path, moment: Step) -> None:
    async with flow(tmp_path, names=("a", "b")) as it:
        await it.trigger()
        record = it.store.checkpoint
        newer = ""

        async def checkpoint(claim: Claim, step: Step, intent: Intent | None = None) -> None:
            nonlocal newer
            await record(claim, step, intent)
            if step is moment and not newer:
                files: dict[str, str | None] = {"configs/a.cfg": config("a", NEW)}
                newer = await it.github.commit(files, "Newer", webhook=False)
                await it.store.trigger(Trigger(ref=BRANCH, reason="test", sha=newer))
                assert await it.reconcile.step()

        it.store.checkpoint = checkpoint  # type: ignore[method-assign]
        older = await it.push({"configs/a.cfg": config("a", OLD)})
        said = it.said(older)
        made = await it.store.history(2)
        if moment is Step.GUARD:
            assert OLD not in it.typed("a")
            word = "superseded by a newer revision before it reached a"
            assert said == {DEPLOY: ("error", word), f"{DEPLOY}/a": said[f"{DEPLOY}/a"]}
            assert said[f"{DEPLOY}/a"][0] == "error"
        else:
            assert OLD in it.typed("a"), "what was armed is brought to its end"
            assert said[DEPLOY][0] == "success"
        ended = [State.COMPLETE, State.SUPERSEDED if moment is Step.GUARD else State.COMPLETE]
        assert [each.state for each in made] == ended
        assert it.said(newer)[DEPLOY][0] == "success"
        assert NEW in it.device("a").startup()
        assert OLD not in it.device("a").running()
        assert not it.device("a").pending_revert
