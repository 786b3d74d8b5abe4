"""Measures the accuracy, delay and stability of the published label on a test stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.models.training.data.joining import FRAME_SAMPLES
from emotiond.models.training.data.windows import STRIDE_SAMPLES
from emotiond.models.training.evaluation.streams import ActorStream
from emotiond.streamer.streams.decider import Decision

_GRACE_SECONDS = 1.5
"""Time from the start of each block in which no label is required yet."""

_GRACE_FRAMES = round(_GRACE_SECONDS * SAMPLE_RATE / FRAME_SAMPLES)
_NONE = -1
_STRIDE_FRAMES = STRIDE_SAMPLES // FRAME_SAMPLES


@dataclass(frozen=True)
class StreamFigures:
    """Figures of one stream: sums, not ratios, so that streams can be added."""

    speech_frames: int
    right_frames: int
    """Speech whose last published label is the true one."""
    settled_frames: int
    """Speech without the first 1.5 s of each block."""
    settled_right_frames: int
    labelled_frames: int
    """Settled speech with any label."""
    delays_seconds: tuple[float, ...]
    """Time from each block's first speech to its first right label, at most the block's length."""
    wrong_changes: int
    seconds: float


def measure(stream: ActorStream, decisions: Sequence[Decision]) -> StreamFigures:
    """Compare the published labels with the truth.

    Args:
        stream: the stream with its truth.
        decisions: one per stride.
    """
    labels = published(decisions, stream.is_speech.size)
    truth, settled = np.empty(labels.size, np.int64), np.ones(labels.size, np.bool_)
    delays, wrong_changes = [], 0
    for block in stream.blocks:
        span = slice(block.start_sample // FRAME_SAMPLES, block.end_sample // FRAME_SAMPLES)
        onset = block.onset_sample // FRAME_SAMPLES
        truth[span] = block.label
        settled[span.start : span.start + _GRACE_FRAMES] = False
        right = np.flatnonzero(labels[onset : span.stop] == block.label)
        frames = right[0] if right.size else span.stop - onset
        delays.append(float(frames) * FRAME_SAMPLES / SAMPLE_RATE)
        changed = np.flatnonzero(np.diff(labels[span])) + span.start + 1
        wrong_changes += sum(labels[i] not in (_NONE, block.label) for i in changed.tolist())
    speech = stream.is_speech
    return StreamFigures(
        speech_frames=int(speech.sum()),
        right_frames=int(np.sum(speech & (labels == truth))),
        settled_frames=int(np.sum(speech & settled)),
        settled_right_frames=int(np.sum(speech & settled & (labels == truth))),
        labelled_frames=int(np.sum(speech & settled & (labels != _NONE))),
        delays_seconds=tuple(delays),
        wrong_changes=wrong_changes,
        seconds=stream.samples.size / SAMPLE_RATE,
    )


def published(decisions: Sequence[Decision], n_frames: int) -> npt.NDArray[np.int64]:
    """Return the last published label at every 10 ms, ``(n_frames,)``; -1 for none."""
    published_labels = [
        _NONE,
        *(_NONE if decision.label is None else decision.label for decision in decisions),
    ]
    last = np.minimum(np.arange(n_frames) // _STRIDE_FRAMES, len(decisions))
    labels: npt.NDArray[np.int64] = np.array(published_labels, np.int64)[last]
    return labels


def spoken_scores(
    stream: ActorStream, decisions: Sequence[Decision]
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return all published scores, ``(n, 8)``, and the true labels, ``(n,)``."""
    truth = np.empty(stream.is_speech.size, np.int64)
    for block in stream.blocks:
        truth[block.start_sample // FRAME_SAMPLES : block.end_sample // FRAME_SAMPLES] = block.label
    rows, spoken = [], []
    for number, decision in enumerate(decisions, 1):
        if decision.scores is not None:
            rows.append(list(decision.scores.values()))
            spoken.append(truth[min(number * _STRIDE_FRAMES, truth.size) - 1])
    return np.array(rows, np.float64).reshape(-1, len(LABELS)), np.array(spoken, np.int64)


def totals(figures: Sequence[StreamFigures]) -> dict[str, float]:
    """Return the figures of all streams together."""
    speech = sum(f.speech_frames for f in figures)
    settled = sum(f.settled_frames for f in figures)
    right = sum(f.settled_right_frames for f in figures)
    labelled = sum(f.labelled_frames for f in figures)
    return {
        "share_right": round(right / settled, 4),
        "share_right_with_first_seconds": round(sum(f.right_frames for f in figures) / speech, 4),
        "labelled_share": round(labelled / settled, 4),
        "right_where_labelled": round(right / max(1, labelled), 4),
        "median_delay_seconds": round(
            float(np.median([d for f in figures for d in f.delays_seconds])), 3
        ),
        "wrong_changes_per_10_seconds": round(
            10 * sum(f.wrong_changes for f in figures) / sum(f.seconds for f in figures), 3
        ),
    }
