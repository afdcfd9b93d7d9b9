"""Settings: what is read, what is refused and how, and that no secret shows."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from catnet_controller import settings
from catnet_controller.errors import SecretMissing, SettingsInvalid
from catnet_controller.models import Fallback, Mode

KEY = "k" * 43 + "="
EXAMPLE = Path(__file__).parents[2] / "catnet.yaml"
MINIMAL = """\
github:
  repository: acme/network-config
  token: env:TOKEN
"""
ENVIRON = {"TOKEN": "github-token-value"}


def load(
    folder: Path,
    text: str = MINIMAL,
    environ: Mapping[str, str] = ENVIRON,
    *,
    lazy: bool = False,
) -> settings.Settings:
    path = folder / "catnet.yaml"
    path.write_text(text)
    return settings.load(path, environ, lazy=lazy)


def problems(folder: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(folder, text, environ)
    prefix = str(folder / "catnet.yaml")
    return [line.removeprefix(prefix) for line in caught.value.message.splitlines()]


def test_minimal_file_gets_every_default(tmp_path: Path) -> None:
    got = load(tmp_path)
    assert got.github.repository == "acme/network-config"
    assert got.github.token is not None
    assert got.github.token.reveal() == "github-token-value"
    assert got.github.webhook_secrets == ()
    assert got.deploy.mode is Mode.DRY_RUN
    assert got.deploy.fallback is Fallback.REFUSE
    assert got.deploy.revert_minutes == 5
    assert got.drift.interval == 900
    assert got.store.path == tmp_path / "state"
    assert got.devices.known_hosts == tmp_path / "state" / "known_hosts"
    assert str(got.http.listen) == "127.0.0.1:8080"
    assert got.http.url == "http://127.0.0.1:8080"
    assert str(got.http.webhook_listen) == "127.0.0.1:8081"
    assert got.http.token is None


def example_environ(folder: Path) -> dict[str, str]:
    return {
        "CATNET_GITHUB_TOKEN": "ghp-example",
        "CATNET_WEBHOOK_SECRET": "webhook-example",
        "CATNET_DEVICE_PASSWORD": "device-example",
        "CATNET_DEVICE_ENABLE": "enable-example",
        "CATNET_SNMP_RO": "snmp-example",
        "CATNET_HTTP_TOKEN": "0123456789abcdef0123",
    }


def example(folder: Path) -> settings.Settings:
    path = folder / "catnet.yaml"
    path.write_text(EXAMPLE.read_text())
    (folder / "keys").mkdir()
    (folder / "keys" / "catnet.passphrase").write_text("pass phrase\n")
    (folder / "keys" / "ntp-key-1").write_text("ntp-example\n")
    (folder / "credentials.key").write_text(f"{KEY}\n")
    return settings.load(path, example_environ(folder))


def test_example_loads_and_names_every_key(tmp_path: Path) -> None:
    example(tmp_path)
    document = yaml.safe_load(EXAMPLE.read_text())

    def has(node: object, parts: list[str]) -> bool:
        if not parts:
            return True
        if not isinstance(node, dict):
            return False
        if parts[0] == "*":
            return any(has(value, parts[1:]) for value in node.values())
        return parts[0] in node and has(node[parts[0]], parts[1:])

    assert [key for key in settings.known_keys() if not has(document, key.split("."))] == []


def test_example_shows_the_true_defaults(tmp_path: Path) -> None:
    shown = example(tmp_path)
    default = load(tmp_path)
    assert shown.deploy == default.deploy
    assert shown.drift == default.drift
    assert shown.store == default.store
    assert shown.log == default.log
    assert shown.devices.known_hosts == default.devices.known_hosts
    assert shown.devices.credentials_file == default.devices.credentials_file
    assert shown.devices.connect_timeout == default.devices.connect_timeout
    assert shown.devices.command_timeout == default.devices.command_timeout
    assert shown.http.listen == default.http.listen
    assert shown.http.webhook_listen == default.http.webhook_listen
    assert shown.http.webhook_max_bytes == default.http.webhook_max_bytes
    for name in ("branch", "api_url", "poll_interval", "write_spacing", "timeout"):
        assert getattr(shown.github, name) == getattr(default.github, name)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "github: token is missing (or app.id and app.private_key)"),
        ("  app: {id: 12}\n", "github: an App needs both app.id and app.private_key"),
        (
            "  app: {id: 12, private_key: env:TOKEN}\n  token: env:TOKEN\n",
            "github: CatNet is either an App or has a token; leave app or token out",
        ),
        (
            "  token: env:TOKEN\n  commands: {enabled: true}\n  webhook_secrets: [env:TOKEN]\n",
            "github: commands.enabled needs commands.users or commands.teams",
        ),
        (
            "  token: env:TOKEN\n  commands: {enabled: true, teams: 'ops, @noc'}\n",
            "github: commands.enabled needs webhook_secrets",
        ),
        ("  commands: {users: 'a b'}\n", "not names on GitHub such as `ada, bob`"),
    ],
)
def test_keys_that_contradict_or_are_missing(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "catnet.yaml"
    path.write_text(f"github:\n  repository: acme/x\n{lines}")
    with pytest.raises(SettingsInvalid) as met:
        settings.load(path, ENVIRON)
    assert message in met.value.message


def test_an_app_instead_of_a_token(tmp_path: Path) -> None:
    path = tmp_path / "catnet.yaml"
    path.write_text(
        "github:\n  repository: acme/x\n  ca_file: ca.pem\n  proxy: http://p.example.net:3128\n"
        "  app: {id: 12, private_key: env:TOKEN}\n"
    )
    got = settings.load(path, ENVIRON).github
    assert (got.token, got.app.id) == (None, "12")
    assert got.app.private_key is not None
    assert got.app.private_key.reveal() == ENVIRON["TOKEN"]
    assert (got.ca_file, got.proxy) == (tmp_path / "ca.pem", "http://p.example.net:3128")


def test_every_problem_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
github:
  repositry: acme/network-config
  token: ghp_literal
  poll_interval: 30
  branch: main
  branch: other
deploy:
  mode: pusch
  concurrency: 0
  revert_timer: 90s
devices:
  credentials:
    default:
      username: catnet
      passphrase: env:MISSING
    "bad name":
      username: x
http:
  listen: 8080
  token: env:SHORT
log: loud
nonsense: 1
"""
    got = problems(tmp_path, text, {"SHORT": "short"})
    assert got == [
        ":1: github.repository: is missing and has no default",
        ":2: github.repositry: unknown key, did you mean repository?",
        (
            ":3: github.token: a secret does not stand in this file, where git, backups and tickets"
            " would carry it along; write env:NAME, file:PATH or credential:NAME"
        ),
        (
            ":4: github.poll_interval: '30' is not a duration such as 30s, 5m or 1h30m,"
            " did you mean 30s?"
        ),
        ":6: github.branch: is already set in line 5",
        ":8: deploy.mode: 'pusch' is neither dry-run nor push",
        ":9: deploy.concurrency: '0' is not a whole number from 1 to 2000",
        ":10: deploy.revert_timer: 90s is not a whole number of minutes from 1m to 120m",
        ":15: devices.credentials.default.passphrase: the environment variable MISSING is not set",
        ":16: devices.credentials.bad name: a name has only letters, digits, dot, - and _",
        ":19: http.listen: '8080' is not ADDRESS:PORT, as in 127.0.0.1:8080 or [::1]:8080",
        ":20: http.token: is shorter than 16 characters, so it could be guessed",
        ":21: log: is not a section (indented `key: value` lines)",
        (
            ":22: nonsense: unknown key (known: github, deploy, drift, backups, devices, secrets,"
            " store, http, log)"
        ),
    ]


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "github.repository: is missing"),
        ("- a\n", "is not a mapping of sections"),
        ("github: [\n", "is not YAML"),
        ("github: {token: env:A, token: env:B}\n", "already set in line 1"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("github:\n  token: !!python/name:os.system x\n", "the tag"),
        ("github:\n  token: [env:A]\n", "is not a single value"),
        ("? [a]\n: b\n", "a key that is not a word"),
        ("a: &a [*a]\n", "unknown key"),
        ("secrets: {x: {y: z}}\n", "is not a single value"),
        ("github:\n  api_url: http://github.example.com\n", "use https"),
        ("github:\n  api_url: https://user:hidden@host\n", "no user name or password"),
        ("github:\n  repository: https://github.com/acme/config\n", "OWNER/NAME"),
        ("github:\n  webhook_secrets: env:A\n", "is not a list"),
        ("github:\n  webhook_secrets: []\n", "0 entries"),
        ("http:\n  public_url: 'http://[::1'\n", "not a URL"),
        ("http:\n  webhook_max_bytes: 1 GiB\n", "is not a size"),
        ("devices:\n  credentials:\n    a: {username: x}\n", "needs a password or a private_key"),
        ("[" * 5000, "nested too deeply"),
        ("a: \x01\n", "a character that YAML does not allow"),
    ],
)
def test_refused_with_reason(tmp_path: Path, text: str, said: str) -> None:
    got = "\n".join(problems(tmp_path, text))
    assert said in got
    assert "hidden" not in got


