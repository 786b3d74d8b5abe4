"""Measures ``emotiond analyze`` on folders: two processes beside one, memory, and 100,000 files."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import soundfile

from benchmarks.support.daemon import COMMAND
from benchmarks.support.demo import demo
from benchmarks.support.harness import Section, spread
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.batch.selection import select

_CLIP_SECONDS = 3.0
_LOOK_SECONDS = 0.05  # from one look at the memory to the next
_DIFFERENT = 200  # of the recordings to which links lead


class Run(NamedTuple):
    """What a command took."""

    seconds: float
    megabytes: Mapping[str, float]
    """The most memory that a process had in RAM, by what it does."""


def measure(quick: bool) -> Section:
    """Analyze folders of clips, of links to clips, and long recordings.

    Args:
        quick: whether to measure on a tenth of the files.
    """
    scale = 10 if quick else 1
    rows: list[Sequence[str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _cut(folder / "clips", 1000 // scale)
        for model in ("lite", "full"):
            rows += _cores(folder, model, 1000 // scale, repeats=1 if quick else 3)
        rows += _memory(folder, scale)
        rows += _many(folder, 100_000 // scale)
    return Section(
        title="Folders of recordings",
        header=["what", "seconds", "files a second", "most MB a process"],
        rows=rows,
        note=f"Clips of {_CLIP_SECONDS:g} s, cut from the demo at different places; by `lite` if "
        "nothing else is said. The command starts anew each time; for `--jobs`, what two clips "
        "take is subtracted as the start. Of the links, content that is known is only read.",
    )


def _cores(folder: Path, model: str, count: int, repeats: int) -> Sequence[Sequence[str]]:
    clips, few = folder / "clips", folder / "few"
    few.mkdir(exist_ok=True)
    for number in range(2):
        (few / f"{number}.wav").unlink(missing_ok=True)
        (few / f"{number}.wav").symlink_to(clips / f"{number}.wav")
    seconds: dict[int, list[float]] = {1: [], 2: []}
    memory: dict[int, Mapping[str, float]] = {}
    for _ in range(repeats):
        for jobs, figures in seconds.items():
            options = ("--jobs", str(jobs), "--format", "csv")
            start = _run(few, *options, model=model).seconds
            whole = _run(clips, *options, model=model)
            figures.append(whole.seconds - start)
            memory[jobs] = whole.megabytes
    rows = [
        [
            f"{count:,} different clips, `{model}`, `--jobs {jobs}`, without the start",
            spread(figures),
            f"{count / float(np.median(figures)):.0f}",
            _told(memory[jobs]),
        ]
        for jobs, figures in seconds.items()
    ]
    ratio = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    return [
        *rows,
        [f"`{model}`: `--jobs 2` beside `--jobs 1`, times the speed", spread(ratio), "", ""],
    ]


def _memory(folder: Path, scale: int) -> Sequence[Sequence[str]]:
    rows = []
    for count in (100, 10_000 // scale):
        links = folder / f"{count} links"
        _link(folder / "clips", links, count, different=100)
        run = _run(links, "--format", "csv", "--output", str(folder / f"{count}.csv"))
        rows.append(_row(f"{count:,} links to 100 clips", count, run))
    for name, minutes in (("1 minute", 1), (f"{12 / scale:g} hours", 720 // scale)):
        long = folder / "long"
        long.mkdir(exist_ok=True)
        with soundfile.SoundFile(long / "long.wav", "w", SAMPLE_RATE, 1, "PCM_16") as file:
            for _ in range(2 * minutes):
                file.write(demo())
        options = ("--format", "csv", "--level", "segments", "--overwrite")
        run = _run(long, *options, "--output", str(folder / "long.csv"))
        rows.append(_row(f"one recording of {name}", 1, run))
    return rows


def _many(folder: Path, count: int) -> Sequence[Sequence[str]]:
    links = folder / "many"
    _link(folder / "clips", links, count, different=min(_DIFFERENT, count // 100))
    began = time.perf_counter()
    assert len(select([str(links)]).entries) == count
    rows: list[Sequence[str]] = [
        [f"{count:,} links: to list them", f"{time.perf_counter() - began:.2f}", "", ""]
    ]
    options = ("--format", "csv", "--output", str(folder / "many.csv"))
    rows.append(_row(f"{count:,} links: the first run", count, _run(links, *options)))
    run = _run(links, *options, "--resume")
    return [*rows, _row(f"{count:,} links: once more with `--resume`", count, run)]


def _cut(folder: Path, count: int) -> None:
    """Write clips that begin at different samples."""
    folder.mkdir()
    length = round(_CLIP_SECONDS * SAMPLE_RATE)
    for number, first in enumerate(np.linspace(0, demo().size - length, count).astype(int)):
        soundfile.write(folder / f"{number}.wav", demo()[first : first + length], SAMPLE_RATE)


def _link(clips: Path, folder: Path, count: int, different: int) -> None:
    folder.mkdir()
    for number in range(count):
        os.symlink(clips / f"{number % different}.wav", folder / f"{number:06}.wav")  # noqa: PTH211


def _run(folder: Path, *options: str, model: str = "lite") -> Run:
    """Analyze a folder, and look at the memory meanwhile."""
    command = [*COMMAND, "analyze", str(folder), "--model", model, *options]
    began = time.perf_counter()
    most: dict[str, float] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            _look(watched, most)
            time.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"emotiond analyze ended with {process.returncode}")
    return Run(seconds, most)


def _look(command: psutil.Process, most: dict[str, float]) -> None:
    kinds: Mapping[str, Callable[[str], bool]] = {
        "analysis": lambda line: "worker_process" in line,
        "decoder": lambda line: "readers.decoder" in line,
        "command": lambda _line: True,
    }
    for each in (command, *_children(command)):
        try:
            line, size = " ".join(each.cmdline()), each.memory_info().rss / 1e6
        except psutil.Error:  # it has ended
            continue
        kind = next(name for name, fits in kinds.items() if fits(line))
        most[kind] = max(most.get(kind, 0.0), size)


def _children(command: psutil.Process) -> Sequence[psutil.Process]:
    try:
        found: Sequence[psutil.Process] = command.children(recursive=True)
    except psutil.Error:
        return ()
    return found


def _row(what: str, count: int, run: Run) -> Sequence[str]:
    speed = f"{count / run.seconds:.0f}" if count > 1 else ""
    return [what, f"{run.seconds:.1f}", speed, _told(run.megabytes)]


def _told(megabytes: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in sorted(megabytes.items()))
