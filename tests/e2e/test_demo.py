"""The story of `catnet demo`, unattended, as a reader would start it."""

import asyncio
import json
import signal
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


async def test_ending_the_demo_ends_its_daemon(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "catnet_controller",
        "demo",
        "--keep",
        str(tmp_path / "kept"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with asyncio.timeout(100):
        while line := await process.stdout.readline():
            if b"Everything still runs" in line:
                process.send_signal(signal.SIGTERM)
                break
        rest = await process.stdout.read()
        assert await process.wait() == 0, rest.decode()
    log = (tmp_path / "kept" / "daemon.log").read_text()
    assert '"event": "stopped"' in log.splitlines()[-1]
