"""The text of a comment in, the order in it out; what came of an order in, the answer out."""

import re

from catnet_controller.errors import CatnetError
from catnet_controller.models import Deployment, Order, Verb
from catnet_controller.policy import verdict

_LINE = re.compile(r"/catnet(?:[ \t]+(\S+))?(?:[ \t]+(\S+))?[ \t]*")
_LONGEST = 60_000
"""Characters of an answer; GitHub takes 65,536."""
HELP = (
    "What a comment can ask for, as its first line:\n\n"
    "- `/catnet plan` — plan this pull request again\n"
    "- `/catnet deploy` — deploy what the branch has, also where it failed or was rolled back\n"
    "- `/catnet rollback DEVICE` — take a device back to before its last change"
)


class NoOrder(Exception):
    """It speaks to us and cannot be understood; the message says why."""


def read(text: str) -> tuple[Verb, str] | None:
    """The order in the first line of a comment, and its device; None when it is none of ours.

    Raises NoOrder.
    """
    first = next((line for line in text.split("\n") if line.strip()), "")
    # With more blanks, or others, it is code in Markdown, and nobody's order.
    if not re.match(r" {0,3}/catnet(?:\s|$)", first):
        return None
    first = first.strip()
    found = _LINE.fullmatch(first)
    if found is None:
        raise NoOrder("There is too much on the line.")
    word, device = found[1] or "", found[2] or ""
    if not word:
        raise NoOrder("It does not say what to do.")
    try:
        verb = Verb(word)
    except ValueError:
        raise NoOrder(f"`{_plain(word)}` is nothing that can be asked for.") from None
    if verb is Verb.ROLLBACK and not device:
        raise NoOrder("It does not say which device to take back.")
    if verb is not Verb.ROLLBACK and device:
        raise NoOrder(f"`{verb.value}` takes no further word.")
    return verb, device


def refused(order: Order, why: str, next_step: str = "") -> str:
    """The answer to an order that is not carried out."""
    parts = [f"{_title(order)}: ❌ not carried out", why, f"**Next:** {next_step}"]
    return "\n\n".join(parts if next_step else parts[:-1])


def failed(order: Order, error: CatnetError) -> str:
    return refused(order, verdict.literal(error.message), verdict.literal(error.next_step))


def done(order: Order, deployment: Deployment, *, public_url: str) -> str:
    """The answer to an order whose deployment is over."""
    text = verdict.judge(deployment).text
    if len(text) > _LONGEST:
        text = verdict.literal(deployment.summary)
    link = f"deployment {deployment.id}"
    if public_url:
        link = f"[{link}]({public_url}/deployments/{deployment.id})"
    return f"{_title(order)}\n\n{text}\n\n<sub>{link}</sub>"


def _title(order: Order) -> str:
    words = f"/catnet {order.verb.value} {order.device}" if order.verb else "/catnet"
    return f"`{_plain(words.strip())}`, asked by {_plain(order.login)}"


def _plain(text: str) -> str:
    """Foreign words for within backticks."""
    return re.sub(r"[^\w./ :-]", "?", text)[:100]
