"""Choose the clips of the demo recording: ``python -m emotiond.models.training.demo``.

The clips are of two actors, a woman and a man, whose voices the models were trained on, and of each
emotion the one that all given models recognise best. So the demo shows a model at its best; its
accuracy on strange voices stands in its report.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DataError
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.models.training.common.command import run
from emotiond.models.training.data.corpora import TEST_FOLD, Clip, load_audio, read_ravdess
from emotiond.streamer.api import analyze
from emotiond.streamer.protocol.events import Emotion

TARGET_DBFS = -24.0
"""Level of the speech that clips are brought closer to: half of the way, in decibels."""

_HIGHEST_PEAK = 0.9
_QUIETEST_DB = 35.0  # below the loudest frame: what is quieter is no speech
_FRAME = SAMPLE_RATE // 50
_CANDIDATES = 3  # per label, tried in each place of the recording


@dataclass(frozen=True)
class Verdict:
    """How well models recognise one emotion in a stretch of sound; the worst of several models."""

    is_first: bool
    """Whether the first published label is the right one."""
    share: float
    """Share of the labelled time with the right label; 0 without any."""
    confidence: float
    """Mean confidence of the right label; 0 without it."""

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Larger is better."""
        return self.is_first, round(self.share, 2), self.confidence

    @property
    def is_good(self) -> bool:
        """Whether a newcomer sees the right label, at first and for most of the time."""
        return self.is_first and self.share >= 0.75


def judge(events: Sequence[Emotion], label: str, begin: float, end: float) -> Verdict:
    """Return how well one model recognises a label.

    Args:
        events: of the whole sound.
        label: the right one.
        begin: where the clip begins, in seconds of the sound.
        end: where it ends.
    """
    former = next((event.label for event in reversed(events) if event.end <= begin), None)
    within = [event for event in events if begin < event.end <= end]
    # The label of the clip before stays until its pause is long enough.
    own = itertools.dropwhile(lambda event: former is not None and event.label == former, within)
    spoken = [event for event in own if event.label is not None]
    right = [event for event in spoken if event.label == label]
    if not right:
        return Verdict(False, 0.0, 0.0)
    confidence = float(np.mean([event.confidence or 0.0 for event in right]))
    return Verdict(spoken[0].label == label, len(right) / len(spoken), confidence)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of several models together."""
    return Verdict(
        all(each.is_first for each in verdicts),
        min(each.share for each in verdicts),
        min(each.confidence for each in verdicts),
    )


def levelled(samples: FloatArray) -> FloatArray:
    """Return a clip whose speech is half as far from the common level, in decibels."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    spoken = power[power > power.max() * 10 ** (-_QUIETEST_DB / 10)]
    level_db = 10 * np.log10(np.mean(spoken))
    gain = 10 ** ((TARGET_DBFS - level_db) / 2 / 20)
    return np.asarray(samples * min(gain, _HIGHEST_PEAK / np.abs(samples).max()), np.float32)


