"""Test signals, and the block sizes in which they arrive."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import numpy as np
import soundfile
from hypothesis import strategies as st

from emotiond.dsp.recipe import Recipe
from emotiond.dsp.types import FloatArray

RATE = 16_000
_DEMO = str(resources.files("emotiond.streamer") / "sources" / "demo.flac")


def speech_recipe(**changes: object) -> Recipe:
    """25 ms every 10 ms, as most models have it."""
    values: dict[str, object] = {
        "sample_rate": RATE,
        "frame_length": 400,
        "hop_length": 160,
        "n_fft": 512,
        "n_mels": 40,
        "n_mfcc": 40,
    }
    return Recipe(**(values | changes))  # type: ignore[arg-type]


def links_to_demo(folder: Path, count: int) -> list[str]:
    """Return so many recordings in a folder, each a link to the bundled one."""
    paths = [folder / f"demo {number}.flac" for number in range(count)]
    for path in paths:
        path.symlink_to(_DEMO)
    return [str(path) for path in paths]


@functools.cache
def demo() -> FloatArray:
    """The bundled recording of a voice, mono at 16 kHz; read-only."""
    samples, rate = soundfile.read(_DEMO, dtype="float32", always_2d=True)
    assert rate == RATE
    voice: FloatArray = samples.mean(axis=1)
    voice.flags.writeable = False
    return voice


@functools.cache
def emotions_of_demo() -> Mapping[str, tuple[float, float]]:
    """The emotions of the bundled recording in their order, with their begin and end in seconds."""
    with soundfile.SoundFile(_DEMO) as file:
        parts = [part.replace("-", " ").split() for part in file.comment.split(", ")]
    return MappingProxyType({label: (float(begin), float(end)) for label, begin, end in parts})


def sentence(emotion: str) -> FloatArray:
    """The part of the bundled recording with this emotion, with the pauses around it; read-only."""
    begin, end = emotions_of_demo()[emotion]
    return demo()[round(begin * RATE) : round(end * RATE)]


def noise(seconds: float, dbfs: float, seed: int = 0, rate: int = RATE) -> FloatArray:
    """White noise of a level."""
    generator = np.random.default_rng(seed)
    samples = generator.standard_normal(round(seconds * rate)) * 10 ** (dbfs / 20)
    return np.asarray(samples, np.float32)


def tone(hz: float, seconds: float, amplitude: float = 0.5, rate: int = RATE) -> FloatArray:
    """A sine from phase 0."""
    time = np.arange(round(seconds * rate)) / rate
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * time), np.float32)


def cut(samples: FloatArray, sizes: Sequence[int]) -> Iterator[FloatArray]:
    """Cut a signal into blocks. The sizes repeat until its end."""
    position = 0
    while position < samples.shape[0]:
        for size in sizes:
            yield samples[position : position + size]
            position += size


block_sizes = st.lists(st.integers(1, 3000), min_size=4, max_size=8)
"""Block sizes of a signal."""


@st.composite
def signals(draw: st.DrawFn, most: int = 4000) -> FloatArray:
    """float64: noise, tones, steps, constants and silence, from tiny to huge."""
    length = draw(st.integers(0, most))
    amplitude = 10.0 ** draw(st.integers(-30, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time = np.arange(length)
    kind = draw(st.sampled_from(["noise", "tone", "constant", "zeros", "pulses", "burst", "hum"]))
    if kind == "noise":
        signal = generator.standard_normal(length)
    elif kind == "tone":
        # in steps: of a far lower tone the power is no number that still has its digits
        signal = np.sin(np.pi * draw(st.integers(0, 2**20)) / 2**20 * time)
    elif kind == "constant":
        signal = np.ones(length)
    elif kind == "pulses":
        signal = (time % draw(st.integers(1, 500)) == 0).astype(np.float64)
    elif kind == "burst":
        signal = np.where(time < length // 2, 0.0, generator.standard_normal(length))
    elif kind == "hum":
        signal = 1 + 1e-7 * generator.standard_normal(length)
    else:
        signal = np.zeros(length)
    return amplitude * signal
