from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import CardError, ModelError, ProfileError
from emotiond.inference.adaptation import Speaker
from emotiond.inference.classifier import Classifier, Prediction, softmax
from emotiond.inference.model import Model, read_model
from emotiond.inference.profile import make_profile
from emotiond.inference.runtime import Runtime
from tests.conftest import DATA
from tests.support.windows import window_at

SOUND = np.random.default_rng(0).standard_normal((100, 13)).astype(np.float32)


def infer(
    classifier: Classifier, features: FloatArray = SOUND, speaker: Speaker | None = None
) -> Prediction:
    """The prediction of a new stream for these frames."""
    window = window_at(features, features.shape[0])
    return classifier.infer(window, classifier.encoding(), speaker)


def rewrite_card(model: Path, **changes: Any) -> None:
    path = model.with_suffix(".json")
    card = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(card | changes), "utf-8")


def test_a_window_gets_posteriors_and_a_voice(tiny_classifier: Classifier) -> None:
    prediction = infer(tiny_classifier)
    assert prediction.posteriors.shape == (8,)
    assert prediction.posteriors.min() > 0
    assert prediction.posteriors.sum() == pytest.approx(1, abs=1e-6)
    assert prediction.voice == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)
    assert prediction.statistics is None
    assert tiny_classifier.speaker() is None


def test_the_same_window_gets_the_same_bits(tiny_classifier: Classifier) -> None:
    first, second = infer(tiny_classifier), infer(tiny_classifier)
    assert first.posteriors.tobytes() == second.posteriors.tobytes()


def test_a_window_without_a_new_frame_gets_the_same_bits(tiny_classifier: Classifier) -> None:
    encoding, window = tiny_classifier.encoding(), window_at(SOUND, 60)
    first, second = (tiny_classifier.infer(window, encoding, None) for _ in range(2))
    assert encoding.position == 60
    assert first.posteriors.tobytes() == second.posteriors.tobytes()


def test_a_prediction_is_kept_when_the_next_is_made(adapting_classifier: Classifier) -> None:
    first = infer(adapting_classifier)
    assert first.statistics is not None
    posteriors, statistics = first.posteriors.copy(), first.statistics.copy()
    infer(adapting_classifier, -SOUND)
    np.testing.assert_array_equal(first.posteriors, posteriors)
    np.testing.assert_array_equal(first.statistics, statistics)


def test_the_temperature_softens_the_posteriors(tiny: Path, runtime: Runtime) -> None:
    sharp = infer(Classifier(read_model(tiny), runtime), 20 * SOUND)
    rewrite_card(tiny, temperature=5.0)
    soft = infer(Classifier(read_model(tiny), runtime), 20 * SOUND)
    assert soft.posteriors.max() < sharp.posteriors.max()
    expected = sharp.posteriors ** (1 / 5)
    np.testing.assert_allclose(soft.posteriors, expected / expected.sum(), rtol=1e-4)


def test_a_speaker_matters_and_not_to_the_next(adapting_classifier: Classifier) -> None:
    speaker = adapting_classifier.speaker()
    assert speaker is not None
    speaker.update(np.ones(13), 10)
    unknown, known, cold = (
        infer(adapting_classifier, speaker=who)
        for who in (None, speaker, adapting_classifier.speaker())
    )
    assert np.abs(known.posteriors - unknown.posteriors).max() > 1e-3
    np.testing.assert_array_equal(cold.posteriors, unknown.posteriors)
    assert unknown.statistics is not None
    np.testing.assert_allclose(unknown.statistics, SOUND.mean(axis=0), atol=1e-5)


def test_a_part_of_a_window_counts_by_itself(adapting_classifier: Classifier) -> None:
    """The zeros that follow it have the level of silence."""
    statistics = infer(adapting_classifier, SOUND[:40]).statistics
    assert statistics is not None
    np.testing.assert_allclose(statistics, SOUND[:40].mean(axis=0), atol=1e-5)


