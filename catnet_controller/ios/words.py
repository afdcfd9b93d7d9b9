"""A typed or printed line to the one spelling this room compares: blanks, names, keywords."""

import re
from functools import lru_cache

from catnet_controller.ios.names import TYPES, interface, known

CLOSERS = frozenset(
    {
        "exit", "quit", "exit-address-family", "exit-af-interface", "exit-af-topology",
        "exit-service-family", "exit-sf-interface", "exit-sf-topology", "exit-vrf",
        "exit-peer-policy", "exit-peer-session",
    }
)  # fmt: skip
"""Lines that end a section; the device prints some of them, and none of them is content."""

# Lines whose tail is free text: blanks inside count (facts: description, remark, snmp, EEM).
_FREE = re.compile(
    r"""(?:no\ )? (?: description | remark | (?:\d+|sequence\ \d+)\ remark
      | access-list\ \S+\ remark
      | snmp-server\ (?:location|contact|chassis-id) | alias | action\ \S+ | title | name
      | neighbor\ \S+\ description | ip\ prefix-list\ \S+\ description
      | ipv6\ prefix-list\ \S+\ description | event\ syslog\ pattern | banner | macro\ description
      | subject-name | exit-message | rd-description | vlan-name )(?=\s|$)""",
    re.VERBOSE,
)
_LEAD = re.compile(r"\s+")
_CONTEXT = (
    r"interface|source-interface|update-source|passive-interface|unnumbered|af-interface"
    r"|tunnel source|ntp source|trap-source|source-interface informs|backup interface|^source"
    r"|mpls ldp router-id|advertise-source"
)
_NAMED = re.compile(
    rf"(?<![\w-])({_CONTEXT}) ([A-Za-z][A-Za-z-]*) ?(\d[\d/.:]*)(?=[\s,]|$)", re.IGNORECASE
)
_SLASHED = re.compile(r"(?<![\w./:-])([A-Za-z]{2}[A-Za-z-]*)(\d+(?:/\d+)+(?:[.:]\d+)?)(?=[\s,]|$)")
# Lines with a value that may look like a name of a port and is none.
_KEYED = re.compile(r"\b(?:key|key-string|password|secret|community|md5|pre-shared-key|pap|chap)\b")
_ROUTE = re.compile(r"(?:no )?(?:ip|ipv6) (?:route|default-network|nat) ")
_NUMBERED = re.compile(r"[A-Za-z-]\d+/\d")
_PRINTED = re.compile(rf"interface (?:range |(?:{'|'.join(name for name, _ in TYPES)})\d[\d/.:]*$)")
"""Headers that need no other spelling."""
_LETTERED = re.compile(r" [A-Za-z]{2}[A-Za-z-]*\d")
_PLAIN = re.compile(r"(?<= )([A-Za-z]{2}[A-Za-z-]*)(\d+(?:\.\d+)?)(?= |$)")

# The closed list of abbreviations people write in desired files; device text never has them.
# (modes, pattern, what IOS prints); no modes: wherever the line stands, because no mode has a
# keyword that begins so. Whole words only: `host` is a keyword of its own in an address pool.
# Source: Cisco IOS command references, unambiguous prefixes.
_SWITCHPORT = "s(?!witchport )w(?:i|it|itc|itch|itchp|itchpo|itchpor)? "
_ALLOWED = "tr(?:u|un|unk)? all?(?:o|ow|owe|owed)? vl(?:a|an)?(?= )"
_NATIVE = "tr(?:u|un|unk)? nat(?:i|iv|ive)? vl(?:a|an)?(?= )"
_ACCESS = "acc?(?:e|es|ess)?"
_SHORT: tuple[tuple[frozenset[str], re.Pattern[str], str], ...] = tuple(
    (frozenset(modes.split()), re.compile(pattern), full)
    for modes, pattern, full in (
        ("", r"int(?:e|er|erf|erfa|erfac)?(?= )", "interface"),
        ("", r"desc(?:r|ri|rip|ript|ripti|riptio)?(?= |$)", "description"),
        ("", r"shut(?:d|do|dow)?$", "shutdown"),
        ("interface", r"ip addr?(?:e|es|ess)?(?= |$)", "ip address"),
        ("interface", r"ipv6 addr?(?:e|es|ess)?(?= |$)", "ipv6 address"),
        ("interface", rf"{_SWITCHPORT}{_ACCESS} vl(?:a|an)?(?= )", "switchport access vlan"),
        ("interface", rf"{_SWITCHPORT}mo(?:d|de)? {_ACCESS}$", "switchport mode access"),
        ("interface", rf"{_SWITCHPORT}mo(?:d|de)? tr(?:u|un|unk)?$", "switchport mode trunk"),
        ("interface", rf"{_SWITCHPORT}{_ALLOWED}", "switchport trunk allowed vlan"),
        ("interface", rf"{_SWITCHPORT}{_NATIVE}", "switchport trunk native vlan"),
        ("config", r"line console(?= )", "line con"),
        ("config", r"host(?:n|na|nam)(?= )", "hostname"),
        ("config", r"ip domain-name(?= |$)", "ip domain name"),
        ("config", r"ip domain-lookup(?= |$)", "ip domain lookup"),
        ("config", r"ip domain-list(?= |$)", "ip domain list"),
        ("config", r"logging (?=\d+\.\d+\.\d+\.\d+)", "logging host "),
        ("bgp vrf", r"address-family (ipv4|ipv6) unicast$", r"address-family \1"),
        ("bgp", r"address-family (ipv4|ipv6) unicast vrf(?= )", r"address-family \1 vrf"),
        ("line", r"exec-timeout (\d+)$", r"exec-timeout \1 0"),
        (
            "config",
            r"snmp-server community (\S+) (view \S+ )?ro(?= |$)",
            r"snmp-server community \1 \2RO",
        ),
        (
            "config",
            r"snmp-server community (\S+) (view \S+ )?rw(?= |$)",
            r"snmp-server community \1 \2RW",
        ),
        ("config", r"(username \S+ (?:privilege \d+ )?)pass (?=[067] )", r"\1password "),
    )
)


