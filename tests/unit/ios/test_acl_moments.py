"""At every moment of an edit a packet meets its old verdict or its new one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from catnet_controller.ios.diff import compare
from catnet_controller.ios.entries import increasing
from catnet_controller.ios.parse import parse
from catnet_controller.ios.predict import Model

HEADER = "ip access-list extended L"
MATCHES: dict[str, frozenset[int]] = {
    **{f"ip host 10.0.0.{n} any": frozenset({n}) for n in range(4)},
    "ip 10.0.0.0 0.0.0.1 any": frozenset({0, 1}),
    "ip 10.0.0.2 0.0.0.1 any": frozenset({2, 3}),
    "ip any any": frozenset(range(4)),
}
RULES = [f"{verdict} {text}" for verdict in ("permit", "deny") for text in MATCHES]
lists = st.lists(st.sampled_from(RULES), min_size=1, max_size=9, unique=True)


def entries(model: Model) -> list[str]:
    header = next(node for node in model.tree().nodes if node.text == HEADER)
    texts = (node.text for node in header.children)
    return [text.split(" ", 1)[1] if text[0].isdigit() else text for text in texts]


def verdicts(rules: list[str]) -> list[str]:
    """What becomes of each packet, the implicit deny at the end included."""

    def one(packet: int) -> str:
        for rule in rules:
            verdict, match = rule.split(" ", 1)
            if packet in MATCHES[match]:
                return verdict
        return "deny"

    return [one(packet) for packet in range(4)]


def text(rules: list[str], step: int) -> str:
    numbered = [f" {(n + 1) * step} {rule}" if step else f" {rule}" for n, rule in enumerate(rules)]
    return "\n".join([HEADER, *numbered, ""])


@settings(max_examples=300, deadline=None)
@given(lists, lists, st.sampled_from([0, 1, 2, 10]))
def test_never_open_and_never_locked(old: list[str], new: list[str], step: int) -> None:
    running = text(old, step)
    change = compare(running, text(new, 0))
    assert not change.refusals
    allowed = [set(pair) for pair in zip(verdicts(old), verdicts(new), strict=True)]
    model = Model(parse(running))
    before = set(old)
    for number, command in enumerate(change.commands):
        model.type(model.path, command.text)
        assert model.refusal is None
        now = entries(model)
        missing = before - set(now)
        following = [c.text.split(" ", 1)[-1] for c in change.commands[number + 1 : number + 2]]
        moving = bool(missing & set(following))
        before = set(now) if not moving else before
        if not moving:
            assert all(got in may for got, may in zip(verdicts(now), allowed, strict=True))
        else:
            assert any("moves" in warning for warning in change.warnings)
    assert entries(model) == new


def test_an_ipv6_list_without_room_is_refused() -> None:
    running = (
        "ipv6 access-list L\n sequence 10 permit tcp any any\n sequence 11 permit udp any any\n"
    )
    desired = "ipv6 access-list L\n permit tcp any any\n permit icmp any any\n permit udp any any\n"
    change = compare(running, desired)
    assert change.commands == ()
    assert [refusal.line for refusal in change.refusals] == ["permit icmp any any"]
    assert "another name" in change.refusals[0].reason


def test_an_ipv6_list_with_room_is_edited_in_place() -> None:
    running = (
        "ipv6 access-list L\n sequence 10 permit tcp any any\n sequence 20 permit udp any any\n"
    )
    desired = "ipv6 access-list L\n permit tcp any any\n permit icmp any any\n permit udp any any\n"
    change = compare(running, desired)
    assert [command.text for command in change.commands] == [
        "ipv6 access-list L",
        "sequence 15 permit icmp any any",
    ]


@given(st.lists(st.integers(-1, 9), max_size=12))
def test_as_many_as_can_stay_do(places: list[int]) -> None:
    kept = [places[index] for index in sorted(increasing(places))]
    assert -1 not in kept
    assert kept == sorted(set(kept))
    longest = [0] * 12
    for place in places:
        if place >= 0:
            longest[place] = max(longest[:place], default=0) + 1
    assert len(kept) == max(longest)
