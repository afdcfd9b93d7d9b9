"""The limits of GitHub, as answers tell them, on a clock that only the test moves."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.errors import RateLimited
from catnet_controller.github.quota import Quota
from catnet_controller.github.replies import Answer

DATE = "Sun, 22 Nov 2026 20:00:00 GMT"
THEIR_NOW = 1_795_377_600


class StillClock:
    """Implements ports.Clock."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def answer(status: int, message: str = "", **headers: str) -> Answer:
    data: Any = {"message": message}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, data=data, what="GET /x")


def quota(clock: StillClock) -> Quota:
    return Quota(clock=clock, spacing=0.0, writes_per_hour=500)


def waits(clock: StillClock, given: Answer) -> float:
    with pytest.raises(RateLimited) as caught:
        quota(clock).heed(given)
    return caught.value.not_before - clock.now()


@pytest.mark.parametrize(
    "given_, seconds",
    [
        (answer(403, retry_after="30"), 30),
        (answer(429, retry_after="30"), 30),
        (answer(429, retry_after="0"), 1),
        (answer(429, retry_after="nonsense"), 60),
        (answer(429, retry_after="inf"), 60),
        (answer(429, retry_after="-5"), 60),
        (answer(429, retry_after="99999999"), 86_400),
        (answer(429), 60),
        (answer(401, retry_after="30"), 30),
        (answer(403, "You have exceeded a secondary rate limit"), 60),
        (answer(403, "You have triggered an abuse detection mechanism"), 60),
        (answer(403, "You have been temporarily blocked from content creation"), 60),
        (
            answer(
                403,
                x_ratelimit_remaining="0",
                x_ratelimit_reset=str(THEIR_NOW + 900),
                date=DATE,
            ),
            900,
        ),
        (
            answer(403, x_ratelimit_remaining="0", x_ratelimit_reset=str(THEIR_NOW - 9), date=DATE),
            1,
        ),
        (answer(403, x_ratelimit_remaining="0"), 60),
        (answer(403, x_ratelimit_remaining="0", x_ratelimit_reset="99999999999"), 3_900),
    ],
    ids=str,
)
def test_how_long_a_refusal_makes_us_wait(given_: Answer, seconds: float) -> None:
    """Their clock is years off ours in these: only differences of their times may be used."""
    assert waits(StillClock(), given_) == seconds


@pytest.mark.parametrize(
    "given_",
    [
        answer(403, "Resource not accessible by integration"),
        answer(401, "Bad credentials", x_ratelimit_remaining="59"),
        answer(404),
        answer(502),
        answer(200, x_ratelimit_remaining="1"),
        answer(200, x_ratelimit_remaining="nonsense"),
    ],
    ids=str,
)
def test_what_is_no_limit(given_: Answer) -> None:
    clock = StillClock()
    limits = quota(clock)
    limits.heed(given_)
    limits.admit()


def test_the_last_request_of_the_quota_holds_the_next() -> None:
    clock = StillClock()
    limits = quota(clock)
    limits.heed(
        answer(200, x_ratelimit_remaining="0", x_ratelimit_reset=str(THEIR_NOW + 100), date=DATE)
    )
    with pytest.raises(RateLimited):
        limits.admit()
    clock.time += 100
    limits.admit()


def test_a_reset_that_is_further_away_than_a_window_of_github_is_not_believed() -> None:
    clock = StillClock()
    limits = quota(clock)
    limits.heed(answer(200, x_ratelimit_remaining="0", x_ratelimit_reset="99999999999"))
    with pytest.raises(RateLimited) as caught:
        limits.admit()
    assert caught.value.not_before - clock.now() == 65 * 60


@pytest.mark.parametrize("used_up, other", [("graphql", "core"), ("core", "graphql")])
@pytest.mark.parametrize("status", [200, 403])
def test_the_requests_of_graphql_are_counted_apart(used_up: str, other: str, status: int) -> None:
    clock = StillClock()
    limits = quota(clock)
    given_ = answer(
        status,
        x_ratelimit_remaining="0",
        x_ratelimit_reset=str(clock.now() + 100),
        x_ratelimit_resource=used_up,
    )
    with contextlib.suppress(RateLimited):
        limits.heed(given_)
    limits.admit(other)
    with pytest.raises(RateLimited):
        limits.admit(used_up)
    clock.time += 100
    limits.admit(used_up)


def test_what_graphql_is_asked_to_wait_holds_everything() -> None:
    """A limit that is not a number of requests is one for both."""
    limits = quota(StillClock())
    with pytest.raises(RateLimited):
        limits.heed(answer(403, retry_after="30", x_ratelimit_resource="graphql"))
    with pytest.raises(RateLimited):
        limits.admit()


def test_refusals_in_a_row_wait_longer_and_longer_but_not_for_ever() -> None:
    clock = StillClock()
    limits = quota(clock)
    waited = []
    for _ in range(7):
        with pytest.raises(RateLimited) as caught:
            limits.heed(answer(429))
        waited.append(caught.value.not_before - clock.now())
        clock.time = caught.value.not_before
        limits.admit()
    assert waited == [60, 120, 240, 480, 900, 900, 900]
    limits.heed(answer(200))
    with pytest.raises(RateLimited) as caught:
        limits.heed(answer(429))
    assert caught.value.not_before - clock.now() == 60


HEADER = st.text(max_size=20) | st.integers().map(str) | st.floats().map(str)


@given(
    status=st.sampled_from([200, 304, 403, 404, 429, 500]),
    message=st.text(),
    headers=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("retry_after", "x_ratelimit_remaining", "x_ratelimit_reset", "date"), HEADER
        ),
    ),
)
def test_no_header_breaks_it_or_makes_it_wait_for_ever(
    status: int, message: str, headers: dict[str, str]
) -> None:
    clock = StillClock()
    limits = quota(clock)
    with contextlib.suppress(RateLimited):
        limits.heed(answer(status, message, **headers))
    clock.time += 86_400
    limits.admit()
