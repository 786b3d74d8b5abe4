"""Settings that are a part's own: an output or a kind of source declares them, and their flags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

S = TypeVar("S")


@dataclass(frozen=True)
class Option:
    """A flag of ``emotiond run``. Its name is that of a field of the part's settings.

    The type of the field decides what the flag takes: a value, several, or none.
    """

    flag: str
    help: str
    metavar: str | None = None
    after: str | None = None
    """The flag before it in the help; None for the part's previous one, or its usual place."""
    takes_numbers: bool = False
    """Whether its text may be a whole number in the settings file."""

    @property
    def key(self) -> str:
        """The name of the field."""
        return self.flag[2:].replace("-", "_")


@dataclass(frozen=True)
class NoSettings:
    """The settings of a part without any."""


def accept(_settings: object) -> None:
    """Find no fault with any settings."""


@dataclass(frozen=True, eq=False)
class Part(Generic[S]):
    """What an output and a kind of source have in common: a name, and settings of their own."""

    name: str
    settings: type[S]
    """A frozen dataclass with defaults. Its fields are keys of the settings file, variables of the
    environment and flags."""
    options: Sequence[Option]
    """One for each field of the settings."""
    check: Callable[[S], None] = field(default=accept, kw_only=True)
    """Raises :class:`ConfigError` if a value is out of range."""


class SettingsOf(Protocol):
    """Returns the settings of a part."""

    def __call__(self, part: Part[S], /) -> S: ...


def default_settings(part: Part[S], /) -> S:
    """Return the settings of a part where nothing is configured."""
    return part.settings()
