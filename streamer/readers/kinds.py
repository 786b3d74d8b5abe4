"""The table of all readers of sound files."""

from __future__ import annotations

from emotiond.streamer.readers.libsndfile_reader import LibsndfileReader
from emotiond.streamer.readers.media_reader import MediaReader
from emotiond.streamer.readers.reader import OpenReader

READERS: tuple[OpenReader, ...] = (LibsndfileReader, MediaReader)
"""In the order in which they are tried. A file that none knows is refused in the first's words."""
