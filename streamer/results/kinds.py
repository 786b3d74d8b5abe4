"""The table of all formats of results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emotiond.exceptions import ConfigError
from emotiond.streamer.results.audacity import audacity_writer
from emotiond.streamer.results.csv_table import csv_writer
from emotiond.streamer.results.elan import elan_writer
from emotiond.streamer.results.emotionml import emotionml_writer
from emotiond.streamer.results.json_lines import json_writer
from emotiond.streamer.results.parquet import parquet_writer
from emotiond.streamer.results.text import text_writer
from emotiond.streamer.results.textgrid import textgrid_writer
from emotiond.streamer.results.webvtt import webvtt_writer
from emotiond.streamer.results.writer import Level, OpenWriter

_TABLE: tuple[Level, ...] = ("files", "segments", "strides")
_TIMED: tuple[Level, ...] = ("segments", "strides")


@dataclass(frozen=True)
class Format:
    """A format of results."""

    open: OpenWriter
    levels: tuple[Level, ...]
    """Those that it has; the first is the default."""


FORMATS: Mapping[str, Format] = {
    "text": Format(text_writer, _TABLE),
    "json": Format(json_writer, _TABLE),
    "csv": Format(csv_writer, _TABLE),
    "parquet": Format(parquet_writer, _TABLE),
    "textgrid": Format(textgrid_writer, _TIMED),
    "elan": Format(elan_writer, _TIMED),
    "audacity": Format(audacity_writer, _TIMED),
    "webvtt": Format(webvtt_writer, _TIMED),
    "emotionml": Format(emotionml_writer, _TIMED),
}
"""By the value of ``--format``; the first is the default."""

LEVELS = _TABLE
"""By the value of ``--level``."""


def level_of(name: str, level: Level | None) -> Level:
    """Return the level that is written in a format; its default for None.

    Raises:
        ConfigError: the format does not have the level.
    """
    levels = FORMATS[name].levels
    if level is None:
        return levels[0]
    if level not in levels:
        raise ConfigError(
            f"--format {name} has no level {level!r}", f"Use --level {' or '.join(levels)}"
        )
    return level


def needs_events(name: str, level: Level) -> bool:
    """Return whether a format reads the events of results: tables of files do not."""
    return level != "files" or name == "json"
