"""Makes clips of the rows of a table: reads, cuts and compares them, deals speakers to folds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from emotiond.exceptions import DataError, printable
from emotiond.inference.card import SAMPLE_RATE
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.columns import OWN
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.table import Faults, Row

FEWEST_FOLDS, MOST_FOLDS = 3, 4
_SHORTEST_SECONDS = 0.5
_TOLERANCE_SECONDS = 0.02
"""A segment may end this much after its file, since tables round."""


@dataclass(frozen=True)
class OwnClip:
    """A clip of one's own, and what the search for leaks compares."""

    row: Row
    samples_path: Path
    """The whole file, or the segment cut out of it."""
    seconds: float
    digest: str
    """Of the samples at 16 kHz and 16 bits, whatever the format of the file."""


@dataclass(frozen=True)
class OwnCorpus:
    """The clips of a table."""

    clips: list[Clip]
    seconds: npt.NDArray[np.float64]
    """Length of each clip."""
    speakers: tuple[str, ...]
    """Names in the table; clips say ``own-000`` for the first, and so on."""
    digest: str
    """Of everything that a training depends on."""

    @property
    def folds(self) -> int:
        """Number of folds."""
        return max(clip.fold for clip in self.clips)

    @property
    def labels(self) -> dict[str, int]:
        """Number of clips of each label, the most frequent first."""
        return dict(Counter(str(clip.label) for clip in self.clips).most_common())

    def name_of(self, clip_speaker: str) -> str:
        """Return the name that the table gives to a speaker."""
        return printable(self.speakers[int(clip_speaker.removeprefix(f"{OWN}-"))])


def read_own_clips(table: Path, rows: Sequence[Row], folder: Path) -> list[OwnClip]:
    """Read each file once, and write segments into the folder as 16 kHz WAV.

    Raises:
        DataError: files cannot be read, segments lie outside of them, or one sound stands under two
            speakers or labels. Each fault is printed.
    """
    faults, found = Faults(table), []
    by_path: dict[Path, list[Row]] = {}
    for row in rows:
        by_path.setdefault(row.path, []).append(row)
    folder.mkdir(parents=True, exist_ok=True)
    for path, members in progress(list(by_path.items()), "recordings"):
        try:
            samples = load_audio(path)
        except DataError as error:
            faults.add(members[0].line, error.problem)
            continue
        for row in members:
            try:
                found.append(_clip(row, samples, folder))
            except ValueError as error:
                faults.add(row.line, str(error))
    found.sort(key=lambda clip: clip.row.line)
    _find_contradictions(found, faults)
    faults.refuse()
    return found


