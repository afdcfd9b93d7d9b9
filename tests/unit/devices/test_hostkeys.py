"""Host keys: an OpenSSH file that is read, extended and never widened by accident."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest

from catnet_controller.devices.hostkeys import HostKeys, describe
from catnet_controller.errors import StoreFailed


@pytest.fixture
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519").convert_to_public()


@pytest.fixture
def other() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519").convert_to_public()


def test_unknown_without_a_file(tmp_path: Path) -> None:
    assert HostKeys(tmp_path / "known_hosts").lookup("192.0.2.1", 22) == ()


def test_trusted_key_is_found_by_host_and_port(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    keys = HostKeys(tmp_path / "deep" / "known_hosts")
    keys.trust("192.0.2.1", 2201, [describe(key)])
    assert keys.lookup("192.0.2.1", 2201) == (key,)
    assert keys.known("192.0.2.1", 2201)[0].fingerprint.startswith("SHA256:")
    assert keys.lookup("192.0.2.1", 2202) == ()
    assert keys.lookup("192.0.2.1", 22) == ()


def test_key_of_the_address_does_not_vouch_for_another_port(
    tmp_path: Path, key: asyncssh.SSHKey
) -> None:
    keys = HostKeys(tmp_path / "known_hosts")
    keys.trust("192.0.2.1", 22, [describe(key)])
    assert keys.lookup("192.0.2.1", 22) == (key,)
    assert keys.lookup("192.0.2.1", 2201) == ()


def test_new_key_replaces_the_old_one_and_leaves_the_rest(
    tmp_path: Path, key: asyncssh.SSHKey, other: asyncssh.SSHKey
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"# ours\nr1,r2 {describe(key).text} comment\nr3 {describe(key).text}\n")
    keys = HostKeys(path)
    keys.trust("r1", 22, [describe(other)])
    assert keys.lookup("r1", 22) == (other,)
    assert keys.lookup("r2", 22) == (key,)
    assert keys.lookup("r3", 22) == (key,)
    assert path.read_text().startswith("# ours\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["known_hosts"]


def test_hashed_and_revoked_entries_of_openssh(
    tmp_path: Path, key: asyncssh.SSHKey, other: asyncssh.SSHKey
) -> None:
    # ssh-keygen -H of "r1"; salt and hash as OpenSSH writes them.
    import base64
    import hashlib
    import hmac

    salt = bytes(range(20))
    mark = hmac.new(salt, b"r1", hashlib.sha1).digest()
    name = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(mark).decode()}"
    path = tmp_path / "known_hosts"
    path.write_text(f"{name} {describe(key).text}\n@revoked r2 {describe(key).text}\n")
    keys = HostKeys(path)
    assert keys.lookup("r1", 22) == (key,)
    keys.trust("r2", 22, [describe(key)])
    assert keys.lookup("r2", 22) == ()
    keys.trust("r1", 22, [describe(other)])
    assert keys.lookup("r1", 22) == (other,)


def test_file_changed_by_somebody_else_is_read_again(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    path = tmp_path / "known_hosts"
    keys = HostKeys(path)
    assert keys.lookup("r1", 22) == ()
    path.write_text(f"r1 {describe(key).text}\n")
    assert keys.lookup("r1", 22) == (key,)
    path.unlink()
    assert keys.lookup("r1", 22) == ()


def test_damaged_file_blocks_instead_of_trusting_nobody_silently(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("garbage\n")
    with pytest.raises(StoreFailed, match="known_hosts"):
        HostKeys(path).lookup("r1", 22)


def test_first_use_only_by_setting_and_never_over_a_known_key(
    tmp_path: Path, key: asyncssh.SSHKey, other: asyncssh.SSHKey
) -> None:
    counted: list[str] = []
    path = tmp_path / "known_hosts"
    strict = HostKeys(path, count=counted.append)
    assert not strict.accepts("r1", "192.0.2.1", 22, key)
    assert not path.exists()
    lax = HostKeys(path, first_use=True, count=counted.append)
    assert lax.accepts("r1", "192.0.2.1", 22, key)
    assert strict.lookup("192.0.2.1", 22) == (key,)
    assert lax.accepts("r1", "192.0.2.1", 22, key), "another session was faster"
    assert not lax.accepts("r1", "192.0.2.1", 22, other)
    assert strict.lookup("192.0.2.1", 22) == (key,)
    assert counted == ["unknown", "learnt", "changed"]


def test_a_revoked_key_is_never_learnt(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    path = tmp_path / "known_hosts"
    text = f"@revoked r1 {describe(key).text}\n"
    path.write_text(text)
    assert not HostKeys(path, first_use=True).accepts("r1", "r1", 22, key)
    assert path.read_text() == text


def test_a_key_that_cannot_be_kept_is_not_believed(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    (tmp_path / "file").touch()
    keys = HostKeys(tmp_path / "file" / "known_hosts", first_use=True)
    with pytest.raises(StoreFailed):
        keys.accepts("r1", "r1", 22, key)


def test_processes_that_trust_at_once_lose_nothing(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    path = tmp_path / "known_hosts"

    def trust(number: int) -> None:
        HostKeys(path).trust(f"r{number}", 22, [describe(key)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(trust, range(40)))
    assert all(HostKeys(path).lookup(f"r{number}", 22) == (key,) for number in range(40))
