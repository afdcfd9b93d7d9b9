"""A change of the whole fleet in waves, over real parts: what failed stops what comes after it."""

from pathlib import Path

from catnet_controller.models import State, Sync
from tests.helpers_flow import Flow, config, flow, inventory

ROUTE = "ip route 203.0.113.0 255.255.255.0 Null0"
DEPLOY = "catnet/deploy"
WAVES = {"a": 0, "b": 1, "c": 2}


def waves(it: Flow) -> str:
    """An inventory whose devices come one after the other."""
    text = inventory(it.fleet)
    for name, wave in WAVES.items():
        text = text.replace(f"  {name}:\n", f"  {name}:\n    wave: {wave}\n")
    return text


async def test_a_failed_wave_holds_the_rest_back_until_it_is_mended(tmp_path: Path) -> None:
    async with flow(tmp_path, names=tuple(WAVES)) as it:
        await it.trigger()
        files: dict[str, str | None] = {
            f"configs/{name}.cfg": config(name, ROUTE) for name in WAVES
        }
        # The network of another port: IOS refuses the line.
        files["configs/b.cfg"] = config("b", ROUTE).replace(
            " description spare\n no ip address",
            " description spare\n ip address 10.0.0.2 255.255.255.0",
        )
        sha = await it.push({"inventory.yaml": waves(it), **files})
        assert sorted(it.touched()) == ["a", "b"]
        assert ROUTE in it.device("a").startup()
        assert ROUTE not in it.device("b").running()
        assert ROUTE not in it.device("c").running()
        said = it.said(sha)
        assert said[DEPLOY][0] == "failure"
        assert said[DEPLOY][1].startswith("1 of 3 failed, 1 held back: b: ")
        assert said[f"{DEPLOY}/a"][0] == "success"
        assert said[f"{DEPLOY}/c"] == ("error", "held back: b failed before")
        failed = await it.last()
        assert [job.state for job in failed.jobs] == [
            State.COMPLETE,
            State.FAILED,
            State.HELD_BACK,
        ]
        assert (await it.state("c")).sync is Sync.UNKNOWN

        mended = await it.push({"configs/b.cfg": config("b", ROUTE)})
        assert all(ROUTE in it.device(name).startup() for name in WAVES)
        assert it.said(mended)[DEPLOY][0] == "success"
        assert {job.device.name for job in (await it.last()).jobs} == {"b", "c"}
