"""The small network learns from a teacher and resumes from its checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.models.training.common.model_input import RECIPE  # noqa: E402
from emotiond.models.training.data.columns import Columns  # noqa: E402
from emotiond.models.training.data.sampling import VOICES_AND_NOISES, Sampler  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from emotiond.models.training.fitting.distillation import Distiller, Lesson  # noqa: E402
from emotiond.models.training.networks import lite  # noqa: E402
from tests.models.sounds import babble  # noqa: E402

pytestmark = pytest.mark.timeout(300)  # TensorFlow traces each network first


@pytest.fixture(scope="module")
def features() -> npt.NDArray[np.float32]:
    front_end = FrontEnd(RECIPE, WindowShape(300, 24))
    cuts = [list(cut_windows(front_end, babble(2.2, seed)))[-1].features for seed in range(4)]
    return np.stack(cuts * 10)


def distiller(
    features: npt.NDArray[np.float32], columns: Columns, folder: Path, steps: int
) -> Distiller:
    spectrum = lite.describe_spectrum(features)
    statistics = np.zeros((len(features), lite.SPEAKER_SIZE), np.float32)
    rows = np.arange(len(features))
    sampler = Sampler(columns, rows, statistics, 8, VOICES_AND_NOISES, seed=0)
    lesson = Lesson(steps, rate=1e-3, hint_weight=0.5)
    return Distiller(lite.new_network(0), spectrum, lesson, sampler, folder)


@pytest.fixture(scope="module")
def hints(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    return np.zeros((len(features), 38, 384), np.float16)


def test_the_scores_of_a_teacher_change_the_network(
    features: npt.NDArray[np.float32],
    hints: npt.NDArray[np.float16],
    columns: Columns,
    tmp_path: Path,
) -> None:
    student = distiller(features, columns, tmp_path, steps=3)
    before = student.label_logits(features[:2])
    teacher = np.eye(8, dtype=np.float32)[columns.label % 8]
    student.run(features, hints, teacher, lambda: 0.5, "test")
    curves = student.curves.arrays()
    assert np.isfinite(curves["loss"]).all()
    assert (curves["loss"] > 0).all()
    assert curves["held_out"][-1] == 0.5
    logits = student.label_logits(features[:2])
    assert logits.shape == (2, 8)
    assert np.abs(logits - before).max() > 0


def test_without_a_teacher_it_learns_labels_and_a_finished_training_is_not_repeated(
    features: npt.NDArray[np.float32],
    hints: npt.NDArray[np.float16],
    columns: Columns,
    tmp_path: Path,
) -> None:
    first = distiller(features, columns, tmp_path, steps=2)
    first.run(features, hints, None, lambda: 0.5, "test")
    loss = first.curves.arrays()["loss"]
    assert (loss > 0).all()

    def refuse() -> float:
        raise AssertionError

    again = distiller(features, columns, tmp_path, steps=2)
    again.run(features, hints, None, refuse, "test")
    np.testing.assert_array_equal(again.curves.arrays()["loss"], loss)
    np.testing.assert_allclose(
        again.label_logits(features[:2]), first.label_logits(features[:2]), atol=1e-5
    )
