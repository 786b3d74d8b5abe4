"""The exported models give what the trained networks give, however the sound comes in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

import tensorflow as tf

from emotiond.dsp.frontend import FrontEnd, WindowShape
from emotiond.dsp.mfcc import dct_matrix
from emotiond.inference.classifier import Classifier, softmax
from emotiond.inference.encoding import Encoding
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.common.model_input import MINIMUM_FRAMES, RECIPE, WINDOW_FRAMES
from emotiond.models.training.data.windows import STRIDE_SAMPLES, cut_windows
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.full import Network
from emotiond.models.training.networks.layers import constants
from emotiond.models.training.networks.lite import Spectrum
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.streams.pipeline import Pipeline
from tests.models.sounds import RATE, babble

SOUND = babble(3.6)
Array = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def full(full_model: Path) -> Classifier:
    return Classifier(read_model(full_model), find_runtime())


@pytest.fixture(scope="module")
def small(lite_model: Path) -> Classifier:
    return Classifier(read_model(lite_model), find_runtime())


def stepped(classifier: Classifier, chunks: Iterator[Chunk]) -> Iterator[tuple[int, Encoding]]:
    """The end of each stride, and the state of the encoder after it."""
    encoding = classifier.encoding()
    pipeline = Pipeline(classifier.card, encoding, classifier.speaker())
    for chunk in chunks:
        stride = pipeline.push(chunk)
        if pipeline.infer(stride, classifier) is not None:
            yield stride.end_sample, encoding


def whole_chunks(sound: Array, stride: int) -> Iterator[Chunk]:
    for start in range(0, sound.size, stride):
        yield Chunk(sound[start : start + stride], start, start == 0, start + stride >= sound.size)


def in_blocks(sound: Array, blocks: list[int]) -> Iterator[Chunk]:
    """Chunks of a ring that a source fills in blocks of these sizes, in turn."""
    ring = Ring(sound.size, 1, RATE)
    chunker = Chunker(ring, STRIDE_SAMPLES)
    at, turn = 0, 0
    while at < sound.size:
        ring.write(sound[at : at + blocks[turn % len(blocks)], None], 0.0)
        at, turn = at + blocks[turn % len(blocks)], turn + 1
        if at >= sound.size:
            ring.end()
        while (at >= sound.size or at - chunker_position(chunker) >= STRIDE_SAMPLES) and (
            chunk := chunker.next_chunk()
        ) is not None:
            yield chunk


def states_of(classifier: Classifier, chunks: Iterator[Chunk]) -> list[Array]:
    return [
        encoding.window()[0].copy() for _, encoding in stepped(classifier, chunks)
    ]
