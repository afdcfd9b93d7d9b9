"""Devices and what somebody looks for come in; the rows of one page go out, the worst on top."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from catnet_controller.models import DeviceState, Health, Sync
from catnet_controller.web import views

ROWS = 100
"""Devices on one page."""

KINDS: Mapping[str, Callable[[DeviceState], bool]] = {
    "in-sync": lambda it: it.sync is Sync.IN_SYNC,
    "out-of-sync": lambda it: it.sync is Sync.OUT_OF_SYNC,
    "unreachable": lambda it: it.health is Health.UNREACHABLE,
    "quarantined": lambda it: it.quarantined is not None,
    "unknown": lambda it: it.sync is Sync.UNKNOWN,
    "degraded": lambda it: it.health is Health.DEGRADED,
}
_WORST = ("unreachable", "quarantined", "out-of-sync", "degraded", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; empty texts are no condition."""

    show: str = ""
    words: str = ""
    site: str = ""
    group: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Search":
        """From the query of an address; what cannot be is left out."""
        show = query.get("show", "")
        return cls(
            show=show if show in KINDS else "",
            words=" ".join(query.get("q", "").split())[:100],
            site=query.get("site", "")[:100],
            group=query.get("group", "")[:100],
            page=number(query.get("page", "1")),
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.show or self.words or self.site or self.group)

    def address(self, **changes: str | int) -> str:
        """Of the page with this search, in which something else is looked for."""
        wanted = {
            "show": self.show,
            "q": self.words,
            "site": self.site,
            "group": self.group,
            **changes,
        }
        kept = {key: value for key, value in wanted.items() if value not in ("", 1)}
        return f"/?{urlencode(kept)}" if kept else "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of what was found."""

    rows: Sequence[DeviceState]
    total: int
    page: int
    pages: int
    first: int
    """The place of the first row among all, from 1."""


def find(states: Mapping[str, DeviceState], search: Search) -> Found:
    matching = {name: it for name, it in states.items() if _matches(it, search)}
    pages = max(1, -(-len(matching) // ROWS))
    page = min(search.page, pages)
    start = (page - 1) * ROWS
    return Found(
        rows=views.worst_first(matching)[start : start + ROWS],
        total=len(matching),
        page=page,
        pages=pages,
        first=start + 1 if matching else 0,
    )


def counts(states: Collection[DeviceState]) -> Mapping[str, int]:
    """How many there are of each kind; one device may be of several."""
    return {kind: sum(map(test, states)) for kind, test in KINDS.items()}


def shares(states: Collection[DeviceState]) -> Mapping[str, int]:
    """The same, with each device counted once: as the worst that it is."""
    found = dict.fromkeys(("in-sync", *reversed(_WORST)), 0)
    for state in states:
        found[next((kind for kind in _WORST if KINDS[kind](state)), "in-sync")] += 1
    return found


def number(text: str) -> int:
    """The number of a page or a deployment; 1 for what is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _matches(state: DeviceState, search: Search) -> bool:
    it = state.device
    if search.show and not KINDS[search.show](state):
        return False
    if (search.site and it.site != search.site) or (search.group and search.group not in it.groups):
        return False
    texts = [text.lower() for text in (it.name, it.host, it.site, *it.groups)]
    return all(any(word in text for text in texts) for word in search.words.lower().split())