_BY_LETTER = {
    letter: tuple(row for row in _SHORT if row[1].pattern.lstrip("(")[0] == letter)
    for letter in {row[1].pattern.lstrip("(")[0] for row in _SHORT}
}

# Most lines are of another kind than all of these, and that is asked once.
_SPECIAL = re.compile(
    "|".join(("no ", "default ", f"(?x:{_FREE.pattern})", *(row[1].pattern for row in _SHORT)))
)


def spelling(line: str, mode: str | None = None) -> str:
    """The spelling IOS would print for a line typed in ``mode``; None: the mode does not matter.

    ``no`` in front is kept. Free text (descriptions, remarks, quoted strings) is left as it is.
    """
    text = line.strip().replace("\xa0", " ")
    odd = _SPECIAL.match(text) or '"' in text or "  " in text or "\t" in text
    if not odd:
        # No name of a port stands in an entry of an access list.
        return text if mode == "acl" else _names(text)
    prefix = ""
    for word in ("no ", "default "):
        if text.startswith(word):
            prefix, text = word, text[len(word) :].lstrip()
            break
    for modes, pattern, full in _BY_LETTER.get(text[:1], ()):
        if (mode is None or not modes or mode in modes) and (found := pattern.match(text)):
            text = found.expand(full) + text[found.end() :]
    if free := _FREE.match(text):
        head = " ".join(free[0].split())
        tail = text[free.end() :]
        text = (
            head + (tail[:1] and " ") + tail[1:]
            if head.startswith("action")
            else (f"{head} {tail.lstrip()}".rstrip() if tail.strip() else head)
        )
    elif '"' not in text:
        if "  " in text or "\t" in text:
            text = _LEAD.sub(" ", text)
        if mode != "acl":
            text = _names(text)
    return prefix + text


canonical = lru_cache(maxsize=131072)(spelling)
"""The spelling of a line, remembered: most lines are asked for again and again."""


def _names(text: str) -> str:
    if text.startswith(("ip prefix-list ", "ipv6 prefix-list ")):
        # No port stands there, but a list may have the name of one.
        return text
    route = _ROUTE.match(text)
    if route or text[-1:].isdigit() or "/" in text or "interface" in text:
        if text.startswith("interface ") and _PRINTED.match(text):
            return text
        if "interface" in text or "source" in text or "unnumbered" in text or "router-id" in text:
            text = _NAMED.sub(_named, text)
        if (
            "/" in text
            and _NUMBERED.search(text)
            and _SLASHED.search(text)
            and not _KEYED.search(text)
        ):
            text = _SLASHED.sub(lambda m: _or_same(m[1], m[2]), text)
        if route and _LETTERED.search(text):
            head, name, tail = text.partition(" name ")
            text = _PLAIN.sub(lambda m: _or_same(m[1], m[2]), head) + name + tail
    return text


def _named(found: re.Match[str]) -> str:
    """``interface gi 0/1``: the blank goes only where the letters are those of a port."""
    short = f"{found[2]}{found[3]}"
    return f"{found[1]} {interface(short)}" if known(short) else found[0]


def _or_same(letters: str, number: str) -> str:
    return interface(f"{letters}{number}")
