from __future__ import annotations

import numpy as np
import pytest

from emotiond.streamer.audio.samples import are_plausible, from_s16le


def test_integers_become_samples_from_minus_one_to_one() -> None:
    samples = from_s16le(np.array([-32768, 0, 16384], "<i2").tobytes())
    assert samples.tolist() == [-1.0, 0.0, 0.5]
    assert samples.dtype == np.float32


@pytest.mark.parametrize(
    ("value", "plausible"), [(0.0, True), (-32768.0, True), (1e7, False), (-np.inf, False)]
)
def test_absurdly_large_samples_are_implausible(value: float, plausible: bool) -> None:
    assert are_plausible(np.array([0, value], np.float32)) is plausible


def test_nan_is_implausible_and_an_empty_block_is_plausible() -> None:
    assert not are_plausible(np.array([0, np.nan], np.float32))
    assert are_plausible(np.empty(0, np.float32))
