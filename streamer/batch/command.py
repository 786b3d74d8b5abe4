"""``emotiond analyze``: where arguments, items, processes and formats meet."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from emotiond import __version__
from emotiond.exceptions import ConfigError, SourceError, printable
from emotiond.streamer.batch.item import Entry, Item, Refusal
from emotiond.streamer.batch.progress import Progress
from emotiond.streamer.config import Config, make_config
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.results.kinds import FORMATS, level_of, needs_events
from emotiond.streamer.results.writer import STANDARD_OUTPUT, Request, Write
from emotiond.streamer.standard_streams import say
