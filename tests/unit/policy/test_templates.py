"""Templates: what they may do, where their lines come from, and that none exhausts the daemon."""

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.models import Problem
from catnet_controller.policy import templates
from catnet_controller.policy.templates import Renderer


def rendered(source: str, **variables: object) -> list[tuple[int, str]]:
    result = Renderer().render("a.j2", source, variables)
    assert not isinstance(result, Problem), str(result)
    return result


def text(source: str, **variables: object) -> str:
    return "\n".join(line for _, line in rendered(source, **variables))


def refused(source: str, **variables: object) -> str:
    result = Renderer().render("a.j2", source, variables)
    assert isinstance(result, Problem), result
    return str(result)


# --- what they may do ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "{% for s in servers %}\nntp server {{ s }}\n{% endfor %}\n",
            "ntp server a\nntp server b",
        ),
        ("{% for s in servers[:0] %}x{% endfor %}{{ 'y' if false }}z", "z"),
        ("{% for s in servers if s != 'a' %}\nx {{ s }}\n{% else %}\nnone\n{% endfor %}\n", "x b"),
        ("{% for k, v in vlans.items() %}{{ k }}={{ v.name }} {% endfor %}", "10=DATA 20=VOICE "),
        ("{% for k in vlans %}{{ loop.index }}{{ ' ' if not loop.last }}{% endfor %}", "1 2"),
        ("{% for i in range(1, 4) %}{{ loop.cycle('a', 'b') }}{% endfor %}", "aba"),
        ("{% set x = 2 + 3 * 4 - 1 %}{{ x }} {{ x // 2 }} {{ x % 5 }}", "13 6 3"),
        ("{{ 'a' ~ 1 ~ name }} {{ 'a' + 'b' }} {{ [1, 2] | join(',') }}", "a1r1 ab 1,2"),
        ("{{ missing | default('x') }} {{ servers | length }} {{ servers | first }}", "x 2 a"),
        ("{{ servers | map('upper') | join(' ') }} {{ servers | sort | last }}", "A B b"),
        ("{{ (vlans | dictsort)[0][1].name | lower | replace('a', 'e') }}", "dete"),
        ("{{ 'Gi0/1'.startswith('Gi') and 'yes' or 'no' }} {{ 'a b'.split()[1] }}", "yes b"),
        ("{% if name is defined and servers %}on{% elif name %}x{% else %}off{% endif %}", "on"),
        ("{{ servers[-1:] | first }} {{ {'a': 1}['a'] }} {{ (1, 2)[1] }}", "b 1 2"),
        ("a{# comment #}b", "ab"),
        ("{{ '{{' }} {% raw %}{{ x }}{% endraw %}", "{{ {{ x }}"),
    ],
)
def test_the_language(source: str, expected: str) -> None:
    vlans = {"10": {"name": "DATA"}, "20": {"name": "VOICE"}}
    assert text(source, servers=["a", "b"], name="r1", vlans=vlans) == expected


def test_a_secret_gives_its_placeholder_back() -> None:
    assert text("key {{ secret('a-b.c') }}") == 'key {{ secret("a-b.c") }}'
    assert "a secret is named by" in refused("{{ secret('a\"b') }}")
    assert "a secret is named by" in refused("{{ secret(1) }}")


def test_every_line_has_the_line_it_comes_from() -> None:
    source = (
        "{# one\n   two #}\n"
        "hostname {{ name }}\n"
        "{% for s in servers -%}\n"
        "   ntp server {{ s }}\n"
        "{% endfor %}\n"
        "{% if true %}\n"
        "line con 0\n"
        " logging synchronous\n"
        "{% endif %}\n"
        "{{ block }}\n"
        "end"
    )
    result = rendered(source, name="r1", servers=["a", "b"], block="x\ny")
    lines = [(number, line) for number, line in result if line]
    assert lines == [
        *((3, "hostname r1"), (5, "ntp server a"), (5, "ntp server b"), (8, "line con 0")),
        *((9, " logging synchronous"), (11, "x"), (11, "y"), (12, "end")),
    ]


@given(
    st.lists(
        st.sampled_from(["plain", " indented", "{{ x }}", "a {{ x }} b", "", "{# c #}", "!"]),
        max_size=12,
    )
)
def test_lines_without_blocks_keep_their_numbers(source: list[str]) -> None:
    result = rendered("\n".join(source), x="X")
    kept = dict(result)
    for number, line in enumerate(source, start=1):
        expected = line.replace("{{ x }}", "X").replace("{# c #}", "")
        if expected:
            assert kept[number] == expected


