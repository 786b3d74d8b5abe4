from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.inference.classifier import Classifier
from emotiond.inference.encoding import Encoding
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.pipeline import Pipeline
from tests.support.scripted import NO_VOICE, SILENCE, STRIDE, Run
from tests.support.signals import cut, demo, tone

SHORTEST_TO_LONGEST = [0.01, 0.03, 0.1, 0.25, 1.0, 2.5, 10.0]
"""Strides in seconds. The option takes multiples of 0.01 from 0.01 to 10."""


def decisions(
    classifier: Classifier, samples: FloatArray, stride_samples: int, block: int = 0
) -> list[Decision]:
    """What a new stream decides, with its sound in blocks of this size; 0 for a single one."""
    pipeline = Pipeline(classifier.card, classifier.encoding(), classifier.speaker())
    ring = Ring(samples.shape[0], 1, 16_000)
    chunker = Chunker(ring, stride_samples)
    found, last = [], False
    for part in cut(samples, [block or samples.shape[0]]):
        ring.write(part[:, None], 0.0)
        while (chunk := chunker.next_chunk()) is not None:
            found.append(pipeline.process(chunk, classifier))
    ring.end()
    while not last:
        chunk = chunker.next_chunk()
        assert chunk is not None
        found.append(pipeline.process(chunk, classifier))
        last = chunk.last
    return found


def same(first: list[Decision], second: list[Decision]) -> bool:
    """Whether both are equal to the bit. The features of a window hold for one push only."""
    return [essence(decision) for decision in first] == [essence(decision) for decision in second]


def essence(decision: Decision) -> tuple[object, ...]:
    stride = decision.stride
    return (
        stride.start_sample,
        stride.end_sample,
        decision.state,
        decision.label,
        decision.scores,
        decision.raw,
        decision.speech_seconds,
    )


def test_every_stride_has_a_decision_from_the_first(tiny_classifier: Classifier) -> None:
    found = decisions(tiny_classifier, demo()[:48_001], STRIDE)
    assert len(found) == 13
    assert found[0].state == "warmup"


@pytest.mark.parametrize("stride", SHORTEST_TO_LONGEST)
def test_each_stride_that_the_option_allows_gives_the_same_for_any_blocks(
    past_classifier: Classifier, stride: float
) -> None:
    sound = np.tile(demo(), 2)[: round(16_000 * max(4.0, 2.5 * stride))]
    expected = decisions(past_classifier, sound, round(16_000 * stride))
    assert any(decision.raw for decision in expected)
    for block in (160, 4001):
        assert same(decisions(past_classifier, sound, round(16_000 * stride), block), expected)


