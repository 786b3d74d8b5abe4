"""Makes the sound of tracks small enough to be a part of the report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import ReportError, SourceError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.readers.opening import is_pipe
from emotiond.streamer.readers.sound_file import MOST_SECONDS
from emotiond.streamer.report.track import Piece, Track

_COMPRESSION = 0.9
"""Of libsndfile: 24 kbit/s for mono at 16 kHz, 14.4 MB an hour in base64. The rate is constant:
browsers seek in a variable one by a table of a hundred places, six minutes apart in ten hours."""


def encode(tracks: Sequence[Track], about: Sequence[Mapping[str, Any]]) -> Mapping[int, bytes]:
    """Return MP3 in mono, whose time is that of the track, by the index of the first track with it.

    Args:
        tracks: several have the same sound if they are speakers of one file.
        about: what the page knows of each track.

    Raises:
        ReportError: a sound cannot be found or read.
    """
    sounds: dict[int, bytes] = {}
    with Decoder() as decoder:
        for index, first in enumerate(firsts_of(tracks)):
            if first == index:
                track = tracks[index]
                sounds[index] = _encode(decoder, track, about[index]["originSeconds"])
    return sounds


def firsts_of(tracks: Sequence[Track]) -> Sequence[int]:
    """Return for each track the index of the first one with the same sound."""
    known: dict[object, int] = {}
    return [
        known.setdefault(index if track.is_session else track.sound, index)
        for index, track in enumerate(tracks)
    ]


def _encode(decoder: Decoder, track: Track, origin_seconds: float) -> bytes:
    import soundfile

    if track.is_session and not track.pieces:
        raise ReportError(
            f"the sound of {track.name} was not recorded with its events",
            "Leave --sound out, or record with --record FILE.wav",
        )
    if is_pipe(track.sound):
        raise ReportError(
            f"the sound {track.sound} is no file, but a pipe or a device", "Leave --sound out"
        )
    # A file of the system: soundfile calls other ones from C, where Ctrl-C would be lost.
    with tempfile.TemporaryFile() as encoded:
        try:
            samples = _decoded(decoder, track.sound)
            if track.is_session:
                samples = _in_time(samples, track.pieces, origin_seconds)
            with soundfile.SoundFile(
                encoded.fileno(),
                "w",
                SAMPLE_RATE,
                1,
                closefd=False,
                format="MP3",
                subtype="MPEG_LAYER_III",
                compression_level=_COMPRESSION,
                bitrate_mode="CONSTANT",
            ) as file:
                for block in samples:
                    file.write(block)
        except SourceError as error:
            remedy = "Go to the folder in which it was analyzed, or leave --sound out"
            raise ReportError(error.problem, remedy) from None
        encoded.seek(0)
        return encoded.read()


def _decoded(decoder: Decoder, file: str) -> Iterator[FloatArray]:
    """Yield mono at 16 kHz, each of shape ``(n,)``."""
    import soxr

    decoding = decoder.open(file)
    resampler = soxr.ResampleStream(decoding.sample_rate, SAMPLE_RATE, 1)
    while True:
        block = decoding.read()
        is_last = not len(block)
        mono = block.mean(axis=1, dtype=np.float32)
        yield resampler.resample_chunk(mono, last=is_last)
        if is_last:
            return


def _in_time(
    blocks: Iterator[FloatArray], pieces: Sequence[Piece], origin_seconds: float
) -> Iterator[FloatArray]:
    """Put silence where a session has none: its file goes on at once after a gap."""
    read = written = 0
    ahead = sorted(pieces, key=lambda piece: piece.file_seconds)
    for block in blocks:
        rest = block
        while ahead and round(ahead[0].file_seconds * SAMPLE_RATE) <= read + len(rest):
            piece = ahead.pop(0)
            before = max(0, round(piece.file_seconds * SAMPLE_RATE) - read)
            yield rest[:before]
            read, written, rest = read + before, written + before, rest[before:]
            due_seconds = piece.stream_seconds - origin_seconds
            if due_seconds > MOST_SECONDS:
                raise ReportError(
                    "a session with its gaps is longer than a day", "Leave --sound out"
                )
            due = round(due_seconds * SAMPLE_RATE)
            while written < due:
                count = min(SAMPLE_RATE, due - written)
                yield np.zeros(count, np.float32)
                written += count
        yield rest
        read, written = read + len(rest), written + len(rest)
