"""Choose the clips of the demo recording: ``python -m emotiond.models.training.demo``.

The clips are of two actors, a woman and a man, whose voices the models were trained on, and of each
emotion the one that all given models recognise best. So the demo shows a model at its best; its
accuracy on strange voices stands in its report. The recording says of itself, in its comment, which
emotion stands where.
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
from emotiond.streamer.settings.config import Config

TARGET_DBFS = -24.0
"""Level of the speech that clips are brought closer to: half of the way, in decibels."""

_HIGHEST_PEAK = 0.9
_QUIETEST_DB = 35.0  # below the loudest frame: what is quieter is no speech
_ONSET_DB = 25.0  # below the loudest frame: what is as loud at first is no background
_FRAME = SAMPLE_RATE // 50
_CANDIDATES = 3  # per label, tried in each place of the recording
_STRIDE = round(Config.stride * SAMPLE_RATE)  # unless a user wants another


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


@dataclass(frozen=True)
class Part:
    """A clip in its place of the recording."""

    clip: Clip
    samples: FloatArray
    verdict: Verdict


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
    power = _powers(samples)
    spoken = power[power > power.max() * 10 ** (-_QUIETEST_DB / 10)]
    level_db = 10 * np.log10(np.mean(spoken))
    gain = 10 ** ((TARGET_DBFS - level_db) / 2 / 20)
    return np.asarray(samples * min(gain, _HIGHEST_PEAK / np.abs(samples).max()), np.float32)


def without_lead(samples: FloatArray) -> FloatArray:
    """Return a clip that begins one to two strides before its voice, so that a label comes soon.

    Whole strides are left out: the windows of the rest stay where they were.
    """
    power = _powers(samples)
    onset = int(np.argmax(power > power.max() * 10 ** (-_ONSET_DB / 10))) * _FRAME
    return samples[max(0, onset // _STRIDE - 1) * _STRIDE :]


def join(clips: Sequence[FloatArray]) -> FloatArray:
    """Return clips as one recording of whole strides, so that each round of a loop is the same."""
    joined = np.concatenate(clips)
    return joined[: len(joined) // _STRIDE * _STRIDE]


def describe(labels: Sequence[str], clips: Sequence[FloatArray]) -> str:
    """Return which emotion stands from which second to which, as the recording's comment says."""
    ends = np.minimum(np.cumsum([len(clip) for clip in clips]), len(join(clips))) / SAMPLE_RATE
    stretches = zip(labels, [0.0, *ends[:-1]], ends, strict=True)
    return ", ".join(f"{label} {begin:.3f}-{end:.3f}" for label, begin, end in stretches)


def _powers(samples: FloatArray) -> FloatArray:
    """Return the mean power of each 20 ms."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return np.asarray(np.mean(np.square(frames, dtype=np.float64), axis=1))


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
    parts = _in_their_places(choose_actors(alone), alone, sounds, models)
    _write(options.out, parts)
    for part in parts:
        mark = "ok " if part.verdict.is_good else "BAD"
        first = "right" if part.verdict.is_first else "wrong"
        print(
            f"{mark} {part.clip.label:<10} {part.clip.path.stem}  first label {first}, right for "
            f"{part.verdict.share:.0%} of the labelled time, {part.verdict.confidence:.0%} sure"
        )
    seconds = soundfile.info(options.out).duration
    print(f"{options.out}: {seconds:.1f} s, models {', '.join(models)}")
    bad = [part.clip.label for part in parts if not part.verdict.is_good]
    if bad:
        raise DataError(
            f"the demo would show {', '.join(map(str, bad))} wrongly", "Give better models"
        )


def _in_their_places(
    actors: tuple[str, str],
    alone: Mapping[Clip, Verdict],
    sounds: Mapping[Clip, FloatArray],
    models: Sequence[str],
) -> list[Part]:
    """Choose one clip after the other, with those before it, whose traces it may show.

    The next one is of the first label that is recognised there, else of the best one.
    """
    chosen: list[Part] = []
    left = list(LABELS)
    for actor in itertools.islice(itertools.cycle(actors), len(LABELS)):
        before = [part.samples for part in chosen]
        tried: list[Part] = []
        for clip in _candidates(left, actor, alone):
            samples = sounds[clip] if before else without_lead(sounds[clip])
            recording, begin = join([*before, samples]), sum(map(len, before))
            tried.append(Part(clip, samples, _worst_of(recording, clip, begin, models)))
            if tried[-1].verdict.is_good:
                break
        best = max(tried, key=lambda part: part.verdict.rank)
        chosen.append(best)
        left.remove(str(best.clip.label))
    return chosen


def _write(path: Path, parts: Sequence[Part]) -> None:
    clips = [part.samples for part in parts]
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as file:
        file.comment = describe([str(part.clip.label) for part in parts], clips)
        file.copyright = "Livingstone & Russo (2018), RAVDESS"
        file.license = "CC BY-NC-SA 4.0"
        file.write(join(clips))


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
