"""The streaming encoder learns to imitate Whisper, and resumes where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.fitting import self_distillation  # noqa: E402
from emotiond.models.training.fitting.optimizer import Schedule  # noqa: E402
from emotiond.models.training.fitting.self_distillation import SelfDistillation  # noqa: E402
from emotiond.models.training.networks.layers import Arrays  # noqa: E402

pytestmark = pytest.mark.usefixtures("untraced")

STEPS, BATCH = 8, 2


class Interrupted(list[npt.NDArray[np.float16]]):
    """Speeches that can be read some times before Ctrl-C."""

    reads = 0

    def __getitem__(self, number: Any) -> Any:
        self.reads -= 1
        if self.reads < 0:
            raise KeyboardInterrupt
        return super().__getitem__(number)


def test_an_interrupted_training_resumes_and_its_loss_falls(
    encoder: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_distillation, "_CHECKPOINT_STEPS", 4)
    random = np.random.default_rng(0)
    speeches = Interrupted(random.uniform(-8, 0, (63, 80)).astype(np.float16) for _ in range(2))

    def training() -> SelfDistillation:
        return SelfDistillation(encoder, Schedule(STEPS, rate=1e-3), tmp_path, BATCH)

    speeches.reads = BATCH + 4 * BATCH  # the measured scales, and four steps
    first = training()
    with pytest.raises(KeyboardInterrupt):
        first.run(speeches, seed=0)
    speeches.reads = (STEPS - 4) * BATCH
    second = training()
    learned = second.run(speeches, seed=0)
    np.testing.assert_array_equal(second.losses[:4], first.losses[:4])
    assert second.losses[-2:].mean() < 0.8 * second.losses[:4].mean()
    assert (second.losses > 0).all()
    assert {name: array.shape for name, array in learned.items()} == {
        name: array.shape for name, array in encoder.items()
    }
    for name, array in learned.items():
        assert (array == encoder[name]).all() == name.startswith("conv"), name
    third = training()
    for name, array in third.run([], seed=0).items():  # it is not repeated
        np.testing.assert_array_equal(array, learned[name])
