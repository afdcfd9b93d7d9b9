"""Only what waiting can mend is tried again, later each time, and not for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller import errors
from catnet_controller.policy.retry import LONGEST_DELAY, again, backoff

JITTER = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(st.integers(min_value=1, max_value=1000), JITTER)
def test_backoff_is_bounded_and_positive(attempt: int, jitter: float) -> None:
    assert 2.5 < backoff(attempt, jitter=jitter) <= LONGEST_DELAY


@given(st.integers(min_value=1, max_value=20))
def test_backoff_never_shrinks(attempt: int) -> None:
    assert backoff(attempt + 1, jitter=0) >= backoff(attempt, jitter=0)


@pytest.mark.parametrize(
    "error",
    [
        errors.LineRefused("no"),
        errors.AuthenticationFailed("no"),
        errors.InternalFault("no"),
        errors.VerifyFailed("no"),
    ],
)
def test_a_person_must_act_so_nothing_is_tried_again(error: errors.CatnetError) -> None:
    assert again(error, 1, limit=None, now=0.0, jitter=0.0) is None


def test_a_transient_error_ends_after_the_limit() -> None:
    error = errors.DeviceUnreachable("edge1")
    tried = [again(error, attempt, limit=3, now=100.0, jitter=0.0) for attempt in range(1, 6)]
    assert tried == [105.0, 110.0, 120.0, None, None]


def test_a_rate_limit_is_waited_out_as_told() -> None:
    error = errors.RateLimited("slow down", not_before=900.0)
    assert again(error, 1, limit=None, now=100.0, jitter=0.0) == 900.0
    assert again(error, 1, limit=None, now=1000.0, jitter=0.0) == 1001.0
