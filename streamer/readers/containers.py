"""Knows the containers of films and phones by their first bytes."""

from __future__ import annotations

from emotiond.streamer.readers.frames import frames_of

BEGINNING_BYTES = 1024
"""The first bytes, which tell a container."""

_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MARKS = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (b"#!AMR", "amr"),
    (b"\x00\x00\x01\xba", "mpeg"),
)
_PACKETS = ((0, 188), (4, 192))  # the first mark of MPEG-TS, and how far one is from the next
_MARK_OF_PACKET = 0x47
_FEWEST_PACKETS = 4


def container_of(beginning: bytes) -> str | None:
    """Return FFmpeg's name of the container that begins so; None if it is none of them.

    What libsndfile reads is none of them: MP3, WAV, FLAC, Ogg and the like.
    """
    if beginning[4:8] in _ATOMS:
        return "mov"
    if beginning[:4] == b"RIFF" and beginning[8:11] == b"AVI":
        return "avi"
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return name
    for first, step in _PACKETS:
        marks = beginning[first::step][:_FEWEST_PACKETS]
        if len(marks) == _FEWEST_PACKETS and set(marks) == {_MARK_OF_PACKET}:
            return "mpegts"
    return "aac" if frames_of(beginning) == "AAC" else None