def test_unreadable_files_are_problems(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="No such file"):
        settings.load(tmp_path / "absent.yaml", {})
    (tmp_path / "latin.yaml").write_bytes(b"github:\n  branch: \xff\n")
    with pytest.raises(SettingsInvalid, match=r"latin.yaml:2: is not UTF-8"):
        settings.load(tmp_path / "latin.yaml", {})
    (tmp_path / "large.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsInvalid, match="larger than 1 MiB"):
        settings.load(tmp_path / "large.yaml", {})


def test_literal_secret_is_refused_without_showing_it(tmp_path: Path) -> None:
    for text in (
        MINIMAL + "secrets:\n  a: sup3r-s3cret\n",
        MINIMAL + "secrets:\n  a: 'sup3r-s3cret\n",
        MINIMAL + 'secrets:\n  a: "sup3r-s3cret\\q"\n',
    ):
        assert "sup3r-s3cret" not in "\n".join(problems(tmp_path, text))


def test_secrets_from_file_and_credential(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "token").write_text("from systemd\n")
    (tmp_path / "snmp").write_text("from a file\r\n")
    text = """\
github: {repository: acme/x, token: "credential:token"}
secrets: {snmp: "file:snmp", home: "file:~/snmp"}
"""
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"), "HOME": str(tmp_path)}
    got = load(tmp_path, text, environ)
    assert got.github.token is not None
    assert got.github.token.reveal() == "from systemd"
    assert got.secrets["snmp"].reveal() == got.secrets["home"].reveal() == "from a file"
    assert set(got.revealed()) == {"from systemd", "from a file"}


@pytest.mark.parametrize(
    "reference, said",
    [
        ("credential:x", "CREDENTIALS_DIRECTORY is not set"),
        ("file:absent", "No such file"),
        ("file:empty", "is empty"),
        ("file:binary", "is not UTF-8"),
        ("file:huge", "larger than 64 KiB"),
        ("env:EMPTY", "is empty"),
    ],
)
def test_unreadable_secret(tmp_path: Path, reference: str, said: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "huge").write_bytes(b"x" * 70_000)
    text = MINIMAL + f"secrets:\n  a: {reference}\n"
    assert said in "\n".join(problems(tmp_path, text, ENVIRON | {"EMPTY": ""}))
    lazy = load(tmp_path, text, ENVIRON | {"EMPTY": ""}, lazy=True)
    with pytest.raises(SecretMissing, match=said):
        lazy.secrets["a"].reveal()
    assert lazy.revealed() == ("github-token-value",)


def test_credential_cannot_leave_its_folder(tmp_path: Path) -> None:
    text = MINIMAL + "secrets:\n  a: credential:../../etc/shadow\n"
    got = problems(tmp_path, text, ENVIRON | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "only letters" in got[0]


def test_environment_overrides_scalars(tmp_path: Path) -> None:
    environ = ENVIRON | {
        "CATNET_DEPLOY_MODE": "push",
        "CATNET_GITHUB_REPOSITORY": "other/repo",
        "CATNET_GITHUB_TOKEN": "overriding-token",
        "CATNET_HTTP_LISTEN": "[::]:9000",
        "CATNET_STORE_PATH": "elsewhere",
    }
    got = load(tmp_path, environ=environ)
    assert got.deploy.mode is Mode.PUSH
    assert got.github.repository == "other/repo"
    assert got.github.token is not None
    assert got.github.token.reveal() == "overriding-token"
    assert got.http.listen.url == "http://[::1]:9000"
    assert got.devices.known_hosts == tmp_path / "elsewhere" / "known_hosts"


def test_environment_can_give_what_the_file_lacks(tmp_path: Path) -> None:
    got = load(tmp_path, "", {"CATNET_GITHUB_REPOSITORY": "a/b", "CATNET_GITHUB_TOKEN": "token"})
    assert got.github.repository == "a/b"


def test_wrong_environment_is_a_problem(tmp_path: Path) -> None:
    environ = ENVIRON | {
        "CATNET_DEPLOY_MOD": "push",
        "CATNET_DRIFT_INTERVAL": "often",
        "CATNET_HTTP_TOKEN": "file:/run/secrets/token",
        "CATNET_SERVICE_PORT": "tcp://10.0.0.1:80",
    }
    assert sorted(problems(tmp_path, MINIMAL, environ)) == [
        "environment: CATNET_DEPLOY_MOD: unknown, did you mean CATNET_DEPLOY_MODE?",
        "environment: CATNET_DRIFT_INTERVAL: 'often' is not a duration such as 30s, 5m or 1h30m",
        "environment: CATNET_HTTP_TOKEN: holds the secret itself, not a reference to it",
    ]


def test_secret_hides_itself(tmp_path: Path) -> None:
    got = load(tmp_path)
    secret = got.github.token
    for text in (repr(got), str(secret), f"{secret}", f"{secret!r}", f"{got.github}"):
        assert "github-token-value" not in text
    assert "env:TOKEN" in repr(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret == settings.Secret("github-token-value")
    assert secret != settings.Secret("another")


@pytest.mark.parametrize(
    "text, value",
    [("0", 0), ("250ms", 0.25), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172_800)],
)
def test_durations(text: str, value: float) -> None:
    assert settings.seconds(text) == value


def test_private_listen_addresses() -> None:
    assert settings.Listen(host="0.0.0.0", port=1).url == "http://127.0.0.1:1"
    assert str(settings.Listen(host="::1", port=80)) == "[::1]:80"


@given(
    st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["github", "token", "deploy", "secrets", "devices", "credentials"]
                    )
                    | st.text(max_size=5),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(yaml.safe_dump),
    )
)
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_text_loads_or_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsInvalid) as caught:
        settings.load(path, {})
    assert caught.value.message


