"""Backups are whole, private, readable without CatNet, and show when they were damaged."""

import asyncio
import errno
import os
import resource
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catnet_controller.devices import writing
from catnet_controller.devices.backups import Backups
from catnet_controller.errors import BackupDamaged, IncompleteRead, NoSuchBackup, StoreFailed
from catnet_controller.ios.normal import digest
from catnet_controller.models import Backup

CONFIG = "version 15.7\nhostname r1\nusername u secret 5 $1$hush\ninterface Vlan1\n shutdown\nend\n"
NOON = 1_793_620_800.25  # 2026-11-02 12:00:00.250 UTC


def configs(folder: Path) -> list[Path]:
    return list(folder.rglob("*.cfg"))


@pytest.fixture
def backups(tmp_path: Path) -> Iterator[Backups]:
    kept = Backups(tmp_path / "backups")
    yield kept
    kept.close()


async def test_what_was_saved_is_read(backups: Backups, tmp_path: Path) -> None:
    text = CONFIG + "! B\udcfcro\n"  # a byte that is no UTF-8
    text = text.replace("end\n", "") + "end\n"
    backup = await backups.save("r1", text, taken_at=NOON)
    assert await backups.read(backup.id) == text
    [path] = (tmp_path / "backups" / "r1").iterdir()
    assert path.name == f"20261102T120000.250Z-{sha256(path.read_bytes()).hexdigest()[:16]}.cfg"
    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")
    assert backup.id == f"r1/{path.stem}"


async def test_nobody_else_can_read_them(backups: Backups, tmp_path: Path) -> None:
    await backups.save("r1", CONFIG, taken_at=NOON)
    for path in (tmp_path / "backups").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "backups").stat().st_mode) == 0o700


async def test_newest_first(backups: Backups) -> None:
    old = await backups.save("r1", CONFIG, taken_at=NOON)
    new = await backups.save("r1", CONFIG.replace("r1", "r9"), taken_at=NOON + 86_400)
    await backups.save("r2", CONFIG, taken_at=NOON)
    listed = await backups.list("r1")
    assert [one.id for one in listed] == [new.id, old.id]
    assert listed[1].taken_at == NOON
    assert all(one.good for one in listed)
    assert await backups.list("nobody") == ()


async def test_cut_config_is_never_stored(backups: Backups, tmp_path: Path) -> None:
    with pytest.raises(IncompleteRead, match="r1"):
        await backups.save("r1", CONFIG.removesuffix("end\n"), taken_at=NOON)
    assert not configs(tmp_path)


async def test_damaged_file_is_told(backups: Backups, tmp_path: Path) -> None:
    backup = await backups.save("r1", CONFIG, taken_at=NOON)
    [path] = (tmp_path / "backups" / "r1").iterdir()
    path.write_text(CONFIG.replace(" shutdown\n", ""))
    with pytest.raises(BackupDamaged, match="damaged") as caught:
        await backups.read(backup.id)
    assert "hush" not in str(caught.value)
    assert [one.good for one in await backups.list("r1")] == [False]


async def test_missing_file_is_told(backups: Backups) -> None:
    with pytest.raises(NoSuchBackup, match="r1/never"):
        await backups.read("r1/never")


async def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("in the way")
    kept = Backups(tmp_path / "backups")
    with pytest.raises(StoreFailed, match="r1"):
        await kept.save("r1", CONFIG, taken_at=NOON)
    kept.close()


