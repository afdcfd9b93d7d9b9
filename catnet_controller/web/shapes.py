"""What values look like, in the words of JSON Schema (2020-12): built, checked, and written down.

One description serves both sides: a request is checked against it before a handler sees it, and
the OpenAPI document shows it. Only the keywords that are used here are known.
"""

import re
from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def text(
    pattern: str | None = None, *, least: int = 0, most: int | None = None, about: str = ""
) -> Shape:
    """``pattern`` is for all of it, in what ECMAScript and Python agree on."""
    shape: dict[str, Any] = {"type": "string"}
    if pattern is not None:
        shape["pattern"] = f"^(?:{pattern})$"
    if least:
        shape["minLength"] = least
    if most is not None:
        shape["maxLength"] = most
    return described(shape, about)


def word(*words: str, about: str = "") -> Shape:
    return described({"type": "string", "enum": list(words)}, about)


def number(least: int | None = None, most: int | None = None, *, about: str = "") -> Shape:
    shape: dict[str, Any] = {"type": "integer"}
    if least is not None:
        shape["minimum"] = least
    if most is not None:
        shape["maximum"] = most
    return described(shape, about)


def several(item: Shape, *, least: int = 0, most: int | None = None, about: str = "") -> Shape:
    shape: dict[str, Any] = {"type": "array", "items": item}
    if least:
        shape["minItems"] = least
    if most is not None:
        shape["maxItems"] = most
    return described(shape, about)


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these keys and no other."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def table(value: Shape) -> Shape:
    """An object with keys of any name."""
    return {"type": "object", "additionalProperties": value}


def maybe(shape: Shape) -> Shape:
    """This, or null."""
    if "$ref" in shape:
        return {"anyOf": [shape, {"type": "null"}]}
    wider = {**shape, "type": [shape["type"], "null"]}
    if "enum" in shape:
        wider["enum"] = [*shape["enum"], None]
    return wider


def described(shape: Shape, about: str) -> Shape:
    return {**shape, "description": about} if about else shape


def wrong(shape: Shape, value: object, known: Mapping[str, Shape], where: str = "") -> str | None:
    """The first thing that is wrong with the value, in words; None when it fits.

    ``known`` are the shapes that others refer to by name.
    """
    if "$ref" in shape:
        return wrong(known[shape["$ref"].rpartition("/")[2]], value, known, where)
    if "anyOf" in shape:
        found = [wrong(each, value, known, where) for each in shape["anyOf"]]
        return None if None in found else found[0]
    kinds = shape.get("type")
    if kinds is None:
        return None
    kinds = [kinds] if isinstance(kinds, str) else kinds
    label = where or "The body"
    if not any(_is(value, kind) for kind in kinds):
        return f"{label} is not {' or '.join(_NAMES[kind] for kind in kinds)}."
    if "enum" in shape and value not in shape["enum"]:
        words = ["null" if each is None else str(each) for each in shape["enum"]]
        return f"{label} is none of {', '.join(words)}."
    match value:
        case str():
            return _text(shape, value, label)
        case bool():
            return None
        case int() | float():
            low, high = shape.get("minimum", value), shape.get("maximum", value)
            return None if low <= value <= high else f"{label} is not from {low} to {high}."
        case list():
            return _list(shape, value, known, where, label)
        case dict():
            return _object(shape, value, known, where)
        case _:
            return None


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return False
    return isinstance(value, _KINDS[kind])


def _text(shape: Shape, value: str, label: str) -> str | None:
    least, most = shape.get("minLength", 0), shape.get("maxLength", len(value))
    if not least <= len(value) <= most:
        return f"{label} is not a text of {least} to {most} characters."
    if "pattern" in shape:
        pattern = shape["pattern"].removeprefix("^").removesuffix("$")
        if re.fullmatch(pattern, value, re.ASCII) is None:
            return f"{label} is not {shape.get('description') or shape['pattern']}."
    return None


def _list(
    shape: Shape, value: list[object], known: Mapping[str, Shape], where: str, label: str
) -> str | None:
    least, most = shape.get("minItems", 0), shape.get("maxItems", len(value))
    if not least <= len(value) <= most:
        return f"{label} does not have {least} to {most} entries."
    for at, item in enumerate(value):
        found = wrong(shape["items"], item, known, f"{where}[{at}]")
        if found is not None:
            return found
    return None


def _object(
    shape: Shape, value: dict[str, object], known: Mapping[str, Shape], where: str
) -> str | None:
    properties: Mapping[str, Shape] = shape.get("properties", {})
    more = shape.get("additionalProperties", True)
    unknown = sorted(set(value) - set(properties))
    if unknown and more is False:
        told = ", ".join(sorted(properties)) or "none"
        return f"Unknown: {', '.join(unknown)}. Known: {told}."
    for key in shape.get("required", ()):
        if key not in value:
            return f"{f'{where}.' if where else ''}{key} is missing."
    for key, item in value.items():
        inner = properties.get(key, more)
        if isinstance(inner, Mapping):
            found = wrong(inner, item, known, f"{where}.{key}" if where else key)
            if found is not None:
                return found
    return None
