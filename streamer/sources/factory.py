"""Makes sources from the values of ``--source``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from emotiond.exceptions import ConfigError, NoMicrophoneError
from emotiond.streamer.readers.sound_file import path_exists
from emotiond.streamer.sources.file import FileSource
from emotiond.streamer.sources.microphone import Microphone
from emotiond.streamer.sources.source import About, Source
from emotiond.streamer.sources.standard_input import StandardInput

MICROPHONE, DEMO, STANDARD_INPUT = "mic", "demo", "-"
_LONGEST_NAME = 64
_DEMO_FILE = "demo.flac"


@dataclass(frozen=True)
class SourceSpec:
    """The name of a stream and its source."""

    name: str
    source: str
    """``mic``, ``demo``, ``-`` or a path."""


@dataclass(frozen=True)
class SourceSettings:
    """Settings for opening sources."""

    device: str | None
    rate: int
    """Sample rate of standard input, in Hz."""
    realtime: bool
    loop: bool
    """Whether a file begins again at its end."""


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
    for source, what in ((STANDARD_INPUT, "standard input"), (MICROPHONE, "microphone")):
        if sum(spec.source == source for spec in specs) > 1:
            raise ConfigError(f"there is only one {what}", f"Use --source {source} once")
    return specs


def _parse(text: str) -> SourceSpec:
    name, separator, source = text.partition("=")
    if not separator or "/" in name or path_exists(text):
        name, source = default_name(text), text
    if not source:
        raise ConfigError(f"--source {text!r} names no source", "Use mic, demo, - or a file")
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"{name!r} cannot be a stream's name",
            f"Use up to {_LONGEST_NAME} printable characters: --source NAME=SOURCE",
        )
    return SourceSpec(name, source)


def default_name(source: str) -> str:
    """Return the name of a source without one: for a file, the end of its path."""
    if source in (MICROPHONE, DEMO):
        return source
    if source == STANDARD_INPUT:
        return "stdin"
    stem = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in Path(source).stem)
    return stem[:_LONGEST_NAME] or "file"


def open_sources(
    texts: Sequence[str], settings: SourceSettings
) -> Sequence[tuple[SourceSpec, Source]]:
    """Open the named sources. The default is the microphone, or the demo without one.

    Raises:
        ConfigError: see :func:`parse_specs`.
        SourceError: a source cannot be opened.
    """
    if not texts:
        return [_open_default(settings)]
    return [(spec, open_source(spec, settings)) for spec in parse_specs(texts)]


def open_source(spec: SourceSpec, settings: SourceSettings) -> Source:
    """Open one source. It reads nothing before it is started.

    Raises:
        SourceError: the source cannot be opened.
    """
    if spec.source == MICROPHONE:
        return Microphone(settings.device)
    if spec.source == STANDARD_INPUT:
        return StandardInput(settings.rate, settings.realtime)
    if spec.source == DEMO:
        return _demo(settings)
    return FileSource(spec.source, settings.realtime, settings.loop)


def _demo(settings: SourceSettings) -> Source:
    path = resources.files("emotiond.streamer") / "sources" / _DEMO_FILE
    about = About("the bundled demo recording, not a microphone", demo=True)
    return FileSource(str(path), settings.realtime, settings.loop, about)


def _open_default(settings: SourceSettings) -> tuple[SourceSpec, Source]:
    """Open the microphone. Without one, say so and open the demo."""
    try:
        spec = SourceSpec(MICROPHONE, MICROPHONE)
        return spec, open_source(spec, settings)
    except NoMicrophoneError as error:
        if settings.device is not None:
            raise
        print(f"emotiond: {error}", file=sys.stderr)
        print("emotiond: playing the bundled demo recording instead.", file=sys.stderr)
        spec = SourceSpec(DEMO, DEMO)
        return spec, open_source(spec, settings)
