"""References to secrets, and hashes that the device made of plain ones."""

import pytest

from catnet_controller.ios import secrets

TEXT = 'enable secret {{ secret("enable") }}\nkey {{secret(\'tac\')}}\nx {{ secret("enable") }}\n'


def test_names_are_listed_once() -> None:
    assert secrets.names(TEXT) == ("enable", "tac")


def test_resolve() -> None:
    assert secrets.resolve(TEXT, {"enable": "e", "tac": "t"}) == "enable secret e\nkey t\nx e\n"


def test_every_missing_name_is_named() -> None:
    with pytest.raises(ValueError, match="'enable', 'tac'"):
        secrets.resolve(TEXT, {"other": "x"})


def test_a_line_break_cannot_start_another_command() -> None:
    with pytest.raises(ValueError, match="line break") as caught:
        secrets.resolve(TEXT, {"enable": "a\nreload", "tac": "t"})
    assert "reload" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "stored"),
    [
        ("5", "$1$mERr$hx5rVt7rPNoS4wqbXKX7m0"),
        ("7", "0822455D0A16"),
        ("8", "$8$dsYGNam3K1SIJO$7nv/35M/qr6t.dVc7UY9zrJDWRVqncHub1PE9UlMQFs"),
        ("9", "$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM"),
    ],
)
def test_published_vectors(form: str, stored: str) -> None:
    assert secrets.verifies("cisco", form, stored)
    assert not secrets.verifies("other", form, stored)
    assert not secrets.verifies("cisco", form, "garbage")


def test_alike_needs_the_rest_to_be_equal() -> None:
    shown = "username a privilege 15 secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0"
    assert secrets.alike(shown, "username a privilege 15 secret cisco")
    assert secrets.alike(shown, "username a privilege 15 algorithm-type md5 secret cisco")
    assert not secrets.alike(shown, "username a privilege 1 secret cisco")
    assert not secrets.alike(shown, "username a privilege 15 secret wrong")
    shown = "ntp authentication-key 1 md5 0822455D0A16 7"
    assert secrets.alike(shown, "ntp authentication-key 1 md5 cisco")
    assert not secrets.alike(shown, "ntp authentication-key 2 md5 cisco")
