"""Measures ``emotiond analyze`` on 100,000 files: listing, the first run, and ``--resume``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.archive_memory import analyze, row
from benchmarks.support.clips import CLIP_SECONDS, cut_clips, link_clips
from benchmarks.support.harness import Section
from emotiond.streamer.batch.selection import select


def measure(quick: bool) -> Section:
    """Analyze a folder of links to a few clips, twice.

    Args:
        quick: whether to measure on a hundredth of the files.
    """
    count, different = (1000, 20) if quick else (100_000, 200)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        links, output = folder / "links", ("--output", str(folder / "table.csv"))
        cut_clips(folder / "clips", different)
        link_clips(folder / "clips", links, count, different)
        began = time.perf_counter()
        assert len(select([str(links)]).entries) == count
        listed_seconds = time.perf_counter() - began
        first = analyze(links, *output)
        again = analyze(links, *output, "--resume")
    return Section(
        title=f"{count:,} files",
        header=["what", "seconds", "files a second", "most MB a process"],
        rows=[
            ["to list them", f"{listed_seconds:.2f}", "", ""],
            row("the first run", count, first),
            row("once more with `--resume`", count, again),
        ],
        note=f"Links to {different} clips of {CLIP_SECONDS:g} s: content that is known is only "
        "read. `lite`, all cores, with the start.",
    )
