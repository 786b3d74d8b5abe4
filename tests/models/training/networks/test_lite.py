"""Call by call, the small network gives the states of the whole speech, at any stride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.mfcc import dct_matrix  # noqa: E402
from emotiond.inference.encoding import Encoding  # noqa: E402
from emotiond.models.training.common.model_input import LITE_ENCODER, RECIPE  # noqa: E402
from emotiond.models.training.networks import lite  # noqa: E402
from emotiond.models.training.networks.layers import constants  # noqa: E402
from emotiond.models.training.networks.lite import Spectrum  # noqa: E402
from tests.models.windows import latest  # noqa: E402

RANDOM = np.random.default_rng(0)
FRAMES = LITE_ENCODER.frames_per_state
CALL = LITE_ENCODER.states_per_call
PARAMETERS = constants(lite.new_network(0))
Mel = npt.NDArray[np.float32]


def speeches(states: int, number: int = 1) -> Mel:
    """Log-mel powers, ``(number, frames, 80)``, that become louder now and then."""
    mel = RANDOM.uniform(-9, -2, (number, FRAMES * states, RECIPE.n_mels))
    steps = np.repeat(RANDOM.uniform(-1, 2, (number, states, 1)), FRAMES, axis=1)
    return (mel + steps).astype(np.float32)


def loudest_so_far(mel: Mel) -> Mel:
    levels: Mel = lite.levels_of(tf.constant(mel)).numpy()
    loudest: Mel = np.maximum.accumulate(levels, axis=1)
    return loudest


def at_once(mel: Mel, spectrum: Spectrum) -> tuple[Mel, Mel]:
    states, levels = lite.encode_streams(
        tf.constant(mel), tf.constant(loudest_so_far(mel)), PARAMETERS, spectrum
    )
    return states.numpy(), levels.numpy()


@pytest.fixture(scope="module")
def call(spectrum: Spectrum) -> Any:
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def encode(features: Any, past: Any) -> Any:
        return lite.encode_call(features, past, PARAMETERS, spectrum)

    return encode


def by_calls(call: Any, mel: Mel, counts: Sequence[int]) -> tuple[Mel, Mel]:
    """States and levels of one speech in calls of so many states."""
    encoding = Encoding(LITE_ENCODER, sum(counts), lite.CHANNELS, lite.past_shapes())
    for count in counts:
        features = np.full((1, CALL * FRAMES, RECIPE.n_mfcc), 3, np.float32)
        own = mel[FRAMES * encoding.position :][: FRAMES * count]
        features[0, : len(own)] = own @ dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc)
        past = {name: tf.constant(array) for name, array in encoding.past.items()}
        outputs = {name: out.numpy() for name, out in call(tf.constant(features), past).items()}
        states, levels = outputs.pop("states")[0], outputs.pop("levels")[0]
        encoding.add(count, states, levels, outputs)
    return latest(encoding, sum(counts), lite.CHANNELS)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, CALL), min_size=1, max_size=12))
def test_calls_of_any_size_give_the_states_of_the_whole_speech(
    call: Any, spectrum: Spectrum, counts: list[int]
) -> None:
    mel = speeches(sum(counts))
    states, levels = by_calls(call, mel[0], counts)
    expected, expected_levels = at_once(mel, spectrum)
    np.testing.assert_allclose(states, expected[0], atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(levels, expected_levels[0], atol=1e-4)


def test_a_state_does_not_depend_on_what_follows(spectrum: Spectrum) -> None:
    mel = speeches(20)
    louder = mel.copy()
    louder[:, 10 * FRAMES :] = 1
    one, other = (at_once(frames, spectrum)[0] for frames in (mel, louder))
    np.testing.assert_allclose(one[:, :10], other[:, :10], atol=1e-5)
    assert np.abs(one[:, 10:] - other[:, 10:]).max() > 0.1


@pytest.mark.parametrize("gain", [-1.0, 1.0])
def test_the_gain_changes_nothing(spectrum: Spectrum, gain: float) -> None:
    mel = speeches(6)
    one, other = (at_once(frames.astype(np.float32), spectrum)[0] for frames in (mel, mel + gain))
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_the_input_lies_within_six_decades_below_the_loudest_band_so_far() -> None:
    mel = speeches(6)
    relative = lite.relative_mel(tf.constant(mel), tf.constant(loudest_so_far(mel))).numpy()
    assert relative.max() == pytest.approx(0, abs=1e-5)
    assert relative.min() == -6


def test_the_statistics_of_the_training_windows_are_zero_on_average() -> None:
    mel = speeches(25, number=6)
    spectrum = lite.describe_spectrum(mel, loudest_so_far(mel))
    statistics = lite.statistics(*at_once(mel, spectrum), spectrum).numpy()
    assert statistics.shape == (6, lite.SPEAKER_SIZE)
    means, deviations = np.split(statistics.mean(axis=0), 2)
    np.testing.assert_allclose(means, 0, atol=0.05)
    np.testing.assert_allclose(deviations, 0, atol=0.05)


def test_padding_changes_neither_logits_nor_statistics(spectrum: Spectrum) -> None:
    states, levels = at_once(speeches(25), spectrum)
    levels[:, 15:] = 0
    other = states.copy()
    other[:, 15:] = 50
    levels, states, other = map(tf.constant, (levels, states, other))
    speaker = tf.random.stateless_normal((1, lite.SPEAKER_SIZE), (0, 1))
    pooled = [lite.pooled_states(s, levels, speaker, PARAMETERS, 0.0) for s in (states, other)]
    np.testing.assert_allclose(*pooled, atol=1e-4)
    statistics = [lite.statistics(s, levels, spectrum) for s in (states, other)]
    np.testing.assert_allclose(*statistics, atol=1e-3)
    described = [lite.described_states(s, levels) for s in (states, other)]
    np.testing.assert_allclose(*described, atol=1e-4)


def test_hints_are_predicted_for_every_state(spectrum: Spectrum) -> None:
    states, _ = at_once(speeches(7, number=2), spectrum)
    assert lite.hints(tf.constant(states), PARAMETERS).shape == (2, 7, 384)
    assert lite.hidden_of(tf.constant(states)).shape == (2, 7, lite.WIDTH)


def test_a_seed_gives_the_same_network() -> None:
    one, again, other = (lite.new_network(seed) for seed in (0, 0, 1))
    assert one.keys() == again.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert (one["stem_0/kernel"] != other["stem_0/kernel"]).any()
