"""The frozen encoder gives the states of the exported model, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.inference.classifier import Classifier  # noqa: E402
from emotiond.inference.model import read_model  # noqa: E402
from emotiond.inference.runtime import find_runtime  # noqa: E402
from emotiond.models.training.common.model_input import (  # noqa: E402
    FULL_ENCODER,
    MINIMUM_FRAMES,
    RECIPE,
    WINDOW_FRAMES,
)
from emotiond.models.training.data.augment import Features, unchanged  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from emotiond.models.training.networks import encoder as network  # noqa: E402
from emotiond.models.training.networks.frozen import FrozenEncoder  # noqa: E402
from emotiond.models.training.networks.layers import Arrays, constants  # noqa: E402
from tests.models.sounds import RATE, babble  # noqa: E402
from tests.models.windows import latest  # noqa: E402

SOUND = babble(3.6)
TWO_SPEECHES = np.concatenate((SOUND, np.zeros(RATE, np.float32), babble(1.9, seed=1)))
States = npt.NDArray[np.float16]


def front_end() -> FrontEnd:
    return FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES["full"], MINIMUM_FRAMES))


def encoded(frozen: FrozenEncoder, sound: npt.NDArray[np.float32]) -> list[tuple[int, States]]:
    """The number of each speech, and the states that each of its windows adds."""
    frozen.restart()
    return [
        (window.speech, frozen(window, unchanged)[0]) for window in cut_windows(front_end(), sound)
    ]


def test_states_are_those_of_the_daemon_to_the_bit(frozen: FrozenEncoder, full_model: Path) -> None:
    classifier = Classifier(read_model(full_model), find_runtime())
    encoding = classifier.encoding()
    frozen.restart()
    speeches: dict[int, list[States]] = {}
    levels: dict[int, list[npt.NDArray[np.float32]]] = {}
    for window in cut_windows(front_end(), TWO_SPEECHES):
        states, new_levels = frozen(window, unchanged)
        speeches.setdefault(window.speech, []).append(states)
        levels.setdefault(window.speech, []).append(new_levels)
        classifier.encode(window, encoding)
        n = min(encoding.position, 50)
        shown, shown_levels = latest(encoding, 50, network.CHANNELS)
        trained = np.concatenate(speeches[window.speech])
        assert len(trained) == encoding.position
        np.testing.assert_array_equal(shown[:n].astype(np.float16), trained[-n:])
        np.testing.assert_array_equal(shown_levels[:n], np.concatenate(levels[window.speech])[-n:])
    assert len(speeches) == 2


def test_every_four_frames_of_a_speech_give_a_state(frozen: FrozenEncoder) -> None:
    windows = list(cut_windows(front_end(), SOUND))
    states = [new for _, new in encoded(frozen, SOUND)]
    for number, window in enumerate(windows, 1):
        frames = window.end_frame - window.first_frame - FULL_ENCODER.look_ahead_frames
        assert sum(map(len, states[:number])) == frames // FULL_ENCODER.frames_per_state
    assert {new.dtype for new in states} == {np.dtype(np.float16)}


def test_another_stream_begins_without_a_past(frozen: FrozenEncoder) -> None:
    once = encoded(frozen, SOUND)
    again = encoded(frozen, SOUND)
    for (_, one), (_, other) in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_int8_arithmetic_is_close_to_float(frozen: FrozenEncoder, encoder: Arrays) -> None:
    """The first call of a speech alone, since later ones also see earlier int8 states."""
    window = next(iter(cut_windows(front_end(), SOUND)))
    frozen.restart()
    states, _ = frozen(window, unchanged)
    n = min(len(states), FULL_ENCODER.states_per_call)
    features = np.zeros((1, FULL_ENCODER.frames_per_call, RECIPE.n_mfcc), np.float32)
    length = 4 * n + 3
    before = window.end_frame - window.first_frame + FULL_ENCODER.look_back_frames
    features[0, :length] = window.features[-before:][:length]
    past = {k: tf.zeros(shape) for k, shape in network.past_shapes().items()}
    position, count = tf.zeros((1, 1)), tf.fill((1, 1), float(n))
    exact = network.encode_call(tf.constant(features), position, count, past, constants(encoder))[
        "states"
    ].numpy()[0, :n]
    assert np.abs(states[:n] - exact).mean() < 0.05 * exact.std()


def test_the_features_are_warped_before_they_are_encoded(frozen: FrozenEncoder) -> None:
    def lower(features: Features) -> Features:
        return np.roll(features, 1, axis=1)

    window = next(iter(cut_windows(front_end(), SOUND)))
    frozen.restart()
    plain, _ = frozen(window, unchanged)
    frozen.restart()
    warped, _ = frozen(window, lower)
    assert np.abs(warped - plain).max() > 0.01
