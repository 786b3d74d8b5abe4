"""The small network: causal convolutions over log-mel frames, and a pooling head.

Float16 weights, float32 arithmetic: the form that every interpreter loads. A state does not depend
on the stride: a convolution sees only the past, and the clamp the loudest band so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.model_input import LITE_ENCODER as SHAPE
from emotiond.models.training.common.model_input import RECIPE
from emotiond.models.training.networks.detector import describe, detect
from emotiond.models.training.networks.encoder import LEVEL_OFFSET, log_mel
from emotiond.models.training.networks.heads import HeadSize, classify, masks, new_head, pool
from emotiond.models.training.networks.layers import (
    Parameters,
    Tensor,
    dense,
    hard_swish,
    normalise,
)

BANDS = RECIPE.n_mels
SPEAKER_SIZE = 2 * BANDS
WIDTH = 144
CHANNELS = WIDTH + 2 * BANDS
"""Values of a state: hidden ones, and means and mean squares of the spectrum."""

_STEM = 64
_TAPS = 3
_FINE_WIDTH = 96
_FINE_DILATIONS = (1, 2)
"""Dilations of the blocks in steps of 40 ms."""
_DILATIONS = (1, 2)
"""Dilations of the blocks in steps of 80 ms."""
_HINT = 384
"""Channels of the encoder block that the hidden states learn to predict."""
_HEAD = HeadSize(heads=1, width=WIDTH, hidden=80)
_LEAST_DEVIATION = 0.05
_LEAST_VARIANCE = 1e-4
_DYNAMIC_RANGE = 6.0
"""Range of the input below the loudest band so far, in decades."""
_EPSILON = 1e-4


@dataclass(frozen=True)
class Spectrum:
    """Moments of the network's input over the loud states of training windows."""

    mean: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]
    log_deviation: npt.NDArray[np.float32]


def encode_call(
    features: Tensor,
    past: Parameters,
    parameters: Parameters,
    spectrum: Spectrum,
) -> dict[str, Tensor]:
    """Encode the frames of one call; see :mod:`emotiond.inference.encoding`.

    Args:
        features: ``(1, SHAPE.frames_per_call, n_mfcc)``.
        past: see :func:`past_shapes`.
        parameters: see :func:`new_network`.
        spectrum: moments of the input.

    Returns:
        ``states``, ``(1, states_per_call, CHANNELS)``; ``levels``, ``(1, states_per_call)``, the
        loudest band of each state in decades above digital silence; and the new past.
    """
    mel = log_mel(features, pieces=1)
    levels = levels_of(mel)
    # tf.expand_dims and tf.squeeze, not indexing: its operator copies value by value
    loudest, running = past["tail_loudest"], []
    for number in range(SHAPE.states_per_call):
        loudest = tf.maximum(loudest, tf.slice(levels, (0, number), (1, 1)))
        running.append(loudest)
    new = {"tail_loudest": tf.concat(running, axis=0)}
    x = relative_mel(mel, tf.concat(running, axis=1))

    def convolve(x: Tensor, name: str, kernel: Tensor, dilation: int) -> Tensor:
        new[f"tail_{name}"] = tf.squeeze(x, 0)
        before = tf.expand_dims(past[f"tail_{name}"], 0)
        joined = tf.expand_dims(tf.concat((before, x), axis=1), 2)
        taps = tf.reshape(kernel, (_TAPS, 1, x.shape[2], kernel.shape[1]))
        mixed = tf.nn.conv2d(joined, taps, 1, "VALID", dilations=(dilation, 1))
        return tf.reshape(mixed, (-1, x.shape[1], kernel.shape[1]))

    hidden = hidden_states(x, parameters, spectrum, convolve)
    return {"states": _states(hidden, x, spectrum), "levels": levels, **new}


def past_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays that hold the network's past."""
    shapes: dict[str, tuple[int, ...]] = {"tail_loudest": (1, 1)}
    shapes |= {"tail_stem_0": (_TAPS - 1, 2 * BANDS), "tail_stem_1": (_TAPS - 1, 2 * _STEM)}
    for number, dilation in enumerate(_FINE_DILATIONS):
        shapes[f"tail_fine_{number}"] = ((_TAPS - 1) * dilation, _FINE_WIDTH)
    for number, dilation in enumerate(_DILATIONS):
        shapes[f"tail_block_{number}"] = ((_TAPS - 1) * dilation, WIDTH)
    return shapes


