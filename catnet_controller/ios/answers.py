"""What a device says after a config line: harmless, or the reason why it is not; and what it asks.

The policy is that of Cisco's own NED and of Netspoc: an answer that nobody knows to be harmless is
a refusal. A list of bad words never completes, because IOS refuses in hundreds of ways.
"""

import re

from catnet_controller.ios.changes import Ask
from catnet_controller.ios.rules import match
from catnet_controller.ios.words import canonical

# Source: the list of about 250 expressions in Cisco's cisco-ios NED (lower-cased), as measured.
_HARMLESS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"warning[:,] ",
        r"%\s*warning[:,] ",
        r"%?\s*note: ",
        r"%?\s*info: ",
        r"%?\s*information: ",
        r"translating ",
        r"%?\s*generating \d+ bit rsa keys",
        r"the name for the keys will be",
        r"%?\s*the key modulus size is \d+ bits",
        r"\[ok\](?: \(elapsed time was .*\))?$",
        r"%?\s*please create rsa keys to enable ssh",
        r"%?\s*(?:access )?vlan .*does not exist\.? ?creating vlan",
        r"%?\s*portfast has been configured on",
        r"%?\s*portfast will be configured in",
        r"%?\s*when .* is in a non-trunking mode",
        r"host\. connecting hubs, concentrators, switches, bridges",
        r"interface +when portfast is enabled, can cause temporary bridging loops",
        r"use with caution",
        r"(?:but will only )?have effect when the interface is in a non-trunking mode",
        r"%?\s*interface \S+ ipv[46] disabled and address\(es\) removed",
        r"%?\s*ip.* addresses from all interfaces in vrf .* have been removed",
        r"%?\s*all rsa keys will be removed",
        r"%?\s*all router certs issued using these keys will also be removed",
        r"interface \S+ set to default configuration",
        r".* set to default configuration$",
        r"for vrf .* scheduled for deletion",
        r".*will take effect after reload",
        r".*redundant .* statement",
        r"enter text message",
        r"enter macro commands one per line",
        r"enter configuration commands, one per line",
        r"%?\s*failed to generate persistent self-signed certificate",
        r"service policy .+ not attached",
        r".*enabling mls qos globally",
        r"the enable password you have chosen is the same as your enable secret",
        r"this is not recommended\. {1,2}re-enter the enable password",
        r"%?\s*creating a port-channel interface",
        r"creating a port-channel interface",
        r"%\s*removing? .*",
        r"%\s*ipv6 .*addresses .* removed",
        r"building configuration",
        # FRRouting (strings of bgpd and ospfd 8.4): the line is taken all the same.
        r"the route-map '\S+' does not exist\.$",
        r"this command is deprecated, because it is not vrf-aware\.$",
    )
)
# Hard errors that come in the clothes of a warning (same source).
_HARD: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"warning: current config does not permit hsrp version 1",
        r"warning: this command is no longer supported",
        r".*password/key will be truncated to \d+ characters",
        r"%\s*warning: .*(?:rejected|refused|not (?:allowed|permitted))",
    )
)
_CARET = re.compile(r"^\s*\^\s*$")
# Messages that appear by themselves: syslog, the rollback notice, the shutdown countdown.
_UNASKED = re.compile(
    r"""(?: (?:\d+:\ )?[*.]?(?:[A-Z][a-z]{2}\ +\d+|\d+:|\d\d:\d\d).*: \ %[A-Z0-9_]+-\d-[A-Z0-9_]+:
      | %[A-Z0-9_]+-\d-[A-Z0-9_]+:
      | \*{3}(?:\ ---\ SHUTDOWN\ .*)?$
      | Rollback\ Confirmed\ Change:\ (?:Rollback\ will\ begin|Backing\ up)
      | Enter\ "configure\ confirm"\ if\ you\ wish
    )""",
    re.VERBOSE,
)


def judge(line: str, answer: str) -> str | None:
    """None when the answer to a config line is harmless, else the reason in one line.

    ``answer`` is what the device printed between the echo of ``line`` and the next prompt. A reason
    quotes the device; redact it before it leaves.
    """
    caret = False
    reasons: list[str] = []
    for raw in answer.replace("\r", "\n").split("\n"):
        said = raw.strip().replace("\x07", "")
        if not said:
            continue
        if _CARET.match(raw):
            caret = True
            continue
        if _UNASKED.match(said):
            continue
        if any(pattern.match(said) for pattern in _HARD):
            reasons.append(said)
        elif _asked(line, said) or any(pattern.match(said) for pattern in _HARMLESS):
            continue
        else:
            reasons.append(said)
    if caret and not reasons:
        reasons.append("% Invalid input detected at '^' marker.")
    return " ".join(reasons[:3]) if reasons else None


def unasked(line: str) -> bool:
    """Whether a line of output came by itself and is no answer to anything."""
    return _UNASKED.match(line.strip()) is not None


def asks(line: str) -> tuple[Ask, ...]:
    """The questions that IOS may put after a config line, with what to answer."""
    text = canonical(line)
    for mode in ("config", "trustpoint"):
        if found := match(mode, text):
            negated = found.negative or found.row.kind.value == "block"
            return found.row.asks if negated else ()
    return ()


def _asked(line: str, said: str) -> bool:
    """True for the text of a question that the line is known to raise."""
    known = asks(line)
    return bool(known) and any(
        re.search(one.pattern, said) or said.startswith(_QUESTIONS) for one in known
    )


_QUESTIONS = (
    "This operation will remove all username related configurations",
    "Do you want to continue",
    "Continue?",
    "Changing configuration back to no aaa new-model is not supported",
    "% Removing an enrolled trustpoint will destroy all certificates",
    "received from the related Certificate Authority",
    "Are you sure you want to do this?",
    "% This will remove all certificates",
    "% Be sure to ask the CA administrator to revoke your certificates",
)
