"""Measures ``emotiond analyze`` on long files."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.support.daemon import COMMAND
from benchmarks.support.demo import demo
from benchmarks.support.harness import Section, spread
from emotiond.inference.card import SAMPLE_RATE


def measure(quick: bool) -> Section:
    """Analyse one long file, including the start and the end of the process."""
    minutes = {"lite": 1, "full": 1} if quick else {"lite": 60, "full": 3}
    spent: dict[str, list[float]] = {model: [] for model in minutes}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.wav"
        for _ in range(1 if quick else 2):
            for model, seconds in spent.items():
                samples = np.resize(demo(), minutes[model] * 60 * SAMPLE_RATE)
                soundfile.write(file, samples, SAMPLE_RATE, subtype="PCM_16")
                began = time.perf_counter()
                command = [*COMMAND, "analyze", str(file), "--model", model]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                seconds.append(time.perf_counter() - began)
    return Section(
        title="Analysing a long recording of speech",
        header=["model", "minutes", "seconds", "times real time"],
        rows=[
            [
                model,
                str(minutes[model]),
                spread(seconds),
                f"{minutes[model] * 60 / float(np.median(seconds)):.0f}",
            ]
            for model, seconds in spent.items()
        ],
        note="From the command line, including start, reading and printing.",
    )
