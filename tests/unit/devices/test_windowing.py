"""Lines typed ahead: whose answer is whose, however the text is cut; which may travel; how many."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.devices.platforms import IOS
from catnet_controller.devices.windowing import Answered, Attribution, Calm, Window, runs
from catnet_controller.ios.changes import Ask, Command, Expect

PROMPT = "r1(config)#"
LOG = "*Nov 22 18:00:00.123: %SYS-5-CONFIG_I: Configured from console by bob on vty1 (192.0.2.9)"
WARNING = (
    "Rollback Confirmed Change: Rollback will begin in one minute.\n"
    'Enter "configure confirm" if you wish to keep what you\'ve configured\n\n'
)


def read(lines: Sequence[str], stream: str, cuts: Sequence[int] = ()) -> list[Answered]:
    attribution = Attribution(platform=IOS, names=("r1",))
    for line in lines:
        attribution.sent(line)
    at = 0
    answered = []
    for cut in [*cuts, len(stream)]:
        piece, at = stream[at : at + cut], at + cut
        attribution.feed(piece)
        while (one := attribution.take()) is not None:
            answered.append(one)
    assert attribution.waiting == (len([one for one in answered if not one.late]) < len(lines))
    return answered


def spoken(answered: Sequence[Answered]) -> list[tuple[int, str]]:
    return [(one.number, one.answer) for one in answered]


# --- attribution -------------------------------------------------------------------------------

line = st.from_regex(r"[a-z]{2,8} [a-z0-9./-]{1,12}", fullmatch=True)
said = st.lists(
    st.from_regex(r"[%A-Za-z][ -~]{0,30}[!.a-z]", fullmatch=True).filter(
        lambda text: "#" not in text and ">" not in text
    ),
    max_size=3,
)
between = st.sampled_from(["", "", "", f"\n{LOG}\n", f"\n{LOG}\n{PROMPT}", WARNING, "\n"])
cut = st.lists(st.integers(1, 40), max_size=80)


@given(st.lists(st.tuples(line, said, between), min_size=1, max_size=12), cut)
def test_each_answer_is_that_of_its_line(
    talk: list[tuple[str, list[str], str]], cuts: list[int]
) -> None:
    talk = [(f"{text} {at}", answer, noise) for at, (text, answer, noise) in enumerate(talk)]
    stream = "".join(
        f"{text}\n{''.join(f'{one}' + chr(10) for one in answer)}{PROMPT}{noise}"
        for text, answer, noise in talk
    )
    answered = read([text for text, _, _ in talk], stream, cuts)
    assert spoken(answered) == [(at, "\n".join(one[1])) for at, one in enumerate(talk)]


piece = st.sampled_from(
    [
        "one",
        "two",
        "three",
        "\n",
        "\n",
        PROMPT,
        PROMPT,
        "r1(config-if)#",
        "r1#",
        "r2(config)#",
        f"{LOG}\n",
        WARNING,
        "% Invalid input",
        "tow",
        "thr",
        " ",
        "[confirm]",
        "r1(con",
    ]
)


@given(st.lists(piece, max_size=40), cut)
def test_any_cut_of_any_text_gives_the_same(pieces: list[str], cuts: list[int]) -> None:
    stream = "".join(pieces)
    lines = ["one", "two", "three", "one"]
    assert (
        read(lines, stream, cuts) == read(lines, stream) == read(lines, stream, [1] * len(stream))
    )


@pytest.mark.parametrize("refused", range(4))
def test_refusal_at_every_position(refused: int) -> None:
    lines = ["interface Lo7", "description a", "mtu 9", "ntp server 1.1.1.1"]
    modes = [PROMPT, "r1(config-if)#", "r1(config-if)#", PROMPT]
    error = "               ^\n% Invalid input detected at '^' marker.\n\n"
    stream = "".join(
        f"{text}\n{error if at == refused else ''}{mode}"
        for at, (text, mode) in enumerate(zip(lines, modes, strict=True))
    )
    for answered in (read(lines, stream), read(lines, stream, [1] * len(stream))):
        assert [one.number for one in answered] == [0, 1, 2, 3]
        assert ["%" in one.answer for one in answered] == [at == refused for at in range(4)]
        assert all(one.calm is Calm.CLEAN for one in answered)


def test_garbled_echo_is_counted_and_said() -> None:
    answered = read(["one", "two", "three"], f"one\n{PROMPT}twx\n{PROMPT}three\n{PROMPT}")
    assert spoken(answered) == [(0, ""), (1, ""), (2, "")]
    assert [one.calm for one in answered] == [Calm.CLEAN, Calm.GARBLED, Calm.CLEAN]


def test_lost_line_is_said_and_the_next_keeps_its_answer() -> None:
    answered = read(["one", "two", "three"], f"one\n{PROMPT}three\n% no\n{PROMPT}")
    assert spoken(answered) == [(0, ""), (1, ""), (2, "% no")]
    assert [one.calm for one in answered] == [Calm.CLEAN, Calm.LOST, Calm.GARBLED]


def test_device_that_echoes_before_it_reads() -> None:
    stream = f"one\ntwo\nthree\n% bad\n{PROMPT}{PROMPT}% worse\n{PROMPT}"
    answered = read(["one", "two", "three"], stream)
    assert spoken(answered) == [(0, "% bad"), (1, ""), (2, "% worse")]
    assert answered[1].calm is Calm.NOISY


def test_late_words_are_those_of_the_line_before() -> None:
    answered = read(["one", "two"], f"one\n{PROMPT}% Something went wrong\ntwo\n{PROMPT}")
    assert [(one.number, one.answer, one.late) for one in answered] == [
        (0, "", False),
        (0, "% Something went wrong", True),
        (1, "", False),
    ]


def test_words_before_the_first_echo_go_with_it() -> None:
    assert spoken(read(["one"], f"% hm\none\n{PROMPT}")) == [(0, "% hm")]


def test_prompt_of_somebody_else_is_no_prompt() -> None:
    answered = read(["one", "two"], f"one\nr2(config)#two\n{PROMPT}two\n{PROMPT}")
    assert spoken(answered) == [(0, "r2(config)#two"), (1, "")]


def test_prompt_outside_configuration_is_told() -> None:
    answered = read(["one", "two"], "one\nr1#two\n% Unknown command\nr1#")
    assert [one.prompt.mode for one in answered if one.prompt is not None] == [None, None]


# --- which lines -------------------------------------------------------------------------------


def texts(*commands: Command) -> list[list[str]]:
    return [[one.text for one in run] for run in runs(commands, IOS)]


def test_what_asks_opens_a_block_or_changes_the_prompt_goes_alone() -> None:
    assert texts(
        Command(text="ntp server 1.1.1.1"),
        Command(text="ntp server 1.1.1.2"),
        Command(text="no username bob", asks=(Ask(pattern="x", reply="y"),)),
        Command(text="banner motd ^", expect=Expect.TEXT),
        Command(text="ip route no line", expect=Expect.TEXT),
        Command(text="^"),
        Command(text="hostname r9"),
        Command(text="no ip http server"),
        Command(text="aaa new-model"),
        Command(text="line vty 0 4"),
        Command(text="session-limit 3", depth=1),
        Command(text="transport input ssh", depth=1),
    ) == [
        ["ntp server 1.1.1.1", "ntp server 1.1.1.2"],
        ["no username bob"],
        ["banner motd ^"],
        ["ip route no line"],
        ["^"],
        ["hostname r9"],
        ["no ip http server"],
        ["aaa new-model"],
        ["line vty 0 4"],
        ["session-limit 3"],
        ["transport input ssh"],
    ]


def test_exit_never_travels_with_the_header_of_its_section() -> None:
    assert texts(
        Command(text="interface Lo1"),
        Command(text="shutdown", depth=1),
        Command(text="exit", depth=1),
        Command(text="ntp server 1.1.1.1"),
        Command(text="router bgp 1"),
        Command(text="address-family ipv4", depth=1),
        Command(text="exit", depth=2),
        Command(text="exit", depth=1),
        Command(text="ntp server 1.1.1.2"),
    ) == [
        ["interface Lo1", "shutdown"],
        ["exit", "ntp server 1.1.1.1", "router bgp 1", "address-family ipv4"],
        ["exit", "exit", "ntp server 1.1.1.2"],
    ]


@given(
    st.lists(
        st.builds(
            Command,
            text=st.sampled_from(["exit", "shutdown", "interface Lo1", "aaa new-model", "x"]),
            depth=st.integers(0, 2),
            expect=st.sampled_from(Expect),
        ),
        max_size=30,
    )
)
def test_runs_are_all_lines_in_order(commands: list[Command]) -> None:
    assert [one for run in runs(commands, IOS) for one in run] == commands


# --- how many ----------------------------------------------------------------------------------


def test_window_grows_by_what_was_answered_up_to_its_limits() -> None:
    window = Window(lines=18, bytes=180)
    assert window.size == 16
    for _ in range(5):
        window.answered(Calm.CLEAN)
    assert window.size == 18
    assert window.room([9] * 17, 9)
    assert not window.room([9] * 18, 9)
    assert not window.room([90, 85], 10)
    assert window.room([], 1000)  # one line must always pass


def test_window_of_one_stays_one() -> None:
    window = Window(lines=1, bytes=100)
    window.answered(Calm.CLEAN)
    assert window.size == 1
    assert not window.room([1], 1)


def test_noise_means_single_lines_for_a_while_longer_each_time() -> None:
    window = Window(lines=64, bytes=100)
    lengths = []
    for _ in range(3):
        window.answered(Calm.NOISY)
        length = 0
        while window.size == 1:
            window.answered(Calm.CLEAN)
            length += 1
        lengths.append(length)
    assert lengths == [8, 16, 32]


@pytest.mark.parametrize("calm", [Calm.GARBLED, Calm.LOST])
def test_a_device_that_loses_text_is_given_single_lines_for_ever(calm: Calm) -> None:
    window = Window(lines=64, bytes=100)
    window.answered(calm)
    for _ in range(100):
        window.answered(Calm.CLEAN)
    assert window.size == 1
