"""Runs exported models on all evaluation data and caches the predictions on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from emotiond.inference.adaptation import Speaker
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.common.files import write_whole
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data import augment
from emotiond.models.training.data.augment import Samples
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.evaluation.changes import Change, make_changes
from emotiond.models.training.evaluation.replay import Step, adapt_to, infer
from emotiond.models.training.evaluation.streams import ActorStream, make_stream

T = TypeVar("T")

CONDITIONS = (
    "as recorded",
    "noise at 20 dB",
    "noise at 10 dB",
    "20 dB louder",
    "20 dB softer",
    "telephone",
    "room",
)

_MOST_HELD_CLIPS = 200
"""Limit for models that take little of these clips for a voice."""


@dataclass(frozen=True)
class InferredClip:
    """A clip and its predictions."""

    clip: Clip
    steps: list[Step]


@dataclass(frozen=True)
class InferredStream:
    """A test stream and its predictions."""

    stream: ActorStream
    steps: list[Step]


@dataclass(frozen=True)
class InferredChange:
    """A change of emotion inside speech, and the predictions."""

    change: Change
    steps: list[Step]


class CachedInference:
    """The predictions of one model, cached by set of sounds in a folder beside the model.

    The posteriors have temperature 1, whatever the card says; :func:`replay.tempered` changes it.

    Args:
        model: path of the ``.tflite`` file, its card beside it.
    """

    def __init__(self, model: Path) -> None:
        content = read_model(model)
        self.card = dataclasses.replace(content.card, temperature=1.0)
        self._classifier = Classifier(dataclasses.replace(content, card=self.card), find_runtime())
        self._folder = model.parent / f"{model.stem}-inferred-{content.card.sha256[:12]}"
        self._folder.mkdir(exist_ok=True)

    def clips(self, clips: Sequence[Clip]) -> list[InferredClip]:
        """Infer every clip from a cold start."""

        def infer_all() -> list[InferredClip]:
            return [
                InferredClip(clip, infer(self._classifier, load_audio(clip.path)))
                for clip in progress(clips, "clips")
            ]

        return self._cached("clips", _names(clips), infer_all)

    def under(
        self, condition: str, clips: Sequence[Clip], noises: list[Samples]
    ) -> list[InferredClip]:
        """Infer every clip under one of :data:`CONDITIONS`."""

        def infer_all() -> list[InferredClip]:
            inferred = []
            for number, clip in enumerate(progress(clips, condition)):
                random = np.random.default_rng(number)
                samples = _condition(load_audio(clip.path), condition, noises, random)
                inferred.append(InferredClip(clip, infer(self._classifier, samples)))
            return inferred

        return self._cached(condition.replace(" ", "-"), _names(clips), infer_all)

    def stream(self, clips: Sequence[Clip], seed: int) -> InferredStream:
        """Infer a stream of one actor's clips in blocks of one emotion."""

        def infer_all() -> InferredStream:
            stream = make_stream(clips, seed)
            steps = infer(self._classifier, stream.samples)
            silent = ActorStream(
                stream.speaker,
                np.empty(stream.samples.size, np.float16),
                stream.blocks,
                stream.is_speech,
            )
            return InferredStream(silent, steps)

        return self._cached(f"stream-{clips[0].speaker}-{seed}", _names(clips), infer_all)

    def changes(self, clips: Sequence[Clip], number: int, seed: int) -> list[InferredChange]:
        """Infer pairs of one actor's clips, joined without a pause, each from a cold start."""

        def infer_all() -> list[InferredChange]:
            return [
                InferredChange(change, infer(self._classifier, change.joined.samples))
                for change in make_changes(clips, number, seed)
            ]

        name = f"changes-{clips[0].speaker}-{number}-{seed}"
        return self._cached(name, _names(clips), infer_all)

    def noise(self, name: str, sounds: Sequence[Samples]) -> list[list[Step]]:
        """Infer sounds without a voice, each from a cold start."""
        return self._cached(
            f"noise-{name}",
            [sound.tobytes() for sound in sounds],
            lambda: [infer(self._classifier, sound) for sound in sounds],
        )

    def adapting(self, clips: Sequence[Clip], order: str) -> list[InferredClip]:
        """Infer one actor's clips in order; each updates the speaker's statistics afterwards."""

        def infer_all() -> list[InferredClip]:
            speaker = self._classifier.speaker()
            if speaker is None:
                return []
            inferred = []
            for clip in clips:
                steps = infer(self._classifier, load_audio(clip.path), FixedSpeaker.of(speaker))
                adapt_to(steps, self.card, speaker)
                inferred.append(InferredClip(clip, steps))
            return inferred

        return self._cached(f"adapting-{clips[0].speaker}-{order}", _names(clips), infer_all)

    def enrolled(self, clips: Sequence[Clip], enrolment: Sequence[Clip]) -> list[InferredClip]:
        """Infer one actor's clips with the fixed statistics of an enrolment."""

        def infer_all() -> list[InferredClip]:
            speaker = self._classifier.speaker()
            if speaker is None:
                return []
            for clip in enrolment:
                infer(self._classifier, load_audio(clip.path), speaker)
            return self._with_speaker(speaker, clips)

        return self._cached(f"enrolled-{clips[0].speaker}", _names([*enrolment, *clips]), infer_all)

    def after_holding(
        self, held: Sequence[Clip], clips: Sequence[Clip], seconds: float
    ) -> list[InferredClip]:
        """Infer one actor's clips after this many seconds of speech with one emotion."""

        def infer_all() -> list[InferredClip]:
            speaker = self._classifier.speaker()
            if speaker is None:
                return []
            for clip in itertools.islice(itertools.cycle(held), _MOST_HELD_CLIPS):
                if speaker.speech_seconds >= seconds:
                    break
                infer(self._classifier, load_audio(clip.path), speaker)
            return self._with_speaker(speaker, progress(clips, f"{held[0].label} held"))

        name = f"after-{seconds:g}-s-{held[0].label}-{held[0].speaker}"
        return self._cached(name, _names([*held, *clips]), infer_all)

    def _with_speaker(self, speaker: Speaker, clips: Iterable[Clip]) -> list[InferredClip]:
        """Infer every clip with these statistics, which do not change."""
        fixed = FixedSpeaker.of(speaker)
        return [
            InferredClip(clip, infer(self._classifier, load_audio(clip.path), fixed))
            for clip in clips
        ]

    def _cached(self, name: str, sounds: Iterable[bytes], infer_all: Callable[[], T]) -> T:
        """Infer, or read the cached predictions for exactly these sounds."""
        digest = hashlib.sha256(b"\0".join(sounds)).hexdigest()
        path = self._folder / f"{name}-{digest[:12]}.pickle"
        if path.exists():
            kept: T = pickle.loads(path.read_bytes())  # noqa: S301 - written below
            return kept
        inferred = infer_all()
        write_whole(path, pickle.dumps(inferred))
        return inferred


class FixedSpeaker(Speaker):
    """Speaker statistics that do not change."""

    @classmethod
    def of(cls, speaker: Speaker) -> FixedSpeaker:
        """Return a copy of the present statistics."""
        fixed = cls.__new__(cls)
        fixed.__dict__.update(speaker.__dict__)
        return fixed

    def update(self, statistics: object, speech_seconds: float) -> None:
        """Do nothing."""


def _names(clips: Iterable[Clip]) -> list[bytes]:
    """Return the paths of the clips in this order."""
    return [str(clip.path).encode() for clip in clips]


def _condition(
    samples: Samples, condition: str, noises: list[Samples], random: augment.Random
) -> Samples:
    if condition.startswith("noise"):
        snr_db = float(condition.split()[2])
        samples = augment.add_noise(samples, augment.any_noise(noises, random), snr_db)
    elif condition == "telephone":
        samples = augment.telephone(samples)
    elif condition == "room":
        samples = augment.reverberate(samples, 0.6, random)
    gain_db = {"20 dB louder": 20.0, "20 dB softer": -20.0}.get(condition, 0.0)
    return augment.change_gain(samples, gain_db)
