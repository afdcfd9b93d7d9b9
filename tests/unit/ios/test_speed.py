"""Time grows with the length of the text, not with its square."""

import sys
import time
from collections.abc import Callable

import pytest

from catnet_controller.ios.diff import compare


def rules(count: int, *, changed: bool) -> str:
    """An access list, one entry in a hundred changed."""
    lines = ["hostname r1", "ip access-list extended L"]
    for n in range(count):
        port = 1024 + n % 50000 + (changed and n % 100 == 50)
        host = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        lines.append(f" {10 + 10 * n} permit tcp host {host} any eq {port}")
    return "\n".join([*lines, "end", ""])


def ports(count: int, *, changed: bool) -> str:
    """Switch ports, one in a hundred changed."""
    lines = ["hostname r1"]
    for n in range(count // 5):
        lines += [
            f"interface GigabitEthernet{n // 4800}/{n // 48 % 100}/{n % 48}",
            f" description {'new' if changed and n % 100 == 50 else 'old'} {n}",
            " switchport mode access",
            f" switchport access vlan {n % 900 + 2}",
            "!",
        ]
    return "\n".join([*lines, "end", ""])


def calls(made: Callable[..., str], count: int) -> int:
    """How many functions a comparison calls: the same number on any machine."""
    running, desired = made(count, changed=False), made(count, changed=True)
    called = 0

    def count_call(_frame: object, event: str, _argument: object) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        change = compare(running, desired)
    finally:
        sys.setprofile(None)
    assert change.commands
    assert not change.refusals
    return called


@pytest.mark.parametrize("made", [rules, ports])
def test_ten_times_the_lines_take_ten_times_the_work(made: Callable[..., str]) -> None:
    # The small one first: what it learns must not make the large one look better than it is.
    small = calls(made, 600)
    assert calls(made, 6000) < 11 * small


def test_equal_text_is_not_parsed() -> None:
    text = rules(30000, changed=False)
    start = time.process_time()
    assert compare(text, text).empty
    assert time.process_time() - start < 0.05
