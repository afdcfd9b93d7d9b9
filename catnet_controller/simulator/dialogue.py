"""What the device answers to a line: text, a question it waits on, or a text block it opens."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Input(Enum):
    """What the device reads next."""

    KEY = "key"
    """One key, no ENTER: ``[confirm]``."""
    PAGE = "page"
    """One key, as the pager reads it: the cursor stays on the line."""
    TEXT = "text"
    """A line, echoed."""
    SECRET = "secret"  # noqa: S105
    """A line, not echoed."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked; ``answer`` takes the reply."""

    text: str
    answer: Callable[[str], "Answer"]
    input: Input = Input.KEY


@dataclass(frozen=True, slots=True)
class Block:
    """A text block that takes lines; ``feed`` gives None until the block is closed.

    ``closer`` is the character that ends it wherever it stands, None when a whole line does.
    ``prompt`` is shown before each line.
    """

    feed: Callable[[str], "Answer | None"]
    closer: str | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply. ``text`` ends with a newline unless it is empty."""

    text: str = ""
    refused: bool = False
    question: Question | None = None
    block: Block | None = None
    left: bool = False


def confirmed(reply: str) -> bool:
    """Whether a reply to ``[confirm]`` means yes: ENTER or y."""
    return reply in ("", "\r", "\n", "y", "Y")
