"""Makes sources from the values of ``--source``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emotiond.exceptions import ConfigError, NoMicrophoneError, SourceError
from emotiond.streamer.options import SettingsOf
from emotiond.streamer.protocol.names import LONGEST_STREAM_NAME
from emotiond.streamer.readers.sound_file import path_exists
from emotiond.streamer.sources import kinds
from emotiond.streamer.sources.file import DEMO
from emotiond.streamer.sources.microphone import MICROPHONE
from emotiond.streamer.sources.source import (
    EventSource,
    Playback,
    Source,
    SourceKind,
)


@dataclass(frozen=True)
class SourceSpec:
    """The name of a stream and its source."""

    name: str
    source: str
    """The value of ``--source`` without the name: ``mic``, ``demo``, ``-``, a path or the like."""


def parse_specs(texts: Sequence[str]) -> list[SourceSpec]:
    """Parse ``[NAME=]mic|demo|-|FILE``.

    Raises:
        ConfigError: a name is used twice, empty, too long or not printable.
    """
    specs = [_parse(text) for text in texts]
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two sources are called {name!r}", "Name them: --source NAME=SOURCE")
    kinds = [kind_of(spec.source) for spec in specs]
    for kind in kinds:
        if kind.is_single and kinds.count(kind) > 1:
            raise ConfigError(f"there is only one {kind.name}", f"Use --source {kind.value} once")
    return specs


def _parse(text: str) -> SourceSpec:
    name, separator, source = text.partition("=")
    if not separator or "/" in name or path_exists(text):
        name, source = default_name(text), text
    if not source:
        *values, _ = (kind.value for kind in kinds.SOURCES)
        raise ConfigError(
            f"--source {text!r} names no source", f"Use {', '.join(values)} or a file"
        )
    if not name or len(name) > LONGEST_STREAM_NAME or not name.isprintable():
        raise ConfigError(
            f"{name!r} cannot be a stream's name",
            f"Use up to {LONGEST_STREAM_NAME} printable characters: --source NAME=SOURCE",
        )
    return SourceSpec(name, source)


def kind_of(source: str) -> SourceKind[Any]:
    """Return the kind of a source, by its value without the name."""
    return next(
        kind
        for kind in kinds.SOURCES
        if (source == kind.value if kind.recognizes is None else kind.recognizes(source))
    )


def take_speed(texts: Sequence[str]) -> bool:
    """Return whether all of these sources can be played at any speed.

    Raises:
        ConfigError: see :func:`parse_specs`.
    """
    return bool(texts) and all(kind_of(spec.source).takes_speed for spec in parse_specs(texts))


def default_name(source: str) -> str:
    """Return the name of a source without one: for a file, the end of its path."""
    name = kind_of(source).stream_name(source)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)[
        :LONGEST_STREAM_NAME
    ]


def open_sources(
    texts: Sequence[str],
    settings_of: SettingsOf,
    playback: Playback,
    demo_may_stand_in: Callable[[], bool],
) -> Sequence[tuple[SourceSpec, Source | EventSource]]:
    """Open the named sources. The default is the microphone, or the demo without one.

    Args:
        texts: the values of ``--source``.
        settings_of: returns the settings of each kind.
        playback: how sources play.
        demo_may_stand_in: returns whether the demo may play where there is no microphone.

    Raises:
        ConfigError: see :func:`parse_specs`.
        SourceError: a source cannot be opened.
    """
    if not texts:
        return [_open_default(settings_of, playback, demo_may_stand_in)]
    specs = parse_specs(texts)
    return [(spec, _open(spec.source, settings_of, playback)) for spec in specs]


def open_source(source: str, settings_of: SettingsOf, playback: Playback) -> Source:
    """Open one source of sound. It reads nothing before it is started.

    Args:
        source: its value without the name.
        settings_of: returns the settings of each kind.
        playback: how it plays.

    Raises:
        SourceError: the source cannot be opened, or has no sound.
    """
    opened = _open(source, settings_of, playback)
    if isinstance(opened, EventSource):
        raise SourceError(f"{source} has events, but no sound", "Give a source of sound")
    return opened


def _open(source: str, settings_of: SettingsOf, playback: Playback) -> Source | EventSource:
    kind = kind_of(source)
    return kind.open(source, settings_of(kind), playback)


def _open_default(
    settings_of: SettingsOf, playback: Playback, demo_may_stand_in: Callable[[], bool]
) -> tuple[SourceSpec, Source]:
    """Open the microphone. Without one, open the demo, if it may stand in."""
    waits = settings_of(MICROPHONE).device is not None or not demo_may_stand_in()
    playback_of_microphone = dataclasses.replace(playback, waits=playback.waits and waits)
    try:
        source = open_source(MICROPHONE.value, settings_of, playback_of_microphone)
        return SourceSpec(MICROPHONE.value, MICROPHONE.value), source
    except NoMicrophoneError as error:
        if waits:
            raise
        source = open_source(DEMO.value, settings_of, playback)
        source.about = dataclasses.replace(source.about, stands_in_because=str(error))
        return SourceSpec(DEMO.value, DEMO.value), source
