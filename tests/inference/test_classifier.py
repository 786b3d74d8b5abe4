from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import CardError, ModelError, ProfileError
from emotiond.inference.classifier import Classifier, Model, read_model, softmax
from emotiond.inference.profile import make_profile
from emotiond.inference.runtime import Runtime


def some_window() -> FloatArray:
    return np.random.default_rng(0).standard_normal((100, 13)).astype(np.float32)


def rewrite_card(model: Path, **changes: Any) -> None:
    path = model.with_suffix(".json")
    card = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(card | changes), "utf-8")


def test_a_window_gets_posteriors_and_a_voice(tiny_classifier: Classifier) -> None:
    prediction = tiny_classifier.infer(some_window(), None)
    assert prediction.posteriors.shape == (8,)
    assert prediction.posteriors.min() > 0
    assert prediction.posteriors.sum() == pytest.approx(1, abs=1e-6)
    assert prediction.voice == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)
    assert prediction.statistics is None
    assert tiny_classifier.speaker() is None


def test_the_same_window_gets_the_same_bits(tiny_classifier: Classifier) -> None:
    window = some_window()
    first, second = tiny_classifier.infer(window, None), tiny_classifier.infer(window, None)
    assert first.posteriors.tobytes() == second.posteriors.tobytes()


def test_the_temperature_softens_the_posteriors(tiny: Path, runtime: Runtime) -> None:
    window = some_window()
    sharp = Classifier(read_model(tiny), runtime).infer(20 * window, None)
    rewrite_card(tiny, temperature=5.0)
    soft = Classifier(read_model(tiny), runtime).infer(20 * window, None)
    assert soft.posteriors.max() < sharp.posteriors.max()
    expected = sharp.posteriors ** (1 / 5)
    np.testing.assert_allclose(soft.posteriors, expected / expected.sum(), rtol=1e-4)


def test_a_speaker_changes_posteriors_and_the_next_starts_cold(
    adapting_classifier: Classifier,
) -> None:
    speaker = adapting_classifier.speaker()
    assert speaker is not None
    speaker.update(np.ones(13), 10)
    window = some_window()
    unknown, known, cold = (
        adapting_classifier.infer(window, who)
        for who in (None, speaker, adapting_classifier.speaker())
    )
    assert np.abs(known.posteriors - unknown.posteriors).max() > 1e-3
    np.testing.assert_array_equal(cold.posteriors, unknown.posteriors)
    assert unknown.statistics is not None
    np.testing.assert_allclose(unknown.statistics, window.mean(axis=0), atol=1e-5)


def test_a_profile_sets_the_statistics_before_any_speech(adapting_classifier: Classifier) -> None:
    profile = make_profile("adapting", adapting_classifier.card.sha256, 20.0, (1.0,) * 13)
    speaker = adapting_classifier.speaker(profile)
    assert speaker is not None
    assert speaker.vector == pytest.approx(np.full(13, 20 / 22))


def test_a_profile_of_another_size_is_refused(adapting_classifier: Classifier) -> None:
    profile = make_profile("adapting", adapting_classifier.card.sha256, 20.0, (1.0,) * 12)
    with pytest.raises(ProfileError, match="12 statistics, the model 'adapting' takes 13"):
        adapting_classifier.speaker(profile)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_an_error(tiny_classifier: Classifier, value: float) -> None:
    with pytest.raises(ModelError, match="'tiny' gave values that are not numbers"):
        tiny_classifier.infer(np.full((100, 13), value, np.float32), None)
    assert np.isfinite(tiny_classifier.infer(some_window(), None).posteriors).all()


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


def test_an_adaptation_that_the_card_does_not_have_is_refused(
    adapting_classifier: Classifier, tiny: Path, runtime: Runtime
) -> None:
    tiny_card = read_model(tiny).card
    content = (Path(__file__).parent.parent / "data" / "adapting.tflite").read_bytes()
    with pytest.raises(CardError, match="speaker"):
        Classifier(Model(tiny_card, content), runtime)


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[:-1], lambda b: b[:0], lambda b: b + b"\0", lambda b: b"\0" + b[1:]],
    ids=["cut", "empty", "longer", "changed"],
)
def test_a_file_that_the_card_does_not_describe_is_refused(tiny: Path, spoil: Any) -> None:
    tiny.write_bytes(spoil(tiny.read_bytes()))
    with pytest.raises(CardError, match="not the file that its card describes") as refused:
        read_model(tiny)
    assert str(tiny) in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"rubbish", bytes(2000)])
def test_garbage_with_the_right_checksum_is_refused_by_the_interpreter(
    tiny: Path, runtime: Runtime, content: bytes
) -> None:
    tiny.write_bytes(content)
    rewrite_card(tiny, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError, match="cannot load the model 'tiny'") as refused:
        Classifier(read_model(tiny), runtime)
    assert "\n" not in str(refused.value)


def test_a_model_that_is_not_there_is_named(tiny: Path) -> None:
    tiny.unlink()
    with pytest.raises(ModelError, match=r"cannot read the model .*No such file"):
        read_model(tiny)


def test_a_model_without_a_card_is_refused(tiny: Path) -> None:
    tiny.with_suffix(".json").unlink()
    with pytest.raises(CardError, match="cannot read the card"):
        read_model(tiny)


def test_softmax_does_not_overflow() -> None:
    posteriors = softmax(np.array([[1e4, -1e4, 0], [0, 0, 0]], np.float32))
    assert posteriors[0] == pytest.approx([1, 0, 0])
    assert posteriors[1] == pytest.approx([1 / 3] * 3)
