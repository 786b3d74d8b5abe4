"""Windows of the held-out fold change nothing. ``test_train`` trains and loads whole models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.models.training.common.files import save_arrays  # noqa: E402
from emotiond.models.training.data.examples import Streams  # noqa: E402
from emotiond.models.training.fitting import detector  # noqa: E402
from emotiond.models.training.fitting import lite as fitting  # noqa: E402
from emotiond.models.training.fitting.distillation import Lesson  # noqa: E402
from emotiond.models.training.fitting.lite import train_lite  # noqa: E402
from emotiond.models.training.fitting.run import Run, Settings, Windows  # noqa: E402
from emotiond.models.training.networks import lite  # noqa: E402

pytestmark = pytest.mark.usefixtures("untraced")


def trained(streams: Streams, runs: Path, name: str) -> bytes:
    (runs / name).mkdir(parents=True)
    tf.random.set_seed(0)
    return train_lite(Run(Windows(streams), runs / name, Settings({}, 0, scale=0.0)))


def test_the_held_out_fold_changes_nothing(
    streams: Streams, others: Streams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It enters neither the teacher, nor any moments or statistics, nor the voice detector."""
    monkeypatch.setattr(fitting, "LITE", (Lesson(2, 1e-3, 0.5, 37),))
    monkeypatch.setattr(detector, "_STEPS", 20)
    models = []
    for runs, data in ((tmp_path / "a", streams), (tmp_path / "b", others)):
        runs.mkdir()
        save_arrays(runs / "start.npz", lite.new_network(1))
        models.append(trained(data, runs, "fold1"))
    assert models[0] == models[1]


def test_no_actor_of_ravdess_changes_the_common_start(
    streams: Streams, others: Streams, tmp_path: Path
) -> None:
    """The run holds out fold 2, and the actors of fold 1 are different."""
    starts = []
    for folder, data in (("a", streams), ("b", others)):
        run = Run(Windows(data), tmp_path / folder / "fold2", Settings({}, 0, scale=0.0))
        run.folder.mkdir(parents=True)
        tf.random.set_seed(0)
        starts.append(fitting._start(run))
    assert (tmp_path / "a" / "start.npz").exists()
    for name, array in starts[0].items():
        np.testing.assert_array_equal(array, starts[1][name])


def test_the_common_start_is_trained_once(streams: Streams, tmp_path: Path) -> None:
    np.savez(tmp_path / "start.npz", marker=np.ones(1))
    run = Run(Windows(streams), tmp_path / "fold1", Settings({}, 0, scale=0.0))
    assert fitting._start(run).keys() == {"marker"}


def test_without_another_corpus_the_start_is_random(streams: Streams, tmp_path: Path) -> None:
    columns = streams.columns
    alone = dataclasses.replace(
        streams,
        columns=dataclasses.replace(
            columns, corpus=np.where(columns.corpus == "nemo", "ravdess-song", columns.corpus)
        ),
    )
    run = Run(Windows(alone), tmp_path / "fold1", Settings({}, 0, scale=0.0))
    assert "stem_0/kernel" in fitting._start(run)
    assert not (tmp_path / "start.npz").exists()


def test_the_teacher_says_of_a_window_what_full_says_however_often_it_is_asked(
    streams: Streams, tmp_path: Path
) -> None:
    run = Run(Windows(streams), tmp_path / "fold1", Settings({}, 0, scale=0.0))
    run.folder.mkdir()
    teacher, (network, _) = fitting._teacher(run), fitting.train_network(run)
    for rows in (np.array([3, 0, 3]), np.array([5, 3, 0, 8])):
        expected = network.label_logits(run.data.states(rows), run.data.levels(rows))
        np.testing.assert_allclose(teacher(rows), expected, atol=1e-5)
