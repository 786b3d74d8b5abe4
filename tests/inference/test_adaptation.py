from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emotiond.dsp.types import FloatArray
from emotiond.inference.adaptation import AdaptationSettings, Speaker
from emotiond.inference.profile import make_profile

SETTINGS = AdaptationSettings(prior_seconds=5, horizon_seconds=60, bound=2)


def test_an_unknown_speaker_has_the_population_s_statistics() -> None:
    vector = Speaker(SETTINGS, 3).vector
    assert vector.dtype == np.float32
    assert vector.tolist() == [0, 0, 0]


def test_after_as_much_speech_as_the_prior_it_is_half_way() -> None:
    speaker = Speaker(AdaptationSettings(5, 1e9, 2), 1)
    speaker.update(np.array([1.0]), 5)
    assert speaker.vector == pytest.approx([0.5])


def test_it_converges_to_a_voice_that_goes_on() -> None:
    speaker = Speaker(SETTINGS, 2)
    distances = []
    for _ in range(400):
        speaker.update(np.array([1.0, -1.5]), 0.25)
        distances.append(abs(float(speaker.vector[0]) - 1))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.15


def test_an_old_voice_fades() -> None:
    speaker = Speaker(SETTINGS, 1)
    for _ in range(100):
        speaker.update(np.array([1.5]), 1)
    for _ in range(600):
        speaker.update(np.array([-1.0]), 1)
    assert speaker.vector[0] < -0.9


def test_no_new_speech_changes_nothing() -> None:
    speaker = Speaker(SETTINGS, 1)
    speaker.update(np.array([1.0]), 3)
    before = speaker.vector
    speaker.update(np.array([-100.0]), 0)
    np.testing.assert_array_equal(speaker.vector, before)


def test_a_profile_is_known_from_the_start() -> None:
    measured = Speaker(SETTINGS, 2)
    measured.update(np.array([1.0, -0.5]), 20)
    profile = make_profile("m", "", measured.speech_seconds, tuple(map(float, measured.mean)))
    np.testing.assert_array_equal(Speaker(SETTINGS, 2, profile).vector, measured.vector)


def test_a_profile_counts_with_the_speech_it_was_taken_from_and_does_not_fade() -> None:
    speaker = Speaker(SETTINGS, 1, make_profile("m", "", 15.0, (1.0,)))
    assert speaker.vector == pytest.approx([15 / 20])
    for _ in range(4000):
        speaker.update(np.array([-1.0]), 1)
    speech_seconds = speaker.speech_seconds
    assert speech_seconds == pytest.approx(60, abs=1)
    expected = (15 - speech_seconds) / (20 + speech_seconds)
    assert speaker.vector == pytest.approx([expected])


def test_a_profile_is_bounded_as_any_voice() -> None:
    assert Speaker(SETTINGS, 1, make_profile("m", "", 1000.0, (50.0,))).vector.tolist() == [2]


@given(
    st.lists(
        st.tuples(hnp.arrays(np.float64, 4, elements=st.floats(-1e6, 1e6)), st.floats(0, 1000)),
        max_size=20,
    )
)
def test_it_stays_within_the_bound(updates: list[tuple[FloatArray, float]]) -> None:
    speaker = Speaker(SETTINGS, 4)
    for statistics, seconds in updates:
        speaker.update(statistics, seconds)
        assert np.isfinite(speaker.vector).all()
        assert np.abs(speaker.vector).max() <= 2


@given(st.integers(1, 16))
def test_the_stride_hardly_matters(parts: int) -> None:
    coarse, fine = Speaker(SETTINGS, 1), Speaker(SETTINGS, 1)
    coarse.update(np.array([1.0]), 1)
    for _ in range(parts):
        fine.update(np.array([1.0]), 1 / parts)
    assert fine.vector == pytest.approx(coarse.vector, rel=0.01)


@pytest.mark.parametrize("values", [(0, 60, 2), (5, 0, 2), (5, 60, 0), (-1, 60, 2)])
def test_impossible_settings_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        AdaptationSettings(*values)
