"""Call by call, the encoder gives the states of the whole speech."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.dsp.mfcc import Mfcc, dct_matrix  # noqa: E402
from emotiond.inference.encoding import Encoding  # noqa: E402
from emotiond.models.training.common.model_input import (  # noqa: E402
    CONTEXT_TOKENS,
    FULL_ENCODER,
    POSITIONS,
    RECIPE,
)
from emotiond.models.training.networks import encoder as network  # noqa: E402
from emotiond.models.training.networks.layers import Arrays, constants  # noqa: E402
from tests.models.sounds import babble  # noqa: E402
from tests.models.windows import latest  # noqa: E402

RANDOM = np.random.default_rng(0)
CALL = FULL_ENCODER.states_per_call
Mel = npt.NDArray[np.float32]
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def call(encoder: Arrays) -> Call:
    """One call of the encoder: features, position, count and past to its outputs."""
    parameters = constants(encoder)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def encode(features: Any, position: Any, count: Any, past: Any) -> Any:
        return network.encode_call(features, position, count, past, parameters)

    def run(
        mel: Mel, position: int, count: int, past: dict[str, npt.NDArray[np.float32]]
    ) -> dict[str, Any]:
        features = np.zeros((1, FULL_ENCODER.frames_per_call, RECIPE.n_mfcc), np.float32)
        features[0, : len(mel)] = mel @ dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc)
        scalars = (np.full((1, 1), number, np.float32) for number in (position, count))
        outputs = encode(
            tf.constant(features),
            *map(tf.constant, scalars),
            {name: tf.constant(array) for name, array in past.items()},
        )
        return {name: output.numpy() for name, output in outputs.items()}

    return run


def loud_at_first(states: int) -> Mel:
    """Log-mel powers of a speech, whose first frame is the loudest; some are below the clamp."""
    mel = RANDOM.uniform(-9.9, -1, (4 * states + 3, RECIPE.n_mels)).astype(np.float32)
    mel[0] = 0
    return mel


def by_calls(call: Call, mel: Mel, counts: Sequence[int]) -> tuple[Mel, Mel]:
    """States and levels of a speech in calls of so many states, in the daemon's own state."""
    n = sum(counts)
    encoding = Encoding(FULL_ENCODER, n, network.CHANNELS, network.past_shapes())
    for count in counts:
        frames = mel[4 * encoding.position :][: 4 * count + 3]
        outputs = call(frames, encoding.position, count, encoding.past)
        states, levels = outputs.pop("states")[0], outputs.pop("levels")[0]
        encoding.add(count, states, levels, outputs)
    return latest(encoding, n, network.CHANNELS)


def at_once(encoder: Arrays, mel: Mel, counts: Sequence[int]) -> Mel:
    """States of the whole speech; its tokens see what they see in calls of so many states."""
    call_of = np.repeat(np.arange(len(counts)), 2 * np.array(counts))
    tokens = np.arange(call_of.size)
    first = np.searchsorted(call_of, call_of)
    seen = (call_of[None] <= call_of[:, None]) & (tokens >= first[:, None] - CONTEXT_TOKENS)
    outputs = network.encode_streams(
        tf.constant(mel[None]),
        tf.constant(np.full((1, len(mel), 1), mel.max(), np.float32)),
        tf.constant(network.position_table()[None, tokens]),
        tf.constant(seen[None].astype(np.float32)),
        constants(encoder),
        tf.float32,
    )
    joined = np.concatenate([output.numpy()[0] for output in outputs], axis=1)
    states: Mel = joined.reshape(-1, 2, network.CHANNELS).mean(axis=1)
    return states


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, CALL), min_size=1, max_size=12))
def test_calls_of_any_size_give_the_states_of_the_whole_speech(
    call: Call, encoder: Arrays, counts: list[int]
) -> None:
    mel = loud_at_first(sum(counts))
    states, levels = by_calls(call, mel, counts)
    np.testing.assert_allclose(states, at_once(encoder, mel, counts), atol=2e-5, rtol=1e-5)
    loudest = mel[2:-1].max(axis=1).reshape(-1, 4).max(axis=1)
    np.testing.assert_allclose(levels, loudest + network.LEVEL_OFFSET, atol=1e-4)


def test_a_token_forgets_what_is_longer_ago_than_its_context(call: Call, encoder: Arrays) -> None:
    """Three blocks of 1 s reach back 3 s, in which one call more is rounded up."""
    counts = [CALL] * 16
    mel = loud_at_first(sum(counts))
    other = mel.copy()
    other[1:20] = other[1:20][::-1]
    states, _ = by_calls(call, mel, counts)
    changed, _ = by_calls(call, other, counts)
    reach = 3 * CONTEXT_TOKENS // 2 + 3 * CALL
    assert np.abs(states - changed)[:CALL].max() > 0.01
    np.testing.assert_allclose(changed[CALL + reach :], states[CALL + reach :], atol=1e-5)


