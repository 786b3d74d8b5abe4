"""The small network ignores gain and padding, and has the encoder's steps for its hints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.models.training.common.model_input import RECIPE  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from emotiond.models.training.networks import lite  # noqa: E402
from tests.models.sounds import babble  # noqa: E402


@pytest.fixture(scope="module")
def windows() -> npt.NDArray[np.float32]:
    front_end = FrontEnd(RECIPE, WindowShape(300, 24))
    cuts = [list(cut_windows(front_end, babble(2.2, seed)))[-1] for seed in range(4)]
    return np.stack([cut.features for cut in cuts])


@pytest.mark.parametrize("gain_db", [-10, 10])
def test_the_gain_changes_nothing(gain_db: float) -> None:
    front_end = FrontEnd(RECIPE, WindowShape(300, 24))
    features = [
        list(cut_windows(front_end, (gain * babble(2.2)).astype(np.float32)))[-1].features
        for gain in (1.0, 10 ** (gain_db / 20))
    ]
    (one, _, _), (other, _, _) = (lite.relative_mel(tf.constant(f[None])) for f in features)
    loud = one.numpy() > -3.5
    np.testing.assert_allclose(one.numpy()[loud], other.numpy()[loud], atol=0.02)
    assert one.numpy().max() == 0
    assert one.numpy().min() >= -6


def test_loud_frames_are_real_and_padding_is_neither(windows: npt.NDArray[np.float32]) -> None:
    _, real, loud = lite.relative_mel(tf.constant(windows))
    assert real.shape == loud.shape == (4, 300, 1)
    assert (loud <= real).numpy().all()
    assert loud.numpy().any(axis=1).all()
    for row in real.numpy()[:, :, 0]:
        frames = np.flatnonzero(row)
        assert frames[-1] < 299  # padded at the end
        assert frames.size == frames[-1] - frames[0] + 1


def test_the_statistics_of_the_training_windows_are_zero_on_average(
    windows: npt.NDArray[np.float32],
) -> None:
    spectrum = lite.describe_spectrum(windows)
    mel, _, loud = lite.relative_mel(tf.constant(windows))
    statistics = lite.statistics(mel, loud, spectrum).numpy()
    assert statistics.shape == (4, lite.SPEAKER_SIZE)
    deviations = statistics[:, lite.CHANNELS :]
    np.testing.assert_allclose(deviations.mean(axis=0), 0, atol=0.01)
    weights = loud.numpy().sum(axis=1)
    means = (weights * statistics[:, : lite.CHANNELS]).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(means, 0, atol=1e-3)


@pytest.mark.parametrize("frames", [296, 297, 300])
def test_hidden_states_are_steps_of_eight_frames(
    windows: npt.NDArray[np.float32], frames: int
) -> None:
    spectrum = lite.describe_spectrum(windows)
    mel, _, _ = lite.relative_mel(tf.constant(windows[:, :frames]))
    cold = tf.zeros((1, lite.SPEAKER_SIZE))
    hidden = lite.hidden_states(mel, cold, lite.new_network(0), spectrum)
    assert hidden.shape[:2] == (4, -(-frames // 8))
    assert np.isfinite(hidden).all()


def test_a_seed_gives_the_same_network() -> None:
    one, again, other = (lite.new_network(seed) for seed in (0, 0, 1))
    assert one.keys() == again.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert (one["stem_0/kernel"] != other["stem_0/kernel"]).any()


@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 9))
def test_hints_average_pairs_of_steps(windows: int, steps: int) -> None:
    states = np.arange(windows * steps * 2, dtype=np.float16).reshape(windows, steps, 2)
    hints = lite.hint_steps(states)
    assert hints.shape == (windows, -(-steps // 2), 2)
    for pair in range(steps // 2):
        expected = states[:, 2 * pair : 2 * pair + 2].mean(axis=1)
        np.testing.assert_array_equal(hints[:, pair], expected)
    if steps % 2:
        np.testing.assert_array_equal(hints[:, -1], states[:, -1])
