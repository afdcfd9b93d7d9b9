"""Text of IOS to the same text with every secret hidden, but a changed secret visibly changed."""

import hashlib
import hmac
import re

# What may stand before the first word: indent, sign of a diff, comment, prompt, negation; or the
# line is quoted.
_LEAD = r"(?:(?<=`)|^[\s+\-!>\"]*+(?:[\w.\-]+(?:\([\w\-]+\))?[#>]\s*)?)(?:(?:no|default) )?"
_HASH = r"(?:md5|sha(?:-?\d+)*|[hc]mac-[\w\-]+)"
# What an authentication can be instead of a secret.
_METHOD = (
    r"(?:md5|mode|key-chain|message-digest|null|order|priority|port-control|host-mode|open|periodic"
    r"|timer|event|violation|control-direction|fallback|linksec|pre-share|rsa-sig|rsa-encr"
    r"|ecdsa-sig|eap|local|remote|ipsec|list|login|command|trustpoint|enable|default|failed"
    r"|failure|send-only)"
)

# Each row: what a secret stands after, a blank for any white space; a type digit is skipped.
# In doubt it is a secret: hiding too much costs a reader a word, too little costs the network.
# Sources: Cisco IOS Security command reference; every secret form in the corpus.

# Nothing is hidden, although another row would.
_FINE = (
    r"crypto key (?:generate|zeroize|pubkey-chain|mypubkey)(?!\S)",
    rf"{_LEAD}tunnel key(?!\S)",
    r"(?:the|shows|no) (?:host|public|private) key(?!\S)",
    rf"{_LEAD}(?:show )?key chain(?!\S)",
    # A short number alone is that of a key in a chain; a long one may be the key of a server.
    rf"{_LEAD}key \d{{1,3}}(?=\s*$|`)",
    rf"{_LEAD}s?ntp (?:server|peer) (?:[^\s`]+ )+?key \d+(?![^\s`])",
    r"(?:ldp|peer \S+(?: source \S+)?) password (?:none|default|required)(?!\S)",
    r"(?:pre-shared-key|md5|authentication) key-?chain(?!\S)",
    r"authentication mode md5(?: level-[12])?(?=\s*$)",
)
# The secret is one word; what follows is not of it.
_ONE = (
    r"snmp-s\S* com\S*",
    (
        r"snmp-s\S* ho\S* \S+"
        r"(?: (?:informs?|traps?|vrf \S+|version (?:1|2c|3(?: (?:auth|noauth|priv))?)))*"
        r"(?! (?:informs?|traps?|vrf|version)(?!\S))"
    ),
    r"snmp mib community-map",
    r"rmon event \d+(?: log)? trap",
    r"a(?:uth?|u)? (?:md5|sha(?:-2 \d+|-?\d+)*)",
    r"p(?:riv?|r)? (?:des56|des|3des|aes(?:[ \-]?\d+)?)",
    r"s?ntp authentication-key \d+ \S+",
    r"(?:cipher|authenticator|pmk)",
    r"session-key (?:in|out)bound ah \d+",
    r"key-hash \S+",
)
# The secret is all that follows, for it may hold blanks; but see _TAIL.
_REST = (
    rf"{_LEAD}en\S* (?:p|pa|s|se)(?: level \d+)?",
    rf"{_LEAD}us\S* \S+(?: pr\S* \d+)? (?:pa|se)",
    rf"{_LEAD}(?:tacacs|radius)-s\S* (?:host \S+ )?ke?",
    rf"{_LEAD}(?:pin|md5|authentication (?:text|string))",
    rf"{_LEAD}authentication(?! {_METHOD}(?!\S))(?= \S+\s*$)",
    (
        r"(?:standby(?: \d+)?|vrrp \d+|glbp \d+|hsrp(?: \d+)?|nhrp|rip) authentication"
        r"(?: (?:text|string|md5 key-string))?(?! (?:md5|mode|key-chain)(?!\S))"
    ),
    rf"(?:mode|auth|authentication|null|\d+) {_HASH}(?! (?:key-?(?:string|chain)|{_HASH})(?!\S))",
    r"ldp password (?:option \d+ for \S+|fallback)",
    r"msdp password peer \S+",
    r"(?:secret|password) level \d+",
    r"password encryption \S+",
    r"(?:key )?config-key password-encrypt(?:ion)?",
    (
        r"pre-?shared-key(?: (?:local|remote))?"
        r"(?: (?:address (?:ipv6 )?\S+(?: \d\S*)?|hostname \S+) key)?(?: hex)?"
    ),
    r"(?:set-key|wpa-psk) (?:ascii|hex)",
    r"key \d+ size \S+",
    r"(?:[\w.$\-]*[_.\-])?(?:secret|password|passwd|passphrase|passcode|pass|pwd)",
    r"environment \S*(?:communit|key|pass|pw|secret)\S*",
    (
        r"(?:sec(?:re?)?|pas(?:sw(?:or?)?)?|key-s[a-z]*|server-key|authentication-key"
        r"|community-string|set-key|key)"
    ),
)
_HINT = re.compile(
    r"sec|pas|pw|\bk|key|communi|snmp|pmk|wpa|pin\b|spi\b|auth|rmon|cipher|mac-|md5|sha|\ben\w*\s+[ps]|\bus",
    re.IGNORECASE,
)


