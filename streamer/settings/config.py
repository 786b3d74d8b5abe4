"""All settings of the daemon, and which values they may have."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from emotiond.exceptions import ConfigError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.daemon_names import MOST_CHARACTERS, host_name, is_name
from emotiond.streamer.folders import data_folder
from emotiond.streamer.options import Part, S
from emotiond.streamer.outputs import kinds as outputs
from emotiond.streamer.outputs.output import OutputKind
from emotiond.streamer.rooms.addresses import parse_addresses
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.service_manager import runs_as_service
from emotiond.streamer.sources import kinds as sources
from emotiond.streamer.sources.source import Playback, SourceKind

_STRIDE_STEP_SECONDS = 0.01
_LONGEST_STRIDE_SECONDS = 10.0
_MOST_CLIENT_STREAMS = 64
_MOST_KEEP_HOURS = 24.0
_SLOWEST, _FASTEST = 0.1, 100.0


def _default_sources() -> tuple[tuple[SourceKind[Any], Any], ...]:
    return tuple((kind, kind.settings()) for kind in sources.SOURCES)


def _default_outputs() -> tuple[tuple[OutputKind[Any], Any], ...]:
    return tuple((kind, kind.settings()) for kind in outputs.OUTPUTS)


@dataclass(frozen=True)
class Config:
    """All settings of ``emotiond run``. Those of a kind of source or of an output are its own.

    Raises:
        ConfigError: a value is out of range, or two values contradict each other.
    """

    source: tuple[str, ...] = ()
    """Values ``[NAME=]mic|demo|-|FILE``; empty for the microphone, or the demo without one."""
    speed: str = "1"
    """``1``: real time; ``max``: as fast as possible, without loss; another number for recorded
    events: so many times as fast."""
    once: bool = False
    """Whether to end with the sources instead of playing files in a loop."""
    model: str | None = None
    """Name of a bundled model, or path of a ``.tflite`` file; None for the best that runs."""
    profile: str | None = None
    """Name of the voice profile that streams start from; None for an unknown voice."""
    stride: float = 0.25
    """Seconds from one inference to the next."""
    name: str | None = None
    """What the daemon is called in its messages; None for the host's name."""
    follow: tuple[str, ...] = ()
    """Addresses of other daemons whose streams the page shows, too."""
    follow_token_file: str | None = None
    """File with the tokens of those daemons."""
    follow_ca: str | None = None
    """Certificate to trust there, in PEM; None for the authorities that this machine knows."""
    max_client_streams: int = Limits.uploads
    """Largest number of uploads; 0 for none."""
    history: str | None = None
    """File or PostgreSQL database with the results of uploaded files, or ``off``; None for the
    user's data folder."""
    keep_hours: float = 2.0
    """For how long the events of public streams are kept in memory; 0 to keep nothing."""
    insecure: bool = False
    """Whether other machines may listen without token and CURVE."""
    source_kinds: tuple[tuple[SourceKind[Any], Any], ...] = field(default_factory=_default_sources)
    """Each kind of source of the table with its settings."""
    outputs: tuple[tuple[OutputKind[Any], Any], ...] = field(default_factory=_default_outputs)
    """Each output of the table with its settings."""
    given: Set[str] = frozenset()
    """The names of the settings that a file, the environment or a flag gives."""

    def __post_init__(self) -> None:
        for settings in (self, *(settings for _, settings in self._parts)):
            for name, value in vars(settings).items():
                if value == "":  # an unset "$TOKEN_FILE", for instance, must not mean "none"
                    raise ConfigError(f"{name} cannot be empty", "Give it a value, or leave it out")
        steps = self.stride / _STRIDE_STEP_SECONDS
        if not (0 < self.stride <= _LONGEST_STRIDE_SECONDS and math.isclose(steps, round(steps))):
            raise ConfigError(
                f"stride cannot be {self.stride:g} seconds",
                f"Use a multiple of {_STRIDE_STEP_SECONDS} up to {_LONGEST_STRIDE_SECONDS:g}",
            )
        if not self.lossless and not _SLOWEST <= self._factor <= _FASTEST:  # not a number, too
            raise ConfigError(
                f"speed cannot be {self.speed!r}",
                f"Use 1 or max, for recorded events {_SLOWEST:g} to {_FASTEST:g}",
            )
        for source, settings in self.source_kinds:
            source.check(settings)
        if self.name is not None and not is_name(self.name):
            raise ConfigError(
                f"name cannot be {self.name!r}",
                f"Use 1 to {MOST_CHARACTERS} letters, digits, spaces, '-', '_' and '.', "
                "a letter or digit first and last",
            )
        parse_addresses(self.follow)
        for name in ("follow_token_file", "follow_ca"):
            if getattr(self, name) is not None and not self.follow:
                raise ConfigError(f"{name} is of no use without follow", "Give --follow, too")
        if not 0 <= self.max_client_streams <= _MOST_CLIENT_STREAMS:
            raise ConfigError(
                f"max_client_streams cannot be {self.max_client_streams}",
                f"Use 0 to {_MOST_CLIENT_STREAMS}",
            )
        if not 0 <= self.keep_hours <= _MOST_KEEP_HOURS:
            raise ConfigError(
                f"keep_hours cannot be {self.keep_hours:g}",
                f"Use 0 to {_MOST_KEEP_HOURS:g}; 0 keeps nothing",
            )
        for output, settings in self.outputs:
            output.check(settings)

    def settings_of(self, part: Part[S], /) -> S:
        """Return the settings of a kind of source, or of an output."""
        found: S = next(settings for each, settings in self._parts if each is part)
        return found

    @property
    def _parts(self) -> tuple[tuple[Part[Any], Any], ...]:
        return (*self.source_kinds, *self.outputs)

    @property
    def stride_samples(self) -> int:
        """The stride at 16 kHz."""
        return round(self.stride * SAMPLE_RATE)

    @property
    def history_place(self) -> str | None:
        """The file or database of the history; None for no history."""
        if self.history is None:
            return str(data_folder() / "history.sqlite")
        return None if self.history == "off" else self.history

    @property
    def daemon_name(self) -> str:
        """What the daemon is called: ``name``, or the host's name."""
        return host_name() if self.name is None else self.name

    @property
    def _factor(self) -> float:
        """The number in ``speed``; 0 if it is none."""
        try:
            return float(self.speed)
        except ValueError:
            return 0.0

    @property
    def lossless(self) -> bool:
        """Whether sources wait for the pipeline, and the pipeline for its outputs."""
        return self.speed == "max"

    def demo_may_stand_in(self) -> bool:
        """Return whether the demo may play on the page where there is no microphone.

        It is for a person who tries the program: not for a service manager, nor for those who
        asked for another output, and would get an actor's emotions there.

        Raises:
            ConfigError: the keys of an output cannot be read.
        """
        return not runs_as_service() and not any(
            any(option.key in self.given for option in kind.options)
            and kind.prepare(settings) is not None
            for kind, settings in self.outputs
            if not kind.carries_stand_in
        )

    @property
    def playback(self) -> Playback:
        """How sources play that have no pace of their own."""
        factor = 1.0 if self.lossless else self._factor
        return Playback(realtime=not self.lossless, loop=not self.once, speed=factor)
