"""The command line: ``emotiond`` and ``python -m emotiond``."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emotiond import __version__
from emotiond.exceptions import EmotiondError, printable, shortage_of
from emotiond.streamer.arguments import ArgumentParser, did_you_mean
from emotiond.streamer.commands.analyze import ANALYZE
from emotiond.streamer.commands.certificate import CERTIFICATE
from emotiond.streamer.commands.config import CONFIG
from emotiond.streamer.commands.devices import DEVICES
from emotiond.streamer.commands.doctor import DOCTOR
from emotiond.streamer.commands.enroll import ENROLL
from emotiond.streamer.commands.models import MODELS
from emotiond.streamer.commands.pair import PAIR
from emotiond.streamer.commands.report import REPORT
from emotiond.streamer.commands.run import RUN
from emotiond.streamer.commands.service import SERVICE
from emotiond.streamer.commands.watch import WATCH
from emotiond.streamer.private_files import leave_no_core
from emotiond.streamer.signals import Stopped, stoppable
from emotiond.streamer.standard_streams import say

COMMANDS = (
    RUN,
    ANALYZE,
    REPORT,
    WATCH,
    ENROLL,
    CONFIG,
    SERVICE,
    PAIR,
    CERTIFICATE,
    DEVICES,
    MODELS,
    DOCTOR,
)
_NAMES = tuple(command.name for command in COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0, 1 after an error (printed in one line), 2 for wrong usage.
    """
    leave_no_core()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it is closed: discard what goes there
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, nowhere)
    for name in ("COLUMNS", "LINES"):  # rich takes any digit of Unicode for a number
        if not os.environ.get(name, "").isascii():
            del os.environ[name]
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):  # any file name can be printed
            output.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(format="emotiond: %(message)s", level=logging.WARNING)
    logging.raiseExceptions = False  # a log that cannot be written is no reason for tracebacks
    for handler in logging.getLogger().handlers:
        handler.addFilter(_make_printable)
    # They log clients' mistakes in the clients' own words, and a lost network with a traceback.
    for name in ("emotiond.websockets", "emotiond.zeromq", "zeroconf"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    given = _with_command(sys.argv[1:] if arguments is None else arguments)
    parser = make_parser()
    if not given[0].startswith("-") and given[0] not in _NAMES:
        remark = did_you_mean(given[0], _NAMES) or f" (choose from {', '.join(_NAMES)})"
        parser.error(f"there is no command {given[0]!r}{remark}")
    options = vars(parser.parse_args(given))
    command: Callable[[dict[str, Any]], int] = options.pop("command")
    status = 0
    try:
        with stoppable():
            status = command(options)
        sys.stdout.flush()
        return status
    except EmotiondError as error:
        say(f"emotiond: {error}")
        return 1
    except Stopped as stopped:
        return stopped.status
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        say("emotiond: this user may have no more threads. End other programs, or: ulimit -u.")
        return 1
    except MemoryError:
        say("emotiond: this machine has no memory left. End other programs.")
        return 1
    except OSError as error:
        found = shortage_of(error)
        if found is None and error.filename is not None:
            found = f"{error.filename}: {error.strerror}", "Check this file"
        if found is not None:
            say(f"emotiond: {found[0]}. {found[1]}.")
            return 1
        # Python flushes standard output once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader of our output is gone
            return status
        say(f"emotiond: {error.strerror or error}. Check where its output goes.")
        return 1


def _make_printable(record: logging.LogRecord) -> bool:
    """Escape what a terminal would obey; always True, since every line is logged."""
    record.msg, record.args = printable(record.getMessage()), None
    return True


def _with_command(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the command that they may leave out."""
    first = arguments[0] if arguments else "--"
    is_command = not first.startswith("-") or first in ("-h", "--help", "--version")
    return [*arguments] if is_command else ["run", *arguments]


def make_parser() -> ArgumentParser:
    """Return the parser of all commands. What it returns has the command itself in ``command``."""
    parser = ArgumentParser(
        prog="emotiond",
        description="Recognise emotion in a voice, live. Without a command, it runs as 'run'.",
        examples=(
            "emotiond                               listen; open the page that it names",
            "emotiond analyze recording.wav         say which emotions a recording holds",
            "emotiond watch raspberrypi.local:8765  show what another machine hears",
        ),
    )
    parser.add_argument("--version", action="version", version=f"emotiond {__version__}")
    group = parser.add_subparsers(metavar="{" + ",".join(_NAMES) + "}", required=True)
    for command in COMMANDS:
        text = command.text
        description = text[0].upper() + text[1:] + "."
        own = group.add_parser(
            command.name, help=text, description=description, examples=command.examples
        )
        own.set_defaults(command=command.run)
        command.add_flags(own)
    return parser