def _any(rows: tuple[str, ...]) -> str:
    return "|".join(rows).replace(" ", r"\s+")


_START = r"(?<![\w.$\-])"
_SECRET = re.compile(
    # A mark is no secret, although it holds the word.
    rf"(?P<fine><secret(?: [^<>]*)?>|{_START}(?:{_any(_FINE)}))"
    rf"|{_START}(?:(?P<one>{_any(_ONE)})|{_any(_REST)})(?:\s+|[:=]\s*)(?:\d\s+(?=\S))?(?=\S)",
    re.IGNORECASE,
)
# What may follow a secret and is not of it, up to the end of the line.
_REST_OF_LINE = (
    r"(?:\s+(?:(?:address|hostname)\s+\S+(?:\s+\d\S*)?(?:\s+no-xauth)?|timeout\s+\d+|level-[12]"
    r"|authenticate\s+snp\s.*|transmit-key|hidden))?\s*$"
)
_TAIL = re.compile(rf"(?<=\S){_REST_OF_LINE}", re.IGNORECASE)
_AFTER = re.compile(rf"[;:,.)`'\"]+(?:\s|$)|{_REST_OF_LINE}", re.IGNORECASE)
_WORD = re.compile(r"\S+")
# The end of a line that a sentence quotes.
_QUOTED = re.compile(r"`(?=[\s:;,.)]|$)")
_SPI = re.compile(r"\sspi\s", re.IGNORECASE)
_IPSEC = re.compile(r"(?<=\s)[0-9A-Fa-f]{16,}(?!\S)")
_HEX = re.compile(
    r"^(?P<lead>[ \t+\-]*)(?P<value>[0-9A-Fa-f]{8}(?: [0-9A-Fa-f]{2,8})+|[0-9A-Fa-f]{32,})\s*$"
)
_BEGIN = re.compile(r"-----BEGIN ([A-Z ]+)-----")
_MARK = "<secret>"
_MARKED = re.compile(r"<secret(?: [^<>]*)?>|\{\{\s*secret\([^{}]*\)\s*\}\}")


def redact(text: str, key: bytes | None = None) -> str:
    """Hide every secret of a config, a line, a diff or a transcript.

    With ``key`` two different secrets look different: ``<secret hmac:ab12>``, the first four
    digits of a keyed hash that says nothing about the secret to whoever lacks the key.
    """
    lines = text.split("\n")
    armour = False
    for number, line in enumerate(lines):
        if armour or _BEGIN.search(line):
            armour = "-----END " not in line
            if "-----" not in line:
                lines[number] = _mark(line.strip(), key) if line.strip() else line
            continue
        lines[number] = _line(line, key)
    return "\n".join(lines)


def secret(line: str) -> bool:
    """True when the line holds a secret."""
    return _line(line, None) != line


def _line(line: str, key: bytes | None) -> str:
    if found := _HEX.match(line):
        return f"{found['lead']}{_mark(found['value'], key)}"
    if "://" in line and "@" in line:
        line = re.sub(r"\S+", lambda found: _url(found[0], key), line)
    if not _HINT.search(line):
        return line
    if _SPI.search(line):
        line = _IPSEC.sub(lambda found: _mark(found[0], key), line)
    parts, at = [], 0
    while found := _SECRET.search(line, at):
        start = found.end()
        if found["fine"]:
            parts.append(line[at:start])
            at = start
            continue
        end = _end(line, start, one=bool(found["one"]))
        parts += [line[at:start], _mark(line[start:end], key)]
        at = end
    return "".join((*parts, line[at:]))


def _end(line: str, start: int, *, one: bool) -> int:
    """Where the secret ends that begins at ``start``."""
    done = _MARKED.match(line, start)
    if done and (one or _AFTER.match(line, done.end())):
        return done.end()
    stop = len(line)
    if "`" in line[:start] and (quoted := _QUOTED.search(line, start)):
        stop = quoted.start()
    found = (_WORD if one else _TAIL).search(line, start, stop)
    return (found.end() if one else found.start()) if found else stop


def _url(word: str, key: bytes | None) -> str:
    """``scheme://user:password@host``; a password may hold any of these signs."""
    before, sign, rest = word.partition("://")
    secret, _, host = rest.rpartition("@")
    user, _, value = secret.partition(":")
    return f"{before}{sign}{user}:{_mark(value, key)}@{host}" if value else word


def _mark(value: str, key: bytes | None) -> str:
    if _MARKED.fullmatch(value):
        return value
    if key is None:
        return _MARK
    digest = hmac.new(key, value.encode("utf-8", "surrogateescape"), hashlib.sha256)
    return f"<secret hmac:{digest.hexdigest()[:4]}>"
