"""Measures how the label follows a change of emotion inside speech, without a pause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.joining import FRAME_SAMPLES, Joined, join, speech_frames
from emotiond.models.training.evaluation.stream_figures import published
from emotiond.models.training.evaluation.streams import actor_random
from emotiond.streamer.streams.decider import Decision

AFTER_SECONDS = 2.0
"""Time after the change that is measured."""
_AFTER_FRAMES = round(AFTER_SECONDS * SAMPLE_RATE / FRAME_SAMPLES)


@dataclass(frozen=True)
class Change:
    """Two clips of one held-out actor, joined."""

    joined: Joined
    old: int
    """Number of the first clip's label."""
    new: int


@dataclass(frozen=True)
class ChangeFigures:
    """Figures of one change: sums, not ratios, so that changes can be added."""

    speech_frames: int
    """Speech in the time after the change."""
    new_frames: int
    """Speech that has the new label."""
    old_frames: int
    """Speech that still has the old label."""
    delay_seconds: float
    """Time from the change to the new label; the rest of the stream if it never comes."""


def make_changes(clips: Sequence[Clip], number: int, seed: int) -> list[Change]:
    """Join pairs of one actor's clips with different labels, drawn by seed and actor."""
    random = actor_random(clips, seed)
    changes = []
    for _ in range(number):
        first = clips[int(random.integers(len(clips)))]
        others = [clip for clip in clips if clip.label != first.label]
        second = others[int(random.integers(len(others)))]
        joined = join(load_audio(first.path), load_audio(second.path), random)
        old, new = (LABELS.index(str(clip.label)) for clip in (first, second))
        changes.append(Change(joined, old, new))
    return changes


def measure_change(change: Change, decisions: Sequence[Decision]) -> ChangeFigures:
    """Compare the published labels after the change with both labels."""
    samples = change.joined.samples[: change.joined.samples.size // FRAME_SAMPLES * FRAME_SAMPLES]
    speech = speech_frames(samples)
    labels = published(decisions, speech.size)
    at = change.joined.change_sample // FRAME_SAMPLES
    after = slice(at, min(at + _AFTER_FRAMES, speech.size))
    found = np.flatnonzero(labels[at:] == change.new)
    delay = int(found[0]) if found.size else speech.size - at
    spoken = speech[after]
    return ChangeFigures(
        speech_frames=int(spoken.sum()),
        new_frames=int(np.sum(spoken & (labels[after] == change.new))),
        old_frames=int(np.sum(spoken & (labels[after] == change.old))),
        delay_seconds=delay * FRAME_SAMPLES / SAMPLE_RATE,
    )


def change_totals(figures: Sequence[ChangeFigures]) -> dict[str, float]:
    """Return the figures of all changes together."""
    speech = sum(f.speech_frames for f in figures)
    return {
        "new_label_share": round(sum(f.new_frames for f in figures) / speech, 4),
        "old_label_share": round(sum(f.old_frames for f in figures) / speech, 4),
        "median_delay_seconds": round(float(np.median([f.delay_seconds for f in figures])), 3),
    }
