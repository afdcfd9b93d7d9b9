"""Which login a device gets: from the settings and from credentials.yaml; secrets never show."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from catnet_controller.devices.vault import DEFAULT, Place, Vault
from catnet_controller.errors import CatnetError, CredentialsInvalid, SecretMissing
from catnet_controller.models import Device

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How to log in: a password, a private key, or both; ``enable`` where login is not level 15.

    With both, the key is tried first. The key is a file, or ``private_key_text`` itself. ``label``
    says where the credential stands, empty for one of the settings.
    """

    username: str
    password: str = field(default="", repr=False)
    enable: str | None = field(default=None, repr=False)
    private_key: Path | None = None
    private_key_text: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    label: str = ""


class Credentials:
    """The logins of the settings, by the name that the inventory uses, and those of the vault.

    The most particular one wins: the vault's for the device, then its one for a group of the
    device, then the one of the name that the inventory gives (``default`` where it gives none),
    which stands in the settings or in the vault. Where that is not one answer, the device is
    refused: two groups with a login each; a name in the inventory beside a login for the device
    or its group; a name that both settings and vault have.

    The vault is read again when its file changed. One that cannot be read leaves the logins as
    they were, and says so in the log.
    """

    def __init__(
        self,
        named: Mapping[str, Credential],
        *,
        vault: Vault | None = None,
        hide: Callable[[Collection[str]], None] | None = None,
    ) -> None:
        """``hide`` hears of every secret of the vault, before it is used."""
        self._named = dict(named)
        self._vault = vault
        self._hide = hide
        self._kept: dict[Place, Credential] | None = None
        self._stamp: object = None

    @property
    def names(self) -> tuple[str, ...]:
        own = (_name(place) for place in self._own())
        return tuple(sorted({*self._named, *(name for name in own if name is not None)}))

    def check(self) -> None:
        """Raises what is wrong with the vault, before a device needs it."""
        self._own()

    def of(self, device: Device) -> Credential:
        """How to log in to the device. Raises CredentialsInvalid, and as ``lookup`` does."""
        own = self._own()
        groups = [Place(section="groups", name=name) for name in device.groups]
        found = [place for place in groups if place in own]
        single = Place(section="devices", name=device.name)
        if single in own:
            found = [single]
        if len(found) > 1:
            raise CredentialsInvalid(
                f"{device.name} has two logins: {found[0]} and {found[1]} of credentials.yaml",
                next_step=f"Say which: `catnet credentials set --device {device.name}`.",
            )
        if found and device.credential != "default":
            raise CredentialsInvalid(
                f"{device.name} has two logins: credential {device.credential!r} of the inventory,"
                f" and {found[0]} of credentials.yaml",
                next_step="Take `credential` out of the inventory, or remove the other with"
                " `catnet credentials remove`.",
            )
        login = own[found[0]] if found else self.lookup(device.credential)
        return replace(login, username=device.username) if device.username else login

    def lookup(self, name: str) -> Credential:
        """Raises SecretMissing with the names there are, when this one is not among them."""
        own = self._own()
        place = DEFAULT if name == "default" else Place(section="names", name=name)
        if place in own:
            return own[place]
        try:
            return self._named[name]
        except KeyError:
            known = ", ".join(self.names) or "none"
            raise SecretMissing(
                f"there is no credential {name!r} (known: {known})",
                next_step=f"Add credential {name!r} with `catnet credentials set` or to"
                " catnet.yaml, or correct the inventory.",
            ) from None

    def _own(self) -> Mapping[Place, Credential]:
        if self._vault is None:
            return {}
        stamp = self._vault.stamp
        if self._kept is not None and stamp == self._stamp:
            return self._kept
        first = self._kept is None
        try:
            fresh = self._read(self._vault, gone=stamp is None and bool(self._kept))
        except CatnetError as error:
            if first:
                raise
            log.error(
                "credentials not read; those read before stay in use",
                code=error.code,
                error=error.message,
                next_step=error.next_step,
            )
        else:
            self._kept = fresh
            if not first:
                log.info("credentials read again", logins=len(fresh))
        self._stamp = stamp
        assert self._kept is not None
        return self._kept

    def _read(self, vault: Vault, *, gone: bool) -> dict[Place, Credential]:
        if gone:
            raise CredentialsInvalid(f"{vault.path} is no longer there")
        logins = vault.logins()
        if self._hide is not None:
            self._hide(
                [
                    value
                    for login in logins.values()
                    for name, value in login.items()
                    if name != "username"
                ]
            )
        for place in logins:
            if _name(place) in self._named:
                raise CredentialsInvalid(
                    f"credential {_name(place)!r} is both in {vault.path} and in catnet.yaml"
                    f" (devices.credentials.{_name(place)})",
                    next_step="Remove one of the two.",
                )
        return {
            place: Credential(
                username=login["username"],
                password=login.get("password", ""),
                enable=login.get("enable"),
                private_key_text=login.get("private_key"),
                passphrase=login.get("passphrase"),
                label=f"{place} of {vault.path.name}",
            )
            for place, login in logins.items()
        }


def _name(place: Place) -> str | None:
    """The name by which the inventory calls it."""
    if place == DEFAULT:
        return "default"
    return place.name if place.section == "names" else None
