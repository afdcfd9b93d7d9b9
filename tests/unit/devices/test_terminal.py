"""A terminal finds the answer to each line, whatever the device says around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.devices.credentials import Credential
from catnet_controller.errors import (
    ConnectionLost,
    DeviceBusy,
    DeviceTimeout,
    EnableFailed,
    LineRefused,
    PromptUnexpected,
)
from catnet_controller.ios.changes import Ask, Command, Expect
from tests.helpers_devices import ScriptedWire, answers, terminal

CREDENTIAL = Credential(username="catnet", password="pw")
LEVEL = "Current privilege level is 15\nr1#"


def wire(
    table: dict[str, str] | None = None, *, greeting: str = "\nr1#", cut: int = 65536
) -> ScriptedWire:
    return ScriptedWire(
        answers({"show privilege": LEVEL, **(table or {})}, "r1#"), greeting=greeting, cut=cut
    )


async def test_learns_the_prompt_and_switches_paging_off() -> None:
    device = wire()
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        assert talk.hostname == "r1"
        assert talk.ready
    assert device.typed == ["", "terminal length 0", "terminal width 512", "show privilege"]
    assert device.dropped


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 64])
async def test_banner_that_looks_like_a_prompt_is_not_the_prompt(cut: int) -> None:
    device = wire(greeting="\n#######\ncore-sw1#\n  keep out >\ncore-sw1#", cut=cut)
    device.say(" is watched\nr1#")
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        assert talk.hostname == "r1"


async def test_long_banner_in_two_parts_with_a_false_prompt() -> None:
    device = wire(greeting="\n" + "keep out\n" * 30 + "core-sw1#")

    def answer(line: str) -> str:
        # The rest of the banner comes after the first ENTER, as from a slow device.
        if len(device.typed) == 1:
            return " is the one\n" + "keep out\n" * 30 + "\nr1#"
        return LEVEL if line == "show privilege" else "r1#"

    device._answer = answer
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        assert talk.hostname == "r1"


async def test_enter_that_a_device_lost_is_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catnet_controller.devices.terminal._LOST_AFTER", 0.05)
    device = wire()
    real_write, writes = device.write, []

    def write(data: bytes) -> None:
        writes.append(data)
        if len(writes) > 1:
            real_write(data)

    device.write = write  # type: ignore[method-assign]
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        assert talk.ready


@given(cut=st.integers(1, 40), body=st.text("ab#>\n \té\udce4r1", max_size=60))
async def test_answer_is_whole_however_it_is_cut(cut: int, body: str) -> None:
    # What the device says ends in a newline before the prompt; the prompt itself may not occur.
    said = "\n".join(line for line in body.split("\n") if line.strip() not in ("r1#", "r1>"))
    device = wire({"show x": f"{said}\nr1#"}, cut=cut)
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        answer = await talk.run("show x")
    assert answer == f"\n{said}"


async def test_prompt_of_another_device_does_not_end_the_answer() -> None:
    device = wire({"show x": "banner motd ^C\nr2#\nr1#x\nr1(config)# no\n^C\nr1#"}, cut=5)
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        answer = await talk.run("show x")
    assert answer.strip() == "banner motd ^C\nr2#\nr1#x\nr1(config)# no\n^C"


async def test_line_that_is_the_prompt_does_not_cut_what_must_be_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("catnet_controller.devices.terminal._FOLLOWS", 0.05)
    device = wire()
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)

        def answer(line: str) -> str:
            if line == "show config":
                # A read of its own ends just there.
                device.say("show config\nbanner motd ^C\nr1#")
                return "\n^C\nend\nr1#"
            return "r1#"

        device._echo, device._answer = False, answer
        config = await talk.run("show config", whole=lambda text: text.endswith("\nend"))
        assert config.strip() == "banner motd ^C\nr1#\n\n^C\nend"
        device._echo, device._answer = True, answers({}, "% Invalid input\nr1#")
        refused = await talk.run("show other", whole=lambda text: text.endswith("\nend"))
        assert refused.strip() == "% Invalid input"
        assert talk.ready


async def test_bytes_that_are_no_utf8_survive() -> None:
    device = wire({"show x": "description B\udcfcro\nr1#"}, cut=1)
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        answer = await talk.run("show x")
    assert answer.strip().encode("utf-8", "surrogateescape") == b"description B\xfcro"


async def test_pager_is_turned_and_its_marks_vanish() -> None:
    wiped = "\b" * 9 + " " * 8 + "\b" * 9
    device = ScriptedWire(answers({"show privilege": LEVEL}, "r1#"), greeting="\nr1#")
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        device._answer = answers({"show x": "one\n --More-- "}, "r1#")
        real_write = device.write

        def write(data: bytes) -> None:
            if data == b" ":
                device.say(f"{wiped}two\n --More-- " if not turned else f"{wiped}three\nr1#")
                turned.append(1)
            else:
                real_write(data)

        turned: list[int] = []
        device.write = write  # type: ignore[method-assign]
        answer = await talk.run("show x")
    assert answer.split() == ["one", "two", "three"]


ARMING = (
    "Rollback Confirmed Change: Rollback will begin in one minute.\n"
    'Enter "configure confirm" if you wish to keep what you\'ve configured\n'
    "\n"
    "*Feb 15 15:56:41.528: %ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_BACKUP: Backing up current running "
    "config to flash:archive-Feb-15-15-56-38.517-1\n"
    "*Feb 15 15:56:41.529: %ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_START_ABSTIMER: User: console(Priv: "
    "15, View: 0): Scheduled to rollback to config flash:archive-1 in 1 minutes\n"
)


@pytest.mark.parametrize("cut", [1, 9, 200, 65536])
async def test_notice_on_the_line_of_the_prompt(cut: int) -> None:
    """As recorded from a real device: the prompt is not drawn again after the notice."""
    device = wire(
        {
            "configure terminal revert timer 1": "Enter configuration commands, one per line.  "
            f"End with CNTL/Z.\nr1(config)#{ARMING}",
            "hostname r1": "r1(config)#",
        },
        cut=cut,
    )
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        answer = await talk.run("configure terminal revert timer 1")
        assert talk.configuring
        assert "Rollback will begin" not in answer
        exchange = await talk.type(Command(text="hostname r1"))
    assert exchange.answer == ""


async def test_late_words_of_the_line_before_are_not_lost() -> None:
    device = wire({"configure terminal": "r1(config)#", "one": "r1(config)#"})
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        device.say("% Something went wrong\n")
        exchange = await talk.type(Command(text="one"))
    assert "went wrong" in exchange.answer


async def test_no_configuration_line_outside_configuration_mode() -> None:
    device = wire({"configure terminal": "Configuration mode is locked by process '4'\nr1#"})
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        with pytest.raises(PromptUnexpected):
            await talk.type(Command(text="reload"))
    assert "reload" not in device.typed


async def test_foreseen_question_is_answered_with_one_key() -> None:
    device = wire({"configure terminal": "r1(config)#"})
    question = "This will remove it.Do you want to continue? [confirm]"
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        keys: list[bytes] = []
        real_write = device.write

        def write(data: bytes) -> None:
            if data == b"y":
                keys.append(data)
                device.say("\nr1(config)#")
            else:
                real_write(data)

        device.write = write  # type: ignore[method-assign]
        device._answer = answers({"no username bob": question}, "r1(config)#")
        ask = Ask(pattern=r"\[confirm\]", reply="y", bare=True)
        exchange = await talk.type(Command(text="no username bob", asks=(ask,)))
    assert keys == [b"y"]
    assert exchange.answer == ""


async def test_reply_of_a_foreseen_question_is_no_answer_of_the_device() -> None:
    table = {
        "configure terminal": "r1(config)#",
        "crypto key zeroize rsa": (
            "% All keys will be removed.\nDo you really want to remove these keys? [yes/no]: "
        ),
    }
    device = wire(table)
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        device._answer = answers(table, "r1(config)#")
        ask = Ask(pattern=r"remove these keys\?", reply="yes")
        exchange = await talk.type(Command(text="crypto key zeroize rsa", asks=(ask,)))
    assert exchange.answer == "% All keys will be removed."


async def test_unknown_question_is_not_answered_and_ends_the_session() -> None:
    device = wire({"erase": "Erasing it all! Continue? [confirm]"})
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        typed = list(device.typed)
        with pytest.raises(LineRefused, match="Continue"):
            await talk.run("erase")
        assert device.typed == [*typed, "erase"]
        with pytest.raises(ConnectionLost):
            await talk.run("show x")


async def test_text_block_is_content_until_it_ends() -> None:
    table = {
        "configure terminal": "r1(config)#",
        "banner motd ~": "Enter TEXT message.  End with the character '~'.\n",
        "keep out": "",
        "": "",
        "~": "r1(config)#",
    }
    device = wire()
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        device._answer = answers(table, "r1(config)#")
        await talk.run("configure terminal")
        for text in ("banner motd ~", "keep out", "", "keep out"):
            await talk.type(Command(text=text, expect=Expect.TEXT))
        await talk.type(Command(text="~"))
        assert talk.configuring


async def test_refused_block_takes_no_content() -> None:
    device = wire(
        {
            "configure terminal": "r1(config)#",
            "banner foo ~": "       ^\n% Invalid input detected at '^' marker.\n\nr1(config)#",
        }
    )
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        exchange = await talk.type(Command(text="banner foo ~", expect=Expect.TEXT))
    assert "Invalid input" in exchange.answer


async def test_prompt_follows_a_new_hostname() -> None:
    device = wire({"configure terminal": "r1(config)#", "hostname edge": "edge(config)#"})
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        await talk.type(Command(text="hostname edge"))
        assert talk.hostname == "edge"
        device._answer = answers({"end": "edge#"}, "")
        await talk.run("end")
        assert talk.ready


async def test_long_hostname_is_cut_in_configuration_mode() -> None:
    name = "a-very-long-hostname-of-a-router"
    table = {
        "show privilege": f"Current privilege level is 15\n{name}#",
        "configure terminal": f"{name[:20]}(config)#",
    }
    device = ScriptedWire(answers(table, f"{name}#"), greeting=f"\n{name}#")
    async with terminal(device) as talk:
        await talk.settle(CREDENTIAL)
        await talk.run("configure terminal")
        assert talk.configuring


async def test_silence_is_a_timeout_and_the_end() -> None:
    device = wire({"show x": "half an answer"})
    async with terminal(device, patience=0.05) as talk:
        await talk.settle(CREDENTIAL)
        with pytest.raises(DeviceTimeout):
            await talk.run("show x")
        assert not talk.alive


async def test_wrong_enable_secret() -> None:
    def answer(line: str) -> str:
        return "Password: " if line == "enable" else "% Access denied\n\nPassword: "

    device = ScriptedWire(lambda line: "r1>" if line == "" else answer(line), greeting="\nr1>")
    with pytest.raises(EnableFailed) as caught:
        async with terminal(device) as talk:
            await talk.settle(Credential(username="catnet", password="pw", enable="hush"))
    assert "hush" not in str(caught.value)


async def test_low_privilege_is_refused_because_it_reads_a_partial_config() -> None:
    device = ScriptedWire(
        answers({"show privilege": "Current privilege level is 7\nr1#"}, "r1#"), greeting="\nr1#"
    )
    with pytest.raises(EnableFailed):
        async with terminal(device) as talk:
            await talk.settle(CREDENTIAL)


async def test_session_closed_at_login_is_a_busy_device() -> None:
    device = wire(greeting="")
    device.hang_up()
    with pytest.raises(DeviceBusy):
        async with terminal(device) as talk:
            await talk.settle(CREDENTIAL)
