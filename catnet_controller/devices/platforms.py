"""What differs between network operating systems, as data: one `Platform` each, no branches.

Sources are the transcripts in Cisco's documentation and in public recordings of real devices.
Patterns are matched against text with CR removed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from catnet_controller.ios.changes import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertTimer:
    """How a device is told to undo a change by itself unless it is confirmed in time."""

    arm: str
    """Enters configuration mode with a timer of ``{minutes}``."""
    show: str
    pending: re.Pattern[str]
    """In the answer of ``show``: one is pending; group ``user`` is who may end it."""
    idle: re.Pattern[str]
    """In the answer of ``show`` or ``confirm``: none is pending."""
    fired: re.Pattern[str]
    """In any answer: the timer has fired, the device rolls back."""
    confirm: str
    revert: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One network operating system as a session and a transaction need to know it."""

    name: str
    prompt: re.Pattern[str]
    """A whole line that is a prompt; groups ``name``, ``mode`` (in brackets) and ``sign``."""
    config_mode: re.Pattern[str]
    """The ``mode`` of a prompt at which configuration lines are typed."""
    cut: int
    """The prompt of a configuration mode shows at least this many letters of the hostname."""
    paging: tuple[str, ...]
    """Typed once after login so that output comes unpaged and unwrapped."""
    columns: int | None
    """Width of the terminal that is asked for; None leaves it to the device."""
    privilege: str | None
    """Shows the level of the login; None where every login may read all of the config."""
    privileged: re.Pattern[str]
    """What ``privilege`` answers when all of the running-config may be read."""
    running: str
    startup: str | None
    """Shows startup-config; None where it cannot be shown, then saving is never left out."""
    config_start: re.Pattern[str]
    """The first line of a config as shown; before it stands what `exec prompt timestamp` adds."""
    interfaces: str
    """Shows every interface in a line, and whether it is up."""
    ping: str | None
    """Asks ``{target}`` in ``{vrf}`` three times; None where a ping does not end by itself."""
    configure: str
    timer: RevertTimer | None
    """None where the device cannot undo by itself; a push then follows the device's fallback."""
    leave: str
    save: str
    saved: re.Pattern[str]
    save_busy: re.Pattern[str]
    """In the answer of ``save``: another process writes, try again soon."""
    save_asks: tuple[Ask, ...]
    locked: re.Pattern[str]
    """In the answer to entering configuration mode: somebody else holds the configuration."""
    refused: re.Pattern[str]
    """A line by which a command is refused."""
    notices: tuple[re.Pattern[str], ...]
    """Text that comes by itself, also on the line of a prompt, and is no answer to anything."""
    question: re.Pattern[str]
    """The end of output that waits for somebody to answer."""
    pager: re.Pattern[str]
    block_open: re.Pattern[str]
    """The line by which the device says that a text block is open and takes lines as content."""
    renames: re.Pattern[str]
    """A configuration line that changes the prompt at once; group ``name`` is the new name."""
    unnamed: tuple[str, ...]
    """Hostnames of a device after ``no hostname``."""
    typeahead: int
    """Bytes of lines that a session may send before the device has answered any of them."""
    alone: re.Pattern[str]
    """A configuration line that is typed alone: it reads more input, leaves the mode, or changes
    who may be on the device and how."""
    spellings: tuple[tuple[re.Pattern[str], str], ...] = ()
    """Lines that are typed otherwise than IOS wants them: the whole line, and what replaces it."""

    def reverts(self, answer: str) -> bool:
        """Whether the answer to any line says that the timer fired and the device rolls back."""
        return self.timer is not None and self.timer.fired.search(answer) is not None


