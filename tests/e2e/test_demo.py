"""The story of `catnet demo`, unattended, as a reader would start it."""

import asyncio
import json
import sys
from pathlib import Path


async def test_the_demo_plays_and_every_fact_is_true(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "catnet_controller",
        "demo",
        "--once",
        "--json",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    told = json.loads(out)
    assert process.returncode == 0, err.decode()
    assert told["ok"] is True
    assert told["seconds"] < 60
    steps = {fact["step"] for fact in told["facts"]}
    assert steps == {"first look", "pull request", "merge", "drift", "bad commit", "git revert"}
    assert all(fact["true"] for fact in told["facts"])
    assert b"Traceback" not in err
