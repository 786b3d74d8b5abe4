"""The small network: convolutions over log-mel frames, and the pooling head of the large one.

Float16 weights, float32 arithmetic: the form that every interpreter loads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.models.training.common.model_input import RECIPE
from emotiond.models.training.networks.detector import describe, detect
from emotiond.models.training.networks.encoder import LOUD_RANGE, PADDING_LEVEL, log_mel
from emotiond.models.training.networks.heads import (
    HeadSize,
    adapt,
    classify,
    masked_moments,
    new_head,
    pool,
)
from emotiond.models.training.networks.layers import Parameters, Tensor, gelu, layer_norm, linear

CHANNELS = RECIPE.n_mels
SPEAKER_SIZE = 2 * CHANNELS

_STEM = 64
_TAPS = 3
_FINE_WIDTH = 96
_FINE_DILATIONS = (1, 2)
"""Dilations of the blocks in steps of 40 ms."""
_WIDTH = 144
_DILATIONS = (1, 2)
"""Dilations of the blocks in steps of 80 ms."""
_HINT = 384
"""Channels of the encoder block that the hidden states learn to predict."""
_HEAD = HeadSize(heads=1, width=_WIDTH, hidden=80)
_LEAST_DEVIATION = 0.05
_DYNAMIC_RANGE = 6.0
"""Range of the input below the window's loudest band, in decades."""


@dataclass(frozen=True)
class Spectrum:
    """Moments of the network's input over the loud frames of training windows."""

    mean: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]
    log_deviation: npt.NDArray[np.float32]