IOS = Platform(
    name="ios",
    prompt=re.compile(
        r"(?P<name>[A-Za-z0-9_][\w.\-]{0,62})(?:\((?P<mode>[\w.+\-/]+)\))?(?P<sign>[>#]) ?"
    ),
    # Most modes are `config-…`; these are the others (Cisco IOS command references, by feature).
    config_mode=re.compile(
        r"(?:config|cfg)(?:-[\w.+\-/]+)?|dhcp-config|ca-[\w\-]+|cs-server|ipsec-profile"
        r"|conf-ssh-pubkey(?:-\w+)?|gdoi-[\w\-]+"
    ),
    cut=15,
    paging=("terminal length 0", "terminal width 512"),
    columns=None,
    privilege="show privilege",
    privileged=re.compile(r"privilege level is 15\b"),
    running="show running-config",
    startup="show startup-config",
    config_start=re.compile(
        r"^(?:Building configuration|Current configuration|Using \d|!|version )", re.MULTILINE
    ),
    interfaces="show ip interface brief",
    ping="ping {vrf}{target} repeat 3 timeout 2",
    configure="configure terminal",
    timer=RevertTimer(
        arm="configure terminal revert timer {minutes}",
        show="show archive config rollback timer",
        pending=re.compile(
            r"^Timer (?:type|value):(?:.*\n)*?\s*User:\s*(?P<user>\S*)", re.MULTILINE
        ),
        idle=re.compile(r"No Rollback Confirmed Change pending", re.IGNORECASE),
        fired=re.compile(r"Rollback Confirmed Change: rolling to", re.IGNORECASE),
        confirm="configure confirm",
        revert="configure revert now",
    ),
    leave="end",
    save="write memory",
    saved=re.compile(r"\[OK\]"),
    save_busy=re.compile(r"Device or resource busy|file open failed", re.IGNORECASE),
    save_asks=(
        # A config of another image is replaced: that is what saving means. One key is read.
        Ask(
            pattern=r"Overwrite the previous NVRAM configuration\s*\?\s*\[confirm\]",
            reply="y",
            bare=True,
        ),
        # A cut startup-config would boot a cripple: never.
        Ask(pattern=r"Truncate config\?*\s*\[no\]:?", reply="no"),
    ),
    locked=re.compile(
        r"Configuration (?:mode )?(?:is )?locked|Config mode cannot be entered|"
        r"Do you want to kill that session|Configuration session is locked",
        re.IGNORECASE,
    ),
    refused=re.compile(
        r"^\s*(?:%|Error\b|Command authorization failed|Command rejected)",
        re.MULTILINE | re.IGNORECASE,
    ),
    # None takes the newline before it: that may be the end of a line of output.
    notices=(
        re.compile(
            r"Rollback Confirmed Change: Rollback will begin in one minute\.\n+"
            r"Enter [\"“]configure confirm[\"”] if you wish to keep what you[’']ve configured\n*"
        ),
        re.compile(
            r"(?:[*.]?[A-Z][a-z]{2} +\d{1,2} (?:\d{4} )?"
            r"\d\d:\d\d:\d\d(?:\.\d+)?(?: [A-Z]{2,5})?: )?"
            r"%[A-Z0-9_\-]+-\d-[A-Z0-9_]+:[^\n]*\n"
        ),
        re.compile(r"\*\*\*\n\*\*\* --- SHUTDOWN [^\n]*---\n\*\*\*\n+"),
    ),
    question=re.compile(
        r"(?:\[confirm\]|\[(?:yes|no|yes/no|y/n|y|n)\]\s*:?|\((?:y/n|yes/no)\)(?:\s*\[\w+\])?\s*:?|"
        r"\[[^\]\n]*\]\?|\?\s*\[\w*\]:?|[Pp]assword:|\[modulus\]:)[ ]*\Z",
        re.IGNORECASE,
    ),
    pager=re.compile(r"(?:\x1b\[K)? ?--More-- ?(?:\x08+ *\x08*|\x1b\[K)?"),
    block_open=re.compile(r"^Enter .*End with .*\n", re.MULTILINE | re.IGNORECASE),
    renames=re.compile(r"(?:no )?hostname(?: (?P<name>\S+))?\s*"),
    unnamed=("Router", "Switch"),
    # Half of the TCP window that IOS offers by default (`ip tcp window-size`, 4128 bytes).
    typeahead=2048,
    alone=re.compile(
        r"(?:no |default )?(?:aaa|archive|banner|boot|crypto|enable|ip ssh|key config-key|license"
        r"|line|login|macro|privilege|radius|tacacs|transport|tacacs-server|radius-server|username"
        r"|parser|path|server|access-class|certificate)\b|end$|do |configure\b|terminal\b|tclsh\b"
        r"|default interface\b"
    ),
)

_NEVER = re.compile(r"(?!)")

FRR = replace(
    IOS,
    name="frr",
    config_mode=re.compile(r"config(?:-[\w\-]+)?"),
    cut=63,
    paging=("terminal length 0",),
    # vtysh edits the line with readline, which wraps a long one and so tears its echo.
    columns=512,
    privilege=None,
    startup=None,
    interfaces="show interface brief",
    ping=None,
    timer=None,
    # Sources: the strings of vtysh 8.4 and its wire, recorded. It says that it saved after a
    # failed flush too, and it may not change the owner of the file when it is not root.
    saved=re.compile(
        r"\A(?![\s\S]*^% ?(?:Error|Can't open|Warning: (?:stat|fflush|fsync)))"
        r"[\s\S]*^(?:Integrated c|C)onfiguration saved to \S",
        re.MULTILINE,
    ),
    save_busy=_NEVER,
    save_asks=(),
    locked=re.compile(r"% Configuration is locked|% Unable to lock", re.IGNORECASE),
    refused=re.compile(r"^(?:%|\w+ is not running)", re.MULTILINE),
    notices=(),
    block_open=_NEVER,
    unnamed=(),
    spellings=(
        # It wants the number of the AS, or no word after the neighbor.
        (re.compile(r"(\s*no neighbor \S+) remote-as"), r"\1"),
        # It wants the value that goes; any will do.
        (re.compile(r"(\s*no area \S+ default-cost)"), r"\1 1"),
    ),
)
"""FRRouting 8 behind `vtysh`: no privilege levels, no archive, no timer, no way to show what is
saved, one configuration for everybody at once."""

PLATFORMS: Mapping[str, Platform] = MappingProxyType({"ios": IOS, "iosxe": IOS, "frr": FRR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithms:
    """What SSH may negotiate, best and cheapest first."""

    kex: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    host_keys: tuple[str, ...]


_MODERN = Algorithms(
    kex=(
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group-exchange-sha256",
    ),
    ciphers=(
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
    ),
    macs=(
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    ),
    host_keys=(
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-256",
        "rsa-sha2-512",
    ),
)
_LEGACY = Algorithms(
    kex=(*_MODERN.kex, "diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1"),
    ciphers=(*_MODERN.ciphers, "aes128-cbc", "aes192-cbc", "aes256-cbc"),
    macs=(*_MODERN.macs, "hmac-sha1"),
    host_keys=(*_MODERN.host_keys, "ssh-rsa"),
)
_ANCIENT = Algorithms(
    kex=(*_LEGACY.kex, "diffie-hellman-group1-sha1"),
    ciphers=(*_LEGACY.ciphers, "3des-cbc"),
    macs=(*_LEGACY.macs, "hmac-sha1-96", "hmac-md5"),
    host_keys=(*_LEGACY.host_keys, "ssh-dss"),
)

ALGORITHMS: Mapping[str, Algorithms] = MappingProxyType(
    {"modern": _MODERN, "legacy": _LEGACY, "ancient": _ANCIENT}
)
"""Profiles: ``legacy`` adds SHA-1 and CBC (IOS 12.4 to 15), ``ancient`` group 1 and 3DES."""
