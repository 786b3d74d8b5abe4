"""One's own windows train the shipped heads further, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.models.training.data.columns import OWN, OWN_JOINED  # noqa: E402
from emotiond.models.training.data.examples import Streams  # noqa: E402
from emotiond.models.training.fitting.own import fine_tune  # noqa: E402
from emotiond.models.training.fitting.run import Run, Settings, Windows  # noqa: E402
from emotiond.models.training.networks.shipped import read_shipped  # noqa: E402

pytestmark = pytest.mark.usefixtures("untraced")


def test_the_heads_learn_and_the_rest_stays(
    streams: Streams, whole_model: Path, tmp_path: Path
) -> None:
    voices = streams.columns.label >= 0
    corpus = np.where(np.arange(voices.size) % 3 == 0, OWN_JOINED, OWN)
    columns = dataclasses.replace(
        streams.columns, corpus=np.where(voices, corpus, streams.columns.corpus)
    )
    shipped = read_shipped(whole_model)
    folder = tmp_path / "fold1"
    folder.mkdir()
    run = Run(
        Windows(dataclasses.replace(streams, columns=columns)),
        folder,
        Settings(shipped.encoder, seed=0, scale=0.0),
    )
    path = tmp_path / "own.tflite"
    path.write_bytes(fine_tune(run, shipped))
    learned = read_shipped(path)
    for name, array in shipped.encoder.items():
        np.testing.assert_array_equal(learned.encoder[name], array)
    for name, array in shipped.detector.items():
        np.testing.assert_array_equal(learned.detector[name], array)
    np.testing.assert_array_equal(learned.population.mean, shipped.population.mean)
    for before, after in zip(shipped.heads, learned.heads, strict=True):
        assert not np.array_equal(before["out/kernel"], after["out/kernel"])
    assert not np.array_equal(shipped.linear["kernel"], learned.linear["kernel"])
