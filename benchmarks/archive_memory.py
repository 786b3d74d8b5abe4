"""Measures memory and time of ``emotiond analyze``: many files, long ones, and 100,000 links."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from benchmarks.support.clips import CLIP_SECONDS, cut_clips, link_clips
from benchmarks.support.commands import Run, run
from benchmarks.support.daemon import COMMAND
from benchmarks.support.demo import demo
from benchmarks.support.harness import Section
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.batch.selection import select

_DIFFERENT = 200  # of the recordings to which links lead


def measure(quick: bool) -> Section:
    """Analyze folders of links to clips, and long recordings.

    Args:
        quick: whether to measure on a hundredth of the files.
    """
    scale = 100 if quick else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut_clips(folder / "clips", _DIFFERENT)
        rows = [*_memory(folder, scale), *_many(folder, 100_000 // scale)]
    return Section(
        title="Folders of many files, and long recordings",
        header=["what", "seconds", "files a second", "most MB a process"],
        rows=rows,
        note=f"Clips of {CLIP_SECONDS:g} s, cut from the demo at different places; `lite`, all "
        "cores, with the start. Of the 100,000 links, content that is known is only read.",
    )


def _memory(folder: Path, scale: int) -> Sequence[Sequence[str]]:
    rows = []
    for count in (100, 10_000 // min(scale, 10)):
        links = folder / f"{count} links"
        link_clips(folder / "clips", links, count, different=100)
        rows.append(_row(f"{count:,} links to 100 clips", count, _analyze(links)))
    for name, minutes in (("1 minute", 1), (f"{12 / scale:g} hours", 720 // scale)):
        long = folder / "long"
        long.mkdir(exist_ok=True)
        with soundfile.SoundFile(long / "long.wav", "w", SAMPLE_RATE, 1, "PCM_16") as file:
            for _ in range(2 * minutes):
                file.write(demo())
        options = ("--level", "segments", "--overwrite", "--output", str(folder / "long.csv"))
        rows.append(_row(f"one recording of {name}", 1, _analyze(long, *options)))
    return rows


def _many(folder: Path, count: int) -> Sequence[Sequence[str]]:
    links = folder / "many"
    link_clips(folder / "clips", links, count, different=min(_DIFFERENT, count // 100))
    began = time.perf_counter()
    assert len(select([str(links)]).entries) == count
    rows: list[Sequence[str]] = [
        [f"{count:,} links: to list them", f"{time.perf_counter() - began:.2f}", "", ""]
    ]
    output = ("--output", str(folder / "many.csv"))
    rows.append(_row(f"{count:,} links: the first run", count, _analyze(links, *output)))
    again = _analyze(links, *output, "--resume")
    return [*rows, _row(f"{count:,} links: once more with `--resume`", count, again)]


def _analyze(folder: Path, *options: str) -> Run:
    command = [*COMMAND, "analyze", str(folder), "--model", "lite", "--format", "csv", *options]
    return run(command, watches_memory=True)


def _row(what: str, count: int, taken: Run) -> Sequence[str]:
    speed = f"{count / taken.seconds:.0f}" if count > 1 else ""
    return [what, f"{taken.seconds:.1f}", speed, _told(taken.megabytes)]


def _told(megabytes: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in sorted(megabytes.items()))
