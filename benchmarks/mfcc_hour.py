"""Measures time and memory for the MFCCs of an hour."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable

import numpy as np

from benchmarks.support.demo import demo
from benchmarks.support.harness import Section, spread
from benchmarks.support.mfcc_libraries import RATE, RECIPE, Kaldi, with_librosa
from emotiond.dsp.mfcc import StreamingMfcc
from emotiond.dsp.types import FloatArray

_BLOCK_FRAMES = 64  # its arrays fit the cache: 7.0 µs per frame; 8.2 for 256


def measure(quick: bool) -> Section:
    """Run each library in a process of its own: the peak memory of a process never falls."""
    minutes, repeats = (2, 1) if quick else (60, 2)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in _LIBRARIES}
    for _ in range(repeats):
        for name, figures in spent.items():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                figures.append(pool.apply(_run, (name, minutes)))
    ours = float(np.median([seconds for seconds, _ in spent["emotiond"]]))
    return Section(
        title=f"MFCC of {minutes} minutes",
        header=["by", "seconds", "times emotiond's", "peak memory beyond the samples, MB"],
        rows=[
            [
                name,
                spread([seconds for seconds, _ in figures], 2),
                f"{float(np.median([seconds for seconds, _ in figures])) / ours:.2f}",
                spread([megabytes for _, megabytes in figures]),
            ]
            for name, figures in spent.items()
        ],
        note=f"emotiond and kaldi-native-fbank in blocks of {_BLOCK_FRAMES} frames, librosa in one "
        "call.",
    )


def _run(name: str, minutes: int) -> tuple[float, float]:
    """Return seconds, and the growth of the peak memory in MB."""
    samples = np.resize(demo(), minutes * 60 * RATE)
    extract = _LIBRARIES[name]
    extract(samples[: 2 * RATE])  # imports and tables
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    extract(samples)
    seconds = time.perf_counter() - began
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _in_blocks(push: Callable[[FloatArray], object], samples: FloatArray) -> None:
    step = _BLOCK_FRAMES * RECIPE.hop_length
    for first in range(0, samples.shape[0], step):
        push(samples[first : first + step])


_LIBRARIES: dict[str, Callable[[FloatArray], None]] = {
    "emotiond": lambda samples: _in_blocks(StreamingMfcc(RECIPE).push, samples),
    "kaldi-native-fbank": lambda samples: _in_blocks(Kaldi().push, samples),
    "librosa": with_librosa,
}
