"""Measures ``emotiond analyze`` on long files."""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.support.builds import builds
from benchmarks.support.daemon import COMMAND
from benchmarks.support.demo import demo
from benchmarks.support.harness import Section, spread
from emotiond.inference.card import SAMPLE_RATE


def measure(quick: bool, beside: str | None = None) -> Section:
    """Analyse one long file, including the start and the end of the process.

    Args:
        quick: whether to measure once, on short files.
        beside: another build, measured in turns: its folder, or a revision.

    Raises:
        RuntimeError: there is no such build.
    """
    minutes = {"lite": 1, "full": 1} if quick else {"lite": 60, "full": 10}
    repeats = 1 if quick else 2 if beside is None else 7
    spent: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with builds(beside) as compared, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.wav"
        for model, length in minutes.items():
            samples = np.resize(demo(), length * 60 * SAMPLE_RATE)
            soundfile.write(file, samples, SAMPLE_RATE, subtype="PCM_16")
            command = [*COMMAND, "analyze", str(file), "--model", model]
            for _ in range(repeats):
                for name, build in compared.items():
                    figures = spent.setdefault((model, name), [])
                    figures.append(_run(command, build.environment))
    return Section(
        title="Analysing a long recording of speech",
        header=["model", "build", "minutes", "processor, s", "seconds", "times real time"],
        rows=[
            [
                *(model, name, str(minutes[model])),
                *(spread(processor), spread(elapsed)),
                f"{minutes[model] * 60 / float(np.median(elapsed)):.0f}",
            ]
            for (model, name), figures in spent.items()
            for processor, elapsed in [list(zip(*figures, strict=True))]
        ],
        note="From the command line, including start, reading and printing. *Processor*: time of "
        "all cores, of the decoder's process, too.",
    )


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return seconds of processor time, and seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    elapsed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, elapsed
