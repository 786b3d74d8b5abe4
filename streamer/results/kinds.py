"""The table of all formats of results."""

from __future__ import annotations

from collections.abc import Mapping

from emotiond.streamer.results.csv_table import csv_writer
from emotiond.streamer.results.json_lines import json_writer
from emotiond.streamer.results.text import text_writer
from emotiond.streamer.results.writer import OpenWriter

FORMATS: Mapping[str, OpenWriter] = {"text": text_writer, "json": json_writer, "csv": csv_writer}
"""By the value of ``--format``; the first is the default."""