def encoded_states(
    classifier: Classifier, n_strides: int, stride_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, int]]:
    """Position and number of states of each call of the encoder, in one speech with short pauses.

    A steady sound would become the floor of the gate.
    """
    encoded: list[tuple[int, int]] = []
    add = Encoding.add

    def counted(encoding: Encoding, count: int, *results: Any) -> None:
        encoded.append((encoding.position, count))
        add(encoding, count, *results)

    monkeypatch.setattr(Encoding, "add", counted)
    syllable = np.concatenate((tone(300, 0.4), np.zeros(4800, np.float32)))
    n_samples = round(16_000 * stride_seconds) * n_strides
    sound = np.tile(syllable, n_samples // syllable.shape[0] + 1)[:n_samples]
    decisions(classifier, sound, round(16_000 * stride_seconds))
    return encoded


@pytest.mark.parametrize(
    ("n_strides", "stride"), [(200, 0.01), (100, 0.03), (20, 0.25), (7, 1.0), (7, 2.4)]
)
def test_each_frame_is_encoded_once(
    past_classifier: Classifier, n_strides: int, stride: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = 0
    for begin, count in encoded_states(past_classifier, n_strides, stride, monkeypatch):
        assert begin == position
        position += count
    n_frames = past_classifier.card.recipe.frames_in(round(16_000 * n_strides * stride))
    assert position == (n_frames - 1) // 2


@pytest.mark.parametrize("stride", [2.5, 5.0, 10.0])
def test_after_a_stride_longer_than_what_is_held_the_encoding_begins_anew(
    past_classifier: Classifier, stride: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = encoded_states(past_classifier, 7, stride, monkeypatch)
    assert sum(begin == 0 for begin, _ in encoded) == 7
    states_each_time = (250 - 2 - 1) // 2  # more than a window of 50
    assert sum(count for _, count in encoded) == 7 * states_each_time


def test_an_empty_last_chunk_repeats_the_last_prediction(tiny_classifier: Classifier) -> None:
    *_, before, last = decisions(tiny_classifier, demo()[: 20 * STRIDE], STRIDE)
    assert before.raw is not None
    assert last.raw == before.raw
    assert last.stride.end_sample == before.stride.end_sample


def test_after_a_loss_the_encoder_begins_anew(past_classifier: Classifier) -> None:
    used = Pipeline(past_classifier.card, past_classifier.encoding(), None)
    new = Pipeline(past_classifier.card, past_classifier.encoding(), None)
    sound = demo()[:64_000]
    for start in range(0, 64_000, STRIDE):
        used.process(
            Chunk(sound[start : start + STRIDE], start, start == 0, False), past_classifier
        )
    found = 0
    for start in range(0, 64_000, STRIDE):
        samples = sound[start : start + STRIDE]
        after = used.process(Chunk(samples, 70_000 + start, start == 0, False), past_classifier)
        alone = new.process(Chunk(samples, start, start == 0, False), past_classifier)
        assert after.raw == alone.raw
        found += after.raw is not None
    assert found > 4


def test_sound_that_is_no_voice_ends_its_speech(past_classifier: Classifier) -> None:
    """The next window begins later, and its encoding with it."""
    run, encoding = Run(past_classifier), past_classifier.encoding()
    run.pipeline = Pipeline(past_classifier.card, encoding, None)
    for _ in range(4):
        run.process(tone(300, 0.25), NO_VOICE)
    starts = [emotion.start for emotion in run.process(tone(300, 1.0), NO_VOICE)]
    assert max(starts) > 0.25


@pytest.mark.parametrize("name", ["tiny_classifier", "adapting_classifier", "past_classifier"])
def test_the_same_chunks_give_the_same_events(name: str, request: pytest.FixtureRequest) -> None:
    classifier: Classifier = request.getfixturevalue(name)
    first, second = Run(classifier), Run(classifier)
    for once in (first, second):
        once.process(demo())
    assert first.events == second.events
    assert any(event.state == "speech" for event in first.events if isinstance(event, Emotion))


def test_adaptation_to_a_voice_survives_a_loss(adapting_classifier: Classifier) -> None:
    run = Run(adapting_classifier)
    speaker = run.speaker
    assert speaker is not None
    run.process(SILENCE)
    assert not speaker.vector.any()
    run.lose(0)
    run.process(demo()[:80_000])
    known = speaker.vector
    assert known.any()
    run.lose(16_000)
    run.process(SILENCE)
    np.testing.assert_array_equal(speaker.vector, known)


def test_the_end_of_the_sound_ends_the_warm_up(tiny_classifier: Classifier) -> None:
    """A clip under half a second is judged at its end, and at no other stride."""
    voice = demo()[16_000:]
    for samples in (6400, 7200, 7999):
        states = [d.state for d in decisions(tiny_classifier, voice[:samples], STRIDE)]
        assert states[0] == "warmup"
        assert states[-1] in ("speech", "uncertain")


def test_a_short_clip_that_ends_with_a_stride_is_judged_by_an_empty_last_chunk(
    tiny_classifier: Classifier,
) -> None:
    *others, last = decisions(tiny_classifier, demo()[16_000:22_400], 1600)
    assert [decision.state for decision in others] == 4 * ["warmup"]
    assert last.state in ("speech", "uncertain")
    assert last.stride.is_new


def test_an_empty_last_chunk_after_the_warm_up_says_nothing_new(
    tiny_classifier: Classifier,
) -> None:
    *others, last = decisions(tiny_classifier, demo()[16_000:32_000], STRIDE)
    assert all(decision.stride.is_new for decision in others)
    assert not last.stride.is_new
