"""Time grows with the length of the text, not with its square."""

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


def seconds(made: Callable[..., str], count: int) -> float:
    """The shortest of three runs, in seconds of CPU."""
    running, desired = made(count, changed=False), made(count, changed=True)
    took = []
    for _ in range(3):
        start = time.process_time()
        change = compare(running, desired)
        took.append(time.process_time() - start)
        assert change.commands
        assert not change.refusals
    return min(took)


@pytest.mark.parametrize("made", [rules, ports])
def test_ten_times_the_lines_take_about_ten_times_as_long(made: Callable[..., str]) -> None:
    assert seconds(made, 6000) < 20 * seconds(made, 600)


def test_equal_text_is_not_parsed() -> None:
    text = rules(30000, changed=False)
    start = time.process_time()
    assert compare(text, text).empty
    assert time.process_time() - start < 0.05
