"""CatNet as a GitHub App over real HTTP: tokens made, replaced in time, and replaced when lost."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from structlog.testing import capture_logs

from catnet_controller.demo.standin import Fault, GithubStandIn, Trouble
from catnet_controller.errors import (
    GithubDenied,
    GithubUnavailable,
    RateLimited,
    SecretMissing,
    SettingsInvalid,
)
from catnet_controller.github.auth import App
from catnet_controller.github.client import Client, Route
from catnet_controller.github.edge import Edge
from catnet_controller.models import IssueMessage, RecordMessage, StatusMessage, StatusState
from tests.helpers_github import RealClock, edge, hub, note

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
APP = App(id="1234", key=lambda: PEM)


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[GithubStandIn]:
    async with hub(tmp_path) as running:
        running.app = ("1234", PUBLIC)
        running.token = "nobody has this one"
        yield running


def made(github: GithubStandIn) -> int:
    """How many tokens the App asked for."""
    return sum(each.path.endswith("/access_tokens") for each in github.requests)


def status(sha: str, text: str) -> StatusMessage:
    return StatusMessage(
        sha=sha, context="catnet/deploy", state=StatusState.SUCCESS, description=text
    )


async def test_an_app_reads_and_writes_with_tokens_of_its_own(
    github: GithubStandIn, tmp_path: Path
) -> None:
    async with edge(github, tmp_path, token=APP) as door:
        await door.verify_access()
        head = await door.source.head("main")
        assert head is not None
        await door.source.files(head.sha)
        await door.reporter.status(status(head.sha, "done"))
        assert made(github) == 2, "one for reading, one for writing"
    assert github.statuses(head.sha)["catnet/deploy"].description == "done"


async def test_a_token_is_replaced_before_its_end(github: GithubStandIn, tmp_path: Path) -> None:
    clock = RealClock()
    async with edge(github, tmp_path, token=APP, clock=clock) as door:
        await door.source.head("main")
        clock.ahead = 3600 - 400
        await door.source.head("main")
        assert made(github) == 1
        clock.ahead = 3600 - 200
        with pytest.raises(GithubDenied, match="JSON web token"):
            # The key is asked for again; a clock that is an hour ahead makes no valid JWT.
            await door.source.head("main")


@pytest.mark.parametrize("again", [False, True])
async def test_a_token_that_is_lost_in_the_middle_is_replaced_once(
    github: GithubStandIn, tmp_path: Path, again: bool
) -> None:
    sha = await github.head()
    async with edge(github, tmp_path, token=APP) as door:
        await door.reporter.status(status(sha, "first"))
        github.granted.clear()
        if again:
            github.inject(Fault(trouble=Trouble.ANSWER, status=401, path="/statuses/", times=2))
            with pytest.raises(GithubDenied, match="does not accept the token") as denied:
                await door.reporter.status(status(sha, "second"))
            assert "GitHub App" in denied.value.next_step
        else:
            await door.reporter.status(status(sha, "second"))
            assert github.statuses(sha)["catnet/deploy"].description == "second"
    assert made(github) == 2


async def test_a_permission_the_app_has_not_is_named(github: GithubStandIn, tmp_path: Path) -> None:
    github.app_permissions = {"contents": "read", "statuses": "write"}
    app = replace(APP, issues=True, members=True, deployments=True)
    async with edge(github, tmp_path, token=app) as door:
        with pytest.raises(GithubDenied, match="not granted") as denied:
            await door.source.head("main")
    assert denied.value.next_step.endswith(
        "Contents: read, Commit statuses: write, Pull requests: write, Issues: write,"
        " Members (of the organization): read, Deployments: write."
    )


OPTIONAL: Mapping[str, tuple[App, str, Callable[[Edge, str], Awaitable[object]]]] = {
    "issues": (
        replace(APP, issues=True),
        "Issues: write",
        lambda door, _: door.reporter.issue(IssueMessage(title="t", body="b", open=True), None),
    ),
    "members": (
        replace(APP, members=True),
        "Members (of the organization): read",
        lambda door, _: door.crew.member("netops", "anna"),
    ),
    "deployments": (
        replace(APP, deployments=True),
        "Deployments: write",
        lambda door, sha: door.reporter.record(
            RecordMessage(sha=sha, environment="x", number=1, state="queued", description=""), None
        ),
    ),
}


@pytest.mark.parametrize("name", OPTIONAL)
async def test_a_permission_that_only_a_setting_needs_stops_only_that(
    github: GithubStandIn, tmp_path: Path, name: str
) -> None:
    app, words, use = OPTIONAL[name]
    number = await github.open_pull("topic", "Topic", {"configs/edge1.cfg": "x\n"})
    with capture_logs() as logs:
        async with edge(github, tmp_path, token=app) as door:
            head = await door.source.head("main")
            assert head is not None
            await door.source.files(head.sha)
            await door.reporter.status(status(head.sha, "done"))
            await door.reporter.comment(note(number, "plan"), None)
            with pytest.raises(GithubDenied, match="not accessible by integration") as denied:
                await use(door, head.sha)
            assert name in denied.value.next_step
    (said,) = (each for each in logs if "lacks permissions" in each["event"])
    assert (said["log_level"], said["permissions"]) == ("warning", words)
    assert github.statuses(head.sha)["catnet/deploy"].description == "done"
    assert len(github.comments(number)) == 1


async def test_of_two_permissions_the_one_that_was_given_is_used(
    github: GithubStandIn, tmp_path: Path
) -> None:
    github.app_permissions = {**github.app_permissions, "issues": "write", "deployments": "read"}
    app = replace(APP, issues=True, deployments=True)
    async with edge(github, tmp_path, token=app) as door:
        await OPTIONAL["issues"][2](door, "")
        with pytest.raises(GithubDenied) as denied:
            await OPTIONAL["deployments"][2](door, await github.head())
    assert "deployments" in denied.value.next_step
    assert len(github.issues) == 1
    github.app_permissions["deployments"] = "write"
    with capture_logs() as logs:
        async with edge(github, tmp_path, token=app) as door:
            await OPTIONAL["deployments"][2](door, await github.head())
    assert not logs
    assert len(github.records) == 1


async def test_permissions_that_github_does_not_show_are_all_done_without(
    github: GithubStandIn, tmp_path: Path
) -> None:
    hide = Fault(
        trouble=Trouble.CHANGE,
        path="/installation$",
        edit=lambda data: {"id": data["id"]},
    )
    github.inject(hide)
    app = replace(APP, issues=True, members=True)
    async with edge(github, tmp_path, token=app) as door:
        assert await door.source.head("main")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(trouble=Trouble.ANSWER, status=404, message="Not Found"), GithubDenied, "Install"),
        (Fault(trouble=Trouble.ANSWER, status=403, message="Suspended"), GithubDenied, "suspended"),
        (Fault(trouble=Trouble.SECONDARY, times=9), RateLimited, "retries by itself"),
        (Fault(trouble=Trouble.ANSWER, status=502, times=9), GithubUnavailable, "retries"),
        (Fault(trouble=Trouble.DROP, times=9), GithubUnavailable, "retries"),
        (
            Fault(trouble=Trouble.CHANGE, edit=lambda _: ["odd"], times=9),
            GithubUnavailable,
            "retries",
        ),
    ],
)
async def test_an_app_that_gets_no_token_says_why(
    github: GithubStandIn,
    tmp_path: Path,
    fault: Fault,
    error: type[GithubDenied | GithubUnavailable | RateLimited],
    words: str,
) -> None:
    fault.path = "/installation$"
    github.inject(fault)
    async with edge(github, tmp_path, token=APP) as door:
        with pytest.raises(error) as met:
            await door.source.head("main")
    assert words in met.value.next_step


@pytest.mark.parametrize("path", ["/installation$", "/access_tokens$"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(trouble=Trouble.SECONDARY, seconds=600),
        Fault(trouble=Trouble.PRIMARY, seconds=600),
        Fault(trouble=Trouble.ANSWER, status=401, headers={"Retry-After": "600"}),
        Fault(trouble=Trouble.ANSWER, status=429, headers={"Retry-After": "600"}),
    ],
    ids=["secondary", "primary", "401", "429"],
)
async def test_a_limit_on_tokens_is_waited_for_without_knocking(
    github: GithubStandIn, tmp_path: Path, fault: Fault, path: str
) -> None:
    clock = RealClock()
    sha = await github.head()
    github.inject(replace(fault, path=path))
    async with edge(github, tmp_path, token=APP, clock=clock) as door:
        for _ in range(3):
            with pytest.raises(RateLimited) as met:
                await door.source.head("main")
            assert met.value.not_before == pytest.approx(clock.now() + 600, abs=3)
            with pytest.raises(RateLimited):
                await door.reporter.status(status(sha, "done"))
        assert len(github.requests) == (1 if path == "/installation$" else 2)
        clock.ahead = 601
        with pytest.raises(GithubDenied, match="JSON web token"):
            # It is asked again; the stand-in's clock has not moved, so it takes no such JWT.
            await door.source.head("main")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not a key",
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
    ],
)
async def test_a_key_that_is_none_is_not_quoted(
    github: GithubStandIn, tmp_path: Path, key: str
) -> None:
    async with edge(github, tmp_path, token=App(id="1234", key=lambda: key)) as door:
        with pytest.raises(SecretMissing, match="RSA private key in PEM") as met:
            await door.source.head("main")
    assert met.value.__cause__ is None
    assert not github.requests


async def test_another_key_is_not_the_apps(github: GithubStandIn, tmp_path: Path) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with edge(github, tmp_path, token=App(id="1234", key=lambda: pem)) as door:
        with pytest.raises(GithubDenied, match="401") as met:
            await door.source.head("main")
    assert "clock of this machine" in met.value.next_step
    assert pem not in repr(App(id="1234", key=lambda: pem))


async def test_a_proxy_of_the_settings_is_used(github: GithubStandIn, tmp_path: Path) -> None:
    """The stand-in is the proxy here: no such host exists otherwise."""
    async with Edge(
        repository=github.repository,
        branch="main",
        api_url="http://github.invalid",
        token=APP,
        clock=RealClock(),
        cache=tmp_path / "cache",
        wanted=lambda _: True,
        timeout=5.0,
        pause=0.01,
        route=Route(proxy=github.url),
    ) as door:
        head = await door.source.head("main")
    assert head is not None
    assert github.requests[-1].headers["Host"].startswith("github.invalid")


def test_a_file_of_authorities_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"github\.ca_file"):
        Client(
            repository="acme/x",
            api_url="https://github.example.net/api/v3",
            token="x",
            clock=RealClock(),
            route=Route(authorities=tmp_path / "none.pem"),
        )
