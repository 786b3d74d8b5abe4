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
    minutes = {"lite": 1, "full": 1} if quick else {"lite": 60, "full": 3}
    spent: dict[str, list[float]] = {model: [] for model in minutes}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.wav"
        for _ in range(1 if quick else 2):
            for model, seconds in spent.items():
                write_wav(file, np.resize(demo(), minutes[model] * 60 * RATE))
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
        note="From the command line: start, reading and printing included.",
    )
