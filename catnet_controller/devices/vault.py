"""credentials.yaml: logins come in and go out, kept in a file with every secret encrypted.

The file is YAML that people read: whose login it is, the user name, and `!encrypted` values. Each
value is Fernet (AES-128-CBC with HMAC-SHA-256, authenticated) over its own place and the secret,
so one that was changed, or moved to another device, is refused. The key is never in the file; of
several keys the first encrypts and all decrypt, which is how it is rotated.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from catnet_controller.devices.writing import alone, write_whole
from catnet_controller.errors import CredentialsInvalid

FIELDS = ("username", "password", "enable", "private_key", "passphrase")
SECTIONS = ("default", "names", "groups", "devices")
_MOST_BYTES = 8 * 1024 * 1024
_TAG = "!encrypted"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._@-]*")
_ODD = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null)")
_TOKEN = re.compile(r"gAAAA[A-Za-z0-9_-]+={0,2}")
_HEAD = """\
# How CatNet logs in to the devices. Changed by `catnet credentials set|remove|rotate-key`, which
# keep no comments. What follows !encrypted can only be read with the credentials key.
"""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Place:
    """Whose login it is: ``section`` is one of SECTIONS; ``name`` is empty for the default."""

    section: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.section}.{self.name}" if self.name else self.section


DEFAULT = Place(section="default")


@dataclass(frozen=True, slots=True)
class _Value:
    text: str = field(repr=False)
    line: int


_Logins = dict[Place, dict[str, _Value]]


class Keyring:
    """The credentials key, or several during a rotation; ``source`` says where it comes from."""

    def __init__(self, text: str, *, source: str) -> None:
        """Raises CredentialsInvalid where this is no key."""
        self.source = source
        keys = [one for one in re.split(r"[\s,]+", text) if one]
        try:
            made = [Fernet(one) for one in keys]
        except ValueError:
            made = []
        if not made:
            raise CredentialsInvalid(
                f"the credentials key of {source} is no key",
                next_step="Make one with `catnet credentials generate-key`.",
            )
        self.count = len(made)
        self._first = made[0]
        self._all = MultiFernet(made)

    def encrypt(self, where: str, value: str) -> str:
        return self._first.encrypt(f"{where}\0{value}".encode()).decode()

    def decrypt(self, token: str) -> tuple[str, str]:
        """The place it was made for, and the value. Raises InvalidToken."""
        where, _, value = self._all.decrypt(token.encode()).decode().partition("\0")
        return where, value


def new_key() -> str:
    return Fernet.generate_key().decode()


class Vault:
    """The file at ``path``; ``keyring`` is asked for when a value is to be read or written."""

    def __init__(self, path: Path, *, keyring: Callable[[], Keyring]) -> None:
        self.path = path
        self._keyring = keyring

    @property
    def stamp(self) -> tuple[int, int, int, int] | None:
        """Another one when the file is another; None while there is none."""
        try:
            it = self.path.stat()
        except OSError:
            return None
        return it.st_mtime_ns, it.st_size, it.st_ino, it.st_mode

    def logins(self) -> Mapping[Place, Mapping[str, str]]:
        """Every login with its secrets; empty where there is no file.

        Raises CredentialsInvalid, and for the key what reading it raises.
        """
        found = self._read()
        return self._decrypted(found) if found else {}

    def fields(self) -> Mapping[Place, Mapping[str, str | None]]:
        """Every login with its user name and the names of its secrets; needs no key."""
        return {
            place: {
                name: value.text if name == "username" else None for name, value in login.items()
            }
            for place, login in sorted(self._read().items())
        }

    def set(self, place: Place, values: Mapping[str, str]) -> bool:
        """Add or change a login; what is not named stays. Whether it was there before."""
        self._check(place)
        name = values.get("username", "-")
        if not name or not name.isprintable() or any(each.isspace() for each in name):
            raise CredentialsInvalid(
                f"{place}: a user name is of printable characters without blanks",
                next_step="Give the name as the device has it.",
            )
        with self._alone():
            found, keyring = self._read(), self._keyring()
            # A wrong key must be noticed now, not when half of the values are of another.
            if found:
                self._decrypted(found, keyring)
            known = place in found
            login = found.setdefault(place, {})
            for name, value in values.items():
                text = value if name == "username" else keyring.encrypt(f"{place}.{name}", value)
                login[name] = _Value(text, 0)
            self._contradictions(place, login)
            self._write(found)
        return known

    def remove(self, place: Place, names: Sequence[str] = ()) -> None:
        """Drop a login, or only these of its fields."""
        with self._alone():
            found = self._read()
            if place not in found:
                raise CredentialsInvalid(
                    f"{self.path} has no login for {place}",
                    next_step="`catnet credentials list` shows those that there are.",
                )
            for name in names:
                if found[place].pop(name, None) is None:
                    raise CredentialsInvalid(
                        f"{self.path}: {place} has no {name}",
                        next_step="`catnet credentials list` shows what it has.",
                    )
            if not names:
                del found[place]
            else:
                self._contradictions(place, found[place])
            self._write(found)

    def rotate(self, key_file: Path | None) -> int:
        """Encrypt every value anew with the first key; gives how many.

        With ``key_file`` a new key is made and written there, at first before the old ones and,
        once every value is of the new key, alone: killed in between, the file still opens.
        """
        with self._alone():
            found = self._read()
            old = self._keyring()
            values = self._decrypted(found, old)
            ring = old
            key = new_key()
            if key_file is not None:
                before = key_file.read_text(encoding="utf-8")
                _replace(key_file, f"{key}\n{before}")
                ring = Keyring(key, source=old.source)
            elif old.count < 2:
                raise CredentialsInvalid(
                    f"{old.source} holds one key only, so there is nothing to rotate to",
                    next_step="Put a new key of `catnet credentials generate-key` before the old"
                    " one, with a comma between; rotate; then take the old one out.",
                )
            number = 0
            for place, login in values.items():
                for name, value in login.items():
                    if name != "username":
                        number += 1
                        token = ring.encrypt(f"{place}.{name}", value)
                        found[place][name] = _Value(token, 0)
            if found:
                self._write(found)
            if key_file is not None:
                _replace(key_file, f"{key}\n")
        return number

    # --- inside --------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(alone(self.path.resolve().parent))
            except OSError as error:
                raise self._unwritable(error) from error
            yield

    def _write(self, found: _Logins) -> None:
        try:
            write_whole(self.path.resolve(), _text(found).encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CredentialsInvalid:
        return CredentialsInvalid(
            f"{self.path} cannot be written: {error.strerror}; nothing was changed",
            next_step="Check the folder, its permissions and the space on its disk.",
        )

    def _wrong(self, line: int, what: str, next_step: str) -> CredentialsInvalid:
        where = f"{self.path}:{line}" if line else str(self.path)
        return CredentialsInvalid(f"{where}: {what}", next_step=next_step)

    def _check(self, place: Place) -> None:
        if bool(place.name) == (place == DEFAULT) or (
            place.name and not _NAME.fullmatch(place.name)
        ):
            raise CredentialsInvalid(
                f"{place.name!r} is no name of a device or a group",
                next_step="Take the name as inventory.yaml has it.",
            )

    def _contradictions(self, place: Place, login: Mapping[str, _Value]) -> None:
        line = min((value.line for value in login.values()), default=0)
        mend = "Use `catnet credentials set`."
        if "username" not in login:
            raise self._wrong(line, f"{place} has no username", mend)
        if not ({"password", "private_key"} & login.keys()):
            raise self._wrong(line, f"{place} has neither password nor private_key", mend)
        if "passphrase" in login and "private_key" not in login:
            raise self._wrong(line, f"{place}: passphrase has no meaning without private_key", mend)

    # --- reading

    def _read(self) -> _Logins:
        text = self._load()
        if text is None:
            return {}
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._damaged(
                mark.line + 1 if mark else 0, f"is not YAML: {error.problem}"
            ) from None
        except (yaml.YAMLError, RecursionError):
            raise self._damaged(0, "is not YAML") from None
        found: _Logins = {}
        for section, line, node in self._pairs(root, "the file"):
            if section not in SECTIONS:
                raise self._damaged(line, f"{section!r} is unknown (known: {', '.join(SECTIONS)})")
            if section == "default":
                found[DEFAULT] = self._login(DEFAULT, node)
                continue
            for name, at, each in self._pairs(node, section):
                place = Place(section=section, name=name)
                if not _NAME.fullmatch(name):
                    raise self._damaged(at, f"{name!r} is no name of a device or a group")
                found[place] = self._login(place, each)
        return found

    def _load(self) -> str | None:
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                if mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise self._wrong(
                        0,
                        f"others may read or write it (mode {stat.S_IMODE(mode):04o})",
                        f"Look who did, then `chmod 600 {self.path}`.",
                    )
                data = file.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise self._damaged(0, "is larger than 8 MiB")
            return data.decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._wrong(
                0, f"cannot be read: {error.strerror}", "Check its owner and permissions."
            ) from error
        except UnicodeDecodeError:
            raise self._damaged(0, "is not UTF-8") from None

    def _damaged(self, line: int, what: str) -> CredentialsInvalid:
        return self._wrong(line, what, "Correct this line, or put back a copy of the file.")

    def _pairs(self, node: yaml.Node | None, what: str) -> list[tuple[str, int, yaml.Node]]:
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return []
        if node.tag != "tag:yaml.org,2002:map" or not isinstance(node, yaml.MappingNode):
            raise self._damaged(
                node.start_mark.line + 1, f"{what} is not a mapping (`key: value` lines)"
            )
        found: dict[str, tuple[str, int, yaml.Node]] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._damaged(line, f"{what} has a key that is not a word")
            if key.value in found:
                first = found[key.value][1]
                raise self._damaged(line, f"{key.value!r} is already set in line {first}")
            found[key.value] = (key.value, line, value)
        return list(found.values())

    def _login(self, place: Place, node: yaml.Node) -> dict[str, _Value]:
        login: dict[str, _Value] = {}
        for name, line, value in self._pairs(node, str(place)):
            if name not in FIELDS:
                raise self._damaged(
                    line, f"{place}: {name!r} is unknown (known: {', '.join(FIELDS)})"
                )
            if not isinstance(value, yaml.ScalarNode):
                raise self._damaged(line, f"{place}.{name} is not a single value")
            plain = value.tag.startswith("tag:yaml.org,2002:")
            if not plain and value.tag != _TAG:
                raise self._damaged(line, f"{place}.{name}: the tag {value.tag} is unknown")
            if name == "username" and not plain:
                raise self._damaged(line, f"{place}.username is not encrypted; write it in clear")
            if name != "username" and plain:
                raise self._wrong(
                    line,
                    f"{place}.{name} is not encrypted",
                    "Take it out of the file, and hand it over with `catnet credentials set`.",
                )
            if name != "username" and not _TOKEN.fullmatch(value.value):
                raise self._damaged(line, f"{place}.{name} was cut or changed")
            login[name] = _Value(value.value, line)
        if not login:
            line = node.start_mark.line + 1
            raise self._damaged(line, f"{place} is empty")
        self._contradictions(place, login)
        return login

    def _decrypted(
        self, found: _Logins, keyring: Keyring | None = None
    ) -> dict[Place, dict[str, str]]:
        ring = keyring or self._keyring()
        plain: dict[Place, dict[str, str]] = {}
        failed: list[tuple[Place, str, _Value]] = []
        good = 0
        for place, login in found.items():
            plain[place] = {}
            for name, value in login.items():
                if name == "username":
                    plain[place][name] = value.text
                    continue
                try:
                    where, text = ring.decrypt(value.text)
                except (InvalidToken, ValueError):
                    failed.append((place, name, value))
                    continue
                if where != f"{place}.{name}":
                    raise self._wrong(
                        value.line,
                        f"{place}.{name} was made for {where}, and moved here",
                        "Set it again with `catnet credentials set`.",
                    )
                good += 1
                plain[place][name] = text
        if failed:
            place, name, value = failed[0]
            if not good:
                raise self._wrong(
                    value.line,
                    f"no value can be decrypted with the key of {ring.source}: it is another key",
                    "Give the key that the file was written with; the file is unchanged.",
                )
            raise self._wrong(
                value.line,
                f"{place}.{name} cannot be decrypted: it was changed, or is of another key",
                "Set it again with `catnet credentials set`, or put back a copy of the file.",
            )
        return plain


def _replace(path: Path, text: str) -> None:
    try:
        write_whole(path.resolve(), text.encode())
    except OSError as error:
        raise CredentialsInvalid(
            f"the key file {path} cannot be written: {error.strerror}",
            next_step="The keys in it still open the credentials. Mend it and rotate again.",
        ) from error


def _text(found: _Logins) -> str:
    lines = [_HEAD.rstrip()]
    for section in SECTIONS:
        places = sorted(place for place in found if place.section == section)
        if not places:
            continue
        lines.append(f"{section}:")
        for place in places:
            indent = "  "
            if place.name:
                lines.append(f"  {_scalar(place.name)}:")
                indent = "    "
            for name in FIELDS:
                if name in found[place]:
                    text = found[place][name].text
                    shown = _scalar(text) if name == "username" else f"{_TAG} {text}"
                    lines.append(f"{indent}{name}: {shown}")
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    # A JSON string is a YAML string; what could be read as another type is written as one.
    plain = _WORD.fullmatch(text) and not _ODD.fullmatch(text)
    return text if plain else json.dumps(text, ensure_ascii=False)
