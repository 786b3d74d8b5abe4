from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.types import FloatArray
from emotiond.inference.smoothing.hmm_smoother import HmmSettings, HmmSmoother
from emotiond.inference.smoothing.hysteresis import HELD_SHARE

HAPPY, SAD, ANGRY = 2, 3, 4
EVEN = np.full(8, 1 / 8, np.float32)


def settings(**changes: float) -> HmmSettings:
    values = {
        "persistence_seconds": 10.0,
        "evidence_seconds": 1.0,
        "margin": 0.2,
        "uncertain_below": 0.3,
        "settling_seconds": 0.0,
        "sharpness": 1.0,
    }
    return HmmSettings(**(values | changes))


def posteriors(**scores: float) -> FloatArray:
    """Return posteriors. The labels that are not named share the rest."""
    indices = {"happy": HAPPY, "sad": SAD, "angry": ANGRY}
    values = np.full(8, (1 - sum(scores.values())) / (8 - len(scores)))
    for name, score in scores.items():
        values[indices[name]] = score
    return values.astype(np.float32)


def labels(smoother: HmmSmoother, *windows: FloatArray, stride: float = 0.25) -> list[int | None]:
    decided = []
    for window in windows:
        smoother.update(window, 1.0, stride, min(stride, 2.0), 2.0)
        decided.append(smoother.label)
    return decided


def score(smoother: HmmSmoother, label: int) -> float:
    assert smoother.scores is not None
    return float(smoother.scores[label])


def windows_until(label: int, smoother: HmmSmoother, window: FloatArray) -> int:
    """How many such windows it takes."""
    return next(n for n in range(1, 100) if labels(smoother, window) == [label])


def test_the_first_window_decides_at_once() -> None:
    smoother = HmmSmoother(settings())
    assert labels(smoother, posteriors(happy=0.6)) == [HAPPY]
    assert smoother.scores == pytest.approx(posteriors(happy=0.6))


def test_windows_that_agree_raise_the_score() -> None:
    smoother = HmmSmoother(settings())
    labels(smoother, *[posteriors(happy=0.4)] * 8)
    assert score(smoother, HAPPY) > 0.8


def test_one_window_that_disagrees_does_not_change_the_label() -> None:
    decided = labels(HmmSmoother(settings()), *[posteriors(happy=0.6)] * 8, posteriors(sad=0.6))
    assert set(decided) == {HAPPY}


def test_several_windows_that_disagree_change_the_label() -> None:
    smoother = HmmSmoother(settings())
    labels(smoother, *[posteriors(happy=0.6)] * 8)
    assert 1 < windows_until(SAD, smoother, posteriors(sad=0.6)) < 12


def test_the_longer_an_emotion_is_thought_to_last_the_longer_another_takes() -> None:
    def needed(persistence_seconds: float) -> int:
        smoother = HmmSmoother(settings(persistence_seconds=persistence_seconds))
        labels(smoother, *[posteriors(happy=0.6)] * 40)
        return windows_until(SAD, smoother, posteriors(sad=0.6))

    assert needed(1) < needed(10) < needed(1000)


def test_the_end_of_speech_withdraws_the_label_but_keeps_the_posteriors() -> None:
    smoother = HmmSmoother(settings())
    labels(smoother, *[posteriors(happy=0.6)] * 8)
    smoother.end_speech()
    assert smoother.label is None
    assert smoother.scores is None
    labels(smoother, posteriors(happy=0.3, sad=0.31))
    assert score(smoother, HAPPY) > score(smoother, SAD)


def test_a_long_pause_forgets_the_posteriors() -> None:
    smoother = HmmSmoother(settings())
    labels(smoother, *[posteriors(happy=0.6)] * 8)
    smoother.end_speech()
    labels(smoother, posteriors(sad=0.6), stride=300.0)
    assert smoother.scores == pytest.approx(posteriors(sad=0.6), abs=1e-6)


def test_a_minute_in_one_fades_as_sixty_seconds_do() -> None:
    def happy_after(*pauses: float) -> float:
        smoother = HmmSmoother(settings())
        labels(smoother, *[posteriors(happy=0.6)] * 8)
        for pause in pauses:
            smoother.update(EVEN, 1.0, pause, 0.0, 2.0)
        return score(smoother, HAPPY)

    assert happy_after(6.0) == pytest.approx(happy_after(*[0.1] * 60), rel=1e-3)


def test_no_new_speech_changes_no_score() -> None:
    once, again = HmmSmoother(settings()), HmmSmoother(settings())
    for smoother, times in ((once, 1), (again, 9)):
        smoother.update(posteriors(happy=0.5), 1.0, 0.25, 0.25, 0.5)
        for _ in range(times):
            smoother.update(posteriors(happy=0.5), 1.0, 0.0, 0.0, 0.5)
    assert again.scores == pytest.approx(once.scores)


def test_a_window_counts_once_at_most_however_long_it_is() -> None:
    whole, longer = HmmSmoother(settings()), HmmSmoother(settings())
    whole.update(posteriors(happy=0.5), 1.0, 1.0, 1.0, 1.0)
    longer.update(posteriors(happy=0.5), 1.0, 3.0, 3.0, 3.0)
    for smoother in (whole, longer):
        smoother.update(EVEN, 1.0, 0.0, 3.0, 3.0)
    assert longer.scores == pytest.approx(whole.scores)
    assert score(longer, HAPPY) > score(longer, SAD)


