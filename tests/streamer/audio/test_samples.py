from __future__ import annotations

import numpy as np
import pytest

from emotiond.streamer.audio.samples import fault_of, from_s16le, peak_of


def test_integers_become_samples_from_minus_one_to_one() -> None:
    samples = from_s16le(np.array([-32768, 0, 16384], "<i2").tobytes())
    assert samples.tolist() == [-1.0, 0.0, 0.5]
    assert samples.dtype == np.float32


@pytest.mark.parametrize("value", [0.0, -1.0, 4.0, -16.0])
def test_peaks_a_few_times_above_full_scale_are_sound(value: float) -> None:
    assert fault_of(peak_of(np.array([0, value], np.float32))) is None


@pytest.mark.parametrize(
    ("value", "scales"),
    [
        (-127.0, "32768 for 16 bits, or 8388608 for 24 bits, or 2147483648 for 32 bits"),
        (20_000.0, "32768 for 16 bits, or 8388608 for 24 bits, or 2147483648 for 32 bits"),
        (-8e6, "8388608 for 24 bits, or 2147483648 for 32 bits"),
        (2e9, "2147483648 for 32 bits"),
    ],
)
def test_samples_scaled_as_integers_are_recognised_and_may_get_louder(
    value: float, scales: str
) -> None:
    fault = fault_of(peak_of(np.array([0, value], np.float32)))
    assert fault is not None
    assert "scaled as integers" in fault.problem
    assert f"Divide them by {scales};" in fault.remedy
    assert f"volume=1/{scales.split(maxsplit=1)[0]} " in fault.remedy


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_no_sound(value: float) -> None:
    fault = fault_of(peak_of(np.array([0, value, 40_000], np.float32)))
    assert fault is not None
    assert "not finite" in fault.problem


def test_samples_of_no_known_scale_are_no_sound() -> None:
    fault = fault_of(1e30)
    assert fault is not None
    assert "samples reach 1e+30" in fault.problem


def test_an_empty_block_has_no_fault() -> None:
    assert fault_of(peak_of(np.empty((0, 2), np.float32))) is None
