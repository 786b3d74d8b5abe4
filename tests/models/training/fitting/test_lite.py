"""Windows of the held-out fold change nothing. ``test_train`` trains and loads whole models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.models.training.common.model_input import RECIPE  # noqa: E402
from emotiond.models.training.data.columns import Columns  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from emotiond.models.training.fitting.lite import train_lite  # noqa: E402
from emotiond.models.training.fitting.run import Run, Settings, Windows  # noqa: E402
from emotiond.models.training.networks.full import masks_of  # noqa: E402
from emotiond.models.training.networks.heads import CHANNELS  # noqa: E402
from tests.models.sounds import babble  # noqa: E402


def windows_of(columns: Columns) -> Windows:
    front_end = FrontEnd(RECIPE, WindowShape(300, 24))
    cuts = [list(cut_windows(front_end, babble(2.2, seed)))[-1] for seed in range(4)]
    rows = np.arange(columns.label.size)
    features = np.stack([cut.features for cut in cuts])[rows % 4]
    states = np.random.default_rng(0).standard_normal((rows.size, 75, CHANNELS))
    return Windows(columns, features, states.astype(np.float16), *masks_of(features))


@pytest.mark.timeout(300)
def test_the_held_out_fold_changes_nothing(columns: Columns, tmp_path: Path) -> None:
    windows = windows_of(columns)
    held_out = columns.rows_of(1)
    states, features = windows.states.copy(), windows.features.copy()
    states[held_out] *= -3
    features[held_out] = features[held_out][::-1]
    others = dataclasses.replace(windows, states=states, features=features)
    models = []
    for name, data in (("a", windows), ("b", others)):
        folder = tmp_path / name / "fold1"
        folder.mkdir(parents=True)
        tf.random.set_seed(0)
        models.append(train_lite(Run(data, folder, Settings({}, 0, scale=0.0))))
    assert models[0] == models[1]
