"""Makes the profile of a voice from 20 seconds of speech. The audio is not kept."""

from __future__ import annotations

import dataclasses
import logging
import math
import threading
from collections.abc import Callable, Iterator

from emotiond.exceptions import ProfileError, SourceError
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile, make_profile
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import StreamStatus
from emotiond.streamer.settings.config import Config
from emotiond.streamer.sources.source import Source
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import RING_SECONDS

WANTED_SECONDS = 20.0
"""Wanted amount of speech, according to the gate: pauses between words do not count."""
_FEWEST_SECONDS = 5.0  # least amount of speech, if the source ends early
_MOST_SECONDS = 300.0  # longest audio that is searched for the speech
_PATIENCE_SECONDS = 15.0  # longest wait for any audio

_log = logging.getLogger(__name__)

OnProgress = Callable[[float, float], None]
"""Takes the seconds of speech so far, without its pauses, and those of all sound."""


def enroll(source: Source, classifier: Classifier, on_progress: OnProgress) -> Profile:
    """Make a profile. This ends after enough speech, or at the end of the source.

    Args:
        source: not started yet. It is stopped in any case.
        classifier: the model that the profile is for.
        on_progress: called after every stride.

    Raises:
        ProfileError: the model does not adapt to voices, or there was too little speech.
        SourceError: the source gives no audio, or is damaged.
    """
    try:
        speaker = new_speaker(classifier)
    except ProfileError:
        source.stop()
        raise
    pipeline = Pipeline(classifier.card, classifier.encoding(), speaker)
    ring = Ring(round(RING_SECONDS * source.sample_rate), source.channels, source.sample_rate)
    chunker = Chunker(ring, Config().stride_samples)
    woken = threading.Event()
    ring.on_wake(woken.set)
    try:
        source.start(ring, _log_detail)
        for chunk in _chunks(chunker, woken):
            pipeline.process(chunk, classifier)
            received_seconds = (chunk.position + chunk.samples.shape[0]) / SAMPLE_RATE
            on_progress(speaker.speech_seconds, received_seconds)
            if speaker.speech_seconds >= WANTED_SECONDS or received_seconds >= _MOST_SECONDS:
                break
    finally:
        source.stop()
        ring.end()
    if source.failure:
        raise SourceError(source.failure.rstrip("."), "Nothing was kept")
    if speaker.speech_seconds < _FEWEST_SECONDS:
        raise ProfileError(
            f"only {speaker.speech_seconds:.1f} seconds of speech came, pauses not counted",
            f"Give {WANTED_SECONDS:g} seconds of speech; 'emotiond doctor' checks a microphone",
        )
    card = classifier.card
    return make_profile(
        card.name, card.sha256, speaker.speech_seconds, tuple(map(float, speaker.mean))
    )


def new_speaker(classifier: Classifier) -> Speaker:
    """Return new statistics that weigh all speech alike, however old.

    Raises:
        ProfileError: the model does not adapt to voices.
    """
    cold, settings = classifier.speaker(), classifier.card.adaptation
    if cold is None or settings is None:
        raise ProfileError(
            f"the model {classifier.card.name!r} does not adapt to voices", "Choose another model"
        )
    lasting = dataclasses.replace(settings, horizon_seconds=math.inf)
    return Speaker(lasting, cold.vector.shape[0])


def _log_detail(_status: StreamStatus, detail: str) -> None:
    if detail:
        _log.warning("%s", detail)


def _chunks(chunker: Chunker, woken: threading.Event) -> Iterator[Chunk]:
    """Yield all chunks up to the end."""
    last = False
    while not last:
        woken.clear()
        while (chunk := chunker.next_chunk()) is not None:
            last = chunk.last
            yield chunk
        if not last and not woken.wait(_PATIENCE_SECONDS):
            raise SourceError("no sound comes", "Check the microphone with 'emotiond doctor'")