def relative_mel(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return log-mel powers relative to the window's loudest band, independent of the gain.

    Returns:
        ``(batch, frames, 80)``, and the masks of real and of loud frames.
    """
    mel = log_mel(features)
    level = tf.reduce_max(mel, axis=2, keepdims=True)
    loudest = tf.reduce_max(level, axis=1, keepdims=True)
    real = tf.cast(level > PADDING_LEVEL, tf.float32)
    loud = real * tf.cast(level > loudest - LOUD_RANGE, tf.float32)
    return tf.maximum(mel - loudest, -_DYNAMIC_RANGE), real, loud


def describe_spectrum(features: npt.NDArray[np.float32]) -> Spectrum:
    """Measure the moments of :class:`Spectrum` over ``(n, frames, n_mfcc)``."""
    loud_frames, deviations = [], []
    for part in np.array_split(features, max(1, len(features) // 64)):
        mel, _, loud = relative_mel(tf.constant(part))
        loud_frames.append(mel.numpy()[loud.numpy()[:, :, 0] > 0])
        deviations.append(masked_moments(mel, loud)[1].numpy())
    frames = np.concatenate(loud_frames)
    deviation = np.maximum(frames.std(axis=0), _LEAST_DEVIATION).astype(np.float32)
    logs = np.log(np.concatenate(deviations) / deviation).mean(axis=0, dtype=np.float32)
    return Spectrum(frames.mean(axis=0, dtype=np.float32), deviation, logs)


def statistics(mel: Tensor, loud: Tensor, spectrum: Spectrum) -> Tensor:
    """Describe a window's speech, ``(batch, SPEAKER_SIZE)``; 0 is the population's average."""
    mean, deviation = masked_moments((mel - spectrum.mean) / spectrum.deviation, loud)
    return tf.concat((mean, tf.math.log(deviation) - spectrum.log_deviation), axis=1)


def hidden_states(
    mel: Tensor, speaker: Tensor, parameters: Parameters, spectrum: Spectrum
) -> Tensor:
    """Convolve down to 80 ms steps: ``(batch, ceil(frames / 8), width)``."""
    x = adapt((mel - spectrum.mean) / spectrum.deviation, speaker)
    x = _norm(gelu(_convolve(_halve(x), parameters, "stem_0")), parameters, "norm_0")
    x = _convolve(_halve(x), parameters, "stem_1")
    for number, dilation in enumerate(_FINE_DILATIONS):
        x = _residual(x, parameters, f"fine_{number}", dilation)
    x = _dense(_halve(_norm(x, parameters, "norm_1")), parameters, "coarsen")
    for number, dilation in enumerate(_DILATIONS):
        x = _residual(x, parameters, f"block_{number}", dilation)
    return _norm(x, parameters, "norm_2")


def pooled_states(hidden: Tensor, real: Tensor, parameters: Parameters, dropout: float) -> Tensor:
    """Pool like the heads of the large model."""
    return pool(hidden, _real_steps(real), parameters, dropout)


def described_states(hidden: Tensor, real: Tensor) -> Tensor:
    """Return the input of the voice detector."""
    return describe(hidden, _real_steps(real))


def logits(hidden: Tensor, real: Tensor, parameters: Parameters, detector: Parameters) -> Tensor:
    """Return ``(batch, 9)``: the labels, then the voice."""
    labels = classify(pooled_states(hidden, real, parameters, 0.0), parameters, 0.0)
    return tf.concat((labels, detect(described_states(hidden, real), detector)), axis=1)


def hints(hidden: Tensor, parameters: Parameters) -> Tensor:
    """Predict Whisper's third block from the hidden states; only for training."""
    return _dense(hidden, parameters, "hint")


def hint_steps(states: npt.NDArray[np.float16]) -> npt.NDArray[np.float16]:
    """Average hidden states of the encoder in steps of 40 ms to the network's own steps."""
    even = np.pad(states, ((0, 0), (0, states.shape[1] % 2), (0, 0)), "edge")
    pairs = even.reshape(len(states), -1, 2, states.shape[2])
    means: npt.NDArray[np.float16] = pairs.mean(axis=2, dtype=np.float16)
    return means


def new_network(seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """Return random initial values."""
    random = np.random.default_rng(seed)
    parameters = new_head(_HEAD, random, channels=_WIDTH)
    shapes = {
        "stem_0": (_TAPS * 2 * CHANNELS, _STEM),
        "stem_1": (_TAPS * 2 * _STEM, _FINE_WIDTH),
        "coarsen": (2 * _FINE_WIDTH, _WIDTH),
        "hint": (_WIDTH, _HINT),
    }
    norms = {"norm_0": _STEM, "norm_1": _FINE_WIDTH, "norm_2": _WIDTH}
    blocks = {f"fine_{number}": _FINE_WIDTH for number in range(len(_FINE_DILATIONS))}
    blocks |= {f"block_{number}": _WIDTH for number in range(len(_DILATIONS))}
    for name, width in blocks.items():
        shapes[f"{name}/mix"] = (_TAPS * width, width)
        shapes[f"{name}/out"] = (width, width)
        norms[name] = width
    for name, (width_in, width_out) in shapes.items():
        kernel = random.standard_normal((width_in, width_out)) * width_in**-0.5
        parameters[f"{name}/kernel"] = kernel.astype(np.float32)
        parameters[f"{name}/bias"] = np.zeros(width_out, np.float32)
    for name, width in norms.items():
        parameters[f"{name}/gamma"] = np.ones(width, np.float32)
        parameters[f"{name}/beta"] = np.zeros(width, np.float32)
    return parameters


def _real_steps(real: Tensor) -> Tensor:
    """Convert the mask of real frames, which come first, to steps of eight frames."""
    return real[:, 0::8]


def _halve(x: Tensor) -> Tensor:
    """Join pairs of steps, with twice the channels; pad an odd last step with zeros."""
    x = tf.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0)))
    return tf.reshape(x, (-1, x.shape[1] // 2, 2 * x.shape[2]))


def _residual(x: Tensor, parameters: Parameters, name: str, dilation: int) -> Tensor:
    """Apply a pre-norm block: a convolution over time, then a mixing of channels."""
    mixed = gelu(_convolve(_norm(x, parameters, name), parameters, f"{name}/mix", dilation))
    return x + _dense(mixed, parameters, f"{name}/out")


def _norm(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    return layer_norm(x, parameters[f"{name}/gamma"], parameters[f"{name}/beta"])


def _dense(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    return linear(x, parameters[f"{name}/kernel"], parameters[f"{name}/bias"])


def _convolve(x: Tensor, parameters: Parameters, name: str, dilation: int = 1) -> Tensor:
    """Convolve by one matrix product over shifted copies, zero-padded to keep the length."""
    reach = dilation * (_TAPS // 2)
    padded = tf.pad(x, ((0, 0), (reach, reach), (0, 0)))
    # tf.slice, not indexing: its operator is one that interpreters hand to XNNPACK
    taps = [tf.slice(padded, (0, k * dilation, 0), (-1, x.shape[1], -1)) for k in range(_TAPS)]
    stacked = tf.concat(taps, axis=2)
    return _dense(
        tf.ensure_shape(stacked, (None, x.shape[1], _TAPS * x.shape[2])), parameters, name
    )
