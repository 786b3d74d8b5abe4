"""Measures MFCCs of new frames in a stream, beside other libraries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.support.demo import demo
from benchmarks.support.harness import Plot, Section, interleaved, spread
from benchmarks.support.mfcc_libraries import HOP, RATE, RECIPE, Kaldi, with_librosa, with_psf
from emotiond.dsp.mfcc import StreamingMfcc
from emotiond.dsp.types import FloatArray

_WINDOW_SECONDS = 3
_BLOCK_FRAMES = (1, 5, 10)
_OURS, _KALDI = "emotiond", "kaldi-native-fbank"


def measure(quick: bool) -> Section:
    """Push blocks of 1, 5 and 10 frames."""
    window = np.ascontiguousarray(demo()[: _WINDOW_SECONDS * RATE])
    rows, medians = [], {_OURS: list[float](), _KALDI: list[float]()}
    for frames in _BLOCK_FRAMES:
        spent = interleaved(
            {
                _OURS: _blocks(StreamingMfcc(RECIPE).push, frames),
                _KALDI: _blocks(Kaldi().push, frames),
                "librosa, 3 s again": lambda: with_librosa(window),
                "python_speech_features, 3 s again": lambda: with_psf(window),
            },
            repeats=60 if quick else 400,
        )
        for name, curve in medians.items():
            curve.append(float(np.median(spent[name])))
        ours = medians[_OURS][-1]
        rows += [
            [str(frames), name, spread(values), f"{float(np.median(values)) / ours:.2f}"]
            for name, values in spent.items()
        ]
    curves = {name: (_BLOCK_FRAMES, curve) for name, curve in medians.items()}
    return Section(
        title="Streaming MFCC",
        header=["new frames", "by", "µs per block", "times emotiond's"],
        rows=rows,
        note="13 coefficients by HTK's recipe, one thread. The last two have no state: they "
        "compute the whole window of 3 s at each block, as a live program has to.",
        plots={"mfcc": Plot("Streaming MFCC", "new frames", "µs per block", curves)},
    )


def _blocks(push: Callable[[FloatArray], object], frames: int) -> Callable[[], object]:
    """Return a function that pushes the next block of the demo recording."""
    samples, step, position = demo(), frames * HOP, 0
    push(samples[: 400 - HOP])

    def call() -> None:
        nonlocal position
        position = (position + step) % (samples.shape[0] - step)
        push(samples[position : position + step])

    return call
