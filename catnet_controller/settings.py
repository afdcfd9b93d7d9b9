"""catnet.yaml and the environment come in, a frozen tree of settings goes out, read once.

Every problem is found in one go and named with file, line and key path. A secret never stands in
the file: it is referred to (``env:NAME``, ``file:PATH``, ``credential:NAME``) and held in a
``Secret``, which shows itself only when asked to ``reveal()``. The example catnet.yaml beside the
package documents every key; durations are seconds here, written ``30s``, ``5m`` or ``1h30m`` there.
"""

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

import yaml

from catnet_controller.errors import SecretMissing, SettingsInvalid
from catnet_controller.models import Fallback, Mode, Problem

_MOST_BYTES = 1024 * 1024
_MOST_SECRET_BYTES = 64 * 1024
_SHORTEST_TOKEN = 16
_SHORTEST_KEY = 44
_KEY_VARIABLE = "CATNET_CREDENTIALS_KEY"
_KEY_CREDENTIAL = "catnet-credentials-key"
_LOOPBACK_NAMES = ("localhost", "ip6-localhost")


class Secret:
    """A value that does not show itself: ``repr``, ``str`` and formatting give its source only."""

    __slots__ = ("_missing", "_value", "path", "source")

    def __init__(
        self,
        value: str,
        *,
        source: str = "given",
        missing: str | None = None,
        path: Path | None = None,
    ) -> None:
        self._value = value
        self._missing = missing
        self.source = source
        self.path = path
        """The file that ``file:PATH`` refers to."""

    def reveal(self) -> str:
        """The value. Raises SecretMissing where it could not be read (``load(lazy=True)``)."""
        if self._missing is not None:
            raise SecretMissing(self._missing)
        return self._value

    def fresh(self) -> str:
        """The value as its file has it now; as it was read, where it is of no file."""
        if self.path is None:
            return self.reveal()
        try:
            return _secret_file(self.path)
        except ValueError as error:
            raise SecretMissing(f"{self.source}: {error}") from None

    @property
    def missing(self) -> str | None:
        """Why the value could not be read, None when it was."""
        return self._missing

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self._missing) == (
            other._value,
            other._missing,
        )

    def __hash__(self) -> int:
        return hash((self._value, self._missing))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


# --- how a value is read -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where values are read: the folder that relative paths start from, and the environment."""

    folder: Path
    environ: Mapping[str, str]
    lazy: bool


_Read = Callable[[str, _Place], object]
"""From the text of a value to the value; raises ValueError with a message without the value of a
secret."""


@dataclass(frozen=True, slots=True)
class _Scalar:
    read: _Read


@dataclass(frozen=True, slots=True)
class _Secret:
    """A scalar that is a reference to a secret; its environment override is the secret itself."""

    shortest: int = 1


@dataclass(frozen=True, slots=True)
class _List:
    item: "_Secret"
    most: int


@dataclass(frozen=True, slots=True)
class _Named:
    """A mapping from names that the user chooses."""

    item: "_Secret | type[Any]"


@dataclass(frozen=True, slots=True)
class _Section:
    type: type[Any]


_Kind = _Scalar | _Secret | _List | _Named | _Section


def _is(kind: _Kind) -> Mapping[str, _Kind]:
    return {"kind": kind}


def _text(pattern: str, hint: str) -> Mapping[str, _Kind]:
    def read(text: str, _: _Place) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not {hint}")
        return text

    return _is(_Scalar(read))


def _word(*words: str) -> Mapping[str, _Kind]:
    def read(text: str, _: _Place) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}{_near(text, words)}")
        return text

    return _is(_Scalar(read))


def _mode(text: str, _: _Place) -> Mode:
    if text not in (Mode.DRY_RUN, Mode.PUSH):
        raise ValueError(f"{text!r} is neither dry-run nor push")
    return Mode(text)


