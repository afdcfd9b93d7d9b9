"""Credentials are found by name and do not show."""

import pytest

from catnet_controller.devices.credentials import Credential, Credentials
from catnet_controller.errors import SecretMissing


def test_secrets_are_not_in_the_repr() -> None:
    shown = repr(Credential(username="u", password="hush1", enable="hush2", passphrase="hush3"))
    assert "hush" not in shown
    assert "username='u'" in shown


def test_unknown_name_names_the_known_ones() -> None:
    credentials = Credentials(
        {"default": Credential(username="u"), "lab": Credential(username="v")}
    )
    assert credentials.lookup("lab").username == "v"
    with pytest.raises(SecretMissing, match=r"'edge'.*default, lab"):
        credentials.lookup("edge")
