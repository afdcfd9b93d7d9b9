"""The config repository read over real HTTP from real git: whole, verified, cached, or refused."""

import base64
import os
import stat
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from catnet_controller.demo.standin import Fault, GithubStandIn, Trouble
from catnet_controller.errors import (
    GithubUnavailable,
    NotVisibleYet,
    RepositoryMoved,
    SnapshotRefused,
)
from tests.helpers_github import SEED, edge, hub, wanted

EXPECTED = {path: text.encode() for path, text in SEED.items() if wanted(path)}


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[GithubStandIn]:
    async with hub(tmp_path) as running:
        yield running


def changed(path: str, edit: Callable[[Any], Any], *, times: int = 99) -> Fault:
    return Fault(trouble=Trouble.CHANGE, path=path, edit=edit, times=times)


def asked(github: GithubStandIn) -> list[str]:
    return [each.path.split("/", 4)[4] for each in github.requests]


def git(home: Path, *arguments: str, data: bytes = b"") -> str:
    """Plumbing in the stand-in's repository, for what no well-behaved client would commit."""
    done = subprocess.run(
        ["git", "-C", str(home / "hub" / "origin.git"), *arguments],
        input=data,
        capture_output=True,
        check=True,
        env={
            "PATH": os.environ["PATH"],
            "GIT_AUTHOR_NAME": "x",
            "GIT_AUTHOR_EMAIL": "x@example.net",
            "GIT_COMMITTER_NAME": "x",
            "GIT_COMMITTER_EMAIL": "x@example.net",
        },
    )
    return done.stdout.decode().strip()


def odd_commit(home: Path, rows: list[tuple[str, str, bytes]]) -> str:
    """A commit whose root tree has these (mode, sha, name) rows."""
    packed = b"".join(
        f"{mode} {'commit' if mode == '160000' else 'blob'} {sha}\t".encode() + name + b"\0"
        for mode, sha, name in rows
    )
    tree = git(home, "mktree", "-z", "--missing", data=packed)
    return git(home, "commit-tree", "-m", "odd", tree)


# --- heads and revisions -------------------------------------------------------------------------


async def test_an_unchanged_branch_costs_one_conditional_request(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path) as door:
        head = await door.source.head("main")
        assert head is not None
        assert await door.source.head("main", head.etag) is None
        assert github.requests[-1].status == 304
        assert len(github.requests) == 2
        sha = await github.commit({"configs/edge1.cfg": "hostname new\n"}, "Change")
        moved = await door.source.head("main", head.etag)
    assert moved is not None
    assert moved.sha == sha


async def test_a_branch_that_is_gone_is_named(github: GithubStandIn, tmp_path: Path) -> None:
    async with edge(github, tmp_path) as door:
        with pytest.raises(RepositoryMoved, match="branch release is not in"):
            await door.source.head("release")
        await github.commit({"x": "y"}, "Change", branch="feature/a+b#1")
        assert await door.source.head("feature/a+b#1")
        with pytest.raises(RepositoryMoved, match="branch feature is not in"):
            await door.source.head("feature")


async def test_a_repository_that_is_gone_is_not_a_branch_that_is_gone(
    github: GithubStandIn, tmp_path: Path
) -> None:
    sha = await github.head()
    github.gone = True
    async with edge(github, tmp_path) as door:
        for call in (door.source.head("main"), door.source.pull(1), door.source.files(sha)):
            with pytest.raises(RepositoryMoved, match="not there, or the token may not see it"):
                await call


async def test_a_revision_has_title_and_author(github: GithubStandIn, tmp_path: Path) -> None:
    sha = await github.commit({"configs/edge1.cfg": "x\n"}, "Move NTP\n\nBecause.")
    async with edge(github, tmp_path) as door:
        revision = await door.source.revision(sha, "branch/main")
    assert (revision.sha, revision.ref) == (sha, "branch/main")
    assert (revision.title, revision.author) == ("Move NTP", "acme")


async def test_a_commit_not_visible_yet_is_waited_for(
    github: GithubStandIn, tmp_path: Path
) -> None:
    old = await github.head()
    sha = await github.commit({"configs/edge1.cfg": "x\n"}, "Change")
    async with edge(github, tmp_path) as door:
        github.inject(Fault(trouble=Trouble.LAG, times=2))
        head = await door.source.head("main")
        assert head is not None
        assert head.sha == old
        with pytest.raises(NotVisibleYet):
            await door.source.revision(sha, "branch/main")
        assert (await door.source.revision(sha, "branch/main")).title == "Change"
        with pytest.raises(NotVisibleYet):
            await door.source.files("f" * 40)
        with pytest.raises(NotVisibleYet, match="not the full sha"):
            await door.source.files("main")


