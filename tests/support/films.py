"""Films and recordings of phones, made by FFmpeg and by hand."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np

from emotiond.dsp.types import FloatArray

_BLOCK_SAMPLES = 960
_PICTURES_A_SECOND = 5


class Track(NamedTuple):
    """A track of sound."""

    codec: str
    """By FFmpeg's name."""
    rate: int
    """Hz."""
    samples: FloatArray
    """Shape ``(n, channels)``."""
    start_seconds: float = 0.0
    hole: tuple[float, float] = (0.0, 0.0)
    """Position in the sound and length of a stretch without packets, in seconds."""
    is_default: bool = False


def beep(rate: int, seconds: float, channels: int = 1, hz: float = 440.0) -> FloatArray:
    """Return a tone, shape ``(n, channels)``."""
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)
    return np.asarray(np.repeat(wave[:, None], channels, axis=1), np.float32)


def film(
    container: str,
    *tracks: Track,
    picture_seconds: float = 0.0,
    options: dict[str, str] | None = None,
) -> bytes:
    """Return a file of FFmpeg's container, with a picture if it lasts.

    Args:
        container: by FFmpeg's name.
        tracks: of sound.
        picture_seconds: how long the picture lasts.
        options: of the container.
    """
    written = io.BytesIO()
    with av.open(written, "w", format=container, options=options or {}) as output:
        video = None
        if picture_seconds:
            video = output.add_stream("mpeg4", rate=_PICTURES_A_SECOND)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        streams = []
        for track in tracks:
            layout = "mono" if track.samples.shape[1] == 1 else "stereo"
            stream = output.add_stream(track.codec, rate=track.rate, layout=layout)
            if track.is_default:
                stream.disposition = av.stream.Disposition.default
            streams.append(stream)
        if video is not None:
            for index in range(round(picture_seconds * _PICTURES_A_SECOND)):
                image = np.full((48, 64, 3), 40 + index, np.uint8)
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts, picture.time_base = index, Fraction(1, _PICTURES_A_SECOND)
                output.mux(video.encode(picture))
            output.mux(video.encode(None))
        for track, stream in zip(tracks, streams, strict=True):
            _write(output, stream, track)
    return written.getvalue()


def _write(output: av.container.OutputContainer, stream: av.AudioStream, track: Track) -> None:
    layout = stream.layout.name
    resampler = av.AudioResampler(stream.format.name, layout, track.rate)
    at, length = (round(seconds * track.rate) for seconds in track.hole)
    for position in range(0, track.samples.shape[0], _BLOCK_SAMPLES):
        block = np.ascontiguousarray(track.samples[position : position + _BLOCK_SAMPLES])
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate, frame.time_base = track.rate, Fraction(1, track.rate)
        frame.pts = position + round(track.start_seconds * track.rate)
        frame.pts += length if length and position >= at else 0
        for part in resampler.resample(frame):
            output.mux(stream.encode(part))
    output.mux(stream.encode(None))


def with_apple_counts(m4a: bytes, delay: int, padding: int, length: int) -> bytes:
    """Return an M4A whose ``moov`` is at its end, with Apple's note about its samples added."""
    counts = f" 00000000 {delay:08X} {padding:08X} {length:016X}" + " 00000000" * 8
    free_form = atom(
        b"----",
        atom(b"mean", bytes(4) + b"com.apple.iTunes"),
        atom(b"name", bytes(4) + b"iTunSMPB"),
        atom(b"data", struct.pack(">II", 1, 0) + counts.encode()),
    )
    handler = atom(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    note = atom(b"udta", atom(b"meta", bytes(4), handler, atom(b"ilst", free_form)))
    at = m4a.rindex(b"moov") - 4
    moov = m4a[at + 8 :].replace(b"udta", b"free")
    return m4a[:at] + atom(b"moov", moov, note)


def atom(name: bytes, *content: bytes) -> bytes:
    """Return an atom of MP4."""
    whole = b"".join(content)
    return struct.pack(">I4s", len(whole) + 8, name) + whole
