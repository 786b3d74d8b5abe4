from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.recipe import Recipe
from tests.support.signals import speech_recipe


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sample_rate": 0}, "sample_rate"),
        ({"frame_length": 0}, "frame_length"),
        ({"hop_length": -1}, "hop_length"),
        ({"n_fft": 0}, "n_fft"),
        ({"n_mels": 0}, "n_mels"),
        ({"n_mfcc": 0}, "n_mfcc"),
        ({"n_mfcc": 41}, "n_mfcc"),
        ({"window": "kaiser"}, "window"),
        ({"mel_scale": "bark"}, "mel_scale"),
        ({"spectrum": "magnitude"}, "spectrum"),
        ({"logarithm": "log2"}, "logarithm"),
        ({"floor": "none"}, "floor"),
        ({"low_hz": -1.0}, "low_hz"),
        ({"low_hz": 4000.0, "high_hz": 4000.0}, "low_hz < high_hz"),
        ({"high_hz": 8000.1}, "high_hz"),
        ({"high_hz": math.nan}, "high_hz"),
        ({"log_floor": 0.0}, "log_floor"),
        ({"log_floor": math.inf}, "log_floor"),
        ({"pre_emphasis": math.nan}, "pre_emphasis"),
        ({"pre_emphasis": 1.5}, "pre_emphasis"),
        ({"lifter": -1}, "lifter"),
    ],
)
def test_an_impossible_recipe_is_refused_by_the_name_of_its_fault(
    changes: dict[str, object], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        speech_recipe(**changes)


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        speech_recipe().n_fft = 1024  # type: ignore[misc]


@given(st.integers(1, 50), st.integers(1, 80), st.integers(0, 400))
def test_frames_are_counted_and_placed_as_one_would_by_hand(
    frame_length: int, hop_length: int, samples: int
) -> None:
    recipe = Recipe(16_000, frame_length, hop_length, 64, 1, 1)
    by_hand = [k for k in range(0, samples, hop_length) if k + frame_length <= samples]
    assert recipe.frames_in(samples) == len(by_hand)
    assert recipe.end_of(len(by_hand)) == (by_hand[-1] + frame_length if by_hand else 0)
