"""Layers compute what their formulas say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.networks import layers  # noqa: E402

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(1, 7), st.integers(1, 5), st.integers(1, 6))
def test_dense_multiplies_the_last_axis(batch: int, steps: int, inputs: int, outputs: int) -> None:
    x, kernel, bias = normal(batch, steps, inputs), normal(inputs, outputs), normal(outputs)
    np.testing.assert_allclose(
        layers.dense(tf.constant(x), tf.constant(kernel), bias), x @ kernel + bias, atol=1e-5
    )
    np.testing.assert_allclose(
        layers.dense(tf.constant(x), tf.constant(kernel)), x @ kernel, atol=1e-5
    )


def test_dense_takes_two_dimensions_as_well() -> None:
    x, kernel, bias = normal(5, 3), normal(3, 2), normal(2)
    product = layers.dense(tf.constant(x), tf.constant(kernel), bias)
    np.testing.assert_allclose(product, x @ kernel + bias, atol=1e-5)


def test_normalising_gives_the_mean_zero_and_the_deviation_one() -> None:
    normed = layers.normalise(tf.constant(5 + 3 * normal(2, 3, 64))).numpy()
    np.testing.assert_allclose(normed.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(normed.std(axis=-1), 1, atol=1e-3)


def test_hard_swish_is_0_below_minus_3_and_the_identity_above_3() -> None:
    x = tf.constant([-4.0, -3.0, 0.0, 3.0, 4.0])
    np.testing.assert_allclose(layers.hard_swish(x), [0, 0, 0, 3, 4], atol=1e-6)


def test_gelu_has_the_tanh_form() -> None:
    x = np.linspace(-6, 6, 101, dtype=np.float32)
    expected = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(layers.gelu(tf.constant(x)), expected, atol=1e-5)


def test_parameters_keep_their_names_and_values() -> None:
    arrays = {"in/kernel": normal(2, 3), "in/bias": normal(3)}
    variables = {name: tf.Variable(array) for name, array in arrays.items()}
    variables["in/bias"].assign_add(np.ones(3, np.float32))
    values = layers.values(layers.constants(layers.values(variables)))
    assert values.keys() == arrays.keys()
    np.testing.assert_array_equal(values["in/kernel"], arrays["in/kernel"])
    np.testing.assert_array_equal(values["in/bias"], arrays["in/bias"] + 1)
