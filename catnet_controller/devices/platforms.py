"""What differs between network operating systems, as data: one `Platform` each, no branches.

Sources are the transcripts in Cisco's documentation and in public recordings of real devices.
Patterns are matched against text with CR removed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catnet_controller.ios.changes import Ask


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
    privilege: str
    privileged: re.Pattern[str]
    """What ``privilege`` answers when all of the running-config may be read."""
    running: str
    startup: str
    config_start: re.Pattern[str]
    """The first line of a config as shown; before it stands what `exec prompt timestamp` adds."""
    configure: str
    arm: str
    """Enters configuration mode with a revert timer of ``{minutes}``."""
    timer: str
    """Shows the pending timer."""
    pending: re.Pattern[str]
    """In the answer of ``timer``: one is pending; group ``user`` is who may end it."""
    idle: re.Pattern[str]
    """In the answer of ``timer`` or ``confirm``: none is pending."""
    fired: re.Pattern[str]
    """In any answer: the timer has fired, the device rolls back."""
    confirm: str
    revert: str
    leave: str
    save: str
    saved: re.Pattern[str]
    save_busy: re.Pattern[str]
    """In the answer of ``save``: another process writes, try again soon."""
    save_asks: tuple[Ask, ...]
    locked: re.Pattern[str]
    """In the answer of ``arm`` or ``configure``: somebody else holds the configuration."""
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
    privilege="show privilege",
    privileged=re.compile(r"privilege level is 15\b"),
    running="show running-config",
    startup="show startup-config",
    config_start=re.compile(
        r"^(?:Building configuration|Current configuration|Using \d|!|version )", re.MULTILINE
    ),
    configure="configure terminal",
    arm="configure terminal revert timer {minutes}",
    timer="show archive config rollback timer",
    pending=re.compile(r"^Timer (?:type|value):(?:.*\n)*?\s*User:\s*(?P<user>\S*)", re.MULTILINE),
    idle=re.compile(r"No Rollback Confirmed Change pending", re.IGNORECASE),
    fired=re.compile(r"Rollback Confirmed Change: rolling to", re.IGNORECASE),
    confirm="configure confirm",
    revert="configure revert now",
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

PLATFORMS: Mapping[str, Platform] = MappingProxyType({"ios": IOS, "iosxe": IOS})


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