def encode_streams(
    mel: Tensor, loudest: Tensor, parameters: Parameters, spectrum: Spectrum
) -> tuple[Tensor, Tensor]:
    """Encode whole speeches at once, for training: the same states as call by call.

    Args:
        mel: log10 mel powers, ``(batch, frames, 80)``.
        loudest: the loudest level up to each state, ``(batch, states)``.
        parameters: see :func:`new_network`.
        spectrum: moments of the input.

    Returns:
        States and levels, ``(batch, states, CHANNELS)`` and ``(batch, states)``.
    """
    x = relative_mel(mel, loudest)
    hidden = hidden_states(x, parameters, spectrum, convolve_speeches)
    return _states(hidden, x, spectrum), levels_of(mel)


def relative_mel(mel: Tensor, loudest: Tensor) -> Tensor:
    """Return log-mel powers relative to the loudest band so far, independent of the gain."""
    per_frame = tf.repeat(tf.expand_dims(loudest, 2), SHAPE.frames_per_state, axis=1)
    return tf.maximum(mel - (per_frame - LEVEL_OFFSET), -_DYNAMIC_RANGE)


def hidden_states(
    mel: Tensor,
    parameters: Parameters,
    spectrum: Spectrum,
    convolve: Callable[[Tensor, str, Tensor, int], Tensor],
) -> Tensor:
    """Convolve down to 80 ms steps: ``(batch, states, WIDTH)``.

    Args:
        mel: see :func:`relative_mel`, ``(batch, frames, 80)``.
        parameters: see :func:`new_network`.
        spectrum: moments of the input.
        convolve: convolves with the past; takes the input of a convolution, its name, its kernel,
            ``(_TAPS * width, width_out)``, and its dilation.
    """

    def mix(x: Tensor, name: str, layer: str, dilation: int = 1) -> Tensor:
        kernel, bias = parameters[f"{layer}/kernel"], parameters[f"{layer}/bias"]
        return convolve(x, name, kernel, dilation) + bias

    def residual(x: Tensor, name: str, dilation: int) -> Tensor:
        mixed = hard_swish(mix(normalise(x), name, f"{name}/mix", dilation))
        return x + _dense(mixed, parameters, f"{name}/out")

    x = (mel - spectrum.mean) / spectrum.deviation
    x = normalise(hard_swish(mix(_halve(x), "stem_0", "stem_0")))
    x = mix(_halve(x), "stem_1", "stem_1")
    for number, dilation in enumerate(_FINE_DILATIONS):
        x = residual(x, f"fine_{number}", dilation)
    x = _dense(_halve(normalise(x)), parameters, "coarsen")
    for number, dilation in enumerate(_DILATIONS):
        x = residual(x, f"block_{number}", dilation)
    return normalise(x)


def hidden_of(states: Tensor) -> Tensor:
    """Return the hidden part of states, ``(batch, states, WIDTH)``."""
    return tf.slice(states, (0, 0, 0), (-1, -1, WIDTH))


def statistics(states: Tensor, levels: Tensor, spectrum: Spectrum) -> Tensor:
    """Describe a window's spectrum, ``(batch, SPEAKER_SIZE)``; 0 is the population's average."""
    _, loud = masks(levels)
    share = loud / (tf.reduce_sum(loud, axis=1, keepdims=True) + _EPSILON)
    moments = tf.reduce_sum(tf.slice(states, (0, 0, WIDTH), (-1, -1, -1)) * share, axis=1)
    mean, square = tf.split(moments, 2, axis=1)
    variance = tf.maximum(square - tf.square(mean), _LEAST_VARIANCE)
    return tf.concat((mean, 0.5 * tf.math.log(variance) - spectrum.log_deviation), axis=1)


def pooled_states(
    states: Tensor, levels: Tensor, speaker: Tensor, parameters: Parameters, dropout: float
) -> Tensor:
    """Adapt the hidden states to the speaker, and pool like the heads of the large model."""
    real, _ = masks(levels)
    scale, shift = tf.split(_dense(speaker, parameters, "speaker"), 2, axis=1)
    adapted = hidden_of(states) * (1 + tf.expand_dims(scale, 1)) + tf.expand_dims(shift, 1)
    return pool(adapted, real, parameters, dropout)


def described_states(states: Tensor, levels: Tensor) -> Tensor:
    """Return the input of the voice detector."""
    return describe(hidden_of(states), masks(levels)[0])


def logits(
    states: Tensor, levels: Tensor, speaker: Tensor, parameters: Parameters, detector: Parameters
) -> Tensor:
    """Return ``(batch, 9)``: the labels, then the voice."""
    pooled = pooled_states(states, levels, speaker, parameters, 0.0)
    voice = detect(described_states(states, levels), detector)
    return tf.concat((classify(pooled, parameters, 0.0), voice), axis=1)


