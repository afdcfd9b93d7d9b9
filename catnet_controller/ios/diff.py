"""Compare what a device has with what it shall have: the change set, or the reasons against it.

The plan is proved before it leaves: its commands are typed into the model of IOS, and what comes
out must be what was aimed at. Where the model drops something on the way (a VRF change takes the
addresses with it) the plan is continued until nothing is left; where that does not end, the change
is refused.
"""

from collections.abc import Collection, Iterator, Sequence

from catnet_controller.ios import merge, switching, uses
from catnet_controller.ios.changes import ChangeSet, Command, DiffLine, Refusal
from catnet_controller.ios.items import Item, Section
from catnet_controller.ios.loading import Known, load
from catnet_controller.ios.parse import Seen, dump, parse
from catnet_controller.ios.plan import Planner, Stop
from catnet_controller.ios.predict import Model, lines
from catnet_controller.ios.proof import displaced, unlike
from catnet_controller.ios.redact import redact
from catnet_controller.ios.rules import match, mode
from catnet_controller.ios.show import difference
from catnet_controller.ios.steps import Step, typed
from catnet_controller.ios.tree import Path
from catnet_controller.ios.vty import cut, ranges

_ROUNDS = 5


def compare(
    running: str,
    desired: str,
    *,
    scope: str = "full",
    applied: str | None = None,
    origins: Sequence[str] = (),
    mark: bytes | None = None,
    strict: bool = False,
    typed_before: Collection[str] = (),
) -> ChangeSet:
    """The change set from ``running`` to ``desired``.

    ``scope`` is ``full`` (desired speaks for the whole device) or ``partial`` (only for what it
    names; ``applied`` is the desired text applied last). ``origins[i]`` is where line ``i`` of
    desired comes from. Secrets in desired are plain values or the device's own hash. ``mark`` is
    a secret key that lets two different secrets look different in the redacted diff. Lines that
    only a catch-all row takes are typed as they stand, with a warning; ``strict`` refuses them.
    ``typed_before`` are lines that the device took already: a ``no`` among them that it does not
    show is so where no rule knows that it would be shown.
    """
    if running == desired and scope == "full":
        return ChangeSet(predicted=running)
    seen = Seen()
    wanted_tree = parse(desired, seen)
    tree = parse(running, seen)
    known = Known()
    # First, because its line numbers say where a line comes from.
    want = load(wanted_tree, known)
    have = load(tree, known)
    _align(have, want)
    if scope == "partial":
        before = load(parse(applied), known) if applied is not None else None
        if before is not None:
            _align(have, before)
        aim = merge.partial(have, want, before)
    else:
        aim = merge.full(have, want, typed_before)
    merge.vlans(have, want, aim)
    where = _Where(origins)
    refusals = [
        Refusal(
            line=desired.split("\n")[p.line - 1].strip(), origin=where(p.line), reason=p.message
        )
        for p in wanted_tree.problems
    ]
    refusals += [
        Refusal(line=line, origin=where(number), reason=switching.REASON)
        for number, line in switching.unclear(
            tree, wanted_tree, text=running, whole=scope == "full"
        )
    ]
    refusals += _twice(have, want, where)
    dangling = (*uses.loose(have, aim.section), *uses.missing(have, aim.section))
    refusals += [
        Refusal(line=redact(one.use), origin=where(one.line), reason=redact(str(one)))
        for one in dangling
        if one.fatal
    ]
    model = Model(tree)
    route = _Route(model, have, aim.section, aim.cleared, known)
    refusals += [
        Refusal(line=stop.text, origin=where(stop.line), reason=stop.reason) for stop in route.stops
    ]
    commands = typed(route.steps, origins, headers=_headers(want, route.steps))
    predicted = dump(model.tree())
    reverse: tuple[Command, ...] = ()
    warnings = [*aim.warnings, *route.warnings, *(str(one) for one in dangling if not one.fatal)]
    for step in _vague(route.steps):
        if strict:
            refusals.append(Refusal(line=step.text, origin=where(step.line), reason=_VAGUE))
        else:
            place = f"{where(step.line)}: " if where(step.line) else ""
            warnings.append(
                f"{place}`{redact(step.text)}`: not known in detail; typed as it stands"
            )
    if commands and not refusals:
        warnings += [
            f"comments of `{name}` will stand at another place: the device shows no entry numbers"
            for name in displaced(route.section, aim.section)
        ]
        back = _Route(model, route.section, have, set(), known, printed=True)
        reverse = typed(back.steps)
        warnings += [
            f"the way back is not complete: `{redact(stop.text)}`: {stop.reason}"
            for stop in back.stops
        ]
        warnings += [
            f"the way back leaves `{redact(line)}`: no rule knows what was so without that line"
            for line in back.left
        ]
    known.clear()
    return ChangeSet(
        commands=() if refusals else commands,
        reverse=reverse,
        diff=difference(have, aim.section, mark),
        warnings=tuple(dict.fromkeys(redact(warning) for warning in warnings)),
        refusals=tuple(refusals),
        unmanaged=aim.unmanaged,
        predicted=running if refusals else predicted,
    )