# --- what is refused, and where ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("\n{{ nmae }}", "a.j2:2: template: `nmae` is not defined, did you mean `name`?"),
        ("\n\n{{ name.foo }}", "a.j2:3: template: 'str object' has no attribute 'foo'"),
        ("\n{% for %}", "a.j2:2: template: Expected an expression"),
        ("{% if name %}", "a.j2:1: template: Unexpected end of template"),
        ("{{ name | uper }}", "no filter named `uper`, did you mean `upper`?"),
        ("{{ name | attr('__class__') }}", "no filter named `attr`"),
        ("{{ name.__class__ }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ name.format(1) }}", "`format(...)` cannot be called"),
        ("{{ lipsum() }}", "`lipsum(...)` cannot be called"),
        ("{{ name() }}", "`name(...)` cannot be called"),
        ("{{ (1)() }}", "cannot be called"),
        ("{% macro a() %}{% endmacro %}", "`macro` cannot be used"),
        ("{% include 'x' %}", "`include` cannot be used"),
        ("{% import 'x' as x %}", "`import` cannot be used"),
        ("{% extends 'x' %}", "`extends` cannot be used"),
        ("{% set x %}a{% endset %}", "`assignblock` cannot be used"),
        ("{% filter upper %}a{% endfilter %}", "`filterblock` cannot be used"),
        ("{% for x in [1] recursive %}{{ loop([2]) }}{% endfor %}", "cannot"),
        ("{{ 2 ** 9 }}", "`pow` cannot be used"),
        ("{{ 'a' * 9 }}", "`*` is for numbers"),
        ("{{ '%09d' % 9 }}", "`%` is for numbers"),
        ("{{ 1 // 0 }}", "a.j2:1: template: integer division or modulo by zero"),
        ("{{ true }}", "bool cannot be written into a configuration"),
        ("{{ none }}", "nothing cannot be written into a configuration"),
        ("{{ [1] }}", "list cannot be written into a configuration"),
        ("{{ bell }}", "control character"),
        ("\x01" + "5\x02", "control character"),
        ("{% for x in 5 %}{% endfor %}", "a loop needs a list"),
        ("{% for x in nmae %}{% endfor %}", "`nmae` is not defined"),
        ("{{ nmae | join }}", "`nmae` is not defined"),
        ("{{ " + "(" * 5000 + ")" * 5000 + " }}", "nested too deeply"),
        ("{{ 1e400 | int }}", "a number is too big"),
        ("{{ 1e400 }}", "a number is too big"),
        ("{{ '\\ud800' }}", "control character"),
        ("{% if 0 %}" + "{% elif 0 %}" * 15000 + "{% endif %}", "nested too deeply"),
        ("{% for a in [1] %}" * 60 + "{% endfor %}" * 60, "nested too deeply"),
        ("x" * (templates.MAX_SOURCE + 1), "a template has at most"),
    ],
)
def test_what_it_may_not_do(source: str, words: str) -> None:
    assert words in refused(source, name="r1", bell="\x07")


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999999) %}{% endfor %}",
        "{% for a in range(10**9) %}{% endfor %}",
        "{% set r = range(999) %}" + "{% for a in r %}" * 15 + "{% endfor %}" * 15,
        "{% set a = 'aaaaaaaaa' %}" + "{% set a = a ~ a %}" * 60,
        "{% set a = 'aaaaaaaaa' %}" + "{% set a = a + a %}" * 60,
        "{% set a = [1] %}" + "{% set a = a + a %}" * 60,
        "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a == a }}",
        "{% set a = [1] %}" + "{% set a = (a, a) %}" * 60,
        "{% set a = [1] %}" + "{% set a = {'a': a, 'b': a} %}" * 60,
        "{% set a = 99999999 %}" + "{% set a = a * a %}" * 60,
        "{% set a = 'a' %}" + "{% set a = a | replace('a', 'aaaaaaaa') %}" * 60,
        "{% set a = 'ab' %}" + "{% set a = [a, a] | join(a) %}" * 60,
        "{% set a = range(999) | list %}" + "{% for x in a | sort %}" * 2 + "{% endfor %}" * 2,
        "{% for a in range(9999) %}{{ 'x' * 1 }}{% endfor %}",
        "{% for a in range(99999) %}" + "x" * 1000 + "{% endfor %}",
        "{% set a = range(999) | map('string') | join(' ') %}"
        + "{% for x in a.split() %}" * 2
        + "{% endfor %}" * 2,
        "{% set a = range(9999) %}{% for b in a %}{% if -1 in a %}{% endif %}{% endfor %}",
        "{% set a = range(9999) %}{% for b in a %}{% if a == a %}{% endif %}{% endfor %}",
        "{% set a = range(9999) %}{% for b in a %}{% if -1 is in(a) %}{% endif %}{% endfor %}",
        "{% set a = range(9999) %}{% for b in a %}{% if a[1:] %}{% endif %}{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) if b > 9999 %}{% endfor %}{% endfor %}",
    ],
)
def test_no_template_takes_the_daemons_time_or_memory(source: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(source)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 200_000, "KiB"


_pieces = st.sampled_from(
    [
        *("{% for a in b %}", "{% endfor %}", "{% if a %}", "{% endif %}", "{{ a }}", "{{ b }}"),
        *("{% set a = b %}", "{% set b = [a] %}", "{{ a ~ a }}", "{{ b | join }}", "{{ a | f }}"),
        *("x\n", "{{ a.b }}", "{{ a[0] }}", "{{ secret('x') }}", "{{ (", "%}", "{% raw %}", "{#"),
    ]
)


@given(st.lists(_pieces, max_size=12).map("".join))
def test_whatever_is_written_gives_lines_or_a_problem(source: str) -> None:
    result = Renderer().render("a.j2", source, {"a": "A", "b": ["1", "2"]})
    if isinstance(result, Problem):
        assert result.message
    else:
        assert all("\x01" not in line and "\n" not in line for _, line in result)