# --- pull requests -------------------------------------------------------------------------------


async def test_pull_requests_are_listed_conditionally(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path) as door:
        first = await door.source.pulls()
        assert first is not None
        assert first[0] == ()
        number = await github.open_pull("a", "Title", {"configs/edge1.cfg": "x\n"}, draft=True)
        fork = await github.open_pull(
            "b", "Hostile", {"configs/edge1.cfg": "y\n"}, fork="mallory/network-config"
        )
        second = await door.source.pulls(first[1])
        assert second is not None
        by_number = {pull.number: pull for pull in second[0]}
        assert by_number[number].draft
        assert not by_number[number].fork
        assert by_number[fork].fork
        assert await door.source.pulls(second[1]) is None
        await github.close_pull(number)
        third = await door.source.pulls(second[1])
        assert third is not None
        assert [pull.number for pull in third[0]] == [fork]
        assert not (await door.source.pull(number)).open


async def test_more_pull_requests_than_a_page(github: GithubStandIn, tmp_path: Path) -> None:
    number = await github.open_pull("a", "Title", {"configs/edge1.cfg": "x\n"})
    pull = github.pulls[number]
    for extra in range(2, 152):
        github.pulls[extra] = type(pull)(
            number=extra,
            branch=f"b{extra}",
            base="main",
            title="t",
            sha=pull.sha,
            base_sha=pull.base_sha,
            author="a",
            created_at=pull.created_at,
        )
    async with edge(github, tmp_path) as door:
        all_of_them = await door.source.pulls()
        assert all_of_them is not None
        assert len(all_of_them[0]) == 151
        github.requests.clear()
        assert await door.source.pulls(all_of_them[1]) is None
        assert [each.status for each in github.requests] == [304]
        # Whatever happens to a pull request makes it the first of the list.
        sha = await github.update_pull(5, {"configs/edge1.cfg": "y\n"}, "More", webhook=False)
        again = await door.source.pulls(all_of_them[1])
        assert again is not None
        assert len(again[0]) == 151
        assert again[0][0].sha == sha


async def test_a_list_without_an_end_is_no_list(github: GithubStandIn, tmp_path: Path) -> None:
    link = {"Link": '<https://example.net/?page=2>; rel="next"'}
    async with edge(github, tmp_path) as door:
        github.inject(Fault(trouble=Trouble.ANSWER, status=200, headers=link, times=999))
        with pytest.raises(GithubUnavailable, match="more than 50 pages"):
            await door.source.pulls()


async def test_a_deleted_fork_still_counts_as_a_fork(github: GithubStandIn, tmp_path: Path) -> None:
    number = await github.open_pull("a", "t", {"configs/edge1.cfg": "x\n"}, fork="mallory/n")
    github.inject(
        changed(
            "/pulls/", lambda data: data | {"head": data["head"] | {"repo": None}, "user": None}
        )
    )
    async with edge(github, tmp_path) as door:
        pull = await door.source.pull(number)
    assert pull.fork
    assert pull.author == "ghost"


async def test_a_pull_request_that_is_not_there(github: GithubStandIn, tmp_path: Path) -> None:
    async with edge(github, tmp_path) as door:
        with pytest.raises(NotVisibleYet, match="pull request 9"):
            await door.source.pull(9)


# --- files ---------------------------------------------------------------------------------------


async def test_wanted_files_come_whole_and_are_fetched_once(
    github: GithubStandIn, tmp_path: Path
) -> None:
    first = await github.head()
    async with edge(github, tmp_path) as door:
        assert await door.source.files(first) == EXPECTED
        assert sum(path.startswith("git/blobs") for path in asked(github)) == 3
        sha = await github.commit(
            {"configs/edge1.cfg": "hostname new\nend\n", "docs/notes.txt": None}, "Change"
        )
        github.requests.clear()
        files = await door.source.files(sha)
    assert files == EXPECTED | {"configs/edge1.cfg": b"hostname new\nend\n"}
    assert [path.split("/")[1] for path in asked(github)] == ["commits", "trees", "blobs"]


