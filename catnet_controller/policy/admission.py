"""What a person says of a device comes in; the device that CatNet itself will keep goes out."""

import re
from collections.abc import Mapping, Sequence

from catnet_controller.errors import DeviceExists, DeviceInGit, DeviceRefused
from catnet_controller.models import Device, DeviceState, Owner, Scope
from catnet_controller.policy.roster import ALGORITHMS, NAME, PLATFORMS, SITE, place
from catnet_controller.policy.roster import host as _host

_USERNAME = re.compile(r"[!-~]{1,64}")
_MOST_GROUPS = 20


def device(
    *,
    name: str,
    host: str,
    port: int = 22,
    platform: str = "ios",
    credential: str = "default",
    username: str = "",
    algorithms: str = "modern",
    scope: str = Scope.FULL,
    groups: Sequence[str] = (),
    site: str = "",
) -> Device:
    """The device, by the rules of the inventory. Raises DeviceRefused for what it would refuse."""
    where = _host(host)
    rules = {
        "name": NAME.fullmatch(name) is not None,
        "host": where is not None,
        "port": 0 < port < 65536,
        "platform": platform in PLATFORMS,
        "credential": NAME.fullmatch(credential) is not None,
        "username": not username or _USERNAME.fullmatch(username) is not None,
        "algorithms": algorithms in ALGORITHMS,
        "scope": scope in tuple(Scope),
        "groups": len(groups) <= _MOST_GROUPS and all(map(NAME.fullmatch, groups)),
        "site": SITE.fullmatch(site) is not None,
    }
    wrong = [key for key, fine in rules.items() if not fine]
    if wrong or where is None:
        raise DeviceRefused(f"{wrong[0]}: {_RULES[wrong[0]]}")
    return Device(
        name=name,
        host=where,
        port=port,
        platform=platform,
        credential=credential,
        username=username,
        algorithms=algorithms,
        scope=Scope(scope),
        groups=tuple(dict.fromkeys(groups)),
        site=site,
        owner=Owner.CATNET,
    )


def admit(new: Device, states: Mapping[str, DeviceState], *, repository: str) -> None:
    """Raises DeviceInGit or DeviceExists where there is such a device already, also at the same
    address: two names for one device would be two pushes into it at a time."""
    for name, state in states.items():
        if name.casefold() == new.name.casefold():
            if not state.device.added:
                raise in_git(name, repository=repository)
            raise DeviceExists(
                f"there is a device {name} already",
                next_step=f"Remove it first: `catnet device remove {name}`.",
            )
        if place(state.device) == place(new):
            raise DeviceExists(f"{name} is at {new.host} port {new.port} already")


def in_git(name: str, *, repository: str) -> DeviceInGit:
    return DeviceInGit(
        f"{name} is declared in inventory.yaml of {repository}",
        next_step=f"Change `devices.{name}` of inventory.yaml there; CatNet follows the commit.",
    )


_RULES = {
    "name": "up to 63 letters, digits and `. _ -`, the first a letter or digit",
    "host": "a host name or an IP address",
    "port": "a number from 1 to 65535",
    "platform": f"one of {', '.join(PLATFORMS)}",
    "credential": "the name of a login, of letters, digits and `. _ -`",
    "username": "up to 64 printable characters without blanks",
    "algorithms": f"one of {', '.join(ALGORITHMS)}",
    "scope": "full or partial",
    "groups": f"up to {_MOST_GROUPS} names of letters, digits and `. _ -`",
    "site": "one line of up to 100 characters",
}
