"""Windows of the held-out fold change nothing. ``test_train`` trains and loads whole models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.models.training.data.examples import Streams  # noqa: E402
from emotiond.models.training.fitting.expression import measure_expression  # noqa: E402
from emotiond.models.training.fitting.full import train_network  # noqa: E402
from emotiond.models.training.fitting.run import Run, Settings, Windows  # noqa: E402

pytestmark = pytest.mark.usefixtures("untraced")


def run_of(streams: Streams, folder: Path) -> Run:
    folder.mkdir(parents=True)
    tf.random.set_seed(0)
    return Run(Windows(streams), folder, Settings({}, 0, scale=0.0))


def test_the_held_out_fold_changes_nothing(
    streams: Streams, others: Streams, tmp_path: Path
) -> None:
    trained = []
    for name, data in (("a", streams), ("b", others)):
        run = run_of(data, tmp_path / name / "fold1")
        network, statistics = train_network(run)
        assert len(statistics) == run.measured.size
        expression = measure_expression(statistics, data.columns.take(run.measured))
        moments = network.population
        arrays = [variable.numpy() for variable in network.variables]
        trained.append([*arrays, statistics, expression, moments.mean, moments.log_deviation])
    for learned, same in zip(*trained, strict=True):
        np.testing.assert_array_equal(learned, same)


def test_other_actors_do_change_the_network(
    streams: Streams, others: Streams, tmp_path: Path
) -> None:
    """The same change, where another fold is held out."""
    one, other = (
        train_network(run_of(data, tmp_path / name / "fold2"))[0]
        for name, data in (("a", streams), ("b", others))
    )
    assert (one.population.mean != other.population.mean).any()
    assert (one.variables[0].numpy() != other.variables[0].numpy()).any()