async def test_bytes_are_kept_exactly(github: GithubStandIn, tmp_path: Path) -> None:
    content = "banner motd ^C\r\n\x03 Grüße\t \n^C\n" * 5000
    sha = await github.commit({"configs/edge1.cfg": content, "configs/empty.cfg": ""}, "Change")
    async with edge(github, tmp_path) as door:
        files = await door.source.files(sha)
    assert files["configs/edge1.cfg"] == content.encode()
    assert files["configs/empty.cfg"] == b""


async def test_the_cache_is_private_and_survives_a_restart(
    github: GithubStandIn, tmp_path: Path
) -> None:
    sha = await github.head()
    async with edge(github, tmp_path) as door:
        await door.source.files(sha)
    cache = tmp_path / "cache"
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert len(kept) == 3 + 1, "and the list of them"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    github.requests.clear()
    async with edge(github, tmp_path) as door:
        assert await door.source.files(sha) == EXPECTED
        assert not any(path.startswith("git/blobs") for path in asked(github))
        github.requests.clear()
        assert await door.source.kept(sha) == EXPECTED
        assert await door.source.kept("0" * 40) is None
    assert asked(github) == []


@pytest.mark.parametrize("damage", [b"", b"hostname evil\n"])
async def test_a_damaged_cache_is_not_believed(
    github: GithubStandIn, tmp_path: Path, damage: bytes
) -> None:
    sha = await github.head()
    async with edge(github, tmp_path) as door:
        await door.source.files(sha)
        for path in (tmp_path / "cache").rglob("*"):
            if path.is_file():
                path.write_bytes(damage)
        assert await door.source.kept(sha) is None
        assert await door.source.files(sha) == EXPECTED
        github.requests.clear()
        assert await door.source.files(sha) == EXPECTED
    assert not any(path.startswith("git/blobs") for path in asked(github)), "repaired"


async def test_a_cache_that_cannot_be_written_costs_only_requests(
    github: GithubStandIn, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the directory should be")
    async with edge(github, tmp_path) as door:
        assert await door.source.files(await github.head()) == EXPECTED


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(
            lambda data: data | {"content": base64.b64encode(b"hostname evil\n").decode()},
            id="other",
        ),
        pytest.param(lambda data: data | {"content": data["content"][:-8]}, id="cut"),
        pytest.param(lambda data: data | {"content": "%%%"}, id="garbage"),
        pytest.param(lambda data: data | {"content": "", "encoding": "none"}, id="none"),
        pytest.param(lambda data: [], id="shape"),
    ],
)
async def test_a_blob_that_is_not_what_was_asked_for(
    github: GithubStandIn, tmp_path: Path, edit: Callable[[Any], Any]
) -> None:
    github.inject(changed("/git/blobs/", edit))
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubUnavailable):
            await door.source.files(await github.head())
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def entries(edit: Callable[[list[Any]], list[Any]]) -> Callable[[Any], Any]:
    return lambda data: data | {"tree": edit(data["tree"])}


def without(*paths: str) -> Callable[[Any], Any]:
    return entries(lambda each: [entry for entry in each if entry["path"] not in paths])


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(without("configs/edge1.cfg"), id="file"),
        pytest.param(without("configs/common", "configs/common/ntp.cfg"), id="folder"),
        pytest.param(without("configs"), id="parent"),
        pytest.param(without("configs/common/ntp.cfg"), id="emptied"),
        pytest.param(without("docs"), id="unwanted-parent"),
        pytest.param(without("docs/notes.txt"), id="unwanted"),
        pytest.param(entries(lambda each: [e for e in each if "/" not in e["path"]]), id="flat"),
        pytest.param(entries(lambda each: []), id="empty"),
        pytest.param(entries(lambda each: [e | {"sha": "b" * 40} for e in each]), id="shas"),
        pytest.param(entries(lambda each: [e | {"mode": "100755"} for e in each]), id="modes"),
        pytest.param(entries(lambda each: [*each, each[0] | {"path": "configs/a"}]), id="added"),
        pytest.param(entries(lambda each: [e | {"sha": "zz"} for e in each]), id="no-sha"),
        pytest.param(entries(lambda each: [e | {"path": 7} for e in each]), id="no-path"),
        pytest.param(entries(lambda each: each * 2), id="doubled"),
        pytest.param(lambda data: {"sha": data["sha"]}, id="no-tree"),
    ],
)
async def test_a_listing_that_is_not_whole_is_never_believed(
    github: GithubStandIn, tmp_path: Path, edit: Callable[[Any], Any]
) -> None:
    github.inject(changed("/git/trees/", edit))
    async with edge(github, tmp_path) as door:
        with pytest.raises((GithubUnavailable, SnapshotRefused)):
            await door.source.files(await github.head())


