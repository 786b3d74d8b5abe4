"""Let exported models hear all that they are judged on, and keep it: it is the slow part."""

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
from emotiond.inference.classifier import Classifier, read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.common.files import write_whole
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data import augment
from emotiond.models.training.data.augment import Samples
from emotiond.models.training.data.corpora import Clip, load_audio
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
"""Even if a model takes little of what they hold for a voice."""


@dataclass(frozen=True)
class InferredClip:
    """A clip and what the model said of it."""

    clip: Clip
    steps: list[Step]


@dataclass(frozen=True)
class InferredStream:
    """A test stream and what the model said of it."""

    stream: ActorStream
    steps: list[Step]


class CachedInference:
    """One model's hearing; what it has heard of a set of sounds is read back from its folder.

    Posteriors are of temperature 1, whatever the card says: another one can be had afterwards.

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
        """Every clip from a cold start."""

        def infer_all() -> list[InferredClip]:
            return [
                InferredClip(clip, infer(self._classifier, load_audio(clip.path)))
                for clip in progress(clips, "clips")
            ]

        return self._cached("clips", _names(clips), infer_all)

    def under(
        self, condition: str, clips: Sequence[Clip], noises: list[Samples]
    ) -> list[InferredClip]:
        """Every clip as it would sound under one of :data:`CONDITIONS`."""

        def infer_all() -> list[InferredClip]:
            inferred = []
            for number, clip in enumerate(progress(clips, condition)):
                random = np.random.default_rng(number)
                samples = _condition(load_audio(clip.path), condition, noises, random)
                inferred.append(InferredClip(clip, infer(self._classifier, samples)))
            return inferred

        return self._cached(condition.replace(" ", "-"), _names(clips), infer_all)

    def stream(self, clips: Sequence[Clip], seed: int) -> InferredStream:
        """One actor's clips in blocks of one emotion."""

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

    def noise(self, name: str, sounds: Sequence[Samples]) -> list[list[Step]]:
        """Sounds without a voice, each from a cold start."""
        return self._cached(
            f"noise-{name}",
            [sound.tobytes() for sound in sounds],
            lambda: [infer(self._classifier, sound) for sound in sounds],
        )

    def adapting(self, clips: Sequence[Clip], order: str) -> list[InferredClip]:
        """One actor's clips in this order, each scored before the speaker's statistics know it."""

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
        """One actor's clips with the statistics of his enrolment, which do not change."""

        def infer_all() -> list[InferredClip]:
            speaker = self._classifier.speaker()
            if speaker is None:
                return []
            for clip in enrolment:
                infer(self._classifier, load_audio(clip.path), speaker)
            return self._known(speaker, clips)

        return self._cached(f"enrolled-{clips[0].speaker}", _names([*enrolment, *clips]), infer_all)

    def after_holding(
        self, held: Sequence[Clip], clips: Sequence[Clip], seconds: float
    ) -> list[InferredClip]:
        """One actor's clips after so many seconds of speech of clips of one emotion."""

        def infer_all() -> list[InferredClip]:
            speaker = self._classifier.speaker()
            if speaker is None:
                return []
            for clip in itertools.islice(itertools.cycle(held), _MOST_HELD_CLIPS):
                if speaker.speech_seconds >= seconds:
                    break
                infer(self._classifier, load_audio(clip.path), speaker)
            return self._known(speaker, progress(clips, f"{held[0].label} held"))

        name = f"after-{seconds:g}-s-{held[0].label}-{held[0].speaker}"
        return self._cached(name, _names([*held, *clips]), infer_all)

    def _known(self, speaker: Speaker, clips: Iterable[Clip]) -> list[InferredClip]:
        """Every clip of somebody of whom so much is known, and no more."""
        fixed = FixedSpeaker.of(speaker)
        return [
            InferredClip(clip, infer(self._classifier, load_audio(clip.path), fixed))
            for clip in clips
        ]

    def _cached(self, name: str, sounds: Iterable[bytes], infer_all: Callable[[], T]) -> T:
        """Hear, unless it is kept already of these very sounds."""
        digest = hashlib.sha256(b"\0".join(sounds)).hexdigest()
        path = self._folder / f"{name}-{digest[:12]}.pickle"
        if path.exists():
            kept: T = pickle.loads(path.read_bytes())  # noqa: S301 - written below
            return kept
        inferred = infer_all()
        write_whole(path, pickle.dumps(inferred))
        return inferred


class FixedSpeaker(Speaker):
    """Statistics that no longer change."""

    @classmethod
    def of(cls, speaker: Speaker) -> FixedSpeaker:
        """A copy of what is known of a speaker now."""
        fixed = cls.__new__(cls)
        fixed.__dict__.update(speaker.__dict__)
        return fixed

    def update(self, statistics: object, speech_seconds: float) -> None:
        """Do nothing."""


def _names(clips: Iterable[Clip]) -> list[bytes]:
    """Which recordings these are, in this order."""
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
