"""The frozen encoder computes the hidden states of the exported model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.models.training.common.model_input import RECIPE  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from emotiond.models.training.networks.frozen import (  # noqa: E402
    BLOCKS,
    FrozenEncoder,
    encoder_parameters,
    encoder_states,
)
from emotiond.models.training.networks.heads import CHANNELS  # noqa: E402
from emotiond.models.training.networks.whisper import Weights, load_encoder  # noqa: E402
from tests.models.sounds import babble  # noqa: E402
from tests.models.weights import random_whisper  # noqa: E402

FRAMES = 100


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    path: Path = tmp_path_factory.mktemp("whisper") / "whisper.npz"
    random_whisper(path)
    return load_encoder(path)


@pytest.fixture(scope="module")
def window() -> npt.NDArray[np.float32]:
    front_end = FrontEnd(RECIPE, WindowShape(FRAMES, 24))
    return list(cut_windows(front_end, babble(2.2)))[-1].features


def test_there_are_parameters_for_every_block(weights: Weights) -> None:
    lower, blocks = encoder_parameters(weights, FRAMES)
    assert len(blocks) == BLOCKS
    assert lower["positions"].shape == (FRAMES // 2, 384)


def test_states_are_steps_of_four_frames_for_each_window(
    weights: Weights, window: npt.NDArray[np.float32]
) -> None:
    softer = window.copy()
    softer[:, 0] -= 1
    both = tf.constant(np.stack((window, softer)))
    states = encoder_states(both, *encoder_parameters(weights, FRAMES)).numpy()
    assert states.shape == (2, FRAMES // 4, CHANNELS)
    alone = encoder_states(both[1:], *encoder_parameters(weights, FRAMES)).numpy()
    np.testing.assert_allclose(states[1:], alone, atol=1e-4)


def test_int8_arithmetic_is_close_to_float(
    weights: Weights, window: npt.NDArray[np.float32]
) -> None:
    encoded = FrozenEncoder(weights, FRAMES)(window)
    assert encoded.dtype == np.float16
    exact = encoder_states(window[None], *encoder_parameters(weights, FRAMES)).numpy()[0]
    assert encoded.shape == exact.shape
    assert np.abs(encoded - exact).mean() < 0.05 * exact.std()
