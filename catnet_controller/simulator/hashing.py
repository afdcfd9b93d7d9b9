"""How the device stores a secret it was given: types 5, 7, 8, 9 with a fresh salt."""

import base64
import hashlib
import hmac
import re
import secrets

_ITOA = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_XLAT = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"
"""The key of the type 7 obfuscation; public since 1995."""


def type5(password: str, salt: str | None = None) -> str:
    """``$1$salt$hash``: the md5 scheme of FreeBSD's crypt."""
    salt = salt if salt is not None else "".join(secrets.choice(_ITOA) for _ in range(4))
    secret, grain = password.encode(), salt.encode()
    mixed = hashlib.md5(secret + grain + secret, usedforsecurity=False).digest()
    start = secret + b"$1$" + grain
    for left in range(len(secret), 0, -16):
        start += mixed[: min(16, left)]
    bits = len(secret)
    while bits:
        start += b"\0" if bits & 1 else secret[:1]
        bits >>= 1
    digest = hashlib.md5(start, usedforsecurity=False).digest()
    for turn in range(1000):
        step = secret if turn & 1 else digest
        step += grain if turn % 3 else b""
        step += secret if turn % 7 else b""
        step += digest if turn & 1 else secret
        digest = hashlib.md5(step, usedforsecurity=False).digest()
    text = ""
    for a, b, c in ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)):
        value = digest[a] << 16 | digest[b] << 8 | digest[c]
        for _ in range(4):
            text += _ITOA[value & 63]
            value >>= 6
    value = digest[11]
    for _ in range(2):
        text += _ITOA[value & 63]
        value >>= 6
    return f"$1${salt}${text}"


def type7(password: str, seed: int | None = None) -> str:
    """The reversible form; two digits of seed, then hex."""
    seed = secrets.randbelow(16) if seed is None else seed
    body = bytes(
        byte ^ _XLAT[(seed + at) % len(_XLAT)]
        for at, byte in enumerate(password.encode("latin-1", "replace"))
    )
    return f"{seed:02d}{body.hex().upper()}"


def plain7(text: str) -> str | None:
    """What a type 7 text hides, or None when it is none."""
    if not re.fullmatch(r"\d\d([0-9A-Fa-f]{2})*", text):
        return None
    seed, body = int(text[:2]), bytes.fromhex(text[2:])
    return bytes(b ^ _XLAT[(seed + at) % len(_XLAT)] for at, b in enumerate(body)).decode("latin-1")


def _cisco64(raw: bytes) -> str:
    standard = base64.b64encode(raw).decode().rstrip("=")
    return standard.translate(str.maketrans(_BASE64, _ITOA))


def type8(password: str, salt: str | None = None) -> str:
    """``$8$salt$hash``: PBKDF2-SHA256, 20,000 rounds."""
    salt = salt if salt is not None else "".join(secrets.choice(_ITOA) for _ in range(14))
    raw = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 20000, 32)
    return f"$8${salt}${_cisco64(raw)}"


def type9(password: str, salt: str | None = None) -> str:
    """``$9$salt$hash``: scrypt, N=16384, r=1, p=1."""
    salt = salt if salt is not None else "".join(secrets.choice(_ITOA) for _ in range(14))
    raw = hashlib.scrypt(password.encode(), salt=salt.encode(), n=16384, r=1, p=1, dklen=32)
    return f"$9${salt}${_cisco64(raw)}"


def verifies(password: str, kind: str, stored: str) -> bool:
    """Whether ``password`` is what a stored secret of this type was made from."""
    if kind in ("", "0"):
        made: str | None = password
        return hmac.compare_digest((made or "").encode(), stored.encode())
    if kind == "7":
        made = plain7(stored)
        return made is not None and hmac.compare_digest(made.encode(), password.encode())
    parts = stored.split("$")
    if len(parts) != 4 or not parts[2]:
        return False
    salt = parts[2]
    if kind == "5":
        made = type5(password, salt)
    elif kind == "8":
        made = type8(password, salt)
    elif kind == "9":
        made = type9(password, salt)
    else:
        return False
    return hmac.compare_digest(made.encode(), stored.encode())
