"""Every error that a user can meet. Each says what is wrong and what to do about it."""

from __future__ import annotations

import traceback
from pathlib import Path


class EmotiondError(Exception):
    """An error that is told in one line.

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
        return " ".join(line.split())  # whatever a library's message held, it stays one line


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


class SourceError(EmotiondError):
    """A file or stream cannot be read as sound."""


class DeviceError(SourceError):
    """No such microphone, or no way to open it."""


class NoMicrophoneError(DeviceError):
    """This machine has no microphone, or nothing to reach it by."""


class HistoryError(EmotiondError):
    """The history of analysed files cannot be read or written."""


class RecordError(EmotiondError):
    """A recording cannot be written, or is of no stream."""


class ServeError(EmotiondError):
    """A port cannot be opened, or a server cannot be reached."""


class DataError(EmotiondError):
    """Training data is missing or not what it should be."""


def cause_of(error: Exception) -> str:
    """Return the problem and its remedy; for an unforeseen error, what it is and where it arose."""
    if isinstance(error, EmotiondError):
        return str(error)
    places = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return " ".join(f"internal error: {error!r}{where}".split())
