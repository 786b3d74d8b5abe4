from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.types import FloatArray
from inference.smoothing import HELD_SHARE, Smoother, SmoothingSettings

HAPPY, SAD, ANGRY = 2, 3, 4
EVEN = np.full(8, 1 / 8, np.float32)


def settings(**changes: float) -> SmoothingSettings:
    values = {
        "time_constant_seconds": 0.0,
        "margin": 0.2,
        "dwell_seconds": 0.5,
        "uncertain_below": 0.3,
        "settling_seconds": 0.0,
    }
    return SmoothingSettings(**(values | changes))


def posteriors(**scores: float) -> FloatArray:
    """What is not named shares the rest."""
    indices = {"happy": HAPPY, "sad": SAD, "angry": ANGRY}
    values = np.full(8, (1 - sum(scores.values())) / (8 - len(scores)))
    for name, score in scores.items():
        values[indices[name]] = score
    return values.astype(np.float32)


def labels(smoother: Smoother, *windows: FloatArray, stride: float = 0.25) -> list[int | None]:
    told = []
    for window in windows:
        smoother.update(window, stride, 1.0)
        told.append(smoother.label)
    return told


def test_the_first_window_decides_at_once() -> None:
    smoother = Smoother(settings(time_constant_seconds=5))
    assert labels(smoother, posteriors(happy=0.6)) == [HAPPY]
    assert smoother.scores == pytest.approx(posteriors(happy=0.6))


def test_another_takes_over_once_it_has_led_for_the_dwell_time() -> None:
    told = labels(Smoother(settings()), posteriors(happy=0.6), *[posteriors(sad=0.6)] * 4)
    assert told == [HAPPY, HAPPY, HAPPY, SAD, SAD]


def test_a_lead_within_the_margin_changes_nothing() -> None:
    close = [posteriors(happy=0.4, sad=0.55)] * 50
    assert set(labels(Smoother(settings()), posteriors(happy=0.6), *close)) == {HAPPY}


def test_the_margin_itself_is_enough() -> None:
    told = labels(
        Smoother(settings(margin=0.25)),
        posteriors(happy=0.5),
        *[posteriors(happy=0.25, sad=0.5)] * 4,
    )
    assert told[-1] == SAD


def test_a_lead_that_is_lost_begins_anew() -> None:
    happy, sad = posteriors(happy=0.6), posteriors(sad=0.6)
    assert set(labels(Smoother(settings()), happy, *[sad, sad, happy] * 5)) == {HAPPY}


def test_two_who_lead_by_turns_do_not_add_up() -> None:
    sad, angry = posteriors(sad=0.6), posteriors(angry=0.6)
    told = labels(Smoother(settings()), posteriors(happy=0.6), *[sad, sad, angry, angry] * 3)
    assert set(told) == {HAPPY}


def test_without_a_dwell_time_it_changes_at_once() -> None:
    told = labels(Smoother(settings(dwell_seconds=0)), posteriors(happy=0.6), posteriors(angry=0.6))
    assert told == [HAPPY, ANGRY]


def test_where_nothing_is_likely_there_is_no_label() -> None:
    told = labels(
        Smoother(settings()),
        posteriors(happy=0.29),
        posteriors(happy=0.6),
        EVEN,
        posteriors(sad=0.6),
    )
    assert told == [None, HAPPY, None, SAD]


def test_a_label_stays_where_it_would_not_appear() -> None:
    told = labels(Smoother(settings()), posteriors(happy=0.31), *[posteriors(happy=0.2)] * 9)
    assert set(told) == {HAPPY}


def test_a_voice_that_has_just_begun_must_be_more_certain() -> None:
    smoother = Smoother(settings(uncertain_below=0.5, settling_seconds=2.0))
    told: list[float | None] = []
    for speech_seconds in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        smoother.restart()
        for score in (0.49, 0.5, 0.62, 0.63, 0.74, 0.75, 0.87, 0.88, 0.999):
            smoother.update(posteriors(happy=score), 0.25, speech_seconds)
            if smoother.label == HAPPY:
                told.append(score)
                break
        else:
            told.append(None)
    assert told == [None, 0.88, 0.75, 0.63, 0.5, 0.5]


