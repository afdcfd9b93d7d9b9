"""credentials.yaml: what goes in comes out, and nothing else is believed; nothing is ever lost."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
import structlog
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.devices import hops
from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.devices.vault import DEFAULT, Keyring, Place, Vault, new_key
from catnet_controller.errors import CredentialsInvalid, SecretMissing
from catnet_controller.models import Device

EDGE1 = Place(section="devices", name="edge1")
CORE = Place(section="groups", name="core")
SECRETS = {"password": "hush-1", "enable": "hush-2 with a blank"}


def ring(*keys: str) -> Callable[[], Keyring]:
    return lambda: Keyring(",".join(keys), source="env:KEY")


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def vault(tmp_path: Path, key: str) -> Vault:
    made = Vault(tmp_path / "credentials.yaml", keyring=ring(key))
    made.set(DEFAULT, {"username": "catnet", "password": "hush-0"})
    made.set(EDGE1, {"username": "edge", **SECRETS})
    return made


def test_what_goes_in_comes_out(vault: Vault) -> None:
    assert vault.logins() == {
        DEFAULT: {"username": "catnet", "password": "hush-0"},
        EDGE1: {"username": "edge", **SECRETS},
    }
    assert vault.set(EDGE1, {"enable": "hush-3"})
    assert vault.logins()[EDGE1] == {"username": "edge", "password": "hush-1", "enable": "hush-3"}
    vault.remove(EDGE1, ["enable"])
    assert vault.fields()[EDGE1] == {"username": "edge", "password": None}
    vault.remove(EDGE1)
    assert list(vault.logins()) == [DEFAULT]


def test_the_file_is_yaml_for_people_without_a_secret_and_closed_to_others(vault: Vault) -> None:
    text = vault.path.read_text()
    assert "hush" not in text
    assert re.search(
        r"^devices:\n  edge1:\n    username: edge\n    password: !encr", text, re.MULTILINE
    )
    assert vault.path.stat().st_mode & 0o777 == 0o600
    assert list(vault.path.parent.iterdir()) == [vault.path]
    nodes = yaml.compose(text, Loader=yaml.SafeLoader)
    assert nodes is not None


@given(
    login=st.fixed_dictionaries(
        {
            "username": st.text(st.characters(codec="utf-8"), min_size=1).filter(
                lambda it: it.isprintable() and not any(each.isspace() for each in it)
            ),
            "password": st.text(st.characters(codec="utf-8"), min_size=1),
        }
    ),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
)
def test_any_login_survives(
    tmp_path_factory: pytest.TempPathFactory, login: dict[str, str], name: str
) -> None:
    path = tmp_path_factory.mktemp("vault") / "credentials.yaml"
    vault = Vault(path, keyring=ring(new_key()))
    place = Place(section="groups", name=name)
    vault.set(place, login)
    assert vault.logins() == {place: login}


@pytest.mark.parametrize(
    "change, said",
    [
        (
            ("!encrypted g", "!vault g"),
            r"credentials.yaml:5: default.password: the tag !vault is un",
        ),
        (("!encrypted gAAAA", "gAAAA"), r":5: default.password is not encrypted"),
        (("!encrypted gAAAA", "!encrypted hAAAA"), r":5: default.password was cut or changed"),
        (("username: edge", "user: edge"), r":8: devices.edge1: 'user' is unknown"),
        (("    username: edge\n", ""), r":8: devices.edge1 has no username"),
        (("devices:", "device:"), r":6: 'device' is unknown"),
        (("  edge1:", "  edge1: {}\n  edge1:"), r"is already set in line 7|edge1 is empty"),
        (("default:", "default: ["), r":\d+: is not YAML"),
        (("default:", "default: !encrypted"), r":3: default is not a mapping"),
        (("username: catnet", "username: &a [*a]"), r":4: default.username is not a single"),
    ],
)
def test_what_is_damaged_is_refused_with_its_line(
    vault: Vault, change: tuple[str, str], said: str
) -> None:
    damaged = vault.path.read_text().replace(*change, 1)
    vault.path.write_text(damaged)
    for act in (vault.logins, lambda: vault.set(CORE, {"username": "u", "password": "p"})):
        with pytest.raises(CredentialsInvalid, match=said) as caught:
            act()
        assert "\n" not in caught.value.message
        assert caught.value.next_step
    assert vault.path.read_text() == damaged, "nothing is written over what is not understood"


def test_wrong_key_moved_value_and_changed_value(vault: Vault, key: str) -> None:
    before = vault.path.read_text()
    other = Vault(vault.path, keyring=ring(new_key()))
    with pytest.raises(CredentialsInvalid, match=r":5: no value can be decrypted .*env:KEY: it is"):
        other.set(CORE, {"username": "u", "password": "p"})
    assert vault.path.read_text() == before
    tokens = re.findall(r"gAAAA\S+", before)
    vault.path.write_text(before.replace(tokens[1], tokens[0]))
    with pytest.raises(
        CredentialsInvalid, match=r":9: devices.edge1.password was made for default.password"
    ):
        vault.logins()
    vault.path.write_text(before.replace(tokens[1], tokens[1][:-6] + "AAAA=="))
    with pytest.raises(CredentialsInvalid, match=r":9: devices.edge1.password cannot be decrypted"):
        vault.logins()


def test_others_must_not_read_it(vault: Vault) -> None:
    vault.path.chmod(0o640)
    with pytest.raises(CredentialsInvalid, match=r"others may read or write it \(mode 0640\)"):
        vault.logins()
    with pytest.raises(CredentialsInvalid, match="0640"):
        vault.set(EDGE1, {"enable": "x"})


def test_a_disk_that_is_full_changes_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    before = vault.path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CredentialsInvalid, match="No space left on device; nothing was changed"):
        vault.set(EDGE1, {"enable": "x"})
    assert vault.path.read_text() == before
    assert list(vault.path.parent.iterdir()) == [vault.path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_changes_stays_the_daemons(vault: Vault) -> None:
    os.chown(vault.path, 12345, 12346)
    vault.set(EDGE1, {"enable": "x"})
    found = vault.path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 12346, 0o600)


# --- rotation ------------------------------------------------------------------------------------


def test_rotation_with_both_keys_given(vault: Vault, key: str) -> None:
    new, logins = new_key(), vault.logins()
    with pytest.raises(CredentialsInvalid, match="holds one key only"):
        vault.rotate(None)
    assert Vault(vault.path, keyring=ring(new, key)).rotate(None) == 3
    assert Vault(vault.path, keyring=ring(new)).logins() == logins
    with pytest.raises(CredentialsInvalid, match="another key"):
        vault.logins()


def of_file(path: Path, file: Path) -> Vault:
    return Vault(path, keyring=lambda: Keyring(file.read_text(), source="file:key"))


def test_rotation_of_a_key_file(vault: Vault, key: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(key)
    mine, logins = of_file(vault.path, file), vault.logins()
    assert mine.rotate(file) == 3
    assert key not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert mine.logins() == logins


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_rotation_killed_at_any_write_still_opens(
    vault: Vault, key: str, tmp_path: Path, survived: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(key)
    mine, logins = of_file(vault.path, file), vault.logins()
    rename, left = os.rename, survived

    def dying(source: str, target: str, **folders: int) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", dying)
    with pytest.raises(KeyboardInterrupt):
        mine.rotate(file)
    monkeypatch.undo()
    assert mine.logins() == logins
    assert mine.rotate(file) == 3
    assert mine.logins() == logins
    assert len(file.read_text().split()) == 1


@pytest.mark.parametrize("text", ["", "short", "k" * 44, "ключ" * 11])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(CredentialsInvalid, match="the credentials key of env:KEY is no key"):
        Keyring(text, source="env:KEY")


# --- which login a device gets -------------------------------------------------------------------


def device(*groups: str, name: str = "edge1", credential: str = "default") -> Device:
    return Device(name=name, host="192.0.2.1", groups=groups, credential=credential)


def test_the_most_particular_login_wins(vault: Vault) -> None:
    vault.set(CORE, {"username": "core", "password": "p"})
    it = Credentials({"lab": Credential(username="lab")}, vault=vault)
    assert it.of(device("core")).username == "edge"
    assert it.of(device("core", name="core1")).username == "core"
    assert it.of(device(name="other")).username == "catnet"
    assert it.of(device(name="other", credential="lab")).username == "lab"
    assert it.lookup("default").label == "default of credentials.yaml"
    assert it.names == ("default", "lab")
    assert "hush" not in repr(it.of(device()))
    with pytest.raises(SecretMissing, match=r"'none' \(known: default, lab\)"):
        it.of(device(name="other", credential="none"))


def test_two_answers_are_none(vault: Vault) -> None:
    vault.set(CORE, {"username": "core", "password": "p"})
    vault.set(Place(section="groups", name="west"), {"username": "west", "password": "p"})
    it = Credentials({"lab": Credential(username="lab")}, vault=vault)
    with pytest.raises(CredentialsInvalid, match=r"core1 has two logins: groups.core and groups.w"):
        it.of(device("core", "west", name="core1"))
    with pytest.raises(CredentialsInvalid, match=r"'lab' of the inventory, and devices.edge1"):
        it.of(device(credential="lab"))
    with pytest.raises(CredentialsInvalid, match=r"'default' is both in .* and in catnet.yaml"):
        Credentials({"default": Credential(username="u")}, vault=vault).check()


def test_a_changed_file_is_taken_and_a_broken_one_is_not(vault: Vault) -> None:
    hidden: list[str] = []
    it = Credentials({}, vault=vault, hide=hidden.extend)
    assert it.of(device()).password == "hush-1"
    vault.set(EDGE1, {"password": "hush-new"})
    assert it.of(device()).password == "hush-new"
    assert {"hush-0", "hush-1", "hush-new"} <= set(hidden)
    good = vault.path.read_text()
    with structlog.testing.capture_logs() as logged:
        vault.path.write_text("default: [")
        assert it.of(device()).password == "hush-new"
        assert it.of(device()).password == "hush-new"
        vault.path.unlink()
        assert it.of(device()).password == "hush-new"
    assert [each["log_level"] for each in logged] == ["error", "error"]
    assert "hush" not in str(logged)
    vault.path.write_text(good.replace("username: edge", "username: again"))
    vault.path.chmod(0o600)
    assert it.of(device()).username == "again"


def test_without_a_file_the_settings_are_all(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "credentials.yaml", keyring=ring("none"))
    it = Credentials({"default": Credential(username="u")}, vault=vault)
    assert it.of(device()).username == "u"


# --- private keys --------------------------------------------------------------------------------


def test_a_private_key_logs_in_from_its_text(vault: Vault) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    pem = key.export_private_key("openssh", "hush-phrase").decode()
    vault.set(CORE, {"username": "core", "private_key": pem, "passphrase": "hush-phrase"})
    it = device("core", name="core1")
    credentials = Credentials({}, vault=vault)
    credential = credentials.of(it)
    given = hops.options(hops.last(it, credential), credential, ())
    [pair] = given["client_keys"]
    assert pair.public_data == key.public_data
    assert given["preferred_auth"] == ("publickey",)
    vault.set(CORE, {"passphrase": "hush-wrong"})
    wrong = credentials.of(it)
    with pytest.raises(SecretMissing, match=r"key of groups.core of credentials.yaml") as caught:
        hops.options(hops.last(it, wrong), wrong, ())
    assert "hush" not in f"{caught.value.message} {caught.value.next_step} {credential} {wrong}"
    assert "BEGIN" not in f"{caught.value.message}{credential}"
