"""The demo recording of the package."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

import soundfile

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE

DEMO = Path(str(resources.files("emotiond.streamer.sources") / "demo.flac"))


@functools.cache
def demo() -> FloatArray:
    """Return the samples, mono at 16 kHz, shape ``(n,)``, read-only."""
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    voice: FloatArray = samples.mean(axis=1)
    voice.flags.writeable = False
    return voice
