"""The numbers of the models' input fit together."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.dsp.mfcc import dct_matrix
from emotiond.inference.card import SAMPLE_RATE
from emotiond.models.training.common.model_input import (
    CONTEXT_TOKENS,
    ENCODERS,
    FULL_ENCODER,
    LITE_ENCODER,
    MINIMUM_FRAMES,
    POSITIONS,
    RECIPE,
    TOKENS_PER_STATE,
    WINDOW_FRAMES,
)

FRAMES_PER_SECOND = SAMPLE_RATE // RECIPE.hop_length


def test_the_graph_can_invert_the_dct() -> None:
    dct = dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc)
    np.testing.assert_allclose(dct @ dct.T, np.eye(RECIPE.n_mels), atol=1e-6)


@pytest.mark.parametrize(("name", "seconds"), [("full", 2), ("lite", 3)])
def test_a_window_has_whole_states(name: str, seconds: int) -> None:
    frames, of_a_state = WINDOW_FRAMES[name], ENCODERS[name].frames_per_state
    assert frames == seconds * FRAMES_PER_SECOND // of_a_state * of_a_state
    assert frames > MINIMUM_FRAMES


@pytest.mark.parametrize("name", ENCODERS)
def test_one_call_encodes_what_a_stride_completes(name: str) -> None:
    shape = ENCODERS[name]
    completed = FRAMES_PER_SECOND // 4 / shape.frames_per_state
    assert completed <= shape.states_per_call < completed + 1


def test_a_state_of_lite_spans_whole_states_of_full() -> None:
    assert LITE_ENCODER.frames_per_state % FULL_ENCODER.frames_per_state == 0


def test_a_context_is_one_second_and_the_positions_last_for_30() -> None:
    tokens_per_second = FRAMES_PER_SECOND * TOKENS_PER_STATE // FULL_ENCODER.frames_per_state
    assert tokens_per_second == CONTEXT_TOKENS
    assert 30 * tokens_per_second == POSITIONS
    assert POSITIONS % TOKENS_PER_STATE == 0
