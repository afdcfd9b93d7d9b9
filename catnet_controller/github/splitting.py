"""A text in; the parts out that GitHub takes as comments, no block left open in any. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MARKER: Final = "<!-- catnet:plan -->"
LONGEST: Final = 65_536
MOST: Final = 10
"""Parts at most: a plan that is longer is for the deployment page."""
_CUT: Final = (
    "\n\n*The rest did not fit into comments; the status check links to the whole plan.*\n"
)
_ROOM: Final = LONGEST - len(_CUT) - 1
_PIECE: Final = 16_000
"""Characters of a line that stay together."""
_LONGEST_FENCE: Final = 1_000
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_PART: Final = re.compile(r"<!-- catnet:plan(?: part ([1-9][0-9]?))? -->")
_MORE: Final = "<details open><summary>continued</summary>\n\n"
_DEEPEST: Final = 3


def part(body: str) -> int | None:
    """Which part of a plan the comment is, from 1; None when it is none."""
    found = _PART.match(body)
    return int(found[1] or 1) if found else None


def parts(body: str) -> tuple[str, ...]:
    """``body`` as comments, each with its hidden marker; one, as long as it fits."""
    whole = f"{MARKER}\n{body}"
    if len(whole) <= LONGEST:
        return (whole,)
    made: list[str] = []
    text, blocks = f"{MARKER}\n", _Blocks()
    for piece, whole_line in _pieces(body):
        after = blocks.after(piece) if whole_line else blocks
        if len(text) + len(piece) + max(len(blocks.end), len(after.end)) > _ROOM:
            made.append(text + blocks.end)
            # A block that opens with so much is not opened again: it would leave no room.
            if len(made) == MOST or len(blocks.fence) > _LONGEST_FENCE:
                made[-1] += _CUT
                return tuple(made)
            text = f"<!-- catnet:plan part {len(made) + 1} -->\n{blocks.begin}"
        text += piece
        blocks = after
    return (*made, text + blocks.end)


def _pieces(body: str) -> Iterator[tuple[str, bool]]:
    """The lines, long ones in pieces; whether it is a whole line."""
    for text in body.split("\n"):
        line = f"{text}\n"
        for at in range(0, len(line), _PIECE):
            yield line[at : at + _PIECE], len(line) <= _PIECE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blocks:
    """What is open: a code block by its first line (CommonMark 4.5), and how many folds."""

    fence: str = ""
    folds: int = 0

    def after(self, line: str) -> "_Blocks":
        found = _FENCE.fullmatch(line.rstrip("\n"))
        if self.fence:
            mark = self._mark
            same = found is not None and found[1][0] == mark[0] and len(found[1]) >= len(mark)
            ends = same and found is not None and not found[2].strip()
            return _Blocks(folds=self.folds) if ends else self
        if found is not None and not (found[1][0] == "`" and "`" in found[2]):
            return _Blocks(fence=line, folds=self.folds)
        folds = self.folds + line.count("<details") - line.count("</details>")
        return _Blocks(folds=max(0, folds))

    @property
    def _mark(self) -> str:
        found = _FENCE.fullmatch(self.fence.rstrip("\n"))
        assert found is not None, "only such a line opens a block"
        return found[1]

    @property
    def end(self) -> str:
        """What closes all of it."""
        fence = f"\n{self._mark}\n" if self.fence else ""
        return fence + "\n</details>" * min(self.folds, _DEEPEST)

    @property
    def begin(self) -> str:
        """What opens it again."""
        return _MORE * min(self.folds, _DEEPEST) + self.fence
