"""Sets of VLANs: ``1,10-12`` to numbers and back, and the lines that carry them."""

import re

_VALUE = re.compile(r"(.*? vlan) (?:(add|remove|except) )?(\S+)$")
_ALL = frozenset(range(1, 4095))


def numbers(text: str) -> frozenset[int]:
    """``10,20-22`` to numbers; ``all`` and ``none`` as well. Raises ValueError on other text."""
    if text == "all":
        return _ALL
    if text == "none":
        return frozenset()
    found: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


def text(of: frozenset[int]) -> str:
    """Numbers as IOS prints them: sorted, three and more in a row as a range."""
    if not of:
        return "none"
    if of == _ALL:
        return "all"
    parts: list[str] = []
    run: list[int] = []
    for number in [*sorted(of), -1]:
        if run and number != run[-1] + 1:
            if len(run) > 2:
                parts.append(f"{run[0]}-{run[-1]}")
            else:
                parts.extend(str(one) for one in run)
            run = []
        run.append(number)
    return ",".join(parts)


def relative(line: str) -> bool:
    """True for a line that says what to add to a set, or to take from it, and not the set."""
    found = _VALUE.match(line)
    return found is not None and found[2] in ("add", "remove")


def everything(line: str) -> bool:
    """True for the set that a port has without a line (switchport trunk, Defaults: all VLANs)."""
    found = _VALUE.match(line)
    return found is not None and found[2] is None and found[3] == "all"


def typed(old: str, line: str) -> str:
    """The stored line after ``... allowed vlan [add|remove|except] SET`` was typed over ``old``."""
    found = _VALUE.match(line)
    if found is None:
        return line
    try:
        new = numbers(found[3])
        before = numbers(was[3]) if (was := _VALUE.match(old)) else _ALL
    except ValueError:
        return line
    if found[2] == "add":
        new = before | new
    elif found[2] == "remove":
        new = before - new
    elif found[2] == "except":
        new = _ALL - new
    return f"{found[1]} {text(new)}"


def steps(old: str, new: str, limit: int) -> list[str]:
    """Lines of at most ``limit`` letters from one stored line to another.

    None drops a VLAN that both have. ``old`` is empty where a port carries all.
    """
    stem, _, wanted = new.rpartition(" ")
    has, had = numbers(wanted), numbers(old.rpartition(" ")[2]) if old else _ALL
    lines = [
        f"{stem} {word} {part}"
        for word, of in (("add", has - had), ("remove", had - has))
        for part in _parts(of, limit - len(f"{stem} {word} "))
    ]
    if lines and not had:
        lines[0] = lines[0].replace(" add ", " ", 1)
    return lines


def _parts(of: frozenset[int], room: int) -> list[str]:
    """A set as texts of at most ``room`` letters."""
    parts: list[str] = []
    for one in text(of).split(",") if of else ():
        if parts and len(parts[-1]) + len(one) < room:
            parts[-1] += f",{one}"
        else:
            parts.append(one)
    return parts
