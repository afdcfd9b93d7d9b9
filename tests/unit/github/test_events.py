"""Webhook deliveries: signatures, and verdicts for whatever a stranger may send."""

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.github.events import Event, Judged, interpret, verify

BODY = b"Hello, World!"
SECRET = b"It's a Secret to Everybody"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SHA = "a" * 40


def judge(event: str, payload: object, *, delivery: str = "guid-1") -> Event:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return interpret(event, delivery, body, repository="acme/network", branch="main", now=1.0)


def push(**fields: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "after": SHA,
        "deleted": False,
        "repository": {"full_name": "acme/network"},
    } | fields


def pull(**fields: Any) -> dict[str, Any]:
    return {
        "action": "opened",
        "pull_request": {"number": 7, "base": {"ref": "main"}, "head": {"sha": SHA}},
        "repository": {"full_name": "acme/network"},
    } | fields


# --- signatures ----------------------------------------------------------------------------------


def test_signature_of_githubs_documentation() -> None:
    assert verify(BODY, SIGNATURE, [SECRET])


def test_either_secret_counts_while_one_is_rotated() -> None:
    assert verify(BODY, SIGNATURE, [b"new", SECRET])
    assert verify(BODY, SIGNATURE, [SECRET, b"new"])
    assert not verify(BODY, SIGNATURE, [b"new", b"newer"])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        SIGNATURE.removeprefix("sha256="),
        SIGNATURE.upper(),
        SIGNATURE + "0",
        SIGNATURE[:-1] + "8",
        "sha1=" + "0" * 40,
        "sha256=é" + "0" * 63,
        "sha256=\udcff\ud800",
    ],
)
def test_anything_else_is_no_signature(signature: str | None) -> None:
    assert not verify(BODY, signature, [SECRET])


def test_without_a_secret_nothing_is_signed() -> None:
    empty = "sha256=" + hmac.new(b"", BODY, sha256).hexdigest()
    assert not verify(BODY, SIGNATURE, [])
    assert not verify(BODY, empty, [b""])


@given(body=st.binary(), secret=st.binary(min_size=1), other=st.binary())
def test_only_the_signed_bytes_are_signed(body: bytes, secret: bytes, other: bytes) -> None:
    signature = "sha256=" + hmac.new(secret, body, sha256).hexdigest()
    assert verify(body, signature, [secret])
    assert verify(other, signature, [secret]) is (other == body)


@given(st.text())
def test_no_header_breaks_the_comparison(signature: str) -> None:
    assert not verify(BODY, signature, [SECRET]) or signature == SIGNATURE


# --- verdicts ------------------------------------------------------------------------------------


def test_a_push_wakes_its_branch() -> None:
    event = judge("push", push())
    assert event.trigger is not None
    assert (event.trigger.ref, event.trigger.sha) == ("branch/main", SHA)
    assert event.trigger.due_at == 1.0
    assert event.trigger.force is False


def test_the_repository_is_compared_as_github_does() -> None:
    assert judge("push", push(repository={"full_name": "ACME/Network"})).trigger is not None


def test_a_branch_whose_name_ends_like_ours_is_not_ours() -> None:
    assert judge("push", push(ref="refs/heads/feature/main")).trigger is None
    assert judge("push", push(ref="refs/tags/main")).trigger is None


@pytest.mark.parametrize(
    "action, wakes",
    [
        ("opened", True),
        ("synchronize", True),
        ("reopened", True),
        ("ready_for_review", True),
        ("closed", True),
        ("converted_to_draft", True),
        ("edited", False),
        ("assigned", False),
        ("labeled", False),
    ],
)
def test_actions_of_a_pull_request(action: str, wakes: bool) -> None:
    event = judge("pull_request", pull(action=action))
    assert (event.trigger is not None) is wakes
    if event.trigger:
        assert event.trigger.ref == "pull/7"
        assert event.trigger.sha == SHA


@pytest.mark.parametrize("old, new", [("main", "other"), ("other", "main")])
def test_retargeting_wakes_when_it_concerns_our_branch(old: str, new: str) -> None:
    request = {"number": 7, "base": {"ref": new}, "head": {"sha": SHA}}
    changes = {"base": {"ref": {"from": old}}}
    event = judge("pull_request", pull(action="edited", pull_request=request, changes=changes))
    assert event.trigger is not None


