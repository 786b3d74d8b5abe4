"""The table of all kinds of sources. The command line and the settings go over it."""

from __future__ import annotations

from typing import Any

from emotiond.streamer.sources.file import DEMO, FILE
from emotiond.streamer.sources.microphone import MICROPHONE
from emotiond.streamer.sources.network import NETWORK
from emotiond.streamer.sources.session import SESSION
from emotiond.streamer.sources.source import SourceKind
from emotiond.streamer.sources.standard_input import STANDARD_INPUT
from emotiond.streamer.sources.wyoming import WYOMING

SOURCES: tuple[SourceKind[Any], ...] = (
    MICROPHONE,
    DEMO,
    STANDARD_INPUT,
    WYOMING,
    NETWORK,
    SESSION,
    FILE,
)
"""In the order of the help. The first that recognizes a value has it, and a file may have any."""
