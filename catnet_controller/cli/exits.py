"""How a command ends: whatever it raised comes in, words on stderr and an exit code go out."""

import os
import sys
from asyncio import CancelledError
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import click

from catnet_controller.errors import (
    CatnetError,
    CredentialsInvalid,
    DaemonUnreachable,
    Fault,
    SecretMissing,
    SettingsInvalid,
    Transient,
)


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    UNREACHABLE = 3
    DEFECT = 4
    INTERRUPTED = 130


CODES = """\
Exit codes: 0 all well; 1 problems were found, or something failed; 2 wrong use or wrong settings;
3 the daemon, GitHub or a device cannot be reached; 4 a defect of CatNet; 130 interrupted."""


@dataclass(slots=True, kw_only=True)
class Flags:
    """What is asked for above the sub-command, and how the sub-command tells problems.

    ``problems`` is the exit code of a failure that would be 1, for commands to which 1 means
    something else.
    """

    debug: bool = False
    problems: Exit = Exit.PROBLEMS


def call(command: click.Command, arguments: Sequence[str]) -> int:
    """Run the command line; never raises but with ``--debug``."""
    flags = Flags()
    try:
        code = command.main(
            args=list(arguments), prog_name="catnet", standalone_mode=False, obj=flags
        )
        sys.stdout.flush()
        return code if isinstance(code, int) else Exit.OK
    except click.ClickException as error:
        _complain(_usage(error))
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt, CancelledError):
        _complain("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; Python must not find the pipe broken again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        if flags.debug:
            raise
        code = _explain(error)
        return flags.problems if code == Exit.PROBLEMS else code


def _usage(error: click.ClickException) -> str:
    text = error.format_message().replace("\n", " ")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return text
    return (
        f"{text if text.endswith(('.', '?')) else text + '.'} See `{context.command_path} --help`."
    )


def _explain(error: Exception) -> int:
    codes = []
    for one in dict.fromkeys(_leaves(error)):
        if isinstance(one, CatnetError):
            _complain(one.message, one.next_step)
        else:
            _complain(
                f"unexpected {type(one).__name__}: {one}".rstrip(": "),
                "This is a defect of CatNet. `CATNET_DEBUG=1` shows where; please report it.",
            )
        codes.append(_code(one))
    return max(codes)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What a task group raised, one by one."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _code(error: BaseException) -> Exit:
    match error:
        case SettingsInvalid() | SecretMissing() | CredentialsInvalid():
            return Exit.USAGE
        case DaemonUnreachable() | Transient():
            return Exit.UNREACHABLE
        case CatnetError() if not isinstance(error, Fault):
            return Exit.PROBLEMS
        case KeyboardInterrupt():
            return Exit.INTERRUPTED
        case _:
            return Exit.DEFECT


def _complain(message: str, next_step: str | None = None) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
    if next_step:
        click.echo(f"{click.style('next:', fg='cyan', bold=True)} {next_step}", err=True)