# --- the key of the credentials ------------------------------------------------------------------


def test_credentials_key_comes_by_one_of_three_ways(tmp_path: Path) -> None:
    assert load(tmp_path).devices.credentials_key is None
    given = load(tmp_path, environ={**ENVIRON, "CATNET_CREDENTIALS_KEY": KEY})
    assert given.devices.credentials_key is not None
    assert given.devices.credentials_key.reveal() == KEY
    assert given.devices.credentials_key.source == "env:CATNET_CREDENTIALS_KEY"
    (tmp_path / "catnet-credentials-key").write_text(f"{KEY}\n")
    given = load(tmp_path, environ={**ENVIRON, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert given.devices.credentials_key is not None
    assert given.devices.credentials_key.reveal() == KEY
    text = f"{MINIMAL}\ndevices: {{credentials_key: 'env:CATNET_CREDENTIALS_KEY'}}\n"
    given = load(tmp_path, text, {**ENVIRON, "CATNET_CREDENTIALS_KEY": f"{KEY},{KEY}"})
    assert {KEY, f"{KEY},{KEY}"} <= set(given.revealed())


def test_credentials_key_by_two_ways_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    text = f"{MINIMAL}\ndevices: {{credentials_key: 'file:key'}}\n"
    [said] = problems(tmp_path, text, {**ENVIRON, "CATNET_CREDENTIALS_KEY": KEY})
    assert "by devices.credentials_key and by CATNET_CREDENTIALS_KEY; leave one" in said
    [said] = problems(tmp_path, MINIMAL, {**ENVIRON, "CATNET_CREDENTIALS_KEY": "short"})
    assert "shorter than 44" in said


def test_a_secret_of_a_file_is_read_afresh(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    text = f"{MINIMAL}\ndevices: {{credentials_key: 'file:key'}}\n"
    key = load(tmp_path, text).devices.credentials_key
    assert key is not None
    (tmp_path / "key").write_text("other")
    assert (key.reveal(), key.fresh()) == (KEY, "other")
    (tmp_path / "key").unlink()
    with pytest.raises(SecretMissing):
        key.fresh()
