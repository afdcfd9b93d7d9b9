"""Nouns to JSON text and back; reading forgives what another version of CatNet wrote.

A field that is not in the text gets its default, one that is not in the noun is left out, so that
a store outlives a change of the nouns. The text is pure ASCII: what a device answered may hold
bytes that are no UTF-8 (as lone surrogates) or NUL, which neither database takes as they stand.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, TypeVar

from catnet_controller.models import (
    AnswerMessage,
    CommentMessage,
    Device,
    DeviceState,
    IssueMessage,
    Message,
    Outcome,
    ReactionMessage,
    RecordMessage,
    StatusMessage,
)

T = TypeVar("T")


def pack(noun: object) -> str:
    """One noun, or a tuple of nouns, as JSON text."""
    return json.dumps(noun, default=_plain, separators=(",", ":"))


def unpack(kind: type[T], text: str) -> T:
    """The noun that ``pack`` made the text of."""
    noun: T = _reader(typing.cast(Hashable, kind))(json.loads(text))
    return noun


@lru_cache(maxsize=4096)
def unpack_device(text: str) -> Device:
    """Like ``unpack``; the jobs of a device share one noun."""
    return unpack(Device, text)


@lru_cache(maxsize=16384)
def unpack_state(text: str) -> DeviceState:
    """Like ``unpack``; most of a fleet is as it was when it was last read."""
    return unpack(DeviceState, text)


def unpack_message(text: str) -> Message:
    """A message tells its kind by its fields."""
    raw = json.loads(text)
    kind = next(kind for mark, kind in _MESSAGES.items() if mark in raw)
    message: Message = _reader(typing.cast(Hashable, kind))(raw)
    return message


_MESSAGES: Mapping[str, type[Message]] = {
    "context": StatusMessage,
    "environment": RecordMessage,
    "pull": CommentMessage,
    "content": ReactionMessage,
    "comment": AnswerMessage,
    "open": IssueMessage,
}
"""Kinds of messages by a field that no earlier one has."""


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What turns the JSON form of a type annotation back into the value."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (each for each in arguments if each is not type(None))
        read = _reader(inner)
        return lambda raw: None if raw is None else read(raw)
    if origin is tuple:
        read = _reader(arguments[0])
        return lambda raw: tuple(map(read, raw))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        readers = {each.name: _reader(hints[each.name]) for each in dataclasses.fields(kind)}
        return lambda raw: kind(
            **{name: readers[name](value) for name, value in raw.items() if name in readers}
        )
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return _same


def _same(raw: Any) -> Any:
    return raw


# --- outcomes ----------------------------------------------------------------------------------

LONG = ("diff", "commands", "reverse", "transcript", "remaining")
"""The fields of an outcome that can be long; a list of deployments is read without them."""


def split(outcome: Outcome) -> tuple[str, str | None]:
    """The outcome as two texts: what a list shows, and the long rest (None when empty)."""
    brief = {each.name: getattr(outcome, each.name) for each in dataclasses.fields(outcome)}
    detail = {name: value for name in LONG if (value := brief.pop(name))}
    return pack(brief), pack(detail) if detail else None


def join(brief: str, detail: str | None) -> Outcome:
    """The outcome that was ``split``; without ``detail`` its long fields are empty."""
    raw = json.loads(brief)
    if detail is not None:
        raw |= json.loads(detail)
    outcome: Outcome = _reader(Outcome)(raw)
    return outcome
