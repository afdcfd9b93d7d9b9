"""A request in; why GitHub's own description of its API does not allow it, or nothing, out.

``description.json`` is an excerpt of that description: the operations that CatNet uses, with the
query and the body that each takes. What is not in it, a misspelt key for example, GitHub would
ignore in silence; here it is a refusal.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    verb: str
    path: re.Pattern[str]
    query: Mapping[str, Any]
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The status to answer with, and what is wrong."""

    status: int
    why: str


class Description:
    """What may be asked of the API."""

    def __init__(self) -> None:
        text = Path(__file__).with_name("description.json").read_text(encoding="utf-8")
        self._operations = tuple(
            _Operation(
                verb=each["verb"],
                path=re.compile(_pattern(each["path"])),
                query=each["query"],
                body=each.get("body"),
            )
            for each in json.loads(text)["operations"]
        )

    def refusal(
        self, verb: str, path: str, query: Mapping[str, str], body: bytes
    ) -> Refusal | None:
        """None when the request is as it is described."""
        for operation in self._operations:
            if operation.verb == verb and operation.path.fullmatch(path):
                try:
                    found = [*_queried(operation, query), *_sent(operation, body)]
                except ValueError:
                    return Refusal(status=400, why="Problems parsing JSON")
                why = f"Invalid request. {verb} {path}: {'; '.join(found)}"
                return Refusal(status=422, why=why) if found else None
        return Refusal(status=404, why=f"Not Found: {verb} {path}")


def _pattern(path: str) -> str:
    """A ref has slashes in it; every other name in a path has none."""
    parts = re.split(r"\{(\w+)\}", path)
    parts[1::2] = [".+" if name == "ref" and "git/ref" in path else "[^/]+" for name in parts[1::2]]
    parts[0::2] = [re.escape(text) for text in parts[0::2]]
    return "".join(parts)


def _queried(operation: _Operation, query: Mapping[str, str]) -> Iterator[str]:
    for name, value in query.items():
        schema = operation.query.get(name)
        if schema is None:
            yield f"there is no query {name}"
        elif schema.get("type") == "integer" and not value.isdecimal():
            yield f"query {name} is not a number"
        elif value not in schema.get("enum", [value]):
            yield f"query {name} is not one of {', '.join(schema['enum'])}"


def _sent(operation: _Operation, body: bytes) -> Iterator[str]:
    if operation.body is None:
        if body:
            yield "it takes no body"
        return
    yield from _violations(operation.body, json.loads(body or b"{}"), "body")


def _violations(schema: Mapping[str, Any], value: object, where: str) -> Iterator[str]:
    """By the part of JSON Schema that these operations are described with (OpenAPI 3.0)."""
    if value is None and schema.get("nullable"):
        return
    if choices := schema.get("oneOf"):
        if all(any(_violations(each, value, where)) for each in choices):
            yield f"{where} is none of what it may be"
        return
    kind = schema.get("type")
    if kind and (
        not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")
    ):
        yield f"{where} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is not one of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from _violations(schema["items"], item, f"{where}.{number}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (
            f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value
        )
        for name, item in value.items():
            if name in known:
                yield from _violations(known[name], item, f"{where}.{name}")
            elif schema.get("additionalProperties") is not True:
                yield f"{where}.{name} is not known"