def _clip(row: Row, samples: npt.NDArray[np.float32], folder: Path) -> OwnClip:
    """Cut a segment.

    Raises:
        ValueError: the fault of the row.
    """
    length = samples.size / SAMPLE_RATE
    end = length if row.end_seconds is None else row.end_seconds
    if end > length + _TOLERANCE_SECONDS or row.start_seconds >= length:
        raise ValueError(
            f"{row.path} lasts {length:.2f} s, so no part from {row.start_seconds:g} to {end:g} s "
            "is in it"
        )
    part = samples[round(row.start_seconds * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    if part.size < _SHORTEST_SECONDS * SAMPLE_RATE:
        raise ValueError(
            f"it lasts {part.size / SAMPLE_RATE:.2f} s, and {_SHORTEST_SECONDS:g} s are needed"
        )
    if not part.any():
        raise ValueError(f"{row.path} holds digital silence there")
    steps = np.rint(part * 32768).clip(-32768, 32767).astype("<i2")
    digest = hashlib.sha256(steps.tobytes()).hexdigest()
    path = row.path
    if not row.whole:
        path = folder / f"{digest[:32]}.wav"
        if not path.exists():
            partial = path.with_suffix(".part")
            soundfile.write(partial, part, SAMPLE_RATE, "FLOAT", format="WAV")
            partial.replace(path)
    return OwnClip(row, path, part.size / SAMPLE_RATE, digest)


def _find_contradictions(clips: Sequence[OwnClip], faults: Faults) -> None:
    """Find the same sound under two speakers or two labels."""
    first: dict[str, OwnClip] = {}
    for clip in clips:
        other = first.setdefault(clip.digest, clip).row
        for what, own, theirs in (
            ("speakers", clip.row.speaker, other.speaker),
            ("labels", clip.row.label, other.label),
        ):
            if own != theirs:
                faults.add(
                    clip.row.line,
                    f"the same sound as line {other.line} under two {what}, {theirs} and {own}",
                )


def make_corpus(table: Path, found: Sequence[OwnClip]) -> tuple[OwnCorpus, list[str]]:
    """Leave out repeated sounds, and deal the speakers to folds.

    Returns:
        The corpus, and what is worth knowing about it, a line each.

    Raises:
        DataError: there are too few speakers with two labels or more.
    """
    by_digest: dict[str, OwnClip] = {}
    for clip in found:
        by_digest.setdefault(clip.digest, clip)
    unique = list(by_digest.values())
    notes = []
    if len(unique) < len(found):
        notes.append(f"{len(found) - len(unique)} clips repeat another one and are left out")
    names = tuple(sorted({clip.row.speaker for clip in unique}))
    labels = {name: {c.row.label for c in unique if c.row.speaker == name} for name in names}
    several = [name for name in names if len(labels[name]) > 1]
    if len(several) < FEWEST_FOLDS:
        raise DataError(
            f"{table} has {len(several)} speakers with two labels or more, and at least "
            f"{FEWEST_FOLDS} are needed: the model is judged on speakers that it did not hear",
            "Record more people, each with several emotions",
        )
    folds = _folds({name: sum(c.row.speaker == name for c in unique) for name in names}, several)
    clips = [
        Clip(
            clip.samples_path,
            OWN,
            f"{OWN}-{names.index(clip.row.speaker):03d}",
            clip.row.label,
            folds[clip.row.speaker],
        )
        for clip in unique
    ]
    told = [
        f"{clip.digest} {clip.row.label} {of.speaker} {of.fold}"
        for clip, of in zip(unique, clips, strict=True)
    ]
    corpus = OwnCorpus(
        clips,
        np.array([clip.seconds for clip in unique]),
        names,
        hashlib.sha256("\n".join(told).encode()).hexdigest(),
    )
    return corpus, notes + _notes(unique, labels)


def _folds(clips: Mapping[str, int], several: Sequence[str]) -> dict[str, int]:
    """Deal each speaker to the smallest fold; each fold gets one with several labels."""
    number = min(MOST_FOLDS, len(several))
    sizes = dict.fromkeys(range(1, number + 1), 0)
    folds = {}
    for name in sorted(clips, key=lambda n: (n not in several, -clips[n], n)):
        folds[name] = min(sizes, key=lambda fold: (sizes[fold], fold))
        sizes[folds[name]] += clips[name]
    return folds


def _notes(clips: Sequence[OwnClip], labels: Mapping[str, set[str]]) -> list[str]:
    notes = []
    single = [name for name, own in labels.items() if len(own) == 1]
    if single:
        notes.append(
            f"{len(single)} speakers have one label alone, so their voice tells it: "
            + printable(", ".join(single[:5]))
        )
    for label in sorted({clip.row.label for clip in clips}):
        speakers = [name for name, own in labels.items() if label in own]
        if len(speakers) == 1:
            notes.append(f"{label} is spoken by one speaker alone, so no fold can judge it")
    crossing = _overlaps(clips)
    if crossing:
        notes.append(
            f"{crossing} segments of two speakers overlap in their recording: both voices are "
            "in both clips"
        )
    return notes


def _overlaps(clips: Sequence[OwnClip]) -> int:
    """Count segments that begin before one of another speaker in their recording has ended."""
    count, latest = 0, dict[tuple[Path, str], float]()  # the latest end of each speaker
    by_path: dict[Path, set[str]] = {}
    for clip in sorted(clips, key=lambda clip: clip.row.start_seconds):
        path, speaker = clip.row.path.resolve(), clip.row.speaker
        others = by_path.setdefault(path, set()) - {speaker}
        begin = clip.row.start_seconds + _TOLERANCE_SECONDS
        count += any(latest[path, other] > begin for other in others)
        by_path[path].add(speaker)
        end = clip.row.start_seconds + clip.seconds
        latest[path, speaker] = max(end, latest.get((path, speaker), 0.0))
    return count