def test_a_label_that_is_there_stays_though_little_has_been_heard() -> None:
    smoother = Smoother(settings(uncertain_below=0.5, settling_seconds=2.0))
    smoother.update(posteriors(happy=0.95), 0.25, 0.3)
    smoother.update(posteriors(happy=0.5), 0.25, 0.5)
    assert smoother.label == HAPPY


def test_after_uncertainty_no_former_lead_counts() -> None:
    happy, sad = posteriors(happy=0.6), posteriors(sad=0.6)
    told = labels(Smoother(settings()), happy, sad, sad, EVEN, happy, sad, sad, sad)
    assert told == [HAPPY, HAPPY, HAPPY, None, HAPPY, HAPPY, HAPPY, SAD]


def test_a_restart_forgets_everything() -> None:
    smoother = Smoother(settings(time_constant_seconds=2))
    labels(smoother, *[posteriors(happy=0.6)] * 5)
    smoother.restart()
    assert smoother.scores is None
    assert smoother.label is None
    assert labels(smoother, posteriors(sad=0.6)) == [SAD]


def test_the_average_follows_with_its_time_constant() -> None:
    smoother = Smoother(settings(time_constant_seconds=2))
    labels(smoother, posteriors(happy=1), *[posteriors(sad=1)] * 20, stride=0.1)
    assert smoother.scores is not None
    assert smoother.scores[HAPPY] == pytest.approx(np.exp(-1))


@given(st.integers(1, 20), st.floats(0.05, 5))
def test_its_speed_does_not_depend_on_the_stride(parts: int, time_constant: float) -> None:
    coarse = Smoother(settings(time_constant_seconds=time_constant))
    fine = Smoother(settings(time_constant_seconds=time_constant))
    labels(coarse, posteriors(happy=0.9), posteriors(sad=0.9), stride=1.0)
    labels(fine, posteriors(happy=0.9), *[posteriors(sad=0.9)] * parts, stride=1.0 / parts)
    assert fine.scores == pytest.approx(coarse.scores, abs=1e-6)


windows = st.lists(
    st.lists(st.floats(0.001, 1), min_size=8, max_size=8).map(
        lambda values: np.array(values) / sum(values)
    ),
    min_size=1,
    max_size=40,
)


any_settings = st.builds(
    SmoothingSettings,
    time_constant_seconds=st.floats(0, 3),
    margin=st.floats(0, 0.5),
    dwell_seconds=st.floats(0, 1),
    uncertain_below=st.floats(0, 0.6),
    settling_seconds=st.floats(0, 2),
)


@given(windows, any_settings)
def test_scores_stay_posteriors_and_labels_keep_their_promises(
    heard: list[FloatArray], settings: SmoothingSettings
) -> None:
    smoother = Smoother(settings)
    former: int | None = None
    for number, window in enumerate(heard, 1):
        smoother.update(window, 0.25, number / 4)
        scores, label = smoother.scores, smoother.label
        assert scores is not None
        assert scores.min() >= 0
        assert scores.sum() == pytest.approx(1)
        if former is None:
            wanted = settings.wanted_score(number / 4)
        else:
            wanted = HELD_SHARE * settings.uncertain_below
        assert (label is None) == (scores.max() < wanted)
        if label is not None and label != former:
            assert label == scores.argmax()
            if former is not None:
                assert scores[label] - scores[former] >= settings.margin
        former = label


@pytest.mark.parametrize(
    "changes",
    [
        {"time_constant_seconds": -0.1},
        {"dwell_seconds": -1},
        {"settling_seconds": -1},
        {"settling_seconds": float("nan")},
        {"margin": 1.1},
        {"margin": -0.1},
        {"uncertain_below": 1.5},
        {"uncertain_below": float("nan")},
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"smoothing|uncertain_below"):
        settings(**changes)