def render(diff: Sequence[DiffLine]) -> str:
    """A diff as text: the sign in the first column, then one blank per section around the line."""
    return "\n".join(f"{line.sign.value}{' ' * line.depth}{line.text}" for line in diff)


_VAGUE = "not known in detail, and only lines that are may be typed"


def _vague(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps whose lines only a catch-all row takes."""
    for step in steps:
        found = match(mode(step.path), step.text.removeprefix("default "))
        if found is not None and found.row.loose:
            yield step


class _Where:
    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = origins

    def __call__(self, line: int) -> str | None:
        return self._origins[line - 1] if 0 < line <= len(self._origins) else None


class _Route:
    """A plan, continued in the model until the aim is reached."""

    def __init__(
        self,
        model: Model,
        have: Section,
        aim: Section,
        cleared: set[str],
        known: Known,
        *,
        printed: bool = False,
    ) -> None:
        self.steps: list[Step] = []
        self.stops: list[Stop] = []
        self.warnings: list[str] = []
        self.left: list[str] = []
        self.section = have
        for _ in range(_ROUNDS):
            planner = Planner(self.section, aim, cleared, printed=printed)
            planner.run()
            self.stops += planner.stops
            self.warnings += planner.warnings
            self.left += planner.left
            cleared = set()
            if self.stops or not planner.steps:
                break
            refused = self._type(model, planner.steps)
            self.steps += planner.steps
            self.section = load(model.tree(), known)
            _align(self.section, aim)
            if refused:
                self.stops.append(refused)
                break
        else:
            planner = Planner(self.section, aim, set())
            planner.run()
            if planner.steps:
                step = planner.steps[0]
                reason = "the model of IOS does not reach the wanted result with this line"
                self.stops.append(Stop(text=step.text, line=step.line, reason=reason))
        if not self.stops and (item := unlike(self.section, aim)) is not None:
            reason = "in the model of IOS the result is not the wanted one at this line"
            self.stops.append(Stop(text=item.text, line=item.line, reason=reason))

    @staticmethod
    def _type(model: Model, steps: Sequence[Step]) -> Stop | None:
        model.path = ()
        for line in lines(typed(steps)):
            model.type(model.path, line)
            if model.refusal is not None:
                return Stop(text=line, line=0, reason=f"IOS would refuse it: {model.refusal}")
        return None


def _align(one: Section, other: Section) -> None:
    """Cut the ``line vty`` ranges of both alike, so that they compare range by range."""
    first, second = ranges(one), ranges(other)
    if first == second or not first or not second:
        return
    edges = {low for low, _ in (*first, *second)} | {high + 1 for _, high in (*first, *second)}
    cut(one, edges)
    cut(other, edges)


def _twice(have: Section, want: Section, where: _Where) -> list[Refusal]:
    """The same setting twice in desired with different values; the device cannot have both."""
    refusals = []
    clashes = _clashes(want, have)
    had = {(path, old.key) for path, old, _ in _clashes(have, want)} if clashes else set()
    for path, first, second in clashes:
        if (path, first.key) in had:
            continue
        place = f" ({where(first.line)})" if where(first.line) else ""
        reason = f"the same setting stands above{place} with another value: `{redact(first.text)}`"
        refusals.append(Refusal(line=second.text, origin=where(second.line), reason=reason))
    return refusals


def _clashes(section: Section, other: Section) -> list[tuple[Path, Item, Item]]:
    """The clashes of a section, those aside that the other has for certain: in what is shared."""
    found = [(section.path, first, second) for first, second in section.clashes]
    for item in section.items:
        if item.section is not None:
            beside = other.index.get(item.key)
            if beside is not item:
                below = beside.section if beside is not None else None
                found += _clashes(item.section, below or Section(item.section.path))
    return found


def _headers(section: Section, steps: Sequence[Step]) -> dict[Path, int]:
    """Where the sections that are typed in begin in desired."""
    found: dict[Path, int] = {}
    for path in {step.path[:depth] for step in steps for depth in range(1, len(step.path) + 1)}:
        around: Section | None = section
        for header in path:
            known = match(around.mode, header) if around is not None else None
            item = around.index.get(known.key if known else ("?", header)) if around else None
            found[path] = item.line if item is not None else 0
            around = item.section if item is not None else None
    return found
