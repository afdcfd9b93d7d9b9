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


def typed(old: str, line: str) -> str:
    """The stored line after ``... allowed vlan [add|remove|except] SET`` was typed over ``old``."""
    found = _VALUE.match(line)
    if found is None:
        return line
    try:
        new = numbers(found[3])
        before = numbers(was[3]) if (was := _VALUE.match(old)) else frozenset[int]()
    except ValueError:
        return line
    if found[2] == "add":
        new = before | new
    elif found[2] == "remove":
        new = before - new
    elif found[2] == "except":
        new = _ALL - new
    return f"{found[1]} {text(new)}"
