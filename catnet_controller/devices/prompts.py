"""A line of text in, the prompt it is out: pinned to the hostname that the device itself showed."""

from collections.abc import Sequence
from dataclasses import dataclass

from catnet_controller.devices.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the device shows when it waits for a line; ``mode`` is None outside configuration."""

    name: str
    mode: str | None
    privileged: bool


def parse(platform: Platform, line: str) -> Prompt | None:
    """The prompt that a whole line is; None when it is none, whoever's."""
    if not line.rstrip(" ").endswith(("#", ">")):
        return None
    found = platform.prompt.fullmatch(line)
    if found is None:
        return None
    return Prompt(name=found["name"], mode=found["mode"], privileged=found["sign"] == "#")


def matches(platform: Platform, prompt: Prompt, name: str) -> bool:
    """Whether it is the prompt of the device with this hostname, cut short as modes cut it."""
    if prompt.mode is None:
        return prompt.name == name
    return name.startswith(prompt.name) and len(prompt.name) >= min(len(name), platform.cut)


def split(platform: Platform, names: Sequence[str], line: str) -> tuple[Prompt | None, str]:
    """The prompt that a line begins with and the rest of it; (None, line) without one of ours."""
    found = platform.prompt.match(line)
    if found is None:
        return None, line
    prompt = Prompt(name=found["name"], mode=found["mode"], privileged=found["sign"] == "#")
    if not any(matches(platform, prompt, name) for name in names):
        return None, line
    return prompt, line[found.end() :]


def configures(platform: Platform, prompt: Prompt) -> bool:
    """Whether configuration lines are taken at this prompt."""
    return (
        prompt.mode is not None
        and prompt.privileged
        and platform.config_mode.fullmatch(prompt.mode) is not None
    )