def choose_actors(verdicts: Mapping[Clip, Verdict]) -> tuple[str, str]:
    """Return the woman and the man of whom each emotion has the best clips, all taken together."""
    women = sorted({clip.speaker for clip in verdicts if clip.female})
    men = sorted({clip.speaker for clip in verdicts if not clip.female})

    def quality(pair: tuple[str, str]) -> tuple[int, float]:
        best = [
            max((v.rank for c, v in verdicts.items() if (c.label, c.speaker) == part), default=None)
            for part in itertools.product(LABELS, pair)  # whose turn it will be is open
        ]
        if None in best:
            return -1, 0.0
        found = [rank for rank in best if rank is not None]
        return sum(rank[0] for rank in found), sum(rank[1] + rank[2] / 100 for rank in found)

    pairs = [pair for woman in women for man in men for pair in ((woman, man), (man, woman))]
    best = max(pairs, key=quality, default=None)
    if best is None or quality(best)[0] < 0:
        raise DataError("no woman and man have clips of all labels", "Give all of RAVDESS")
    return best


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="emotiond.models.training.demo", description=__doc__)
    parser.add_argument("--speech", type=Path, required=True, help="RAVDESS speech")
    parser.add_argument(
        "--model", action="append", help="name or file of a model; repeat it (default: both)"
    )
    parser.add_argument(
        "--actor",
        type=int,
        action="append",
        help="number of an actor to choose from; repeat it (default: all of the training)",
    )
    parser.add_argument("--out", type=Path, required=True, help="the recording, in FLAC")
    options = parser.parse_args(arguments)
    models = options.model or ["full", "lite"]
    clips = [
        clip
        for clip in read_ravdess(options.speech)
        if clip.fold != TEST_FOLD
        and (options.actor is None or int(clip.speaker[-2:]) in options.actor)
    ]
    sounds = {clip: levelled(load_audio(clip.path)) for clip in clips}
    alone = {clip: _worst_of(sounds[clip], clip, 0, models) for clip in clips}
    chosen = _in_their_places(choose_actors(alone), alone, sounds, models)
    joined = np.concatenate([sounds[clip] for clip, _ in chosen])
    soundfile.write(options.out, joined, SAMPLE_RATE, subtype="PCM_16", format="FLAC")
    for clip, verdict in chosen:
        mark = "ok " if verdict.is_good else "BAD"
        first = "right" if verdict.is_first else "wrong"
        print(
            f"{mark} {clip.label:<10} {clip.path.stem}  first label {first}, "
            f"right for {verdict.share:.0%} of the labelled time, {verdict.confidence:.0%} sure"
        )
    print(f"{options.out}: {len(joined) / SAMPLE_RATE:.1f} s, models {', '.join(models)}")
    bad = [clip.label for clip, verdict in chosen if not verdict.is_good]
    if bad:
        raise DataError(
            f"the demo would show {', '.join(map(str, bad))} wrongly", "Give better models"
        )


def _in_their_places(
    actors: tuple[str, str],
    alone: Mapping[Clip, Verdict],
    sounds: Mapping[Clip, FloatArray],
    models: Sequence[str],
) -> list[tuple[Clip, Verdict]]:
    """Choose one clip after the other, with those before it, whose traces it may show.

    The next one is of the first label that is recognised there, else of the best one.
    """
    chosen: list[tuple[Clip, Verdict]] = []
    joined = np.zeros(0, np.float32)
    left = list(LABELS)
    for actor in itertools.islice(itertools.cycle(actors), len(LABELS)):
        tried: list[tuple[Clip, Verdict]] = []
        for clip in _candidates(left, actor, alone):
            sound = np.concatenate([joined, sounds[clip]])
            tried.append((clip, _worst_of(sound, clip, len(joined), models)))
            if tried[-1][1].is_good:
                break
        best = max(tried, key=lambda pair: pair[1].rank)
        chosen.append(best)
        left.remove(str(best[0].label))
        joined = np.concatenate([joined, sounds[best[0]]])
    return chosen


def _candidates(labels: Sequence[str], actor: str, alone: Mapping[Clip, Verdict]) -> Iterator[Clip]:
    """Yield the best clips of each label, by what they are recognised as alone."""
    for label in labels:
        of_label = [clip for clip in alone if (clip.label, clip.speaker) == (label, actor)]
        of_label.sort(key=lambda clip: alone[clip].rank, reverse=True)
        yield from of_label[:_CANDIDATES]


def _worst_of(sound: FloatArray, clip: Clip, begin: int, models: Sequence[str]) -> Verdict:
    """Return the verdict of all models on a clip that begins at this sample and ends the sound."""
    assert clip.label is not None
    verdicts = []
    for model in models:
        found = analyze((sound, SAMPLE_RATE), model=model).events
        events = [event for event in found if isinstance(event, Emotion)]
        begin_seconds, end_seconds = begin / SAMPLE_RATE, len(sound) / SAMPLE_RATE
        verdicts.append(judge(events, clip.label, begin_seconds, end_seconds))
    return worst(verdicts)


if __name__ == "__main__":
    run(main)
