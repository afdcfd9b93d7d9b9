"""The model of access lists: numbers, duplicates, the kind of a numbered list."""

from catnet_controller.ios.parse import dump, parse
from catnet_controller.ios.predict import Model


def typed(running: str, *lines: str) -> str:
    model = Model(parse(running))
    for line in lines:
        model.type(model.path, line)
        assert model.refusal is None, (line, model.refusal)
    return dump(model.tree())


def test_resequence_keeps_the_kind_of_a_numbered_list() -> None:
    running = "access-list 101 permit tcp any any\naccess-list 101 deny ip any any\n"
    assert typed(running, "ip access-list resequence 101 10 10") == (
        "ip access-list extended 101\n 10 permit tcp any any\n 20 deny ip any any\n"
    )
    assert typed("access-list 10 permit 10.0.0.1\n", "ip access-list resequence 10 5 5") == (
        "ip access-list standard 10\n 5 permit 10.0.0.1\n"
    )


def test_an_entry_that_the_list_has_changes_nothing() -> None:
    running = "ip access-list extended L\n 10 permit tcp any any eq www\n 20 deny ip any any\n"
    header = "ip access-list extended L"
    assert typed(running, header, "30 permit tcp any any eq 80") == running
    assert typed(running, header, "permit tcp any any eq 80") == running


def test_the_default_class_stays_last() -> None:
    running = "policy-map P\n class A\n  bandwidth 10\n class class-default\n  fair-queue\n"
    assert typed(running, "policy-map P", "class B", "set dscp ef") == (
        "policy-map P\n class A\n  bandwidth 10\n class B\n  set dscp ef\n"
        " class class-default\n  fair-queue\n"
    )
