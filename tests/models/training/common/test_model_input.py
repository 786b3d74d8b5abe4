"""The input of the training code is the input of the shipped models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotiond.dsp.mfcc import dct_matrix
from emotiond.inference.card import SAMPLE_RATE, load_card
from emotiond.models.training.common.model_input import (
    MINIMUM_FRAMES,
    PRIOR_SECONDS,
    RECIPE,
    WINDOW_FRAMES,
)

MODELS = Path(__file__).parents[4] / "models"


@pytest.mark.parametrize("name", ["full", "lite"])
def test_shipped_cards_have_the_same_input(name: str) -> None:
    card = load_card(MODELS / f"{name}.json")
    assert card.recipe == RECIPE
    assert (card.window_frames, card.minimum_frames) == (WINDOW_FRAMES, MINIMUM_FRAMES)
    assert card.adaptation is not None
    assert card.adaptation.prior_seconds == PRIOR_SECONDS


def test_the_graph_can_invert_the_dct() -> None:
    dct = dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc)
    np.testing.assert_allclose(dct @ dct.T, np.eye(RECIPE.n_mels), atol=1e-6)


def test_a_window_is_three_seconds_in_groups_of_four_frames() -> None:
    assert WINDOW_FRAMES * RECIPE.hop_length == 3 * SAMPLE_RATE
    assert WINDOW_FRAMES % 4 == 0
    assert 0 < MINIMUM_FRAMES < WINDOW_FRAMES
