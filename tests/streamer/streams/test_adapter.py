from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from emotiond.dsp.frontend import Acoustics, Window
from emotiond.dsp.gate import GateState
from emotiond.dsp.types import FloatArray
from emotiond.inference.adaptation import AdaptationSettings, Speaker
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.streamer.streams.adapter import LIKELY_VOICE, Adapter
from emotiond.streamer.streams.stride import Stride
from tests.support.scripted import SILENCE, STRIDE, Run, prediction
from tests.support.signals import tone

HOP = 160


def stride(number: int, loud: bool = True) -> Stride:
    """The stride that ends after so many quarters of a second."""
    window = Window(1, 0, 25 * number, np.empty((0, 0), np.float32), 50, 50) if loud else None
    end = number * STRIDE
    acoustics = Acoustics(0, end, 1.0, -20.0, 25, GateState.SPEAKING, window)
    return Stride(acoustics, end - 50 * HOP, end, warm=True)


def predicted(voice: float, statistics: float | None = 1.0) -> Prediction:
    found = None if statistics is None else np.full(3, statistics, np.float32)
    return dataclasses.replace(prediction("happy", voice=voice), statistics=found)


@pytest.fixture
def speaker() -> Speaker:
    settings = AdaptationSettings(prior_seconds=2.0, horizon_seconds=60.0, bound=2.0)
    return Speaker(settings, 3)


def test_a_likely_voice_updates_the_speaker(speaker: Speaker) -> None:
    adapter = Adapter(speaker, HOP)
    adapter.observe(stride(2), predicted(LIKELY_VOICE))
    assert speaker.speech_seconds == pytest.approx(0.25)
    np.testing.assert_allclose(speaker.mean, 1)


def test_an_unlikely_voice_and_silence_do_not(speaker: Speaker) -> None:
    adapter = Adapter(speaker, HOP)
    adapter.observe(stride(2), predicted(LIKELY_VOICE - 0.01))
    adapter.observe(stride(3, loud=False), None)
    assert speaker.speech_seconds == 0
    assert not speaker.vector.any()


def test_a_model_that_does_not_adapt_has_no_speaker() -> None:
    assert not Adapter(None, HOP).observe(stride(2), predicted(1.0, statistics=None))


def test_sound_without_a_voice_ends_its_speech_after_a_pause() -> None:
    adapter = Adapter(None, HOP)
    adapter.observe(stride(1), predicted(1.0))
    ends = [adapter.observe(stride(number), predicted(0.0)) for number in range(2, 8)]
    assert ends == [False, False, False, True, False, False]  # 0.8 s are over after a second


def test_silence_ends_nothing() -> None:
    adapter = Adapter(None, HOP)
    assert not any(adapter.observe(stride(number, loud=False), None) for number in range(1, 20))


def test_a_restart_forgets_the_sound_and_keeps_the_speaker(speaker: Speaker) -> None:
    adapter = Adapter(speaker, HOP)
    adapter.observe(stride(2), predicted(1.0))
    known = speaker.vector
    adapter.restart(100 * STRIDE)
    assert not adapter.observe(stride(101), predicted(0.0))
    np.testing.assert_array_equal(speaker.vector, known)


def test_every_second_of_speech_counts_once(adapting_classifier: Classifier) -> None:
    def seconds(*parts: tuple[FloatArray, float]) -> float:
        """Counted seconds of speech, after sounds with these probabilities of a voice."""
        run = Run(adapting_classifier)
        speaker = run.speaker
        assert speaker is not None
        statistics = np.zeros(speaker.vector.size)
        for samples, voice in parts:
            scripted = prediction("happy", voice=voice)
            run.process(samples, dataclasses.replace(scripted, statistics=statistics))
        return speaker.speech_seconds

    assert seconds((tone(300, 2.0), 1.0)) == pytest.approx(2.0, abs=0.05)
    # Speech counts late if the first windows were not classified as a voice.
    assert seconds((tone(300, 0.75), 0.0), (tone(300, 0.75), 1.0)) == pytest.approx(1.5, abs=0.05)
    # A noise before a pause does not count as speech after it.
    assert seconds(
        (tone(300, 1.0), 0.0), (SILENCE[:32_000], 0.0), (tone(300, 1.0), 1.0)
    ) == pytest.approx(1.0, abs=0.05)
