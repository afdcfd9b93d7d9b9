"""Text of IOS to the same text with every secret hidden, but a changed secret visibly changed."""

import hashlib
import hmac
import re

_SKIP = r"^(?P<lead>[ \t+\-!>]*(?:[\w.\-]+(?:\([\w\-]+\))?[\#>] *)?(?:no +|default +)?)"
_TYPE = r"(?:(?:0|5|6|7|8|9|4) )?"
_V = r"(?P<value>{value})"

# Each row: what stands before the value, and what the value looks like. A type digit stays.
# Sources: Cisco IOS Security command reference; every secret form in the corpus.
_ROWS: tuple[tuple[str, str], ...] = (
    (rf"enable (?:secret|password)(?: level \d+)? {_TYPE}", r"\S.*"),
    (rf"mgmtuser username \S+ (?:.*? )?password {_TYPE}", r"\S.*"),
    (rf"enable algorithm-type \S+ secret {_TYPE}", r"\S.*"),
    (rf"username \S+ (?:.*? )?(?:password|pass|secret) {_TYPE}", r"\S.*"),
    (rf"(?:.*? )?server-key {_TYPE}", r"\S+"),
    (rf"(?:.*? )?pac key {_TYPE}", r"\S+"),
    (rf"(?:tacacs-server|radius-server) (?:host \S+ (?:.*? )?)?key {_TYPE}", r"\S+"),
    (rf"server-private \S+ (?:.*? )?key {_TYPE}", r"\S+"),
    (rf"client \S+ (?:.*? )?server-key {_TYPE}", r"\S+"),
    (r"key (?:0|6|7) ", r"\S+"),
    (rf"key-string {_TYPE}", r"\S.*"),
    (r"key config-key password-encrypt(?:ion)? ", r"\S.*"),
    (r"key (?!chain |config-key |\d+$|\d+ *$|\d+\s)", r"\S+$"),
    (rf"password(?: encryption \S+)? {_TYPE}", r"\S.*"),
    (rf"(?:area-password|domain-password) {_TYPE}", r"\S+"),
    (rf"neighbor \S+ password {_TYPE}", r"\S.*"),
    (rf"ip ospf (?:\d+ )?(?:authentication-key|message-digest-key \d+ md5) {_TYPE}", r"\S+"),
    (rf"area \S+ virtual-link \S+ (?:.*? )?(?:authentication-key|md5) {_TYPE}", r"\S+"),
    (r"(?:ospfv3|ipv6 ospf) (?:.*? )?(?:authentication|encryption) (?:.*? )?", r"[0-9A-Fa-f]{16,}"),
    (rf"isis (?:password|authentication key) {_TYPE}", r"\S+"),
    (rf"isis password {_TYPE}", r"\S+"),
    (rf"ip nhrp authentication {_TYPE}", r"\S+"),
    (rf"ip rip authentication key {_TYPE}", r"\S+"),
    (rf"standby (?:\d+ )?authentication (?:md5 key-string |text )?{_TYPE}", r"(?!md5|text)\S+"),
    (rf"vrrp \d+ authentication (?:md5 key-string |text )?{_TYPE}", r"(?!md5|text)\S+"),
    (rf"glbp \d+ authentication (?:md5 key-string |text )?{_TYPE}", r"(?!md5|text)\S+"),
    (rf"ppp (?:chap|pap) (?:password|sent-username \S+ password) {_TYPE}", r"\S+"),
    (rf"ppp (?:chap|pap) sent-username \S+ password {_TYPE}", r"\S+"),
    (rf"pre-shared-key (?:local |remote )?(?:address .*? key |hostname \S+ key )?(?:hex )?{_TYPE}",
     r"(?!address|hostname|local|remote)\S.*"),
    (rf"crypto isakmp key {_TYPE}", r"\S+(?= (?:address|hostname))"),
    (rf"crypto isakmp key {_TYPE}", r"\S+"),
    (r"snmp-server community ", r"\S+"),
    (r"snmp-server host \S+ (?:vrf \S+ )?(?:informs |traps )?(?:version (?:1|2c) )?",
     r"(?!version |informs|traps|vrf)\S+"),
    (r"snmp-server user \S+ \S+ (?:remote \S+ )?(?:.*? )?auth (?:md5|sha|sha-2 \d+) ", r"\S+"),
    (r"snmp-server user .* priv (?:des|3des|des56|aes \d+) ", r"\S+"),
    (r"ntp authentication-key \d+ \S+ ", r"\S+"),
    (rf"wpa-psk (?:ascii|hex) {_TYPE}", r"\S.*"),
    (rf"security wpa (?:.*? )?psk set-key (?:ascii|hex) {_TYPE}", r"\S.*"),
    (rf"wlan .*psk set-key (?:ascii|hex) {_TYPE}", r"\S.*"),
    (rf"mgmtuser username \S+ (?:.*? )?(?:password|secret) {_TYPE}", r"\S.*"),
    (rf"(?:.*? )?secret {_TYPE}", r"\S.*"),
    (rf"ip (?:ftp|http client) password {_TYPE}", r"\S+"),
    (r"vtp password ", r"\S.*"),
    (r"crypto pki (?:export|import) .* password ", r"\S+"),
    (rf"(?:.*? )?automate-tester username \S+ password {_TYPE}", r"\S+"),
    (rf"mpls ldp neighbor \S+ password {_TYPE}", r"\S+"),
    (rf"authentication (?:remote|local) pre-share key {_TYPE}", r"\S+"),
    (rf"l2tp tunnel password {_TYPE}", r"\S+"),
    (rf"pppoe .*password {_TYPE}", r"\S+"),
    (rf"(?:.*? )?(?:password|passphrase|passwd|shared-secret|community-string) {_TYPE}", r"\S.*"),
    (rf"action \S+ cli command \"?.*(?:password|secret) {_TYPE}", r"[^\s\"]+"),
    (r"key-hash \S+ ", r"\S+"),
)  # fmt: skip
_HINT = re.compile(
    r"secret|passw|pass |key|communit|psk|authentication|snmp-server|encryption|passphrase",
    re.IGNORECASE,
)
# Lines that hold one of the hints and no secret.
_INNOCENT = re.compile(
    r"""^[ \t+\-]*(?:no\ +)?(?: service\ password-encryption | key\ chain\s | key\ \d+\s*$
      | aaa\ (?:authentication|authorization|accounting)\ (?!banner)
      | (?:ip\ ospf|ip|ospfv3)\ authentication\ (?:key-chain|mode|message-digest|null)
      | authentication\s(?!.*key\s) | crypto\ key\ pubkey | encryption\s | encr\s
      | area\ \S+\ authentication | ip\ http\ authentication | login\ authentication
      | key-chain | ntp\ authenticate | dot1x\s(?!.*password) | ip\ ssh\s(?!.*password)
      | security\ passwords\s | match\s | ip\ community-list | set\ community
      | snmp-server\ enable | neighbor\ \S+\ send-community
    )""",
    re.VERBOSE,
)
_COMPILED = tuple(re.compile(_SKIP + before.join(("(?P<before>", ")")) + f"(?P<value>{value})")
                  for before, value in _ROWS)  # fmt: skip