async def test_full_disk_leaves_nothing_behind(backups: Backups, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the write fails half-way."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, limit[1]))
    try:
        with pytest.raises(StoreFailed, match="r1"):
            await backups.save("r1", CONFIG, taken_at=NOON)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list((tmp_path / "backups" / "r1").iterdir())


@pytest.mark.parametrize("name", ["../outside", "a/b", "..", "."])
async def test_name_of_a_device_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    kept = Backups(tmp_path / "deep" / "backups")
    try:
        backup = await kept.save(name, CONFIG, taken_at=NOON)
    except StoreFailed:
        assert not configs(tmp_path)
    else:
        [path] = configs(tmp_path)
        assert path.parent.parent == tmp_path / "deep" / "backups"
        assert await kept.read(backup.id) == CONFIG
    kept.close()


# --- many at once --------------------------------------------------------------------------------


@pytest.fixture(params=["syncfs", "a syncfs that fails", "no syncfs"])
def synced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way in which many files come to the disk."""
    if request.param == "no syncfs":
        monkeypatch.setattr(writing, "_syncfs", None)
    elif request.param == "a syncfs that fails":
        monkeypatch.setattr(writing, "_syncfs", lambda _: -1)
    elif writing._syncfs is None:
        pytest.skip("there is no syncfs(2) here that reports errors")
    return str(request.param)


def named(name: str) -> str:
    return CONFIG.replace("hostname r1", f"hostname {name}")


@contextmanager
def held(backups: Backups) -> Iterator[None]:
    """What is saved meanwhile is written together, at the end."""
    end = Event()
    backups._pool.submit(end.wait)
    try:
        yield
    finally:
        end.set()


async def save_all(backups: Backups, names: Sequence[str]) -> dict[str, Backup | StoreFailed]:
    """All in the same moment; what became of each."""
    outcome: dict[str, Backup | StoreFailed] = {}

    async def one(name: str) -> None:
        try:
            outcome[name] = await backups.save(name, named(name), taken_at=NOON)
        except StoreFailed as error:
            outcome[name] = error

    async with asyncio.TaskGroup() as group:
        with held(backups):
            for name in names:
                group.create_task(one(name))
            await asyncio.sleep(0)  # all of them wait now
    return outcome


async def test_many_at_once(backups: Backups, tmp_path: Path, synced: str) -> None:
    names = [f"r{number}" for number in range(100)]
    for name, backup in (await save_all(backups, names)).items():
        assert isinstance(backup, Backup)
        assert backup.device == name
        assert await backups.read(backup.id) == named(name)
    assert len(list((tmp_path / "backups").rglob("*"))) == 200  # a folder and a file of each


async def test_many_cost_the_disk_less_than_each(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    syncfs, fsync = writing._syncfs, os.fsync
    if syncfs is None:
        pytest.skip("there is no syncfs(2) here that reports errors")

    def all_at_once(handle: int) -> int:
        calls.append("all")
        return syncfs(handle)

    def each(handle: int) -> None:
        calls.append("one")
        fsync(handle)

    monkeypatch.setattr(writing, "_syncfs", all_at_once)
    monkeypatch.setattr(os, "fsync", each)
    await save_all(backups, [f"r{number}" for number in range(64)])
    # Twice 32: their contents, then their names.
    assert calls == ["all"] * 4


async def test_one_of_many_that_cannot_be_written(
    backups: Backups, tmp_path: Path, synced: str
) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "r7").write_text("in the way")
    outcome = await save_all(backups, [f"r{number}" for number in range(20)])
    failed = [name for name, each in outcome.items() if isinstance(each, StoreFailed)]
    assert failed == ["r7"]
    assert "r7" in str(outcome["r7"])
    assert len(configs(tmp_path)) == 19


@pytest.mark.parametrize("place", range(4))
async def test_a_disk_that_fails_one_of_many(
    backups: Backups, tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told to be kept is kept, and what is told to have failed is not there."""
    monkeypatch.setattr(writing, "_syncfs", lambda _: -1)
    await backups.save("first", CONFIG, taken_at=NOON)
    fsync, calls = os.fsync, 0

    def failing(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1 + place:
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    outcome = await save_all(backups, ["r1", "r2", "r3", "r4"])
    monkeypatch.undo()
    assert sum(isinstance(each, StoreFailed) for each in outcome.values()) == 1
    for name, each in outcome.items():
        if isinstance(each, Backup):
            assert await backups.read(each.id) == named(name)
        else:
            assert "Input/output error" in str(each)
            assert not list((tmp_path / "backups" / name).iterdir())


async def test_a_disk_that_complains_once_more_on_closing(
    backups: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does for a file whose sync failed already."""
    close, fsync = os.close, os.fsync
    full: set[int] = set()

    def failing(handle: int) -> None:
        if not full:
            full.add(handle)
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        fsync(handle)

    def complaining(handle: int) -> None:
        close(handle)
        if handle in full:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(writing, "_syncfs", None)
    monkeypatch.setattr(os, "fsync", failing)
    monkeypatch.setattr(os, "close", complaining)
    outcome = await save_all(backups, ["r1", "r2", "r3", "r4"])
    monkeypatch.undo()
    assert sum(isinstance(each, StoreFailed) for each in outcome.values()) == 1
    assert "quota" in str(outcome["r1"])
    assert len(configs(tmp_path)) == 3


async def test_same_device_twice_at_once(backups: Backups) -> None:
    async with asyncio.TaskGroup() as group:
        saves = [
            group.create_task(backups.save("r1", CONFIG, taken_at=NOON + second))
            for second in range(5)
        ]
    assert len({save.result().id for save in saves}) == 1
    [listed] = await backups.list("r1")
    assert listed.seen_at == NOON + 4


async def test_one_who_does_not_wait_harms_nobody(backups: Backups) -> None:
    async with asyncio.TaskGroup() as group:
        with held(backups):
            saves = [
                group.create_task(backups.save(f"r{number}", CONFIG, taken_at=NOON))
                for number in range(10)
            ]
            await asyncio.sleep(0)  # all of them wait now
            saves[3].cancel()
    assert [save.cancelled() for save in saves].count(True) == 1
    for save in saves[:3] + saves[4:]:
        assert await backups.read(save.result().id) == CONFIG


async def test_defect_of_the_writer_reaches_who_waits(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("catnet_controller.devices.backups.write_together", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        await backups.save("r1", CONFIG, taken_at=NOON)
    monkeypatch.undo()
    await backups.save("r1", CONFIG, taken_at=NOON)


def test_a_loop_that_ended_leaves_the_next_its_turn(backups: Backups) -> None:
    async def begin() -> None:
        saving = asyncio.ensure_future(backups.save("r1", CONFIG, taken_at=NOON))
        await asyncio.sleep(0)
        saving.cancel()

    asyncio.run(begin())
    backup = asyncio.run(backups.save("r2", CONFIG, taken_at=NOON))
    assert asyncio.run(backups.read(backup.id)) == CONFIG


async def test_leftovers_of_a_killed_process_go_with_time(backups: Backups, tmp_path: Path) -> None:
    await backups.save("r1", CONFIG, taken_at=NOON)
    left = tmp_path / "backups" / "r1" / f"{writing.UNFINISHED}0123"
    left.write_text(CONFIG[:40])
    os.utime(left, (NOON, NOON))
    assert await backups.prune(before=NOON - 1, keep=9) == 0
    assert left.exists()
    assert await backups.prune(before=NOON + 1, keep=9) == 0
    assert not left.exists()
    assert len(configs(tmp_path)) == 1


# --- the same again ------------------------------------------------------------------------------


async def test_same_configuration_is_kept_once(backups: Backups, tmp_path: Path) -> None:
    first = await backups.save("r1", CONFIG, taken_at=NOON)
    again = await backups.save("r1", CONFIG, taken_at=NOON + 900)
    assert (again.id, again.taken_at, again.digest) == (first.id, NOON, first.digest)
    [listed] = await backups.list("r1")
    assert (listed.taken_at, listed.seen_at) == (NOON, NOON + 900)
    changed = await backups.save("r1", CONFIG.replace("Vlan1", "Vlan2"), taken_at=NOON + 1800)
    back = await backups.save("r1", CONFIG, taken_at=NOON + 2700)
    assert len({first.id, changed.id, back.id}) == len(configs(tmp_path)) == 3


async def test_damaged_newest_is_written_anew(backups: Backups, tmp_path: Path) -> None:
    first = await backups.save("r1", CONFIG, taken_at=NOON)
    configs(tmp_path)[0].write_text(CONFIG.replace("r1", "r2"))
    again = await backups.save("r1", CONFIG, taken_at=NOON + 900)
    assert again.id != first.id
    assert await backups.read(again.id) == CONFIG


async def test_names_of_earlier_versions_are_read(backups: Backups, tmp_path: Path) -> None:
    await backups.save("r1", CONFIG, taken_at=NOON)
    digits = digest(CONFIG).removeprefix("sha256:")[:12]
    old = tmp_path / "backups" / "r1" / f"20251102T120000.000Z-{digits}.cfg"
    old.write_text(CONFIG)
    assert await backups.read(f"r1/{old.stem}") == CONFIG
    old.write_text(CONFIG.replace("Vlan1", "Vlan2"))
    with pytest.raises(BackupDamaged):
        await backups.read(f"r1/{old.stem}")


# --- how long they are kept ----------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(data=st.data())
async def test_what_is_needed_is_never_deleted(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept = Backups(folder, rest=0)
    days = data.draw(st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True))
    made = [
        await kept.save("r1", CONFIG.replace("Vlan1", f"Vlan{day}"), taken_at=NOON - day * 86_400)
        for day in sorted(days, reverse=True)
    ][::-1]
    damaged = data.draw(st.sets(st.sampled_from([one.id for one in made])))
    for number in damaged:
        path = folder / f"{number}.cfg"
        seen = path.stat().st_mtime
        path.write_text(CONFIG.replace("Vlan1", "Vlan4000"))
        os.utime(path, (seen, seen))
    spare = data.draw(st.sets(st.sampled_from([one.id for one in made])))
    most = data.draw(st.integers(1, 5))
    before = NOON - data.draw(st.integers(0, 400)) * 86_400
    removed = await kept.prune(before=before, keep=most, spare=spare)
    left = [one.id for one in await kept.list("r1")]
    kept.close()
    good = [one.id for one in made if one.id not in damaged]
    assert removed == len(made) - len(left)
    assert spare <= set(left)
    assert not good or good[0] in left
    needed = spare | set(good[:1])
    for place, one in enumerate(made):
        if one.id in left and one.id not in needed:
            assert one.taken_at >= before
            assert len([each for each in made[:place] if each.id in left]) < most
        if one.id not in left:
            over = len([each for each in made[:place] if each.id in left]) >= most
            assert one.taken_at < before or over