def test_a_window_is_the_latest_states(adapting_classifier: Classifier) -> None:
    sound = np.concatenate((100 + SOUND, SOUND))
    encoding, statistics = adapting_classifier.encoding(), None
    for end_frame in range(40, 201, 20):
        prediction = adapting_classifier.infer(window_at(sound, end_frame), encoding, None)
        statistics = prediction.statistics
    assert statistics is not None
    np.testing.assert_allclose(statistics, SOUND.mean(axis=0), atol=1e-4)


def test_streams_in_turn_get_what_each_gets_alone(past_classifier: Classifier) -> None:
    """Calls with few states leave nothing of another stream's frames in the model's input."""
    spoiled = past_classifier.encoding()
    broken = window_at(np.full((100, 13), np.nan, np.float32), 100)
    alone, shared = [], []
    for predictions, others in ((alone, False), (shared, True)):
        encoding = past_classifier.encoding()
        for end_frame in (40, 43, 50, 51, 100):
            if others:
                another = dataclasses.replace(broken, speech=end_frame)
                past_classifier.encode(another, spoiled)
            window = window_at(SOUND, end_frame)
            predictions.append(past_classifier.infer(window, encoding, None).posteriors.tobytes())
    assert shared == alone


def test_a_profile_sets_the_statistics_before_any_speech(adapting_classifier: Classifier) -> None:
    profile = make_profile("adapting", adapting_classifier.card.sha256, 20.0, (1.0,) * 13)
    speaker = adapting_classifier.speaker(profile)
    assert speaker is not None
    assert speaker.vector == pytest.approx(np.full(13, 20 / 22))


def test_a_profile_of_another_size_is_refused(adapting_classifier: Classifier) -> None:
    profile = make_profile("adapting", adapting_classifier.card.sha256, 20.0, (1.0,) * 12)
    with pytest.raises(ProfileError, match="12 statistics, the model 'adapting' takes 13"):
        adapting_classifier.speaker(profile)


def test_values_that_are_no_numbers_are_an_error(tiny_classifier: Classifier) -> None:
    with pytest.raises(ModelError, match="'tiny' gave values that are not numbers"):
        infer(tiny_classifier, np.full((100, 13), np.nan, np.float32))
    assert np.isfinite(infer(tiny_classifier).posteriors).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_features_give_an_error_or_finite_posteriors(
    tiny_classifier: Classifier, value: float
) -> None:
    """It depends on the interpreter."""
    with contextlib.suppress(ModelError):
        posteriors = infer(tiny_classifier, np.full((100, 13), value, np.float32)).posteriors
        assert np.isfinite(posteriors).all()
    assert np.isfinite(infer(tiny_classifier).posteriors).all()


def test_other_shapes_are_refused_with_both(tiny: Path, runtime: Runtime) -> None:
    rewrite_card(tiny, window_frames=300)
    with pytest.raises(CardError) as refused:
        Classifier(read_model(tiny), runtime)
    assert "(1, 300, 13)" in str(refused.value)
    assert "(1, 100, 13)" in str(refused.value)


def test_an_adaptation_that_the_model_does_not_have_is_refused(
    tiny: Path, runtime: Runtime
) -> None:
    rewrite_card(tiny, adaptation={"prior_seconds": 1, "horizon_seconds": 1, "bound": 1})
    with pytest.raises(CardError, match="speaker"):
        Classifier(read_model(tiny), runtime)


def test_an_adaptation_that_the_card_does_not_have_is_refused(tiny: Path, runtime: Runtime) -> None:
    tiny_card = read_model(tiny).card
    content = (DATA / "adapting.tflite").read_bytes()
    with pytest.raises(CardError, match="speaker"):
        Classifier(Model(tiny_card, content), runtime)


def refusal_of(name: str, runtime: Runtime, **encoder: int) -> str:
    """Why a tiny model is refused with another shape of the encoder."""
    model = read_model(DATA / f"{name}.tflite")
    shape = dataclasses.replace(model.card.encoder, **encoder)
    card = dataclasses.replace(model.card, encoder=shape)
    with pytest.raises(CardError) as refused:
        Classifier(Model(card, model.content), runtime)
    return refused.value.problem


def test_an_encoder_of_another_shape_is_refused_with_both(runtime: Runtime) -> None:
    problem = refusal_of("tiny", runtime, states_per_call=20)
    assert "'encode' takes" in problem
    assert "(1, 20, 13)" in problem
    assert "(1, 25, 13)" in problem


