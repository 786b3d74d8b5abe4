"""Sound files as recorders and encoders leave them, made from real ones."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile

from emotiond.dsp.types import FloatArray
from tests.support.signals import RATE

_SIZES = {3: (144, (44_100, 48_000, 32_000)), 2: (72, (22_050, 24_000, 16_000))}
_KBITS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def encoded(samples: FloatArray, format_: str, rate: int = RATE, **details: Any) -> bytes:
    """Return a sound file; details as for ``soundfile.SoundFile``."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", rate, channels, format=format_, **details) as file:
        file.write(samples)
    return content.getvalue()


def first_frame_bytes(mp3: bytes) -> int:
    """Return the length of the first frame of an MP3 file without tags before it."""
    version, bits = mp3[1] >> 3 & 3, mp3[2] >> 4
    factor, rates = _SIZES[version]
    length = factor * _KBITS[version][bits] * 1000 // rates[mp3[2] >> 2 & 3]
    return length + (mp3[2] >> 1 & 1)


def without_count(mp3: bytes) -> bytes:
    """Return an MP3 file without its first frame, which says how many frames there are."""
    assert b"Xing" in mp3[:64] or b"Info" in mp3[:64]
    return mp3[first_frame_bytes(mp3) :]


def loud_then_quiet(seconds: float) -> FloatArray:
    """Noise and then next to nothing: at a variable rate, the first frames are the largest."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    level = np.where(np.arange(noise.size) < noise.size // 8, 0.3, 0.002)
    return np.asarray(noise * level, np.float32)


def mp2_frame(kbits: int, *, rate: int = 48_000, level: int = 0) -> bytes:
    """Return a mono frame of MPEG 1, layer 2: a tone in the second subband, of 56 kbit/s or more.

    Args:
        kbits: rate in kbit/s. What the tone does not need stays empty.
        rate: sample rate in Hz.
        level: 0 for silence, or 1 to 7.
    """
    kbit_rates = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
    index, rates = kbit_rates.index(kbits) + 1, (44_100, 48_000, 32_000)
    bits = f"{0xFFFD:016b}{index:04b}{rates.index(rate):02b}00" + f"{0xC0:08b}"
    # Bits for each subband: 11 have four, 12 have three, 4 have two.
    widths = [4] * 11 + [3] * 12 + [2] * 4
    bits += "".join(f"{3 if band == 1 else 0:0{width}b}" for band, width in enumerate(widths))
    bits += f"{2:02b}{6:06b}"  # one scale factor for the whole frame
    bits += f"{7 + level:04b}" * 36  # samples of 15 steps
    content = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return content.ljust(144 * kbits * 1000 // rate, b"\0")