def _fallback(text: str, _: _Place) -> Fallback:
    try:
        return Fallback(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither refuse nor reverse") from None


def _flag(text: str, _: _Place) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


def _count(low: int, high: int) -> Mapping[str, _Kind]:
    def read(text: str, _: _Place) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return _is(_Scalar(read))


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:ms|s|m|h|d))+")


def seconds(text: str) -> float:
    """Seconds of a duration such as ``30s``, ``5m``, ``1h30m``, ``250ms``; ValueError if none."""
    if text == "0":
        return 0.0
    if not _DURATION.fullmatch(text):
        unit = f", did you mean {text}s?" if re.fullmatch(r"[0-9]+", text) else ""
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m or 1h30m{unit}")
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d)", text)
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


def _duration(low: str, high: str, *, off: bool = False) -> Mapping[str, _Kind]:
    def read(text: str, _: _Place) -> float:
        value = seconds(text)
        if off and value == 0:
            return value
        if not seconds(low) <= value <= seconds(high):
            zero = ", and is not 0 (off)" if off else ""
            raise ValueError(f"{text} is not between {low} and {high}{zero}")
        return value

    return _is(_Scalar(read))


def _minutes(text: str, _: _Place) -> float:
    value = seconds(text)
    if value % 60 or not 60 <= value <= 120 * 60:
        # `configure terminal revert timer` takes whole minutes, 1 to 120.
        raise ValueError(f"{text} is not a whole number of minutes from 1m to 120m")
    return value


_SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "KB": 1000, "MB": 1000**2}


def _size(text: str, _: _Place) -> int:
    found = re.fullmatch(r"([0-9]{1,9}) ?(B|KiB|MiB|KB|MB|)", text)
    value = int(found[1]) * _SIZES[found[2]] if found else 0
    if not 1024 <= value <= 32 * 1024**2:
        raise ValueError(f"{text!r} is not a size such as 3 MiB, from 1 KiB to 32 MiB")
    return value


def _path(text: str, place: _Place) -> Path:
    if "\0" in text:
        raise ValueError("a path has no NUL in it")
    if text.startswith("~/"):
        home = place.environ.get("HOME")
        if not home:
            raise ValueError("HOME is not set, so ~ has no meaning; write the whole path")
        return Path(home, text[2:])
    return place.folder / text


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("not a URL that begins with https://")
    if parts.username or parts.password:
        raise ValueError("a URL here carries no user name or password")
    if parts.query or parts.fragment:
        raise ValueError("a URL here has no ? or # part")
    return text.rstrip("/")


def _api_url(text: str, _: _Place) -> str:
    url = _url(text)
    if url.startswith("http:") and not _loopback(urlsplit(url).hostname or ""):
        raise ValueError("use https: the token would cross the network in clear")
    return url


def _public_url(text: str, _: _Place) -> str:
    return _url(text)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str, _: _Place) -> tuple[Network, ...]:
    found = []
    for word in re.split(r"[,\s]+", text.strip()):
        try:
            network = ipaddress.ip_network(word)
        except ValueError as error:
            raise ValueError(f"not networks such as `10.0.0.0/8, 192.0.2.7`: {error}") from None
        if network.prefixlen == 0:
            raise ValueError(f"{word} is everybody, who could then be anybody")
        found.append(network)
    return tuple(found)


def _sites(text: str, _: _Place) -> tuple[str, ...]:
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise ValueError("not names of sites such as `vienna, graz`")
    return found


