"""Short recordings to be analyzed: somebody's, or cut from the demo."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.support.demo import demo
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.batch.item import item_of
from emotiond.streamer.batch.selection import select

CLIP_SECONDS = 3.0


def clips_of(folder: Path | None, count: int, made: Path) -> list[str]:
    """Return the paths of different recordings.

    Args:
        folder: where recordings are, of all of which some are taken evenly; None to make them.
        count: at most so many.
        made: where they are made, a folder that is not there.
    """
    if folder is None:
        cut_clips(made, count)
        return [str(made / f"{number}.wav") for number in range(count)]
    found = [item_of(entry).file for entry in select([str(folder)]).entries]
    return [found[each] for each in np.unique(np.linspace(0, len(found) - 1, count).astype(int))]


def cut_clips(folder: Path, count: int) -> None:
    """Write clips that begin at different samples of the demo."""
    folder.mkdir()
    length = round(CLIP_SECONDS * SAMPLE_RATE)
    for number, first in enumerate(np.linspace(0, demo().size - length, count).astype(int)):
        soundfile.write(folder / f"{number}.wav", demo()[first : first + length], SAMPLE_RATE)


def link_clips(clips: Path, folder: Path, count: int, different: int) -> None:
    """Make a folder of links that lead to so many different clips."""
    folder.mkdir()
    for number in range(count):
        os.symlink(clips / f"{number % different}.wav", folder / f"{number:06}.wav")  # noqa: PTH211


def as_wav(paths: Sequence[str], folder: Path) -> Sequence[str]:
    """Write the same samples as WAV of 16 bits, into a new folder. Returns the new paths."""
    folder.mkdir(parents=True)
    made = [folder / f"{number}.wav" for number in range(len(paths))]
    for path, to in zip(paths, made, strict=True):
        samples, rate = soundfile.read(path, dtype="float32")
        soundfile.write(to, samples, rate, subtype="PCM_16")
    return [str(to) for to in made]