def random_past() -> dict[str, npt.NDArray[np.float32]]:
    past = {
        name: RANDOM.standard_normal(shape).astype(np.float32)
        for name, shape in network.past_shapes().items()
    }
    return past | {"hold_loudest": np.full((1, 1), 10, np.float32)}


@pytest.mark.parametrize("position", [0, 1, 12, 24])
def test_rows_of_a_ring_that_are_not_yet_filled_are_not_seen(call: Call, position: int) -> None:
    mel, past = loud_at_first(CALL), random_past()
    emptied = {name: array.copy() for name, array in past.items()}
    for name, array in emptied.items():
        if name.startswith("ring"):
            array[:, 2 * position :] = 50
    states = call(mel, position, CALL, past)["states"]
    np.testing.assert_allclose(call(mel, position, CALL, emptied)["states"], states, atol=1e-5)
    if position:
        emptied["ring_0"][:, 0] = 50
        assert np.abs(call(mel, position, CALL, emptied)["states"] - states).max() > 1e-3


@pytest.mark.parametrize("count", [1, 6])
def test_frames_beyond_the_count_change_nothing(call: Call, count: int) -> None:
    mel, past = loud_at_first(CALL), random_past()
    louder = mel.copy()
    louder[4 * count + 3 :] = 2
    one, other = (call(frames, 40, count, past) for frames in (mel, louder))
    np.testing.assert_allclose(one["states"][0, :count], other["states"][0, :count], atol=1e-5)
    np.testing.assert_array_equal(one["hold_loudest"], other["hold_loudest"])
    np.testing.assert_allclose(
        one["ring_2"][:, : 2 * count], other["ring_2"][:, : 2 * count], atol=1e-5
    )


def test_positions_begin_anew_before_they_run_out(call: Call) -> None:
    mel, past = loud_at_first(CALL), random_past()
    at_30, again, later = (
        call(mel, position, CALL, past)["states"] for position in (30, 30 + POSITIONS // 2, 31)
    )
    np.testing.assert_array_equal(again, at_30)
    assert np.abs(later - at_30).max() > 1e-3


def test_the_clamp_follows_the_loudest_band_since_the_onset(call: Call) -> None:
    soft = np.full((4 * CALL + 3, RECIPE.n_mels), -9, np.float32)
    past = {name: np.zeros(shape, np.float32) for name, shape in network.past_shapes().items()}
    first = call(soft, 0, CALL, past)
    assert first["hold_loudest"] == pytest.approx(1, abs=1e-4)
    past["hold_loudest"][:] = 12
    after_loud = call(soft, 0, CALL, past)
    assert after_loud["hold_loudest"] == pytest.approx(12)
    assert np.abs(after_loud["states"] - first["states"]).max() > 1e-3


def test_the_graph_undoes_the_dct_exactly() -> None:
    frames_of = np.concatenate((np.zeros(1), babble(3.1)))
    mfcc = Mfcc(RECIPE, np.float64)
    frames = np.stack([frames_of[k * 160 : k * 160 + 401] for k in range(300)])
    expected = np.log10(np.maximum(mfcc.mel_powers(frames), 1e-10))
    mel = network.log_mel(tf.constant(mfcc(frames)[None], tf.float32))[0].numpy()
    np.testing.assert_allclose(mel, expected, atol=2e-4)


def test_the_input_of_whisper_spans_eight_decades() -> None:
    mel = tf.constant(np.linspace(-10, 1, 800, dtype=np.float32).reshape(1, 10, 80))
    scaled = network.whisper_input(mel, tf.constant(1.0)).numpy()
    assert scaled.max() == pytest.approx((1 + 4) / 4)
    assert scaled.min() == pytest.approx((1 - 8 + 4) / 4)


def test_the_table_of_positions_is_that_of_whisper() -> None:
    table = network.position_table()
    assert table.shape == (POSITIONS, network.WIDTH)
    np.testing.assert_array_equal(table[0], np.repeat([0, 1], network.WIDTH // 2))
    assert table[1, 0] == pytest.approx(np.sin(1))
    assert table[7, network.WIDTH // 2] == pytest.approx(np.cos(7), abs=1e-6)


def test_there_are_parameters_for_every_block(encoder: Arrays) -> None:
    blocks = {name.split("/")[0] for name in encoder if name[0].isdigit()}
    assert blocks == {str(number) for number in range(network.BLOCKS)}
    assert {array.dtype for array in encoder.values()} == {np.dtype(np.float32)}
