"""Log events of every library come in; lines for people or machines go out, secrets hidden.

structlog and the standard library share one handler, so aiohttp, asyncssh and SQLAlchemy look like
CatNet itself. Redaction works by value and is the last thing before a line is written: it does not
matter in which field, exception or foreign message a secret turned up.
"""

import json
import logging
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "[secret]"
_SHORT = 4
"""A secret of fewer characters is hidden only where it stands as a word of its own."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_QUIET = ("asyncio", "asyncssh", "aiohttp.access", "alembic", "github", "scrapli", "urllib3")
"""Libraries that tell each packet or request at level info."""
_SILENT = ("aiohttp.server",)
"""Tells of every request that is no HTTP, so whoever reaches a port could fill the disk; what goes
wrong in ours is logged where it does."""


class Redactor:
    """Replaces every secret it knows in any text, also where it is quoted as JSON or in a URL."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.hide(secrets)

    def hide(self, secrets: Collection[str]) -> None:
        """Know these as well."""
        if self._secrets.issuperset(secrets):
            return
        self._secrets |= frozenset(secrets)
        forms: set[str] = set()
        for secret in self._secrets:
            for piece in {secret, *(line for line in secret.splitlines() if len(line) >= _SHORT)}:
                forms |= {piece, repr(piece)[1:-1], quote(piece, safe="")}
                forms.add(json.dumps(piece)[1:-1])
        forms.discard("")
        # The longest first, so that a secret that contains another is hidden as a whole.
        found = [
            re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
            for form in sorted(forms, key=len, reverse=True)
        ]
        self._pattern = re.compile("|".join(found)) if found else None

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: object) -> object:
        """The same for anything an event may hold; unknown objects become their ``repr``."""
        match value:
            case str():
                return self.text(value)
            case bool() | int() | float() | None:
                return value
            case bytes():
                return self.text(value.decode(errors="backslashreplace"))
            case Mapping():
                return {self.text(str(key)): self.value(item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                return self.text(repr(value))

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: self.value(item) for key, item in event.items()}


class Logs:
    """The log set-up of this process; ``close`` puts back what was before."""

    def __init__(
        self,
        *,
        handler: logging.Handler,
        before: Sequence[logging.Handler],
        level: int,
        redactor: Redactor,
    ) -> None:
        self._handler = handler
        self._redactor = redactor
        self._before = tuple(before)
        self._level = level

    def hide(self, secrets: Collection[str]) -> None:
        """From now on these are hidden too."""
        self._redactor.hide(secrets)

    @property
    def level(self) -> str:
        return logging.getLevelName(logging.getLogger().level).lower()

    def set_level(self, level: str) -> None:
        """``debug``, ``info``, ``warning`` or ``error``; takes effect at once."""
        number = logging.getLevelNamesMapping()[level.upper()]
        logging.getLogger().setLevel(number)
        for name in _QUIET:
            logging.getLogger(name).setLevel(max(number, logging.WARNING))
        for name in _SILENT:
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def close(self) -> None:
        root = logging.getLogger()
        root.removeHandler(self._handler)
        for handler in self._before:
            root.addHandler(handler)
        root.setLevel(self._level)
        for name in (*_QUIET, *_SILENT):
            logging.getLogger(name).setLevel(logging.NOTSET)
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()


def configure(
    *,
    level: str = "info",
    format: Literal["auto", "json", "console"] = "auto",  # noqa: A002
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> Logs:
    """Send everything that is logged to ``stream`` (standard error), one line per event.

    ``auto`` is console on a terminal, else json. Fields bound with
    ``structlog.contextvars.bind_contextvars`` (deployment, job, device) are on each line.
    """
    out = stream if stream is not None else sys.stderr
    people = format == "console" or (format == "auto" and out.isatty())
    redactor = Redactor(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redactor,
    ]
    if people:
        last += [_printable, structlog.dev.ConsoleRenderer(colors=out.isatty())]
    else:
        last.append(structlog.processors.JSONRenderer(sort_keys=False))
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        _Door(
            redactor=redactor,
            formatter=structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared, processors=last
            ),
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers live in modules; one that were cached would outlive `close`.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    logs = Logs(handler=handler, before=root.handlers[:], level=root.level, redactor=redactor)
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(capture=True)
    logs.set_level(level)
    return logs


class _Door(logging.Formatter):
    """The rendered line is looked at once more: a renderer may have joined what was apart."""

    def __init__(self, *, redactor: Redactor, formatter: logging.Formatter) -> None:
        super().__init__()
        self._redactor = redactor
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(self._formatter.format(record))


def _printable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A stranger's text must not steer the terminal of the person who reads it."""

    def visible(value: Any) -> Any:
        if isinstance(value, str):
            return _CONTROL.sub(lambda found: rf"\x{ord(found[0]):02x}", value)
        return value

    return {key: visible(value) for key, value in event.items()}
