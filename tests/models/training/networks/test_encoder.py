"""The encoder's input is what Whisper was trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")


from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.dsp.mfcc import Mfcc  # noqa: E402
from emotiond.models.training.common.model_input import RECIPE  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from emotiond.models.training.networks.encoder import log_mel, masks, whisper_input  # noqa: E402
from tests.models.sounds import babble  # noqa: E402

FRAMES = 300


def window(seconds: float = 2.2) -> npt.NDArray[np.float32]:
    front_end = FrontEnd(RECIPE, WindowShape(FRAMES, 24))
    return list(cut_windows(front_end, babble(seconds)))[-1].features


def test_the_graph_undoes_the_dct_exactly() -> None:
    sound = babble(3.1)
    mfcc = Mfcc(RECIPE, np.float64)
    led = np.concatenate((np.zeros(1), sound))
    frames = np.stack([led[k * 160 : k * 160 + 401] for k in range(FRAMES)])
    expected = np.log10(np.maximum(mfcc.mel_powers(frames), 1e-10))
    mel = log_mel(tf.constant(mfcc(frames)[None], tf.float32))[0].numpy()
    np.testing.assert_allclose(mel, expected, atol=2e-4)


def test_the_input_of_whisper_spans_eight_decades() -> None:
    mel = tf.constant(np.linspace(-10, 1, 800, dtype=np.float32).reshape(1, 10, 80))
    scaled = whisper_input(mel).numpy()
    assert scaled.max() == pytest.approx((1 + 4) / 4)
    assert scaled.min() == pytest.approx((1 - 8 + 4) / 4)


def test_masks_separate_padding_from_sound() -> None:
    features = window(1.3)
    n_real = int(np.sum(np.abs(features - features[-1]).max(axis=1) > 1e-2))
    real, loud = masks(log_mel(tf.constant(features[None])))
    assert real.numpy().sum() == pytest.approx(n_real / 4, abs=1)
    assert 0 < loud.numpy().sum() <= real.numpy().sum()
