"""What the inventory says of health is read strictly, with file and line."""

import pytest

from catnet_controller.models import Checks, Expectation, Probe
from tests.unit.policy.test_desired import problems, snapshot

R1 = {"r1": "hostname r1\n"}


def checks(health: str, *, where: str = "defaults") -> Checks:
    indented = "".join(f"    {line}\n" for line in health.splitlines())
    found = snapshot(f"{where}:\n  health:\n{indented}devices:\n  r1: {{host: 192.0.2.1}}\n", **R1)
    assert found.problems == ()
    return found.desired["r1"].device.checks


def told(health: str) -> list[str]:
    indented = "".join(f"    {line}\n" for line in health.splitlines())
    return problems(f"defaults:\n  health:\n{indented}devices:\n  r1: {{host: 192.0.2.1}}\n", **R1)


def test_everything() -> None:
    found = checks(
        "settle: 90s\n"
        "watch: false\n"
        "ping: [192.0.2.9, 10.0.0.1 vrf MGMT, '2001:db8::1']\n"
        "checks:\n"
        "  - show: show ip route | include 0.0.0.0\n"
        "    match: via (192|198)\n"
        "  - show: show standby brief\n"
        "    unchanged: Active\n"
    )
    assert (found.settle, found.watch) == (90.0, False)
    assert found.ping == ("192.0.2.9", "10.0.0.1 vrf MGMT", "2001:db8::1")
    assert found.probes == (
        Probe(
            show="show ip route | include 0.0.0.0",
            expect=Expectation.MATCH,
            pattern="via (192|198)",
            origin="inventory.yaml:7",
        ),
        Probe(
            show="show standby brief",
            expect=Expectation.UNCHANGED,
            pattern="Active",
            origin="inventory.yaml:9",
        ),
    )


def test_nothing_said_is_watched() -> None:
    assert checks("") == Checks()
    assert Checks().watch


def test_layers_add_up_and_the_nearest_word_counts() -> None:
    found = snapshot(
        "defaults: {health: {settle: 10s, ping: [192.0.2.1]}}\n"
        "groups: {g: {health: {settle: 20s, ping: [192.0.2.2, 192.0.2.1]}}}\n"
        "devices:\n"
        "  r1: {host: 192.0.2.1, groups: [g], health: {watch: false}}\n",
        **R1,
    )
    made = found.desired["r1"].device.checks
    assert made == Checks(settle=20.0, watch=False, ping=("192.0.2.1", "192.0.2.2"))


@pytest.mark.parametrize(
    "health, line, words",
    [
        ("setle: 3s", 3, "did you mean `settle`"),
        ("settle: 5m", 3, "seconds such as 30s"),
        ("settle: 601s", 3, "at most 600s"),
        ("watch: maybe", 3, "must be true or false"),
        ("ping: [example.net]", 3, "is not an IP address"),
        ("ping: ['192.0.2.1 vrf a b']", 3, "must be an IP address"),
        ("ping: ['192.0.2.1; reload']", 3, "must be an IP address"),
        ("checks: show", 3, "must be a list"),
        ("checks:\n  - show: show version", 4, "one of match, no-match, unchanged"),
        ("checks:\n  - match: x", 4, "a check has `show`"),
        ("checks:\n  - {show: show version, match: a, no-match: b}", 4, "one of"),
        ("checks:\n  - {show: reload, match: a}", 4, "one `show` command"),
        ("checks:\n  - {show: 'show version | redirect flash:x', match: a}", 4, "after ` | `"),
        ("checks:\n  - {show: 'show ver | inc a | tee flash:x', match: a}", 4, "after ` | `"),
        ("checks:\n  - {show: 'show version ?', match: a}", 4, "one `show` command"),
        ('checks:\n  - {show: "show version\\nreload", match: a}', 4, "one `show` command"),
        ("checks:\n  - {show: show version, match: '('}", 4, "regular expression"),
        ("checks:\n  - {show: show version, match: '(a+)+b'}", 4, "for ever"),
        ("checks:\n  - {show: show version, match: ''}", 4, "regular expression"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(health: str, line: int, words: str) -> None:
    [problem] = told(health)
    assert problem.startswith(f"inventory.yaml:{line}: ")
    assert words in problem