def test_an_encoder_that_gives_fewer_states_than_the_card_says_is_refused(runtime: Runtime) -> None:
    # the same number of frames for a call
    problem = refusal_of("past", runtime, states_per_call=6, look_back_frames=0)
    assert "'encode' gives" in problem
    assert "(1, 6, 13)" in problem


def test_a_window_of_another_length_is_refused_with_both(runtime: Runtime) -> None:
    assert "'classify' takes" in refusal_of("past", runtime, frames_per_state=1, look_back_frames=7)


class OtherShapes:
    """The interpreter, which says that the encoder takes other shapes than it does."""

    def __init__(self, real: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._real = real
        self._shapes = shapes
        self.get_signature_list = real.get_signature_list

    def get_signature_runner(self, name: str) -> Any:
        runner = self._real.get_signature_runner(name)

        def changed(details: dict[str, Any]) -> dict[str, Any]:
            return {
                key: detail | {"shape": self._shapes.get(key, detail["shape"])}
                for key, detail in details.items()
            }

        other = Mock(return_value={})
        other.get_input_details.return_value = changed(runner.get_input_details())
        other.get_output_details.return_value = runner.get_output_details()
        return other


def with_shapes(runtime: Runtime, shapes: Mapping[str, tuple[int, ...]]) -> Runtime:
    """The same interpreter with other shapes."""

    def interpreter(**arguments: Any) -> OtherShapes:
        return OtherShapes(runtime.interpreter_class(**arguments), shapes)

    return dataclasses.replace(runtime, interpreter_class=interpreter)


@pytest.mark.parametrize(
    "shapes",
    [{"ring_frames": (1, 1, 8, 13)}, {"ring_frames": (13,)}, {"tail_means": (13,)}],
    ids=str,
)
def test_a_past_that_has_no_room_for_the_rows_of_a_call_is_refused(
    runtime: Runtime, shapes: dict[str, tuple[int, ...]]
) -> None:
    (name,) = shapes
    with pytest.raises(CardError, match=f"keeps .* in '{name}', fewer rows than one call"):
        Classifier(read_model(DATA / "past.tflite"), with_shapes(runtime, shapes))


@pytest.mark.parametrize(
    "shapes", [{"ring_frames": (1, 2, 16, 13)}, {"hold_sum": (1, 12)}], ids=str
)
def test_a_past_that_the_encoder_does_not_give_back_is_refused(
    runtime: Runtime, shapes: dict[str, tuple[int, ...]]
) -> None:
    with pytest.raises(CardError, match="'encode' gives"):
        Classifier(read_model(DATA / "past.tflite"), with_shapes(runtime, shapes))


def test_a_model_without_the_two_signatures_is_refused(runtime: Runtime) -> None:
    """Such as one that was exported for an earlier version."""

    class OneSignature:
        def __init__(self, **arguments: Any) -> None:
            self.get_signature_runner = runtime.interpreter_class(**arguments).get_signature_runner

        def get_signature_list(self) -> dict[str, Any]:
            return {"classify": {}}

    earlier = dataclasses.replace(runtime, interpreter_class=OneSignature)
    with pytest.raises(CardError, match="'tiny' has no signature 'encode'"):
        Classifier(read_model(DATA / "tiny.tflite"), earlier)


@pytest.mark.parametrize("content", [b"", b"rubbish", bytes(2000)])
def test_garbage_with_the_right_checksum_is_refused_by_the_interpreter(
    tiny: Path, runtime: Runtime, content: bytes
) -> None:
    tiny.write_bytes(content)
    rewrite_card(tiny, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError, match="cannot load the model 'tiny'") as refused:
        Classifier(read_model(tiny), runtime)
    assert "\n" not in str(refused.value)


def test_softmax_does_not_overflow() -> None:
    posteriors = softmax(np.array([[1e4, -1e4, 0], [0, 0, 0]], np.float32))
    assert posteriors[0] == pytest.approx([1, 0, 0])
    assert posteriors[1] == pytest.approx([1 / 3] * 3)
