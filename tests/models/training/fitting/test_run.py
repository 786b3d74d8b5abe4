"""A scale shortens a run, and its folder names its fold. ``test_train`` trains whole models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.fitting.distillation import Lesson
from emotiond.models.training.fitting.full import HEADS
from emotiond.models.training.fitting.lite import LITE
from emotiond.models.training.fitting.run import RUNS, Run, Settings, Windows


def empty_windows(columns: Columns) -> Windows:
    n = columns.label.size
    mask = np.ones((n, 1, 1), np.float32)
    return Windows(
        columns, np.zeros((n, 1, 1), np.float32), np.zeros((n, 1, 1), np.float16), mask, mask
    )


@given(st.floats(0, 2))
def test_a_scale_changes_only_the_number_of_steps(scale: float) -> None:
    settings = Settings({}, seed=0, scale=scale)
    for schedule in (HEADS, *LITE):
        scaled = settings.scaled(schedule)
        assert type(scaled) is type(schedule)
        assert scaled.rate == schedule.rate
        assert scaled.steps == max(2, round(schedule.steps * scale))
        if isinstance(schedule, Lesson):
            assert isinstance(scaled, Lesson)
            assert scaled.hint_weight == schedule.hint_weight


def test_a_population_is_measured_on_a_fifth_of_the_voices(columns: Columns) -> None:
    windows = empty_windows(columns)
    rows = windows.spoken(np.arange(columns.label.size))
    assert rows.tolist() == [0, 5, 10, 15, 20, 25]
    assert windows.spoken(np.flatnonzero(columns.label < 0)).size == 0


@pytest.mark.parametrize("name", RUNS)
def test_the_folder_of_a_run_names_the_fold_that_it_leaves_out(columns: Columns, name: str) -> None:
    run = Run(empty_windows(columns), Path(name), Settings({}, 0, 1.0))
    left_out = {"fold1": 1, "fold2": 2, "fold3": 3, "fold4": 4}.get(name)
    assert run.rows.tolist() == columns.rows_without(left_out).tolist()
    assert run.watched.tolist() == columns.rows_of(left_out)[:512].tolist()
    assert not set(run.rows) & set(run.watched)


def test_windows_are_made_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no windows"):
        Windows.load(tmp_path)
