"""Interface names: any spelling IOS accepts to the long form that it prints."""

import re
from functools import lru_cache

# Type as printed, and the shortest prefix that IOS takes for it where several types share letters
# (Cisco IOS Interface Command Reference, "interface"). Order is that of `show running-config`.
TYPES: tuple[tuple[str, str], ...] = (
    ("Loopback", "lo"),
    ("Tunnel", "tu"),
    ("Virtual-Template", "virtual-t"),
    ("Virtual-TokenRing", "virtual-to"),
    ("Dot11Radio", "do"),
    ("Port-channel", "po"),
    ("pseudowire", "ps"),
    ("Async", "as"),
    ("BRI", "br"),
    ("Cellular", "ce"),
    ("Ethernet", "e"),
    ("FastEthernet", "f"),
    ("GigabitEthernet", "g"),
    ("AppGigabitEthernet", "ap"),
    ("TwoGigabitEthernet", "tw"),
    ("FiveGigabitEthernet", "fi"),
    ("TenGigabitEthernet", "te"),
    ("TwentyFiveGigE", "twe"),
    ("FortyGigabitEthernet", "fo"),
    ("FiftyGigE", "fif"),
    ("HundredGigE", "hu"),
    ("Serial", "s"),
    ("POS", "pos"),
    ("ATM", "at"),
    ("Embedded-Service-Engine", "em"),
    ("Service-Engine", "service-e"),
    ("Dialer", "di"),
    ("BDI", "bd"),
    ("BVI", "bv"),
    ("Vlan", "v"),
    ("VirtualPortGroup", "virtualp"),
    ("Multilink", "mu"),
    ("MFR", "mf"),
    ("Group-Async", "gr"),
    ("NVI", "nv"),
    ("LISP", "li"),
    ("Overlay", "ov"),
    ("nve", "nve"),
    ("Null", "nu"),
    ("vmi", "vm"),
    ("CEM", "cem"),
    ("Controller", "con"),
    ("Port-group", "port-g"),
    ("ucse", "uc"),
    ("wlan-controller", "wl"),
    ("EFXS", "ef"),
    ("cable-modem", "ca"),
    ("TwoGigabitEthernet", "two"),
    ("InternalGigabitEthernet", "in"),
    ("GMPLS", "gm"),
    ("SDWAN-System-Interface", "sd"),
)
_ORDER = {name.lower(): place for place, (name, _) in enumerate(TYPES)}
_VIRTUAL = frozenset(
    name.lower()
    for name in (
        "Loopback", "Tunnel", "Virtual-Template", "Port-channel", "Dialer", "BDI", "BVI", "Vlan",
        "VirtualPortGroup", "Multilink", "MFR", "Group-Async", "NVI", "LISP", "nve", "pseudowire",
        "Overlay", "vmi",
    )
)  # fmt: skip
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9-]*?[A-Za-z]|[A-Za-z])\s*(\d[\d/.:]*)$")


@lru_cache(maxsize=65536)
def interface(name: str) -> str:
    """``gi0/1`` to ``GigabitEthernet0/1``; what is not an interface name comes back unchanged."""
    found = _NAME.match(name)
    if found is None:
        return name
    kind, number = found.groups()
    full = _full(kind.lower())
    return f"{full}{number}" if full else name


def known(name: str) -> bool:
    """True when the letters are a type of interface, in any spelling."""
    found = _NAME.match(name)
    return found is not None and _full(found[1].lower()) is not None


@lru_cache(maxsize=4096)
def _full(kind: str) -> str | None:
    exact = [name for name, _ in TYPES if name.lower() == kind]
    if exact:
        return exact[0]
    fits = [
        (len(shortest), name)
        for name, shortest in TYPES
        if name.lower().startswith(kind) and kind.startswith(shortest)
    ]
    return max(fits)[1] if fits else None


def kind(name: str) -> str:
    """The type part of a canonical name: ``GigabitEthernet``."""
    return name.rstrip("0123456789/.:")


def physical(name: str) -> bool:
    """True for a port that exists in hardware, which no command can remove."""
    return "." not in name and kind(name).lower() not in _VIRTUAL


@lru_cache(maxsize=4096)
def place(name: str) -> tuple[int, str, tuple[int, ...]]:
    """Where IOS prints the interface: by type, then by slot, port and sub-interface number."""
    letters = kind(name)
    numbers = tuple(int(part) for part in re.findall(r"\d+", name[len(letters) :]))
    return _ORDER.get(letters.lower(), len(TYPES)), letters, numbers
