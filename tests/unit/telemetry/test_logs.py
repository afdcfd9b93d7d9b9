"""Logs: one door for every library, and no secret gets through it."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.telemetry import logs

SECRET = 'pa"ss\\wörd/1'


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def json_logs(stream: io.StringIO) -> Iterator[logs.Logs]:
    made = logs.configure(level="info", format="json", secrets=[SECRET, "lab"], stream=stream)
    yield made
    made.close()


def records(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line(stream: io.StringIO, json_logs: logs.Logs) -> None:
    with structlog.contextvars.bound_contextvars(deployment=7):
        structlog.get_logger("catnet_controller.pipeline").info("job ended", device="edge1")
    [record] = records(stream)
    assert record["event"] == "job ended"
    assert record["device"] == "edge1"
    assert record["deployment"] == 7
    assert record["level"] == "info"
    assert record["logger"] == "catnet_controller.pipeline"
    assert str(record["timestamp"]).endswith("Z")


def test_other_libraries_are_joined_in(stream: io.StringIO, json_logs: logs.Logs) -> None:
    logging.getLogger("aiohttp.client").warning("bad request from %s", "192.0.2.1")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old call", UserWarning, stacklevel=1)
    logging.getLogger("asyncssh").info("each packet")
    first, second = records(stream)
    assert first["event"] == "bad request from 192.0.2.1"
    assert first["logger"] == "aiohttp.client"
    assert "old call" in str(second["event"])


def test_no_secret_gets_through(stream: io.StringIO, json_logs: logs.Logs) -> None:
    log = structlog.get_logger("x")

    class Odd:
        def __repr__(self) -> str:
            return f"<Odd {SECRET}>"

    log.info("event %s", SECRET, text=SECRET, nested={"a": [(SECRET,)]}, odd=Odd(), raw=b"lab")
    log.info("url", url="https://host/pa%22ss%5Cw%C3%B6rd%2F1")
    logging.getLogger("foreign").error("said %s", SECRET, extra={"more": SECRET})
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        log.exception("failed")
    text = stream.getvalue()
    assert len(records(stream)) == 4
    for form in (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], "%5Cw%C3%B6rd"):
        assert form not in text
    assert logs.MASK in text
    assert "RuntimeError" in text


def test_short_secret_hides_only_as_a_word(stream: io.StringIO, json_logs: logs.Logs) -> None:
    structlog.get_logger("x").info("label", password="lab")
    [record] = records(stream)
    assert record["event"] == "label"
    assert record["password"] == logs.MASK


def test_level_changes_at_runtime(stream: io.StringIO, json_logs: logs.Logs) -> None:
    log = structlog.get_logger("x")
    log.debug("unseen")
    json_logs.set_level("debug")
    log.debug("seen")
    json_logs.set_level("error")
    log.warning("unseen")
    assert [record["event"] for record in records(stream)] == ["seen"]


def test_console_shows_no_control_characters(stream: io.StringIO) -> None:
    made = logs.configure(format="console", secrets=[SECRET], stream=stream)
    try:
        structlog.get_logger("x").info("sent\x1b[2J", header="\x1b]0;owned\x07", word=SECRET)
    finally:
        made.close()
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert SECRET not in text
    assert "sent" in text


def test_auto_is_json_where_nobody_watches(stream: io.StringIO) -> None:
    made = logs.configure(stream=stream)
    try:
        structlog.get_logger("x").info("event")
    finally:
        made.close()
    assert records(stream)[0]["event"] == "event"


def test_close_restores(stream: io.StringIO) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure(stream=stream).close()
    assert (root.handlers[:], root.level) == before


@given(secret=st.text(min_size=4, max_size=20), around=st.text(max_size=10))
def test_redacted_text_never_holds_the_secret(secret: str, around: str) -> None:
    redact = logs.Redactor([secret])
    if secret in logs.MASK or logs.MASK in secret:
        return
    got = redact.text(f"{around} {secret} {around}")
    # The mask may by chance complete the secret with what stands around it; the value is gone.
    assert secret not in got.replace(logs.MASK, "\0")
    assert redact.text(json.dumps({"k": secret})).count(json.dumps(secret)[1:-1]) == 0
