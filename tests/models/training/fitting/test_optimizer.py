"""The learning rate warms up and falls, and the average of the weights is the result."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.fitting.optimizer import Schedule, averaging_adamw  # noqa: E402


def rates(schedule: Schedule) -> list[float]:
    optimizer = averaging_adamw(schedule)
    variable = tf.Variable([1.0])
    optimizer.build([variable])
    found = []
    for _ in range(schedule.steps):
        found.append(float(optimizer.learning_rate))
        optimizer.apply([tf.constant([1.0])], [variable])
    return found


@pytest.mark.parametrize("steps", [2, 20, 50])
def test_the_rate_rises_in_the_first_tenth_and_then_falls(steps: int) -> None:
    found = rates(Schedule(steps, rate=0.5))
    peak = int(np.argmax(found))
    assert found[0] == 0
    assert found[peak] == pytest.approx(0.5)
    assert peak == max(1, steps // 10)
    assert (np.diff(found[:peak]) > 0).all()
    assert (np.diff(found[peak:]) < 0).all()


def test_the_average_of_the_weights_is_the_result() -> None:
    schedule = Schedule(50, rate=0.1)
    optimizer = averaging_adamw(schedule)
    variable = tf.Variable([1.0])
    optimizer.build([variable])
    seen = []
    for _ in range(schedule.steps):
        optimizer.apply([tf.constant([1.0])], [variable])
        seen.append(float(variable[0]))
    last = seen[-1]
    optimizer.finalize_variable_values([variable])
    assert last < float(variable[0]) <= max(seen)