def hints(states: Tensor, parameters: Parameters) -> Tensor:
    """Predict Whisper's third block from the hidden states; only for training."""
    return _dense(hidden_of(states), parameters, "hint")


def describe_spectrum(mel: FloatArray, loudest: FloatArray) -> Spectrum:
    """Measure the moments of :class:`Spectrum` over speeches; see :func:`encode_streams`."""
    frames, deviations = [], []
    for rows in np.array_split(np.arange(len(mel)), max(1, len(mel) // 64)):
        relative = relative_mel(tf.constant(mel[rows]), tf.constant(loudest[rows])).numpy()
        loud = masks(levels_of(tf.constant(mel[rows])))[1].numpy()[:, :, 0] > 0
        for speech, mask in zip(relative, np.repeat(loud, SHAPE.frames_per_state, 1), strict=True):
            frames.append(speech[mask])
            deviations.append(speech[mask].std(axis=0))
    every = np.concatenate(frames)
    deviation = np.maximum(every.std(axis=0), _LEAST_DEVIATION).astype(np.float32)
    least = np.sqrt(_LEAST_VARIANCE)
    logs = np.log(np.maximum(np.array(deviations) / deviation, least))
    return Spectrum(
        every.mean(axis=0, dtype=np.float32), deviation, logs.mean(axis=0, dtype=np.float32)
    )


def new_network(seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """Return random initial values."""
    random = np.random.default_rng(seed)
    parameters = new_head(_HEAD, random, channels=WIDTH)
    shapes = {
        "stem_0": (_TAPS * 2 * BANDS, _STEM),
        "stem_1": (_TAPS * 2 * _STEM, _FINE_WIDTH),
        "coarsen": (2 * _FINE_WIDTH, WIDTH),
        "hint": (WIDTH, _HINT),
    }
    blocks = {f"fine_{number}": _FINE_WIDTH for number in range(len(_FINE_DILATIONS))}
    blocks |= {f"block_{number}": WIDTH for number in range(len(_DILATIONS))}
    for name, width in blocks.items():
        shapes[f"{name}/mix"] = (_TAPS * width, width)
        shapes[f"{name}/out"] = (width, width)
    for name, (width_in, width_out) in shapes.items():
        kernel = random.standard_normal((width_in, width_out)) * width_in**-0.5
        parameters[f"{name}/kernel"] = kernel.astype(np.float32)
        parameters[f"{name}/bias"] = np.zeros(width_out, np.float32)
    parameters["speaker/kernel"] = np.zeros((SPEAKER_SIZE, 2 * WIDTH), np.float32)
    parameters["speaker/bias"] = np.zeros(2 * WIDTH, np.float32)
    return parameters


def _states(hidden: Tensor, mel: Tensor, spectrum: Spectrum) -> Tensor:
    """Put the hidden states beside the moments of the spectrum in each."""
    standard = (mel - spectrum.mean) / spectrum.deviation
    frames = tf.reshape(standard, (-1, hidden.shape[1], SHAPE.frames_per_state, BANDS))
    moments = (tf.reduce_mean(frames, axis=2), tf.reduce_mean(tf.square(frames), axis=2))
    return tf.concat((hidden, *moments), axis=2)


def levels_of(mel: Tensor) -> Tensor:
    """Return the loudest band of each state in decades above digital silence."""
    highest = tf.reduce_max(mel, axis=2) + LEVEL_OFFSET
    states = mel.shape[1] // SHAPE.frames_per_state
    return tf.reduce_max(tf.reshape(highest, (-1, states, SHAPE.frames_per_state)), axis=2)


def convolve_speeches(x: Tensor, name: str, kernel: Tensor, dilation: int) -> Tensor:
    """Convolve whole speeches, with zeros before each, for training; see :func:`hidden_states`.

    One matrix product of shifted copies takes half as long as a convolution and its gradient.
    """
    rows, width = past_shapes()[f"tail_{name}"]
    joined = tf.concat((tf.zeros((tf.shape(x)[0], rows, width)), x), axis=1)
    shifted = [
        tf.slice(joined, (0, tap * dilation, 0), (-1, x.shape[1], -1)) for tap in range(_TAPS)
    ]
    return dense(tf.concat(shifted, axis=2), kernel)


def _halve(x: Tensor) -> Tensor:
    """Join pairs of steps, with twice the channels."""
    return tf.reshape(x, (-1, x.shape[1] // 2, 2 * x.shape[2]))


def _dense(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    return dense(x, parameters[f"{name}/kernel"], parameters[f"{name}/bias"])