def test_speech_counts_by_the_last_window_that_holds_it() -> None:
    smoother = HmmSmoother(settings())
    smoother.update(posteriors(sad=0.6), 1.0, 0.5, 0.5, 0.5)
    smoother.update(posteriors(happy=0.6), 1.0, 0.5, 0.5, 1.0)
    smoother.end_speech()
    smoother.update(EVEN, 1.0, 1.0, 1.0, 1.0)
    assert score(smoother, HAPPY) > 2 * score(smoother, SAD)
    assert score(smoother, SAD) == pytest.approx(score(smoother, ANGRY))


def test_speech_that_has_left_a_sliding_window_still_counts() -> None:
    smoother = HmmSmoother(settings())
    smoother.update(posteriors(sad=0.6), 1.0, 1.0, 1.0, 1.0)
    smoother.update(EVEN, 1.0, 0.5, 0.5, 1.0)
    half = score(smoother, SAD)
    smoother.update(EVEN, 1.0, 0.5, 0.5, 1.0)
    assert half == pytest.approx(score(smoother, SAD), abs=0.02)
    assert 1 / 8 < half < 0.6


def test_a_label_with_a_posterior_of_zero_can_return() -> None:
    smoother = HmmSmoother(settings(persistence_seconds=1e12, evidence_seconds=0.01))
    labels(smoother, *[np.eye(8, dtype=np.float32)[HAPPY]] * 50)
    assert windows_until(SAD, smoother, posteriors(sad=0.9)) < 10


def test_a_restart_forgets_everything() -> None:
    smoother = HmmSmoother(settings())
    labels(smoother, *[posteriors(happy=0.6)] * 8)
    smoother.restart()
    assert smoother.scores is None
    assert smoother.label is None
    assert labels(smoother, posteriors(sad=0.6)) == [SAD]
    assert smoother.scores == pytest.approx(posteriors(sad=0.6))


def test_the_label_does_not_depend_on_the_voice() -> None:
    def named(voice: float) -> int | None:
        smoother = HmmSmoother(settings(margin=0.9, uncertain_below=0.5))
        labels(smoother, *[posteriors(happy=0.6)] * 8)
        for _ in range(40):
            smoother.update(posteriors(sad=0.9), voice, 0.25, 0.25, 2.0)
        return smoother.label

    assert [named(voice) for voice in (0.6, 0.8, 1.0)] == [SAD] * 3


def test_sharpness_softens_scores_but_not_labels() -> None:
    bold, modest = HmmSmoother(settings()), HmmSmoother(settings(sharpness=0.5))
    for window in [*[posteriors(happy=0.5)] * 6, *[posteriors(sad=0.6)] * 6]:
        assert labels(bold, window) == labels(modest, window)
        assert bold.scores is not None
        assert modest.scores is not None
        assert modest.scores.sum() == pytest.approx(1)
        assert modest.scores.max() < bold.scores.max()
        assert modest.scores.argmax() == bold.scores.argmax()


@given(st.integers(1, 20))
def test_scores_do_not_depend_on_the_stride(parts: int) -> None:
    """Except for the little that fades between parts of a second."""
    lasting = settings(persistence_seconds=1e6)
    coarse, fine = HmmSmoother(lasting), HmmSmoother(lasting)
    labels(coarse, posteriors(happy=0.3), EVEN, stride=1.0)
    labels(fine, *[posteriors(happy=0.3)] * parts, EVEN, stride=1.0 / parts)
    assert fine.scores == pytest.approx(coarse.scores, abs=1e-4)


windows = st.lists(
    st.lists(st.floats(0, 1), min_size=8, max_size=8)
    .filter(lambda values: sum(values) > 0)
    .map(lambda values: np.array(values) / sum(values)),
    min_size=1,
    max_size=40,
)


any_settings = st.builds(
    HmmSettings,
    persistence_seconds=st.floats(0.01, 1e4),
    evidence_seconds=st.floats(0.01, 100),
    margin=st.floats(0, 0.9),
    uncertain_below=st.floats(0, 1),
    settling_seconds=st.floats(0, 2),
    sharpness=st.floats(0.01, 1),
)


@given(windows, any_settings, st.floats(0, 1), st.floats(0, 100))
def test_scores_stay_posteriors_and_labels_keep_their_promises(
    stream: list[FloatArray], settings: HmmSettings, voice: float, stride: float
) -> None:
    smoother = HmmSmoother(settings)
    former: int | None = None
    for number, window in enumerate(stream, 1):
        smoother.update(window, voice, stride, min(stride, number / 4), number / 4)
        scores, label = smoother.scores, smoother.label
        assert scores is not None
        assert scores.min() > 0
        assert scores.sum() == pytest.approx(1)
        belief = scores ** (1 / settings.sharpness)
        belief /= belief.sum()
        lead = belief.max() - belief
        appears_at = settings.entry_threshold(number / 4)
        kept_at = HELD_SHARE * settings.uncertain_below
        if label is None:
            assert voice * belief.max() <= appears_at + 1e-6
        elif label == former:
            assert voice * belief[label] >= min(kept_at, appears_at) - 1e-6
            assert lead[label] <= settings.margin + 1e-6
        else:
            assert scores[label] == scores.max()
            assert voice * belief[label] >= appears_at - 1e-6
        if former is not None and label != former:
            assert (
                lead[former] >= settings.margin - 1e-6 or voice * belief[former] <= kept_at + 1e-6
            )
        former = label


@pytest.mark.parametrize(
    "changes",
    [
        {"persistence_seconds": 0},
        {"persistence_seconds": float("nan")},
        {"evidence_seconds": 0},
        {"evidence_seconds": -1},
        {"sharpness": 0},
        {"sharpness": 1.1},
        {"sharpness": float("nan")},
        {"margin": 1.1},
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"smoothing|uncertain_below"):
        settings(**changes)
