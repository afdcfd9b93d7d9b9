"""Commands in; the parts of a device they put at risk, in a word each, out."""

import re
from collections.abc import Sequence
from typing import Final

from catnet_controller.ios.changes import Command, Expect
from catnet_controller.ios.danger import dangers
from catnet_controller.ios.words import canonical

MANAGEMENT: Final = "management access"
# What the whole section (its first line, without `no`) is about. AAA and routing are not what
# cuts CatNet off (ios/danger knows that), but what a reviewer must not overlook.
_SECTIONS: Final = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"(?:aaa|tacacs|tacacs-server|radius|radius-server|username|enable|privilege) ", "AAA"),
        (r"line (?:vty|con)|ip ssh |ip http |access-class ", MANAGEMENT),
        (r"(?:router|route-map|key chain|vrf definition) ", "routing"),
        (r"ip(?:v6)? (?:routing|unicast-routing|vrf|local policy)(?: |$)", "routing"),
        (r"ip(?:v6)? (?:route|prefix-list|as-path|community-list|default-network) ", "routing"),
    )
)
_INSIDE_INTERFACE: Final = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"ip(?:v6)? (?:ospf|eigrp|rip|router|policy|summary-address) ", "routing"),
        (r"(?:isis|vrf forwarding|ip vrf forwarding) ", "routing"),
    )
)
_ORDER: Final = (MANAGEMENT, "AAA", "routing", "removes interfaces", "shuts interfaces")


def risks(commands: Sequence[Command]) -> tuple[str, ...]:
    """The risks, the gravest first: management access, AAA, routing, interfaces gone or shut."""
    found = {MANAGEMENT for each in dangers(commands) if each.kind == "management"}
    section, block = "", False
    for command in commands:
        if not block:
            text = canonical(command.text, None)
            subject = _subject(text)
            if command.depth == 0:
                section = subject
                found.update(word for pattern, word in _SECTIONS if pattern.match(section))
                if section.startswith("interface ") and text != section:
                    found.add("removes interfaces")
            elif section.startswith("interface "):
                found.update(w for pattern, w in _INSIDE_INTERFACE if pattern.match(subject))
                if text == "shutdown":
                    found.add("shuts interfaces")
        block = command.expect is Expect.TEXT
    return tuple(word for word in _ORDER if word in found)


def _subject(text: str) -> str:
    return text.removeprefix("no ").removeprefix("default ")
