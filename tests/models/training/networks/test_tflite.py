"""The exported models give what the trained networks give, however the sound comes in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from emotiond.dsp.frontend import FrontEnd, WindowShape
from emotiond.dsp.mfcc import dct_matrix
from emotiond.inference.classifier import Classifier, softmax
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.common.model_input import MINIMUM_FRAMES, RECIPE, WINDOW_FRAMES
from emotiond.models.training.data.windows import STRIDE_SAMPLES, cut_windows
from emotiond.models.training.networks import encoder, lite
from emotiond.models.training.networks.full import Network, statistics_of
from emotiond.models.training.networks.heads import classify
from emotiond.models.training.networks.layers import constants
from emotiond.models.training.networks.lite import Spectrum
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.streams.pipeline import Pipeline
from tests.models.sounds import RATE, babble
from tests.models.windows import latest

SOUND = babble(3.6)
SHAPES = {"full": (50, encoder.CHANNELS), "lite": (37, lite.CHANNELS)}
"""States of a window, and values of a state."""
Array = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def full(full_model: Path) -> Classifier:
    return Classifier(read_model(full_model), find_runtime())


@pytest.fixture(scope="module")
def small(lite_model: Path) -> Classifier:
    return Classifier(read_model(lite_model), find_runtime())


def chunks_of(sound: Array, blocks: Sequence[int], stride: int = STRIDE_SAMPLES) -> Iterator[Chunk]:
    """Chunks of a ring that a source fills in blocks of these sizes, in turn."""
    ring = Ring(sound.size, 1, RATE)
    chunker = Chunker(ring, stride)
    at = 0
    for size in itertools.cycle(blocks):
        if at >= sound.size:
            ring.end()
        else:
            ring.write(sound[at : at + size, None], 0.0)
            at += size
        while (chunk := chunker.next_chunk()) is not None:
            yield chunk
            if chunk.last:
                return


def windows_of(classifier: Classifier, chunks: Iterator[Chunk]) -> list[tuple[Array, Array]]:
    """States and levels of each window, as the daemon's pipeline computes them."""
    encoding = classifier.encoding()
    pipeline = Pipeline(classifier.card, encoding, classifier.speaker())
    found = []
    for chunk in chunks:
        stride = pipeline.push(chunk)
        if chunk.samples.size and pipeline.infer(stride, classifier) is not None:
            found.append(latest(encoding, *SHAPES[classifier.card.name]))
    return found


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(100, 9000), min_size=1, max_size=4))
def test_states_are_the_same_to_the_bit_for_any_blocks_of_the_source(
    full: Classifier, small: Classifier, blocks: list[int]
) -> None:
    for classifier in (full, small):
        expected = windows_of(classifier, chunks_of(SOUND, [STRIDE_SAMPLES]))
        found = windows_of(classifier, chunks_of(SOUND, blocks))
        assert len(expected) > 5
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("stride", [1600, 8000])
def test_states_of_lite_do_not_depend_on_the_stride(small: Classifier, stride: int) -> None:
    sound = SOUND[: 6 * 8000]  # ends at the same frame for both
    expected, found = (
        windows_of(small, chunks_of(sound, [sound.size], length))[-1]
        for length in (STRIDE_SAMPLES, stride)
    )
    np.testing.assert_allclose(found[0], expected[0], atol=2e-3)  # features differ by 1e-4
    np.testing.assert_allclose(found[1], expected[1], atol=1e-3)


def test_exported_full_gives_the_posteriors_of_the_trained_heads(
    full: Classifier, network: Network
) -> None:
    encoding = full.encoding()
    for window in cut_windows(front_end("full"), SOUND):
        prediction = full.infer(window, encoding, None)
        states, levels = (part[None] for part in latest(encoding, *SHAPES["full"]))
        logits = network.label_logits(states.astype(np.float16), levels)
        # the heads become int8 on the way
        np.testing.assert_allclose(prediction.posteriors, softmax(logits)[0], atol=0.01)
        expected = statistics_of(states.astype(np.float16), levels, network.population)
        np.testing.assert_allclose(prediction.statistics, expected[0], atol=0.01)


def test_exported_lite_gives_the_states_and_posteriors_of_the_trained_network(
    small: Classifier, spectrum: Spectrum
) -> None:
    encoding, parameters = small.encoding(), constants(lite.new_network(0))
    features: list[Array] = []
    for window in cut_windows(front_end("lite"), SOUND):
        prediction = small.infer(window, encoding, None)
        new_frames = window.end_frame - window.first_frame - len(features)
        features.extend(window.features[-new_frames:].copy())
    states, levels = (tf.constant(part[None]) for part in latest(encoding, *SHAPES["lite"]))
    spoken = np.array(features[: len(features) // 8 * 8])
    mel = (spoken @ dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T)[None].astype(np.float32)
    loudest = np.maximum.accumulate(lite.levels_of(tf.constant(mel)), axis=1)
    trained, trained_levels = lite.encode_streams(tf.constant(mel), loudest, parameters, spectrum)
    n, _ = SHAPES["lite"]
    assert trained.shape[1] > n  # the window is the end of the speech
    np.testing.assert_allclose(states, trained[:, -n:], atol=0.02)  # weights become float16
    np.testing.assert_allclose(levels, trained_levels[:, -n:], atol=5e-3)
    cold = tf.zeros((1, lite.SPEAKER_SIZE))
    pooled = lite.pooled_states(states, levels, cold, parameters, 0.0)
    logits = classify(pooled, parameters, 0.0).numpy()[0]
    np.testing.assert_allclose(prediction.posteriors, softmax(logits), atol=1e-3)
    expected = lite.statistics(states, levels, spectrum)[0]
    np.testing.assert_allclose(prediction.statistics, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["full", "lite"])
def test_a_window_with_a_voice_is_one(full: Classifier, small: Classifier, name: str) -> None:
    classifier = {"full": full, "lite": small}[name]
    window = next(iter(cut_windows(front_end(name), SOUND)))
    assert classifier.infer(window, classifier.encoding(), None).voice > 0.9


def front_end(model: str) -> FrontEnd:
    return FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES[model], MINIMUM_FRAMES))


@pytest.mark.parametrize("model", ["full_model", "lite_model"])
def test_no_operator_copies_value_by_value(model: str, request: pytest.FixtureRequest) -> None:
    graph = flatbuffer_utils.read_model(str(request.getfixturevalue(model)))
    operators = {code.builtinCode for code in graph.operatorCodes}
    assert schema.BuiltinOperator.CONCATENATION in operators
    assert schema.BuiltinOperator.STRIDED_SLICE not in operators