def _logins(text: str, _: _Place) -> tuple[str, ...]:
    found = tuple(name.strip().removeprefix("@") for name in text.split(","))
    if not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", name) for name in found):
        raise ValueError("not names on GitHub such as `ada, bob`")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """An address and a port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def overlaps(self, other: "Listen") -> bool:
        """Whether only one of them can be listened on, as far as the words tell."""
        wild = {"0.0.0.0", "::", "localhost"} & {self.host, other.host}
        return self.port == other.port != 0 and bool(wild or self.host == other.host)

    @property
    def url(self) -> str:
        """How a program on the same machine reaches it."""
        wildcard = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return f"http://{Listen(host=wildcard.get(self.host, self.host), port=self.port)}"


def _listen(text: str, _: _Place) -> Listen:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+)):([0-9]{1,5})", text)
    if not found or int(found[3]) > 65535:
        raise ValueError(f"{text!r} is not ADDRESS:PORT, as in 127.0.0.1:8080 or [::1]:8080")
    return Listen(host=found[1] or found[2], port=int(found[3]))


# --- the tree ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The GitHub App that CatNet is."""

    id: str | None = field(
        default=None, metadata=_text(r"[A-Za-z0-9.]{1,64}", "the App ID or client ID of an App")
    )
    private_key: Secret | None = field(default=None, metadata=_is(_Secret()))
    """PEM, as GitHub gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What people may ask for by a comment, and who."""

    enabled: bool = field(default=False, metadata=_is(_Scalar(_flag)))
    users: tuple[str, ...] = field(default=(), metadata=_is(_Scalar(_logins)))
    teams: tuple[str, ...] = field(default=(), metadata=_is(_Scalar(_logins)))
    """Slugs, of the organization that owns the repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Github:
    """The config repository on GitHub."""

    repository: str = field(
        metadata=_text(
            r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+",
            "OWNER/NAME, as in acme/network-config",
        )
    )
    branch: str = field(
        default="main",
        metadata=_text(r"(?!-|/|refs/)(?!.*(\.\.|//|@\{))[^\s~^:?*\[\\\x00-\x20\x7f]+", "a branch"),
    )
    api_url: str = field(default="https://api.github.com", metadata=_is(_Scalar(_api_url)))
    token: Secret | None = field(default=None, metadata=_is(_Secret()))
    app: App = field(default_factory=App, metadata=_is(_Section(App)))
    """Instead of a token."""
    ca_file: Path | None = field(default=None, metadata=_is(_Scalar(_path)))
    proxy: str | None = field(default=None, metadata=_is(_Scalar(_public_url)))
    webhook_secrets: tuple[Secret, ...] = field(default=(), metadata=_is(_List(_Secret(8), 2)))
    """Two during a rotation. None: no webhooks, the branch is only polled."""
    issues: bool = field(default=False, metadata=_is(_Scalar(_flag)))
    """An issue is open while devices have not got what the branch wants."""
    deployments: bool = field(default=False, metadata=_is(_Scalar(_flag)))
    """Deployments are recorded in GitHub's own list as well, an environment for each site."""
    commands: Commands = field(default_factory=Commands, metadata=_is(_Section(Commands)))
    poll_interval: float = field(default=30.0, metadata=_duration("1s", "1d"))
    write_spacing: float = field(default=1.0, metadata=_duration("0", "1m"))
    timeout: float = field(default=10.0, metadata=_duration("1s", "5m"))

    def contradictions(self) -> Iterator[str]:
        """What the keys do not say together."""
        whole = self.app.id is not None and self.app.private_key is not None
        some = self.app.id is not None or self.app.private_key is not None
        if some and not whole:
            yield "an App needs both app.id and app.private_key"
        elif whole and self.token is not None:
            yield "CatNet is either an App or has a token; leave app or token out"
        elif not whole and self.token is None:
            yield "token is missing (or app.id and app.private_key)"
        if self.commands.enabled and not self.commands.users + self.commands.teams:
            yield "commands.enabled needs commands.users or commands.teams: who may ask"
        if self.commands.enabled and not self.webhook_secrets:
            yield "commands.enabled needs webhook_secrets: comments are heard of by webhook alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """What happens when the branch moves."""

    mode: Mode = field(default=Mode.DRY_RUN, metadata=_is(_Scalar(_mode)))
    concurrency: int = field(default=50, metadata=_count(1, 2000))
    site_concurrency: int = field(default=0, metadata=_count(0, 2000))
    """In all daemons together; 0: no bound."""
    max_failures: int = field(default=0, metadata=_count(0, 100_000))
    """Devices of a deployment that may fail before its later waves are held back."""
    sites: tuple[str, ...] = field(default=(), metadata=_is(_Scalar(_sites)))
    """Whose devices this daemon works on, with others on one database; all when there are none."""
    revert_timer: float = field(default=300.0, metadata=_is(_Scalar(_minutes)))
    fallback: Fallback = field(default=Fallback.REFUSE, metadata=_is(_Scalar(_fallback)))
    allow_management_changes: bool = field(default=False, metadata=_is(_Scalar(_flag)))
    unknown_lines: Literal["warn", "refuse"] = field(
        default="warn", metadata=_word("warn", "refuse")
    )
    stale_plan: Literal["refuse", "replan"] = field(
        default="refuse", metadata=_word("refuse", "replan")
    )
    max_removed_percent: int = field(default=50, metadata=_count(0, 100))
    statuses_per_device: int = field(default=20, metadata=_count(0, 100))
    retries: int = field(default=3, metadata=_count(0, 20))

    @property
    def revert_minutes(self) -> int:
        """The timer as IOS takes it."""
        return round(self.revert_timer / 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How often every device is compared with the branch. 0: never."""

    interval: float = field(default=900.0, metadata=_duration("10s", "30d", off=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """How often every device is backed up (0: only before changes), and what is kept."""

    interval: float = field(default=86400.0, metadata=_duration("1m", "30d", off=True))
    keep_days: int = field(default=365, metadata=_count(1, 36500))
    keep_count: int = field(default=100, metadata=_count(1, 100000))
    """Different configurations of a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to log in to the devices that name this credential."""

    username: str = field(metadata=_text(r"[^\s\x00-\x1f\x7f]+", "a user name"))
    password: Secret | None = field(default=None, metadata=_is(_Secret()))
    enable: Secret | None = field(default=None, metadata=_is(_Secret()))
    private_key: Path | None = field(default=None, metadata=_is(_Scalar(_path)))
    passphrase: Secret | None = field(default=None, metadata=_is(_Secret()))

    def contradictions(self) -> Iterator[str]:
        if self.password is None and self.private_key is None:
            yield "needs a password or a private_key"
        if self.passphrase is not None and self.private_key is None:
            yield "passphrase has no meaning without private_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """How devices are reached."""

    known_hosts: Path = field(default=Path("state/known_hosts"), metadata=_is(_Scalar(_path)))
    """Where the file does not say: beside the store."""
    host_keys: Literal["strict", "first-use"] = field(
        default="strict", metadata=_word("strict", "first-use")
    )
    connect_timeout: float = field(default=15.0, metadata=_duration("1s", "5m"))
    command_timeout: float = field(default=30.0, metadata=_duration("1s", "30m"))
    credentials: Mapping[str, Login] = field(
        default_factory=lambda: MappingProxyType({}), metadata=_is(_Named(Login))
    )
    credentials_file: Path = field(default=Path("credentials.yaml"), metadata=_is(_Scalar(_path)))
    """What `catnet credentials` writes; it need not be there."""
    credentials_key: Secret | None = field(default=None, metadata=_is(_Secret(_SHORTEST_KEY)))
    """Where the file does not say: $CATNET_CREDENTIALS_KEY or the systemd credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where the durable state lies, and for how long."""

    path: Path = field(default=Path("state"), metadata=_is(_Scalar(_path)))
    url: Secret | None = field(default=None, metadata=_is(_Secret()))
    """Of a PostgreSQL database that several daemons share; it may carry a password."""
    keep_days: int = field(default=90, metadata=_count(1, 3650))
    audit_days: int = field(default=365, metadata=_count(1, 3650))


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Webhook, API, status page, probes and metrics."""

    listen: Listen = field(
        default=Listen(host="127.0.0.1", port=8080), metadata=_is(_Scalar(_listen))
    )
    public_url: str | None = field(default=None, metadata=_is(_Scalar(_public_url)))
    token: Secret | None = field(default=None, metadata=_is(_Secret(_SHORTEST_TOKEN)))
    session: float = field(default=3600.0, metadata=_duration("5m", "12h"))
    """Seconds that a login lasts."""
    webhook_listen: Listen = field(
        default=Listen(host="127.0.0.1", port=8081), metadata=_is(_Scalar(_listen))
    )
    """Where a process of its own takes webhooks; the same as ``listen``: the daemon itself does."""
    webhook_max_bytes: int = field(default=3 * 1024 * 1024, metadata=_is(_Scalar(_size)))
    trusted_proxies: tuple[Network, ...] = field(default=(), metadata=_is(_Scalar(_networks)))
    """Whose word on the address of a client is taken."""

    @property
    def url(self) -> str:
        """What links in commit statuses begin with."""
        return self.public_url or self.listen.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the daemon writes to standard error."""

    level: str = field(default="info", metadata=_word("debug", "info", "warning", "error"))
    format: Literal["auto", "json", "console"] = field(
        default="auto", metadata=_word("auto", "json", "console")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that catnet.yaml and the environment say."""

    github: Github = field(metadata=_is(_Section(Github)))
    deploy: Deploy = field(default_factory=Deploy, metadata=_is(_Section(Deploy)))
    drift: Drift = field(default_factory=Drift, metadata=_is(_Section(Drift)))
    backups: Backups = field(default_factory=Backups, metadata=_is(_Section(Backups)))
    devices: Devices = field(default_factory=Devices, metadata=_is(_Section(Devices)))
    secrets: Mapping[str, Secret] = field(
        default_factory=lambda: MappingProxyType({}), metadata=_is(_Named(_Secret()))
    )
    """For ``{{ secret("name") }}`` in desired configurations."""
    store: Store = field(default_factory=Store, metadata=_is(_Section(Store)))
    http: Http = field(default_factory=Http, metadata=_is(_Section(Http)))
    log: Log = field(default_factory=Log, metadata=_is(_Section(Log)))

    def revealed(self) -> tuple[str, ...]:
        """Every secret value that could be read: what logs must never show."""
        return tuple(
            {
                piece
                for secret in _secrets_in(self)
                if secret.missing is None
                # A secret that is a list of keys hides each of them.
                for piece in (secret.reveal(), *_keys_in(secret, self.devices.credentials_key))
            }
        )


def _secrets_in(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets_in(item)
    elif is_dataclass(value):
        for one in fields(value):
            yield from _secrets_in(getattr(value, one.name))


def _keys_in(secret: Secret, keys: Secret | None) -> list[str]:
    return re.split(r"[\s,]+", secret.reveal()) if secret is keys else []


def known_keys() -> tuple[str, ...]:
    """Every key path there is; ``*`` stands for a name that the user chooses."""
    return tuple(_keys(Settings, ""))


def _keys(cls: type[Any], prefix: str) -> Iterator[str]:
    for name, kind in _kinds(cls).items():
        if isinstance(kind, _Section):
            yield from _keys(kind.type, f"{prefix}{name}.")
        elif isinstance(kind, _Named):
            if isinstance(kind.item, _Secret):
                yield f"{prefix}{name}.*"
            else:
                yield from _keys(kind.item, f"{prefix}{name}.*.")
        else:
            yield f"{prefix}{name}"


def _kinds(cls: type[Any]) -> dict[str, _Kind]:
    return {one.name: one.metadata["kind"] for one in fields(cls)}


# --- reading -------------------------------------------------------------------------------------


def load(path: Path, environ: Mapping[str, str] | None = None, *, lazy: bool = False) -> Settings:
    """Read catnet.yaml and the environment (None: that of the process).

    ``CATNET_<SECTION>_<KEY>`` overrides a scalar of the file; for a key that holds a secret the
    variable is the secret itself. Raises SettingsInvalid with every problem, one per line. With
    ``lazy`` a secret that cannot be read is no problem until it is revealed: commands that need
    only some of the settings run without the secrets of the daemon.
    """
    place = _Place(
        folder=path.absolute().parent,
        environ=os.environ if environ is None else environ,
        lazy=lazy,
    )
    return _Reader(file=path, place=place).settings()


def stated_token(environ: Mapping[str, str] | None = None) -> Secret | None:
    """http.token where there is no settings file, on the machine of a person or a pipeline."""
    name = _variable("http.token")
    value = (os.environ if environ is None else environ).get(name)
    return Secret(value, source=f"env:{name}") if value else None


def state_home(environ: Mapping[str, str] | None = None) -> Path:
    """Where a person's programs keep what outlives them (XDG Base Directory specification)."""
    given = Path((os.environ if environ is None else environ).get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError:
        # A user of a container or a service that has no home.
        return Path("/nonexistent")


_REFERENCE = re.compile(r"(env|file|credential):(.+)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NO_FILE = "Name the settings file with --config, or begin with a copy of the example catnet.yaml."
_BAD = object()
"""Stands for a value that has a problem; such a tree is never given out."""


class _Reader:
    """One reading of one file; collects problems as it goes."""

    def __init__(self, *, file: Path, place: _Place) -> None:
        self.file = file
        self.place = place
        self.problems: list[Problem] = []
        self.given: set[str] = set()
        self.referred: set[str] = set()

    def settings(self) -> Settings:
        root = self.compose()
        values = None
        if not self.problems:
            values = self.section(Settings, root, "", 1)
            if isinstance(values, Settings):
                values = self.with_credentials_key(values)
            self.strange_variables()
        if self.problems or not isinstance(values, Settings):
            unique = dict.fromkeys(sorted(self.problems, key=lambda one: one.line))
            raise SettingsInvalid(
                "\n".join(str(one) for one in unique),
                next_step=None if self.file.exists() else _NO_FILE,
            )
        if "devices.known_hosts" in self.given:
            return values
        beside_store = values.store.path / "known_hosts"
        return replace(values, devices=replace(values.devices, known_hosts=beside_store))

    def with_credentials_key(self, values: "Settings") -> "Settings":
        """The key of the credentials, which may come by three ways, though by one at a time."""
        ways: dict[str, Secret] = {}
        if values.devices.credentials_key is not None:
            ways["devices.credentials_key"] = values.devices.credentials_key
        kind = _Secret(_SHORTEST_KEY)
        text = self.place.environ.get(_KEY_VARIABLE)
        if text is not None and _KEY_VARIABLE not in self.referred:
            try:
                _check_secret(kind, text)
                ways[_KEY_VARIABLE] = Secret(text, source=f"env:{_KEY_VARIABLE}")
            except ValueError as error:
                self.problem(0, str(error), file=f"environment: {_KEY_VARIABLE}")
        folder = self.place.environ.get("CREDENTIALS_DIRECTORY")
        reference = f"credential:{_KEY_CREDENTIAL}"
        refers = any(way.source == reference for way in ways.values())
        if folder and Path(folder, _KEY_CREDENTIAL).exists() and not refers:
            try:
                ways[reference] = self.secret(kind, reference)
            except ValueError as error:
                self.problem(0, f"{reference}: {error}")
        if len(ways) > 1:
            self.problem(0, f"the credentials key comes by {' and by '.join(ways)}; leave one")
        for key in ways.values():
            return replace(values, devices=replace(values.devices, credentials_key=key))
        return values

    def problem(self, line: int, message: str, *, file: str | None = None) -> object:
        self.problems.append(Problem(file=file or str(self.file), line=line, message=message))
        return _BAD

    # the file

    def compose(self) -> yaml.Node | None:
        try:
            with self.file.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            self.problem(0, f"cannot be read: {error.strerror}")
            return None
        if len(data) > _MOST_BYTES:
            self.problem(0, "is larger than 1 MiB")
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.problem(data.count(b"\n", 0, error.start) + 1, "is not UTF-8")
            return None
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            # The snippet in str(error) could show a secret that somebody wrote into the file.
            self.problem(mark.line + 1 if mark else 0, f"is not YAML: {error.problem}")
            return None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.problem(line, f"has a character that YAML does not allow: {error.character!r}")
            return None
        except RecursionError:
            self.problem(0, "is nested too deeply")
            return None
        return node

    # the tree

    def pairs(
        self, node: yaml.Node | None, path: str
    ) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
        """The entries of a mapping by key; duplicate and odd keys are problems."""
        if node is None or _is_null(node):
            return {}
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            what = f"{path}: is not a section" if path else "is not a mapping of sections"
            self.problem(line, f"{what} (indented `key: value` lines)")
            return {}
        found: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problem(at, f"{path or 'the file'}: has a key that is not a word")
            elif key.value in found:
                first = found[key.value][0].start_mark.line + 1
                self.problem(at, f"{_join(path, key.value)}: is already set in line {first}")
            else:
                found[key.value] = (key, value)
        return found

    def section(self, cls: type[Any], node: yaml.Node | None, path: str, line: int) -> object:
        """An instance of a dataclass of this module, or _BAD."""
        before = len(self.problems)
        found = self.pairs(node, path)
        kinds = _kinds(cls)
        for name, (key, _) in found.items():
            if name not in kinds:
                at = key.start_mark.line + 1
                self.problem(at, f"{_join(path, name)}: unknown key{_near(name, kinds)}")
        given: dict[str, object] = {}
        for one in fields(cls):
            kind = kinds[one.name]
            where = _join(path, one.name)
            at = found[one.name][0].start_mark.line + 1 if one.name in found else line
            value = found[one.name][1] if one.name in found else None
            if isinstance(kind, _Section):
                given[one.name] = self.section(kind.type, value, where, at)
            elif (override := self.override(kind, where)) is not None:
                given[one.name] = override
            elif value is not None and not _is_null(value):
                self.given.add(where)
                given[one.name] = self.value(kind, value, where)
            elif one.default is MISSING and one.default_factory is MISSING:
                self.problem(at, f"{where}: is missing and has no default")
            elif isinstance(one.default, Path):
                given[one.name] = self.place.folder / one.default
        if len(self.problems) > before:
            return _BAD
        made = cls(**given)
        if isinstance(made, Login | Github):
            for message in made.contradictions():
                self.problem(line, f"{path}: {message}")
        return made

    def value(self, kind: _Kind, node: yaml.Node, path: str) -> object:
        line = node.start_mark.line + 1
        if isinstance(kind, _Named):
            return self.named(kind, node, path)
        if isinstance(kind, _List):
            if not isinstance(node, yaml.SequenceNode):
                return self.problem(line, f"{path}: is not a list (lines that begin with `- `)")
            if not 1 <= len(node.value) <= kind.most:
                return self.problem(line, f"{path}: has {len(node.value)} entries, not 1 to 2")
            return tuple(
                self.value(kind.item, item, f"{path}[{number}]")
                for number, item in enumerate(node.value)
            )
        if not isinstance(node, yaml.ScalarNode):
            return self.problem(line, f"{path}: is not a single value")
        if node.tag not in _PLAIN_TAGS:
            return self.problem(line, f"{path}: the tag {node.tag} has no meaning here")
        return self.scalar(kind, node.value, path, line)

    def named(self, kind: _Named, node: yaml.Node, path: str) -> object:
        made: dict[str, object] = {}
        for name, (key, value) in self.pairs(node, path).items():
            line = key.start_mark.line + 1
            where = _join(path, name)
            if not _NAME.fullmatch(name):
                self.problem(line, f"{where}: a name has only letters, digits, dot, - and _")
            elif isinstance(kind.item, _Secret):
                made[name] = self.value(kind.item, value, where)
            else:
                made[name] = self.section(kind.item, value, where, line)
        return MappingProxyType(made)

    def scalar(self, kind: _Kind, text: str, path: str, line: int) -> object:
        try:
            if isinstance(kind, _Secret):
                return self.secret(kind, text)
            assert isinstance(kind, _Scalar)
            return kind.read(text, self.place)
        except ValueError as error:
            return self.problem(line, f"{path}: {error}")

    # secrets

    def secret(self, kind: _Secret, text: str) -> Secret:
        found = _REFERENCE.fullmatch(text)
        if not found:
            raise ValueError(
                "a secret does not stand in this file, where git, backups and tickets would carry"
                " it along; write env:NAME, file:PATH or credential:NAME"
            )
        path = _path(found[2], self.place) if found[1] == "file" else None
        try:
            value = self.refer(found[1], found[2])
            _check_secret(kind, value)
        except ValueError as error:
            if not self.place.lazy:
                raise
            return Secret("", source=text, missing=f"{text}: {error}", path=path)
        return Secret(value, source=text, path=path)

    def refer(self, how: str, name: str) -> str:
        if how == "env":
            self.referred.add(name)
            if name not in self.place.environ:
                raise ValueError(f"the environment variable {name} is not set")
            return self.place.environ[name]
        if how == "credential":
            folder = self.place.environ.get("CREDENTIALS_DIRECTORY")
            if not folder:
                raise ValueError(
                    f"credential:{name} needs systemd: CREDENTIALS_DIRECTORY is not set"
                    f" (LoadCredential={name}:… in the unit)"
                )
            if not _NAME.fullmatch(name):
                raise ValueError("a credential's name has only letters, digits, dot, - and _")
            return _secret_file(Path(folder, name))
        return _secret_file(_path(name, self.place))

    # the environment

    def override(self, kind: _Kind, path: str) -> object | None:
        if not isinstance(kind, _Scalar | _Secret) or path.count(".") != 1:
            return None
        name = _variable(path)
        text = self.place.environ.get(name)
        if text is None:
            return None
        self.given.add(path)
        self.referred.add(name)
        try:
            if isinstance(kind, _Secret):
                if re.match(r"(env:[A-Z_]+|file:\S+|credential:\S+)\Z", text):
                    raise ValueError("holds the secret itself, not a reference to it")
                _check_secret(kind, text)
                return Secret(text, source=f"env:{name}")
            return kind.read(text, self.place)
        except ValueError as error:
            return self.problem(0, str(error), file=f"environment: {name}")

    def strange_variables(self) -> None:
        """A misspelt override would silently be no override, e.g. CATNET_DEPLOY_MOD=push."""
        known = {
            _variable(key): key for key in known_keys() if key.count(".") == 1 and "*" not in key
        }
        for name in self.place.environ:
            if name.startswith("CATNET_") and name not in known and name not in self.referred:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
                if near:
                    self.problem(
                        0, f"unknown, did you mean {near[0]}?", file=f"environment: {name}"
                    )


_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{word}" for word in ("str", "int", "float", "bool", "timestamp")
)


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _variable(path: str) -> str:
    return "CATNET_" + path.replace(".", "_").upper()


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _near(word: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {found[0]}?" if found else f" (known: {', '.join(known)})"


def _check_secret(kind: _Secret, value: str) -> None:
    if not value:
        raise ValueError("is empty")
    if len(value) < kind.shortest:
        raise ValueError(f"is shorter than {kind.shortest} characters, so it could be guessed")
    if "\0" in value:
        raise ValueError("has a NUL in it")


def _secret_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MOST_SECRET_BYTES:
        raise ValueError(f"{path} is larger than 64 KiB; is it the right file?")
    try:
        # Editors and `echo` end a file with a newline that is no part of the secret.
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