async def test_a_truncated_listing_is_refused_for_good(
    github: GithubStandIn, tmp_path: Path
) -> None:
    github.inject(changed("/git/trees/", lambda data: data | {"truncated": True}))
    async with edge(github, tmp_path) as door:
        with pytest.raises(SnapshotRefused, match="more files than GitHub lists"):
            await door.source.files(await github.head())


async def test_another_commit_than_asked_for(github: GithubStandIn, tmp_path: Path) -> None:
    github.inject(changed("/git/commits/", lambda data: data | {"sha": "b" * 40}))
    async with edge(github, tmp_path) as door:
        with pytest.raises(GithubUnavailable, match="another commit"):
            await door.source.files(await github.head())


async def test_links_and_submodules_are_refused_where_they_matter(
    github: GithubStandIn, tmp_path: Path
) -> None:
    blob = git(tmp_path, "hash-object", "-w", "--stdin", data=b"/etc/passwd")
    link = odd_commit(
        tmp_path,
        [
            ("100644", blob, b"README"),
            ("120000", blob, b"configs"),
            ("120000", blob, b"docs"),
            ("160000", "c" * 40, b"inventory.yaml"),
        ],
    )
    async with edge(github, tmp_path) as door:
        with pytest.raises(SnapshotRefused) as caught:
            await door.source.files(link)
        assert caught.value.message.splitlines() == [
            "configs: a symbolic link is not allowed here",
            "inventory.yaml: a submodule is not allowed here",
        ]
        harmless = odd_commit(
            tmp_path, [("120000", blob, b"docs"), ("160000", "c" * 40, b"vendor")]
        )
        assert await door.source.files(harmless) == {}


async def test_a_file_that_is_too_large_is_refused(github: GithubStandIn, tmp_path: Path) -> None:
    sha = await github.commit({"configs/edge1.cfg": "x" * (8 * 2**20 + 1)}, "Large")
    async with edge(github, tmp_path) as door:
        with pytest.raises(SnapshotRefused, match=r"configs/edge1\.cfg: 8388609 bytes"):
            await door.source.files(sha)
    assert not any(path.startswith("git/blobs") for path in asked(github))


async def test_names_that_are_not_utf8_matter_only_beside_wanted_files(
    github: GithubStandIn, tmp_path: Path
) -> None:
    blob = git(tmp_path, "hash-object", "-w", "--stdin", data=b"text\n")
    beside = odd_commit(
        tmp_path, [("100644", blob, b"inventory.yaml"), ("100644", blob, b"caf\xe9")]
    )
    apart = odd_commit(tmp_path, [("100644", blob, b"caf\xe9")])
    async with edge(github, tmp_path) as door:
        with pytest.raises(SnapshotRefused, match="not UTF-8"):
            await door.source.files(beside)
        assert await door.source.files(apart) == {}


async def test_a_stranger_may_cost_so_many_requests_and_no_more(
    github: GithubStandIn, tmp_path: Path
) -> None:
    many: dict[str, str | None] = {f"configs/x{each}.cfg": f"{each}\n" for each in range(7)}
    same: dict[str, str | None] = {f"configs/y{each}.cfg": "the same\n" for each in range(9)}
    number = await github.open_pull("b", "t", {**many, **same}, fork="mallory/network-config")
    sha = github.pulls[number].sha
    async with edge(github, tmp_path) as door:
        await door.source.files(await github.head())
        before = len(github.requests)
        with pytest.raises(SnapshotRefused, match="8 files are new, and not more than 7") as caught:
            await door.source.files(sha, most_new=7)
        assert "maintainer" in caught.value.next_step
        assert not any(path.startswith("git/blobs") for path in asked(github)[before:])
        taken = await door.source.files(sha, most_new=8)
        assert len(taken) == len(EXPECTED) + 16
        assert await door.source.files(sha, most_new=0) == taken, "they are not new any more"


async def test_a_fork_is_read_from_the_base_repository(
    github: GithubStandIn, tmp_path: Path
) -> None:
    number = await github.open_pull(
        "b", "t", {"configs/edge1.cfg": "hostname fork\n"}, fork="mallory/network-config"
    )
    async with edge(github, tmp_path) as door:
        pull = await door.source.pull(number)
        assert (await door.source.files(pull.sha))["configs/edge1.cfg"] == b"hostname fork\n"
