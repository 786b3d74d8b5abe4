"""A training goes on with its own checkpoint alone."""

from __future__ import annotations

from pathlib import Path

import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.exceptions import DataError  # noqa: E402
from emotiond.models.training.fitting.checkpoints import go_on  # noqa: E402


def manager_of(folder: Path, **variables: object) -> tf.train.CheckpointManager:
    return tf.train.CheckpointManager(tf.train.Checkpoint(**variables), str(folder), max_to_keep=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manager_of(tmp_path, losses=tf.Variable([1.0, 2.0])).save()
    return tmp_path


def test_it_goes_on_where_it_stopped_or_begins(folder: Path) -> None:
    losses = tf.Variable([0.0, 0.0])
    go_on(manager_of(folder / "new", losses=losses))
    assert losses.numpy().tolist() == [0, 0]
    go_on(manager_of(folder, losses=losses))
    assert losses.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("other", [[0.0, 0.0, 0.0], [0, 0]])
def test_a_training_of_another_length_or_kind_is_refused_in_one_line(
    folder: Path, other: list[float]
) -> None:
    """As with another ``--scale``, whose training has another number of steps."""
    with pytest.raises(DataError, match=r"of another length .* Give the --scale that it began"):
        go_on(manager_of(folder, losses=tf.Variable(other)))


def test_a_damaged_checkpoint_is_refused_in_one_line(folder: Path) -> None:
    for path in folder.glob("*.data*"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="is damaged"):
        go_on(manager_of(folder, losses=tf.Variable([0.0, 0.0])))
