"""Windows of the held-out fold change nothing. ``test_train`` trains and loads whole models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.models.training.data.columns import Columns  # noqa: E402
from emotiond.models.training.fitting.full import train_network  # noqa: E402
from emotiond.models.training.fitting.run import Run, Settings, Windows  # noqa: E402
from emotiond.models.training.networks.heads import CHANNELS  # noqa: E402

STEPS = 6


def windows_of(columns: Columns) -> Windows:
    n = columns.label.size
    states = np.random.default_rng(0).standard_normal((n, STEPS, CHANNELS)).astype(np.float16)
    mask = np.ones((n, STEPS, 1), np.float32)
    return Windows(columns, np.zeros((n, 1, 1), np.float32), states, mask, mask)


def test_the_held_out_fold_changes_nothing(columns: Columns, tmp_path: Path) -> None:
    windows = windows_of(columns)
    held_out = columns.rows_of(1)
    states = windows.states.copy()
    states[held_out] *= -3
    label = columns.label.copy()
    label[held_out] = 1 - label[held_out]
    others = dataclasses.replace(
        windows, states=states, columns=dataclasses.replace(columns, label=label)
    )
    trained = []
    for name, data in (("a", windows), ("b", others)):
        folder = tmp_path / name / "fold1"
        folder.mkdir(parents=True)
        tf.random.set_seed(0)
        network, statistics = train_network(Run(data, folder, Settings({}, 0, scale=0.0)))
        assert len(statistics) == columns.label.size
        trained.append([variable.numpy() for variable in network.variables])
    for learned, same in zip(*trained, strict=True):
        np.testing.assert_array_equal(learned, same)
