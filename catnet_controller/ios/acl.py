"""Access-list entries: the number and the text apart, and one spelling for equal meanings."""

import re
from functools import lru_cache

_HOST = re.compile(r"(permit|deny) host (\S+)( log)?$")
_MASKED = re.compile(r"(permit|deny) (\S+) 0\.0\.0\.0( log)?$")
_EXTENDED_HOST = re.compile(r"(?<= )(\d+\.\d+\.\d+\.\d+) 0\.0\.0\.0(?= |$)")
_ANY = re.compile(r"(?<= )0\.0\.0\.0 255\.255\.255\.255(?= |$)")
_OPERATORS = {"eq": 1, "neq": 1, "gt": 1, "lt": 1, "range": 2}
_SEQUENCE_LAST = re.compile(r"(.*) sequence (\d+)$")

# Names IOS prints for port numbers (Cisco IOS Security command reference, `access-list extended`).
_TCP = {
    7: "echo", 9: "discard", 13: "daytime", 19: "chargen", 20: "ftp-data", 21: "ftp", 22: "22",
    23: "telnet", 25: "smtp", 37: "time", 43: "whois", 49: "tacacs", 53: "domain", 70: "gopher",
    79: "finger", 80: "www", 101: "hostname", 109: "pop2", 110: "pop3", 111: "sunrpc",
    113: "ident", 119: "nntp", 179: "bgp", 194: "irc", 496: "pim-auto-rp", 512: "exec",
    513: "login", 514: "cmd", 515: "lpd", 517: "talk", 540: "uucp", 543: "klogin", 544: "kshell",
}  # fmt: skip
_UDP = {
    7: "echo", 9: "discard", 37: "time", 42: "nameserver", 49: "tacacs", 53: "domain",
    67: "bootps", 68: "bootpc", 69: "tftp", 111: "sunrpc", 123: "ntp", 137: "netbios-ns",
    138: "netbios-dgm", 139: "netbios-ss", 161: "snmp", 162: "snmptrap", 177: "xdmcp", 195: "dnsix",
    434: "mobile-ip", 496: "pim-auto-rp", 500: "isakmp", 512: "biff", 513: "who", 514: "syslog",
    517: "talk", 520: "rip", 4500: "non500-isakmp",
}  # fmt: skip
_NAMES = {
    protocol: {str(port): name for port, name in names.items()}
    for protocol, names in (("tcp", _TCP), ("udp", _UDP))
}
_NUMBER = re.compile(r" 0*(\d+)(?= |$)")
# What most entries are: no number that has a name, no address that is a host or anything.
_PRINTED = re.compile(
    r"(?:permit|deny) (?!host )[a-z][a-z-]*"
    r"(?: (?:[A-Za-z][\w-]*|(?!0\.0\.0\.0)\d+\.[\d.]+|(?!4500)[1-9]\d{3,4})(?= |$))+$"
)
_PROTOCOLS = {
    "1": "icmp", "2": "igmp", "4": "ipinip", "6": "tcp", "17": "udp", "47": "gre", "50": "esp",
    "51": "ahp", "88": "eigrp", "89": "ospf", "94": "nos", "103": "pim", "108": "pcp",
}  # fmt: skip


def entry(line: str) -> tuple[int | None, str]:
    """An entry as typed or printed to its number (or None) and its text in one spelling."""
    number, text = split(line)
    return number, rule(text)


def split(line: str) -> tuple[int | None, str]:
    """The number of an entry, or None, and what stands beside it."""
    head, _, rest = line.partition(" ")
    if head == "sequence":
        head, _, rest = rest.partition(" ")
    if head.isdecimal() and rest:
        return int(head), rest
    if " sequence " in line and (found := _SEQUENCE_LAST.match(line)):
        return int(found[2]), found[1]
    return None, line


@lru_cache(maxsize=131072)
def rule(text: str) -> str:
    """An entry without its number in one spelling: the text itself where it is printed so."""
    return text if _PRINTED.match(text) or text.startswith("remark") else _spelling(text)


def _spelling(text: str) -> str:
    words = text.split()
    text = " ".join(words)
    if len(words) < 3:
        return text
    if words[1] in _PROTOCOLS and words[0] in ("permit", "deny"):
        words[1] = _PROTOCOLS[words[1]]
        text = " ".join(words)
    if len(words) < 5 and (found := _HOST.match(text) or _MASKED.match(text)):
        return f"{found[1]} {found[2]}{found[3] or ''}"
    if " 0.0.0.0" in text:
        text = _EXTENDED_HOST.sub(r"host \1", _ANY.sub("any", text))
    names = _NAMES.get(words[1])
    if names is None or not any(map(names.__contains__, _NUMBER.findall(text))):
        return text
    return _named(text.split(), names)


def _named(words: list[str], names: dict[str, str]) -> str:
    """Port numbers as the names IOS prints: the first behind an operator, both of a range."""
    for place, word in enumerate(words):
        if word in _OPERATORS:
            for port in range(place + 1, min(place + _OPERATORS[word] + 1, len(words))):
                words[port] = names.get(words[port].lstrip("0"), words[port])
    return " ".join(words)


def remark(text: str) -> bool:
    """True for the text of a comment entry."""
    return text.startswith("remark")


def numbered(number: int) -> bool:
    """True for a number of a standard or extended IP access list."""
    return number < 200 or 1300 <= number < 2700


def family(number: int) -> str:
    """``standard`` or ``extended``, by the number of an IP access list."""
    return "standard" if number < 100 or 1300 <= number < 2000 else "extended"
