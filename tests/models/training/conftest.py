"""Exported models with random weights, made once; they need TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emotiond.models.training.common.cards import UNFITTED, write_card
from tests.models.weights import random_whisper

if TYPE_CHECKING:
    from emotiond.models.training.networks.frozen import FrozenEncoder
    from emotiond.models.training.networks.full import Network
    from emotiond.models.training.networks.layers import Arrays
    from emotiond.models.training.networks.lite import Spectrum

RANDOM = np.random.default_rng(5)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Steps without graphs: for a few steps, tracing takes most of the time.

    ``test_train`` and ``test_distill`` trace every network.
    """
    tensorflow = pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def encoder() -> Arrays:
    """Parameters of an untrained encoder."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
    pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")
    from emotiond.models.training.networks.encoder import encoder_parameters

    return encoder_parameters(random_whisper())


@pytest.fixture(scope="session")
def frozen(encoder: Arrays) -> FrozenEncoder:
    """The encoder in the arithmetic of the exported model."""
    from emotiond.models.training.networks.frozen import FrozenEncoder

    return FrozenEncoder(encoder)


@pytest.fixture(scope="session")
def network(encoder: Arrays) -> Network:
    """Untrained heads."""
    from emotiond.models.training.networks import full
    from emotiond.models.training.networks.heads import CHANNELS, HeadSize, describe_population

    states = RANDOM.standard_normal((20, 50, CHANNELS)).astype(np.float16)
    population = describe_population(states, np.full((20, 50), 5, np.float32))
    return full.Network.new(population, HeadSize(2, 16, 12), seed=0)


@pytest.fixture(scope="session")
def full_model(encoder: Arrays, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported ``full``."""
    from emotiond.models.training.networks.heads import CHANNELS, SPEAKER_SIZE
    from emotiond.models.training.networks.tflite import export_full

    expression = np.zeros((8, SPEAKER_SIZE), np.float32)
    content = export_full(network, expression, _detector(2 * CHANNELS), encoder)
    return _written(tmp_path_factory.mktemp("full") / "full.tflite", content)


@pytest.fixture(scope="session")
def whole_model(
    encoder: Arrays, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A ``full`` of which no part is zero, since the converter leaves out what is."""
    import tensorflow as tf

    from emotiond.models.training.networks.full import Network
    from emotiond.models.training.networks.heads import CHANNELS, SPEAKER_SIZE
    from emotiond.models.training.networks.tflite import export_full

    random = np.random.default_rng(2)

    def small(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return 0.05 * random.standard_normal(shape).astype(np.float32)

    linear = {"kernel": tf.Variable(small(SPEAKER_SIZE, 8)), "bias": tf.Variable(small(8))}
    heads = [
        {name: tf.Variable(variable + 0.01) for name, variable in head.items()}
        for head in network.heads
    ]
    changed = Network(network.population, heads, linear)
    content = export_full(changed, small(8, SPEAKER_SIZE), _detector(2 * CHANNELS), encoder)
    return _written(tmp_path_factory.mktemp("whole") / "full.tflite", content)


@pytest.fixture(scope="session")
def spectrum() -> Spectrum:
    """Moments of a plausible input of ``lite``."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
    from emotiond.models.training.networks.lite import BANDS, Spectrum

    return Spectrum(
        np.linspace(-2, -4, BANDS, dtype=np.float32),
        np.linspace(1, 2, BANDS, dtype=np.float32),
        np.zeros(BANDS, np.float32),
    )


@pytest.fixture(scope="session")
def lite_model(spectrum: Spectrum, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported ``lite``."""
    from emotiond.models.training.networks import lite
    from emotiond.models.training.networks.layers import constants
    from emotiond.models.training.networks.tflite import export_lite

    parameters = constants(lite.new_network(0))
    content = export_lite(parameters, _detector(2 * lite.WIDTH), spectrum)
    return _written(tmp_path_factory.mktemp("lite") / "lite.tflite", content)


def _detector(inputs: int) -> Arrays:
    """A detector that finds a voice in every window."""
    shapes = {"in/kernel": (inputs, 4), "in/bias": (4,), "out/kernel": (4, 1), "out/bias": (1,)}
    arrays = {
        name: 0.001 * RANDOM.standard_normal(shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    return arrays | {"out/bias": np.full(1, 4, np.float32)}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    write_card(path, UNFITTED, {})
    return path