def test_a_ping_says_what_the_webhook_does_not_send() -> None:
    event = judge("ping", {"hook": {"events": ["push"]}})
    assert event.verdict is Judged.ACCEPTED
    assert event.reason == "ping; the webhook does not send: pull_request"


@pytest.mark.parametrize(
    "event, payload, words, status",
    [
        ("push", b"", "not JSON", 400),
        ("push", b"{", "not JSON", 400),
        ("push", b"\xff\xfe", "not JSON", 400),
        ("push", b"[" * 100_000, "not JSON", 400),
        ("push", b"9" * 10_000, "not JSON", 400),
        ("push", b"payload=%7B%7D", "application/json", 415),
        ("push", b"null", "not a JSON object", 400),
        ("push", [], "not a JSON object", 400),
        ("push", {}, "repository is missing", 400),
        ("push", {"repository": None}, "repository is not an object", 400),
        ("push", {"repository": {"full_name": 7}}, "full_name is not a text", 400),
        ("push", push(ref=None), "ref is not a text", 400),
        ("push", push(after="HEAD"), "after is not a commit sha", 400),
        ("push", push(deleted="yes"), "deleted is not a boolean", 400),
        ("pull_request", pull(action=None), "action is not a text", 400),
        ("pull_request", pull(pull_request=[]), "pull_request is not an object", 400),
        ("pull_request", pull(pull_request={"number": True}), "not a positive number", 400),
        ("pull_request", pull(pull_request={"number": 10**30}), "not a positive number", 400),
        ("pull_request", pull(action="edited", changes={"base": 1}), "changes.base is not", 400),
    ],
)
def test_what_is_malformed_is_refused(event: str, payload: object, words: str, status: int) -> None:
    judged = judge(event, payload)
    assert judged.verdict is Judged.REFUSED
    assert words in judged.reason
    assert judged.status == status
    assert judged.trigger is None


@pytest.mark.parametrize("event", ["", "Push", "push\n", "push;drop", "é", "\udcff", "x" * 65])
def test_a_bad_event_header_is_refused_and_not_recorded(event: str) -> None:
    judged = judge(event, push())
    assert (judged.verdict, judged.status) == (Judged.REFUSED, 400)
    assert judged.delivery.event == ""


@pytest.mark.parametrize("delivery", ["", "-", "a b", "\udcff", "x" * 65, "guid\n"])
def test_a_bad_delivery_header_is_refused_and_not_recorded(delivery: str) -> None:
    judged = judge("push", push(), delivery=delivery)
    assert (judged.verdict, judged.status) == (Judged.REFUSED, 400)
    assert judged.delivery.guid == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def check(judged: Event) -> None:
    assert judged.status == 202 or 400 <= judged.status < 500
    assert (judged.status == 202) == (judged.verdict is not Judged.REFUSED)
    for text in (judged.reason, judged.delivery.verdict, judged.delivery.event):
        assert text.isascii()
        assert text.isprintable() or text == ""
        assert len(text) < 400
    if judged.trigger is not None:
        assert judged.verdict is Judged.ACCEPTED
        assert judged.trigger.ref == "branch/main" or judged.trigger.ref.startswith("pull/")


@given(event=st.text(), delivery=st.text(), body=st.binary())
def test_no_bytes_raise(event: str, delivery: str, body: bytes) -> None:
    check(judge(event, body, delivery=delivery))


@given(
    event=st.sampled_from(["push", "pull_request", "ping", "create"]),
    payload=st.one_of(
        JSON,
        st.builds(
            lambda base, key, value: base | {key: value},
            st.sampled_from([push(), pull(), pull(action="edited")]),
            st.sampled_from(
                ["ref", "after", "deleted", "action", "pull_request", "repository", "changes"]
            ),
            JSON,
        ),
        st.builds(
            lambda key, value: pull(pull_request=pull()["pull_request"] | {key: value}),
            st.sampled_from(["number", "base", "head"]),
            JSON,
        ),
    ),
)
def test_no_json_raises(event: str, payload: object) -> None:
    check(judge(event, payload))


@given(st.text(min_size=1))
def test_foreign_names_are_shown_safely(name: str) -> None:
    check(judge("push", push(ref=f"refs/heads/{name}")))
    check(judge("push", push(repository={"full_name": name})))
    check(judge("pull_request", pull(action=name)))
