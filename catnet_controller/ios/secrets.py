"""Secrets in desired text: the names it needs, their values put in, and hashes recognised."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"""\{\{\s*secret\(\s*(?P<quote>["'])(?P<name>[^"']+)(?P=quote)\s*\)\s*\}\}"""
)


def names(text: str) -> tuple[str, ...]:
    """The secrets a text refers to, each once, in the order of the text."""
    return tuple(dict.fromkeys(found["name"] for found in _REFERENCE.finditer(text)))


def resolve(text: str, values: Mapping[str, str]) -> str:
    """The text with every ``{{ secret("name") }}`` replaced.

    Raises ValueError naming every secret that is missing, empty, or holds a line break (it would
    end the line it stands in and start another command).
    """
    wanted = names(text)
    missing = [name for name in wanted if not values.get(name)]
    if missing:
        raise ValueError(f"no value for secret {', '.join(repr(name) for name in missing)}")
    broken = [name for name in wanted if not values[name].isprintable()]
    if broken:
        raise ValueError(
            f"secret {', '.join(repr(name) for name in broken)} holds a line break or a control "
            "character"
        )
    return _REFERENCE.sub(lambda found: values[found["name"]], text)


# --- recognising what the device made of a plain secret -----------------------------------------

_ITOA = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_CISCO = str.maketrans(_BASE64, _ITOA)
# The fixed key of type 7, published since 1995 (dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k).
_TYPE7 = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"


def verifies(plain: str, form: str, stored: str) -> bool:
    """True when ``stored`` (of type ``5``, ``7``, ``8`` or ``9``) was made from ``plain``.

    Type 6 is encrypted with a key that only the device has; it never verifies here.
    """
    try:
        if form == "0":
            made = plain
        elif form == "7":
            made, stored = plain, type7(stored)
        elif form == "5":
            made = type5(plain, _salt(stored, "1"))
        elif form == "8":
            made = type8(plain, _salt(stored, "8"))
        elif form == "9":
            made = type9(plain, _salt(stored, "9"))
        else:
            return False
    except ValueError:
        return False
    return hmac.compare_digest(made.encode(), stored.encode())


def _salt(stored: str, mark: str) -> str:
    empty, kind, salt, _ = stored.split("$")
    if empty or kind != mark:
        raise ValueError("not a hash of this type")
    return salt


def type5(plain: str, salt: str) -> str:
    """MD5-crypt (``$1$``), as FreeBSD defined it; 1,000 rounds."""
    password, grain = plain.encode(), salt.encode()[:8]
    inner = hashlib.md5(password + grain + password, usedforsecurity=False).digest()
    context = password + b"$1$" + grain
    left = len(password)
    while left > 0:
        context += inner[: min(16, left)]
        left -= 16
    bits = len(password)
    while bits:
        context += b"\0" if bits & 1 else password[:1]
        bits >>= 1
    digest = hashlib.md5(context, usedforsecurity=False).digest()
    for turn in range(1000):
        context = password if turn & 1 else digest
        if turn % 3:
            context += grain
        if turn % 7:
            context += password
        context += digest if turn & 1 else password
        digest = hashlib.md5(context, usedforsecurity=False).digest()
    out = ""
    for a, b, c in ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)):
        out += _six(digest[a] << 16 | digest[b] << 8 | digest[c], 4)
    return f"$1${salt[:8]}${out}{_six(digest[11], 2)}"


def _six(value: int, count: int) -> str:
    return "".join(_ITOA[value >> 6 * place & 63] for place in range(count))


def type7(stored: str) -> str:
    """The plain text of a type 7 string. Raises ValueError when it is not one."""
    seed = int(stored[:2])
    data = bytes.fromhex(stored[2:])
    return bytes(
        byte ^ _TYPE7[(seed + place) % len(_TYPE7)] for place, byte in enumerate(data)
    ).decode()


def type8(plain: str, salt: str) -> str:
    """PBKDF2-HMAC-SHA256, 20,000 rounds, Cisco's base64."""
    digest = hashlib.pbkdf2_hmac("sha256", plain.encode(), salt.encode(), 20000, 32)
    return f"$8${salt}${_cisco64(digest)}"


def type9(plain: str, salt: str) -> str:
    """scrypt with N=16384, r=1, p=1, Cisco's base64."""
    digest = hashlib.scrypt(plain.encode(), salt=salt.encode(), n=16384, r=1, p=1, dklen=32)
    return f"$9${salt}${_cisco64(digest)}"


def _cisco64(digest: bytes) -> str:
    return base64.b64encode(digest).decode().rstrip("=").translate(_TO_CISCO)


_FORM = re.compile(
    r"(?P<before>.*?\b(?:secret|password|key-string|server-key|authentication-key|md5|key|pass))"
    r"(?: (?P<form>[0-9]))? (?P<value>\S+)(?P<after>(?: .*)?)$"
)

_NTP = re.compile(r"(?P<before>ntp authentication-key \d+ md5) (?P<value>\S+)(?: (?P<form>7))?$")


def alike(shown: str, wanted: str) -> bool:
    """True when the device's line holds the secret that the wanted line gives in plain text.

    Types 5, 7, 8 and 9 are recomputed. Nothing else may differ.
    """
    wanted = re.sub(r" algorithm-type \S+(?= secret )", "", wanted)
    if (found := _NTP.match(shown)) and (asked := _NTP.match(wanted)):
        plain = asked["form"] is None and found["form"] == "7"
        return found["before"] == asked["before"] and (
            plain and verifies(asked["value"], "7", found["value"])
        )
    one, other = _FORM.match(shown), _FORM.match(wanted)
    if one is None or other is None:
        return False
    if one["before"] != other["before"] or one["after"] != other["after"]:
        return False
    if (other["form"] or "0") != "0":
        return one["form"] == other["form"] and one["value"] == other["value"]
    if (one["form"] or "0") == "0":
        return one["value"] == other["value"]
    return verifies(other["value"], one["form"], one["value"])
