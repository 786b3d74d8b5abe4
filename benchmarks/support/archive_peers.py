"""``python archive_peers.py NAME LIST``: takes the recordings of a list through another tool.

It runs in an environment of the peers' own, on one core. It prints seconds and seconds of processor
time, without start and imports, and with decoding by libsndfile.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

_SIZE, _LAYERS, _HEADS, _BANDS, _POSITIONS = 384, 4, 6, 80, 1500
"""Of the encoder of Whisper tiny."""
_WORDS = 64  # of a decoder that is never run
_FRAMES_PER_SECOND = 100


def egemaps() -> Callable[[Any, int], object]:
    """Return what computes the 88 functionals of eGeMAPS by openSMILE."""
    import opensmile

    smile = opensmile.Smile(
        opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals, num_workers=1
    )
    process: Callable[[Any, int], object] = smile.process_signal
    return process


def whisper() -> Callable[[Any, int], object]:
    """Return what encodes by CTranslate2, in int8: the best case for it.

    Its weights are random, which does not change its speed. Neither are spectra computed, nor is a
    clip filled up to 30 s, as Whisper is used.
    """
    import ctranslate2

    with tempfile.TemporaryDirectory() as folder:
        spec = _spec()
        spec.save(folder)
        model = ctranslate2.models.Whisper(
            folder, device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
        )
    random = np.random.default_rng(0)

    def encode(samples: Any, rate: int) -> object:
        frames = 2 * (samples.shape[0] * _FRAMES_PER_SECOND // rate // 2)
        features = random.standard_normal((1, _BANDS, min(frames, 2 * _POSITIONS)))
        view = ctranslate2.StorageView.from_array(features.astype(np.float32))
        return np.array(model.encode(view, to_cpu=True))

    return encode


def _spec() -> Any:
    """Return a model of Whisper tiny's size by the converters' own description, filled randomly."""
    from ctranslate2.specs import whisper_spec

    random = np.random.default_rng(0)

    def some(*shape: int) -> Any:
        return (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    def fill_linear(linear: Any, outputs: int, inputs: int) -> None:
        linear.weight, linear.bias = some(outputs, inputs), some(outputs)

    def fill_norm(norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(_SIZE, np.float32), np.zeros(_SIZE, np.float32)

    def fill_layer(layer: Any) -> None:
        fill_norm(layer.self_attention.layer_norm)
        fill_linear(layer.self_attention.linear[0], 3 * _SIZE, _SIZE)
        fill_linear(layer.self_attention.linear[1], _SIZE, _SIZE)
        fill_norm(layer.ffn.layer_norm)
        fill_linear(layer.ffn.linear_0, 4 * _SIZE, _SIZE)
        fill_linear(layer.ffn.linear_1, _SIZE, 4 * _SIZE)

    spec = whisper_spec.WhisperSpec(_LAYERS, _HEADS, 1, _HEADS)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = some(_SIZE, _BANDS, 3), some(_SIZE)
    encoder.conv2.weight, encoder.conv2.bias = some(_SIZE, _SIZE, 3), some(_SIZE)
    encoder.position_encodings.encodings = some(_POSITIONS, _SIZE)
    fill_norm(encoder.layer_norm)
    for layer in (*encoder.layer, *decoder.layer):
        fill_layer(layer)
    for layer in decoder.layer:
        fill_norm(layer.attention.layer_norm)
        for linear, outputs in zip(layer.attention.linear, (1, 2, 1), strict=True):
            fill_linear(linear, outputs * _SIZE, _SIZE)
    fill_norm(decoder.layer_norm)
    decoder.embeddings.weight = some(_WORDS, _SIZE)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.position_encodings.encodings = some(448, _SIZE)
    spec.register_vocabulary([f"<{number}>" for number in range(_WORDS)])
    spec.validate()
    spec.optimize(quantization="int8")
    return spec


def main() -> None:
    """Take each recording through the tool."""
    name, listed = sys.argv[1:]
    take = {"eGeMAPS": egemaps, "Whisper": whisper}[name]()
    paths = Path(listed).read_text(encoding="utf-8").splitlines()
    take(*_read(paths[0]))
    began, spent = time.perf_counter(), time.process_time()
    for path in paths:
        take(*_read(path))
    print(time.perf_counter() - began, time.process_time() - spent)


def _read(path: str) -> tuple[Any, int]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(axis=1), rate


if __name__ == "__main__":
    main()
