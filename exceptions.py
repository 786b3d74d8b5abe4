"""All errors for users. Each names the problem and a remedy."""

from __future__ import annotations

import errno
import shlex
import sys
import traceback
from pathlib import Path

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *map(ord, _BIDI))
_ESCAPED = {code: ascii(chr(code))[1:-1] for code in _CONTROLS}


def install(*packages: str) -> str:
    """Return the remedy for packages that are missing, for the Python that runs."""
    return f"Install it: {sys.executable} -m pip install {shlex.join(packages)}"


def printable(text: str) -> str:
    """Return a text that a terminal shows and does not obey, for names from outside.

    Control characters, and those that turn the direction of writing, are escaped.
    """
    return text.translate(_ESCAPED)


class EmotiondError(Exception):
    """An error that prints as one line.

    Args:
        problem: what is wrong, without a full stop.
        remedy: what the user can do, as a sentence without a full stop.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        line = f"{self.problem}. {self.remedy}."
        return printable(" ".join(line.split()))  # a library's message may have several lines


class ConfigError(EmotiondError):
    """A setting is unknown, of the wrong kind, or contradicts another."""


class CardError(EmotiondError):
    """A model's card cannot be read, or does not describe its model."""


class ModelError(EmotiondError):
    """A model is unknown, broken, or cannot run on this machine."""


class ProfileError(EmotiondError):
    """A voice's profile is unknown, broken, or belongs to another model."""


class InterpreterError(ModelError):
    """No TFLite interpreter is installed, or the one installed cannot work."""


class ServiceError(EmotiondError):
    """The service cannot be installed, removed or asked."""


class SourceError(EmotiondError):
    """A file or stream cannot be read as sound."""


class DeviceError(SourceError):
    """A microphone does not exist, or cannot be opened."""


class NoMicrophoneError(DeviceError):
    """This machine has no microphone, or no working sound system."""


class NoSoundSystemError(NoMicrophoneError):
    """PortAudio is missing or cannot start: waiting for a microphone would not help."""


class HistoryError(EmotiondError):
    """The history of analysed files cannot be read or written."""


class RecordError(EmotiondError):
    """A recording cannot be written or deleted, or names no stream."""


class ReportError(EmotiondError):
    """A report cannot be made of what was given."""


class ResultError(EmotiondError):
    """Results cannot be written, or would replace what is to stay."""


class ServeError(EmotiondError):
    """A port cannot be opened, or a server cannot be reached."""


class DataError(EmotiondError):
    """Training data is missing or wrong."""


_SHORTAGES = {
    errno.EAGAIN: ("this user may have no more processes", "End other programs, or: ulimit -u"),
    errno.EMFILE: ("this process has too many files open", "Allow more: ulimit -n 4096"),
    errno.ENFILE: ("this machine has too many files open", "End other programs"),
    errno.ENOMEM: ("this machine has no memory left", "End other programs"),
}


def shortage_of(error: OSError) -> tuple[str, str] | None:
    """Return problem and remedy where the system has no more of something; None otherwise."""
    return _SHORTAGES.get(error.errno or 0)


def memory_fault(error: MemoryError, otherwise: tuple[str, str]) -> tuple[str, str]:
    """Return problem and remedy where cffi may not make its callbacks; else the given ones."""
    if "write+execute" not in str(error):
        return otherwise
    return (
        "this process may have no memory that is executable and writable, which sounddevice and "
        "soundfile need",
        "Allow it; in a unit of systemd, leave MemoryDenyWriteExecute out",
    )


def cause_of(error: Exception) -> str:
    """Return the problem and its remedy; for an unforeseen error, what it is and where it arose."""
    if isinstance(error, EmotiondError):
        return str(error)
    places = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return " ".join(f"internal error: {error!r}{where}".split())
