from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from emotiond.inference.smoothing.hysteresis import HELD_SHARE, Hysteresis, HysteresisSettings

HAPPY, SAD = 2, 3
EVEN = np.full(8, 1 / 8)


def settings(**changes: float) -> HysteresisSettings:
    values = {"margin": 0.2, "uncertain_below": 0.3, "settling_seconds": 0.0}
    return HysteresisSettings(**(values | changes))


def probabilities(**named: float) -> npt.NDArray[np.float64]:
    """The labels that are not named share the rest."""
    indices = {"happy": HAPPY, "sad": SAD}
    values = np.full(8, (1 - sum(named.values())) / (8 - len(named)))
    for name, value in named.items():
        values[indices[name]] = value
    return values


def labels(decision: Hysteresis, *windows: npt.NDArray[np.float64]) -> list[int | None]:
    seen = []
    for window in windows:
        decision.update(window, 1.0, 2.0)
        seen.append(decision.label)
    return seen


def test_there_is_no_label_before_the_first_window() -> None:
    assert Hysteresis(settings()).label is None


def test_a_lead_within_the_margin_changes_nothing() -> None:
    close = [probabilities(happy=0.4, sad=0.55)] * 50
    assert set(labels(Hysteresis(settings()), probabilities(happy=0.6), *close)) == {HAPPY}


def test_the_margin_itself_is_enough() -> None:
    decision = Hysteresis(settings(margin=0.25))
    windows = probabilities(happy=0.5), probabilities(happy=0.25, sad=0.5)
    assert labels(decision, *windows) == [HAPPY, SAD]


def test_a_lead_ends_a_label_even_if_the_other_one_is_not_certain_enough() -> None:
    decision = Hysteresis(settings(margin=0.2, uncertain_below=0.5))
    windows = probabilities(happy=0.6), probabilities(happy=0.2, sad=0.45)
    assert labels(decision, *windows) == [HAPPY, None]


def test_a_label_ends_when_it_is_unlikely_itself_whatever_leads() -> None:
    decision = Hysteresis(settings(margin=0.9, uncertain_below=0.5))
    windows = probabilities(happy=0.6), probabilities(happy=0.24, sad=0.49)
    assert labels(decision, *windows) == [HAPPY, None]


def test_without_a_likely_label_there_is_none() -> None:
    windows = (
        probabilities(happy=0.29),
        probabilities(happy=0.6),
        EVEN,
        probabilities(sad=0.6),
    )
    assert labels(Hysteresis(settings()), *windows) == [None, HAPPY, None, SAD]


def test_a_label_stays_down_to_a_fraction_of_the_entry_threshold() -> None:
    decision = Hysteresis(settings(uncertain_below=0.6))
    held = HELD_SHARE * 0.6
    windows = (
        probabilities(happy=0.61),
        probabilities(happy=held + 0.01),
        probabilities(happy=held - 0.01),
        probabilities(happy=held + 0.01),
    )
    assert labels(decision, *windows) == [HAPPY, HAPPY, None, None]


def test_a_restart_withdraws_the_label() -> None:
    decision = Hysteresis(settings())
    labels(decision, probabilities(happy=0.6))
    decision.restart()
    assert decision.label is None
    assert labels(decision, probabilities(happy=0.29)) == [None]


def test_the_entry_threshold_falls_while_speech_fills_the_window() -> None:
    decision = Hysteresis(settings(uncertain_below=0.5, settling_seconds=2.0))
    entries: list[float | None] = []
    for speech_seconds in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        for score in (0.49, 0.501, 0.62, 0.63, 0.74, 0.751, 0.87, 0.88, 0.999):
            decision.restart()
            decision.update(probabilities(happy=score), 1.0, speech_seconds)
            if decision.label == HAPPY:
                entries.append(score)
                break
        else:
            entries.append(None)
    assert entries == [None, 0.88, 0.751, 0.63, 0.501, 0.501]


def test_a_label_that_is_there_stays_despite_little_speech() -> None:
    decision = Hysteresis(settings(uncertain_below=0.5, settling_seconds=2.0))
    decision.update(probabilities(happy=0.95), 1.0, 0.3)
    decision.update(probabilities(happy=0.5), 1.0, 0.5)
    assert decision.label == HAPPY


def test_an_unlikely_voice_needs_a_likelier_label() -> None:
    def least_voice(score: float) -> float:
        for voice in np.arange(0.0, 1.01, 0.05).round(2).tolist():
            decision = Hysteresis(settings(uncertain_below=0.5))
            decision.update(probabilities(happy=score), voice, 2.0)
            if decision.label is not None:
                return float(voice)
        return 2.0

    assert [least_voice(score) for score in (0.95, 0.7, 0.51)] == [0.55, 0.75, 1.0]


def test_a_label_disappears_with_the_voice() -> None:
    decision = Hysteresis(settings(uncertain_below=0.5))
    seen = []
    for voice in (1.0, 0.6, 0.3, 0.2):
        decision.update(probabilities(happy=0.9), voice, 2.0)
        seen.append(decision.label)
    assert seen == [HAPPY, HAPPY, HAPPY, None]


def test_the_voice_does_not_affect_which_label_it_is() -> None:
    for voice in (0.6, 0.8, 1.0):
        decision = Hysteresis(settings(margin=0.2, uncertain_below=0.3))
        decision.update(probabilities(happy=0.9), voice, 2.0)
        decision.update(probabilities(happy=0.3, sad=0.55), voice, 2.0)
        assert decision.label == SAD


def test_the_entry_threshold_must_settle_within_the_window() -> None:
    settings(settling_seconds=3.0).check_window(3.0)
    with pytest.raises(ValueError, match="settling_seconds must not exceed the window"):
        settings(settling_seconds=3.01).check_window(3.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"settling_seconds": -1},
        {"settling_seconds": float("nan")},
        {"margin": 1.1},
        {"margin": -0.1},
        {"uncertain_below": 1.5},
        {"uncertain_below": float("nan")},
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"smoothing\.|uncertain_below"):
        settings(**changes)
