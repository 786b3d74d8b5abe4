"""A shipped model is read back: what is exported from it gives the same results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from ai_edge_litert.interpreter import Interpreter  # noqa: E402

from emotiond.exceptions import DataError  # noqa: E402
from emotiond.models.training.common.model_input import FULL_ENCODER  # noqa: E402
from emotiond.models.training.networks.encoder import CHANNELS, past_shapes  # noqa: E402
from emotiond.models.training.networks.heads import SPEAKER_SIZE  # noqa: E402
from emotiond.models.training.networks.layers import Arrays  # noqa: E402
from emotiond.models.training.networks.shipped import read_shipped  # noqa: E402
from emotiond.models.training.networks.tflite import export_full  # noqa: E402
from tests.conftest import DATA  # noqa: E402

MODELS = Path(__file__).parents[4] / "models"
Outputs = dict[str, npt.NDArray[np.float32]]


def results(content: bytes) -> tuple[Outputs, Outputs]:
    """What both signatures make of the same input."""
    random = np.random.default_rng(3)
    interpreter = Interpreter(model_content=content, num_threads=1)

    def noise(*shape: int) -> npt.NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32)

    encoded = interpreter.get_signature_runner("encode")(
        features=noise(1, FULL_ENCODER.frames_per_call, 80) - 3,
        position=np.zeros((1, 1), np.float32),
        count=np.full((1, 1), FULL_ENCODER.states_per_call, np.float32),
        **{name: np.zeros(shape, np.float32) for name, shape in past_shapes().items()},
    )
    classified = interpreter.get_signature_runner("classify")(
        states=noise(1, 50, CHANNELS),
        levels=np.full((1, 50), 5, np.float32),
        speaker=0.1 * noise(1, SPEAKER_SIZE),
    )
    return encoded, classified


def test_a_model_is_read_back_and_exported_again(whole_model: Path) -> None:
    shipped = read_shipped(whole_model)
    again = export_full(shipped.network(), shipped.expression, shipped.detector, shipped.encoder)
    for before, after in zip(results(whole_model.read_bytes()), results(again), strict=True):
        assert before.keys() == after.keys()
        for name, array in before.items():
            np.testing.assert_allclose(after[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_weights_come_back_within_half_a_step(whole_model: Path, encoder: Arrays) -> None:
    found = read_shipped(whole_model).encoder
    assert found.keys() == encoder.keys()
    for name, array in encoder.items():
        assert found[name].shape == array.shape
        step = np.abs(array).max(axis=0) / 127
        assert (np.abs(found[name] - array) <= 0.51 * step + 1e-7).all(), name


def test_the_bundled_model_has_three_heads_of_different_weights() -> None:
    shipped = read_shipped(MODELS / "full.tflite")
    assert len(shipped.heads) == 3
    for head in shipped.heads:
        assert head["in/kernel"].shape == (CHANNELS, 160)
        assert head["query/kernel"].shape == (160, 4)
        assert head["hidden/kernel"].shape == (800, 192)
    assert not np.allclose(shipped.heads[0]["out/kernel"], shipped.heads[1]["out/kernel"])
    assert shipped.expression.shape == (8, SPEAKER_SIZE)
    np.testing.assert_allclose(shipped.expression.sum(axis=0), 0, atol=0.02)


@pytest.mark.parametrize("other", [MODELS / "lite.tflite", DATA / "tiny.tflite"])
def test_another_model_is_refused(other: Path) -> None:
    with pytest.raises(DataError, match=r"is no full\.tflite of emotiond.*--start"):
        read_shipped(other)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"no model" * 100])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "full.tflite"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is no full\.tflite") as caught:
        read_shipped(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.tflite"):
        read_shipped(tmp_path / "none.tflite")