# A secret inside a sentence, such as a message that quotes a line.
_ANYWHERE = re.compile(
    r"""(?P<before>\b(?: username\ \S+\ (?:\S+\ )*?(?:secret|password)\ (?:\d\ )?
      | enable\ (?:secret|password)\ (?:\d\ )? | snmp-server\ community\ | key-string\ (?:\d\ )?
      | pre-shared-key\ (?:\d\ )? | (?:server-key|key|password|secret|md5)\ [0-9]\ ))
      (?P<value>[^\s`'"]+)""",
    re.VERBOSE,
)
_HEX = re.compile(
    r"^(?P<lead>[ \t+\-]*)(?P<value>[0-9A-Fa-f]{8}(?: [0-9A-Fa-f]{2,8})+|[0-9A-Fa-f]{32,})\s*$"
)
_BEGIN = re.compile(r"-----BEGIN ([A-Z ]+)-----")
_MARK = "<secret>"


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
    if not _HINT.search(line) or _INNOCENT.match(line):
        return line
    for pattern in _COMPILED:
        if found := pattern.match(line):
            value = found["value"]
            end = "\r" if value.endswith("\r") else ""
            rest = line[found.end() :]
            return f"{line[: found.start('value')]}{_mark(value.rstrip(), key)}{end}{rest}"
    return _ANYWHERE.sub(lambda found: f"{found['before']}{_mark(found['value'], key)}", line)


def _mark(value: str, key: bytes | None) -> str:
    if value.startswith(("<secret", "{{")):
        return value
    if key is None:
        return _MARK
    digest = hmac.new(key, value.encode("utf-8", "surrogateescape"), hashlib.sha256)
    return f"<secret hmac:{digest.hexdigest()[:4]}>"
