"""The cache of file contents: whole or absent, and no larger than what is used."""

import os
from pathlib import Path

from catnet_controller.github.blobs import Blobs, digest


def test_what_is_not_used_any_more_goes(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    old, used = digest("blob", b"old"), digest("blob", b"used")
    for content in (b"old", b"used"):
        blobs.keep(content)
    for path in (tmp_path / "blobs").glob("*/*"):
        os.utime(path, (1000.0, 1000.0))
    (tmp_path / "blobs" / old[:2] / ".new-half").write_bytes(b"x")
    os.utime(tmp_path / "blobs" / old[:2] / ".new-half", (1000.0, 1000.0))
    assert blobs.load([used]) == {used: b"used"}
    assert blobs.prune(before=2000.0) == 2
    assert blobs.load([old, used]) == {used: b"used"}


def test_the_files_of_a_noted_commit_stay(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.keep(b"in force")
    blobs.keep(b"past")
    blobs.note("c" * 40, {"configs/a.cfg": digest("blob", b"in force")})
    for path in (tmp_path / "blobs").glob("??/*"):
        os.utime(path, (1000.0, 1000.0))
    assert blobs.prune(before=2000.0) == 1
    assert blobs.recall("c" * 40) == {"configs/a.cfg": b"in force"}


def test_a_cache_that_is_not_there_has_nothing_to_prune(tmp_path: Path) -> None:
    assert Blobs(tmp_path / "none").prune(before=2000.0) == 0
