"""Reads the parameters of a shipped ``full.tflite`` back, so that training can go on from it.

Its weights are int8. The floats that come back are the centres of the int8 steps, so an export
quantises them to the same integers, and the encoder gives the same states to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from emotiond.exceptions import DataError
from emotiond.models.training.networks.encoder import BLOCKS, CHANNELS, WIDTH
from emotiond.models.training.networks.expression import KNOWN_SHARE
from emotiond.models.training.networks.full import Network
from emotiond.models.training.networks.heads import LINEAR_SCALE, N_LABELS, Population
from emotiond.models.training.networks.layers import Arrays

_MOST = 127
"""Largest int8 of every channel that the converter quantises."""
_ROUNDS = 4
_OPERATORS = {number: name for name, number in vars(schema.BuiltinOperator).items()}
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shipped:
    """The parameters of a ``full``, as :func:`tflite.export_full` takes them."""

    digest: str
    """SHA-256 of the file."""
    encoder: Arrays
    """See ``encoder.encoder_parameters``."""
    population: Population
    heads: list[Arrays]
    linear: Arrays
    detector: Arrays
    expression: Array

    def network(self) -> Network:
        """Return the heads as new variables, to train on."""
        heads = [{name: tf.Variable(a) for name, a in head.items()} for head in self.heads]
        linear = {name: tf.Variable(array) for name, array in self.linear.items()}
        return Network(self.population, heads, linear)


def read_shipped(path: Path) -> Shipped:
    """Read a ``full.tflite`` that ``train`` wrote.

    Raises:
        DataError: the file is missing, or no such model.
    """
    try:
        content = path.read_bytes()
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        encode, classify = (_Graph(model, name) for name in (b"encode", b"classify"))
        return Shipped(
            digest=hashlib.sha256(content).hexdigest(),
            encoder=_encoder(encode),
            population=_population(classify),
            heads=_heads(classify),
            linear=_linear(classify),
            detector=_detector(classify),
            expression=_expression(classify),
        )
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror})", _REMEDY) from error
    except Exception as error:  # the reader of the format raises whatever its bytes lead to
        raise DataError(f"{path} is no full.tflite of emotiond", _REMEDY) from error


_REMEDY = "Give the full.tflite of emotiond's folder models/ to --start"


@dataclass(frozen=True)
class _Dense:
    """A matrix product of a graph."""

    source: int
    """Number of its input tensor."""
    output: int
    kernel: Array
    """``(in, out)``."""
    bias: Array | None
    quantised: bool


class _Graph:
    """The operators of one signature."""

    def __init__(self, model: Any, signature: bytes) -> None:
        self._model = model
        (entry,) = (s for s in model.signatureDefs if s.signatureKey == signature)
        self._graph = model.subgraphs[entry.subgraphIndex]
        self.input = {
            bytes(i.name).decode(): i.tensorIndex for i in entry.inputs
        }  # by the names of the signature

    def operators(self, *kinds: str) -> Iterator[tuple[str, Any]]:
        """Yield the operators of these kinds, in order, each with its kind."""
        for operator in self._graph.operators:
            code = self._model.operatorCodes[operator.opcodeIndex]
            kind = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if kind in kinds:
                yield kind, operator

    def dense(self) -> list[_Dense]:
        """Return all matrix products with constant weights, in order."""
        return [self._as_dense(op) for _, op in self.operators("FULLY_CONNECTED")]

    def producer(self, tensor: int, *kinds: str) -> Any | None:
        """Return the operator of one of these kinds that makes a tensor."""
        return next((op for _, op in self.operators(*kinds) if tensor in op.outputs), None)

    def follow(self, tensor: int, *kinds: str) -> Any:
        """Follow a tensor through consumers of these kinds; return the last one."""
        for kind in kinds:
            operator = next(op for _, op in self.operators(kind) if tensor in op.inputs)
            tensor = operator.outputs[0]
        return operator

    def dense_after(self, tensor: int, *kinds: str) -> _Dense:
        """Return the matrix product that :meth:`follow` comes to."""
        return self._as_dense(self.follow(tensor, *kinds, "FULLY_CONNECTED"))

    def constant(self, number: int) -> Array:
        """Return a constant tensor as floats."""
        tensor = self._graph.tensors[number]
        data = bytes(self._model.buffers[tensor.buffer].data)
        if tensor.type != schema.TensorType.INT8:
            return np.frombuffer(data, np.float32).reshape(tensor.shape).copy()
        scales = np.asarray(tensor.quantization.scale, np.float32)
        return _dequantised(np.frombuffer(data, np.int8).reshape(tensor.shape), scales)

    def _as_dense(self, operator: Any) -> _Dense:
        source, weights, bias = operator.inputs
        return _Dense(
            int(source),
            int(operator.outputs[0]),
            np.ascontiguousarray(self.constant(weights).T),
            self.constant(bias) if bias >= 0 else None,
            self._graph.tensors[weights].type == schema.TensorType.INT8,
        )


def _dequantised(integers: npt.NDArray[np.int8], scales: Array) -> Array:
    """Return floats from which the converter finds the same scales and integers.

    Args:
        integers: weights, ``(out, in)``.
        scales: the step of each row, ``(out,)``.
    """
    # The converter's scale is the largest float / 127; 127 steps may be off by one bit.
    largest = np.float32(_MOST) * scales
    for _ in range(_ROUNDS):
        found = largest / np.float32(_MOST)
        largest = np.where(found < scales, np.nextafter(largest, np.float32(np.inf)), largest)
        largest = np.where(found > scales, np.nextafter(largest, np.float32(0)), largest)
    ends = np.abs(integers.astype(np.int32)) == _MOST
    steps = integers.astype(np.float32) * scales[:, None]
    floats = np.where(ends, np.sign(integers) * largest[:, None], steps)
    return np.asarray(floats, np.float32)


def _encoder(graph: _Graph) -> Arrays:
    names = ["conv1", "conv2"]
    for number in range(BLOCKS):
        names += [f"{number}/{part}" for part in ("attn_qkv", "attn_out", "mlp_in", "mlp_out")]
    # The inverse DCT, which the code makes itself, is not quantised.
    layers = [layer for layer in graph.dense() if layer.quantised]
    arrays: Arrays = {}
    for name, layer in zip(names, layers, strict=True):
        arrays |= _named(name, layer)
    _expect(arrays["conv2/kernel"].shape == (3 * WIDTH, WIDTH))
    return arrays


def _population(graph: _Graph) -> Population:
    """Find the moments: they are subtracted from the states, multiplied, and subtracted again."""
    centred = graph.follow(graph.input["states"], "SUB")
    scaled = graph.follow(centred.outputs[0], "MUL")
    logarithm = next(op for _, op in graph.operators("LOG"))
    logs = graph.follow(logarithm.outputs[0], "SUB")
    mean, scale, log_deviation = (graph.constant(op.inputs[1]) for op in (centred, scaled, logs))
    _expect(mean.shape == scale.shape == log_deviation.shape == (CHANNELS,))
    return Population(mean, np.float32(1) / scale, log_deviation)


def _heads(graph: _Graph) -> list[Arrays]:
    heads = []
    for first in graph.dense():
        if first.kernel.shape[0] != CHANNELS:
            continue
        hidden_states = graph.follow(first.output, "GELU").outputs[0]
        query = graph.dense_after(hidden_states)
        hidden = graph.dense_after(hidden_states, "BATCH_MATMUL", "RESHAPE", "CONCATENATION")
        out = graph.dense_after(hidden.output, "GELU")
        layers = {"in": first, "query": query, "hidden": hidden, "out": out}
        head: Arrays = {}
        for name, layer in layers.items():
            head |= _named(name, layer)
        _expect(out.kernel.shape[1] == N_LABELS)
        heads.append(head)
    _expect(bool(heads))
    return heads


def _linear(graph: _Graph) -> Arrays:
    (layer,) = (found for found in _of_statistics(graph) if found.kernel.shape[1] == N_LABELS)
    arrays = _named("linear", layer)
    # The converter multiplies the kernel by the scale.
    return {"kernel": arrays["linear/kernel"] / LINEAR_SCALE, "bias": arrays["linear/bias"]}


def _detector(graph: _Graph) -> Arrays:
    (layer,) = (found for found in _of_statistics(graph) if found.kernel.shape[1] != N_LABELS)
    return _named("in", layer) | _named("out", graph.dense_after(layer.output, "GELU"))


def _of_statistics(graph: _Graph) -> list[_Dense]:
    """Return the products on two moments of each channel."""
    return [layer for layer in graph.dense() if layer.kernel.shape[0] == 2 * CHANNELS]


def _expression(graph: _Graph) -> Array:
    (layer,) = (
        layer
        for layer in graph.dense()
        if layer.kernel.shape == (N_LABELS, 2 * CHANNELS)
        and graph.producer(layer.source, "SOFTMAX")
    )
    return np.asarray(layer.kernel * KNOWN_SHARE, np.float32)


def _named(name: str, layer: _Dense) -> Arrays:
    named = {f"{name}/kernel": layer.kernel}
    return named if layer.bias is None else named | {f"{name}/bias": layer.bias}


def _expect(found: bool) -> None:
    if not found:
        raise ValueError("shapes of another model")
