"""``emotiond analyze`` on long files."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.harness import Section, spread
from tests.support.daemon import COMMAND
from tests.support.signals import RATE, demo
from tests.support.sound_server import write_wav


def measure(quick: bool) -> Section:
    """One long file, start and end of the process included."""
    minutes, repeats = (1, 1) if quick else (60, 3)
    spent: dict[str, list[float]] = {"lite": [], "full": []}
    with tempfile.TemporaryDirectory() as folder:
        file = write_wav(Path(folder) / "long.wav", np.resize(demo(), minutes * 60 * RATE))
        for _ in range(repeats):
            for model, seconds in spent.items():
                began = time.perf_counter()
                command = [*COMMAND, "analyze", str(file), "--model", model]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                seconds.append(time.perf_counter() - began)
    return Section(
        title=f"Analysing {minutes} minutes of speech",
        header=["model", "seconds", "times real time"],
        rows=[
            [model, spread(seconds), f"{minutes * 60 / float(np.median(seconds)):.0f}"]
            for model, seconds in spent.items()
        ],
        note="From the command line: start, reading and printing included.",
    )
