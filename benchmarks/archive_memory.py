"""Measures memory of ``emotiond analyze``: with many files, and with long ones."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from benchmarks.support.clips import CLIP_SECONDS, cut_clips, link_clips
from benchmarks.support.commands import Run, run
from benchmarks.support.daemon import COMMAND
from benchmarks.support.demo import demo
from benchmarks.support.harness import Section
from emotiond.inference.card import SAMPLE_RATE

_DIFFERENT = 100  # of the clips to which links lead


def measure(quick: bool) -> Section:
    """Analyze folders of links to clips, and long recordings.

    Args:
        quick: whether to measure on a tenth of the files, and a hundredth of the length.
    """
    many, minutes = (1000, 7) if quick else (10_000, 720)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut_clips(folder / "clips", _DIFFERENT)
        rows = [*_of_many(folder, many), *_of_long(folder, minutes)]
    return Section(
        title="Folders of many files, and long recordings",
        header=["what", "seconds", "files a second", "most MB a process"],
        rows=rows,
        note=f"Clips of {CLIP_SECONDS:g} s, cut from the demo at different places; `lite`, all "
        "cores, with the start.",
    )


def _of_many(folder: Path, many: int) -> Sequence[Sequence[str]]:
    rows = []
    for count in (_DIFFERENT, many):
        links = folder / f"{count} links"
        link_clips(folder / "clips", links, count, _DIFFERENT)
        rows.append(row(f"{count:,} links to {_DIFFERENT} clips", count, analyze(links)))
    return rows


def _of_long(folder: Path, most_minutes: int) -> Sequence[Sequence[str]]:
    rows, long = [], folder / "long"
    long.mkdir()
    options = ("--level", "segments", "--overwrite", "--output", str(folder / "long.csv"))
    for minutes in (1, most_minutes):
        with soundfile.SoundFile(long / "long.wav", "w", SAMPLE_RATE, 1, "PCM_16") as file:
            for _ in range(round(minutes * 60 * SAMPLE_RATE / demo().size)):
                file.write(demo())
        taken = analyze(long, *options)
        rows.append(row(f"one recording of {minutes:,} min", 1, taken))
    return rows


def analyze(folder: Path, *options: str) -> Run:
    """Analyze a folder by ``lite``, and look at the memory."""
    command = [*COMMAND, "analyze", str(folder), "--model", "lite", "--format", "csv", *options]
    return run(command, watches_memory=True)


def row(what: str, count: int, taken: Run) -> Sequence[str]:
    """Return what a number of files took."""
    speed = f"{count / taken.seconds:.0f}" if count > 1 else ""
    return [what, f"{taken.seconds:.1f}", speed, _told(taken.megabytes)]


def _told(megabytes: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in sorted(megabytes.items()))
