"""Reads the encoder of a Whisper checkpoint without executing code from it."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emotiond.exceptions import DataError

Weights: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""Arrays by name: ``conv1/weight``, ``layer_0/attn_qkv/bias``, ``positions``, …

Linear weights are ``(out, in)``, convolutions ``(out, in, kernel)``; query, key and value
are stacked in ``attn_qkv``, where the key's bias is 0.
"""

_DTYPES = {"HalfStorage": np.float16, "FloatStorage": np.float32}
_REMEDY = "Give the official tiny.pt, or an .npz as models/README.md describes it"


def load_encoder(path: Path) -> Weights:
    """Read the encoder's weights as float32.

    Args:
        path: an official ``.pt`` checkpoint (a zip archive with a pickle), or an ``.npz``
            that holds the arrays under the names of :data:`Weights`.

    Raises:
        DataError: the file is neither, or lacks the encoder.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                weights = {name: archive[name].astype(np.float32) for name in archive.files}
        else:
            weights = _rename(_read_state(path))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise DataError(f"{path} is not a Whisper checkpoint: {error}", _REMEDY) from error
    if "positions" not in weights:
        raise DataError(f"{path} holds no Whisper encoder", _REMEDY)
    return weights


def _read_state(path: Path) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if not pickles:
            raise ValueError("no data.pkl in it")
        folder = pickles[0].removesuffix("data.pkl")

        def storage(key: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
            return np.frombuffer(archive.read(f"{folder}data/{key}"), dtype)

        content = _ArrayUnpickler(io.BytesIO(archive.read(pickles[0])), storage).load()
    state = content["model_state_dict"]
    return {name: array for name, array in state.items() if name.startswith("encoder.")}


class _ArrayUnpickler(pickle.Unpickler):
    """Accepts tensors and plain containers; refuses any other class."""

    def __init__(
        self, file: io.BytesIO, storage: Callable[[str, npt.DTypeLike], npt.NDArray[Any]]
    ) -> None:
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in a checkpoint")

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        _, dtype, key, *_ = pid
        return self._storage(key, dtype)


def _rebuild_tensor(
    storage: npt.NDArray[Any],
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    *_: Any,
) -> npt.NDArray[Any]:
    strides = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides)


def _rename(state: dict[str, npt.NDArray[Any]]) -> Weights:
    """Convert names of the official checkpoint to those of :data:`Weights`."""
    arrays = {name: array.astype(np.float32) for name, array in state.items()}
    weights: Weights = {"positions": arrays["encoder.positional_embedding"]}
    for name in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            weights[f"{name}/{part}"] = arrays[f"encoder.{name}.{part}"]
    _rename_norm(weights, "final_norm", arrays, "encoder.ln_post")
    n_layers = 1 + max(int(name.split(".")[2]) for name in arrays if ".blocks." in name)
    for layer in range(n_layers):
        here, there = f"layer_{layer}", f"encoder.blocks.{layer}"
        _rename_norm(weights, f"{here}/attn_norm", arrays, f"{there}.attn_ln")
        _rename_norm(weights, f"{here}/mlp_norm", arrays, f"{there}.mlp_ln")
        parts = [f"{there}.attn.{name}" for name in ("query", "key", "value")]
        qkv = np.concatenate([arrays[f"{part}.weight"] for part in parts])
        biases = [arrays.get(f"{part}.bias", np.zeros(qkv.shape[1], np.float32)) for part in parts]
        weights[f"{here}/attn_qkv/weight"] = qkv
        weights[f"{here}/attn_qkv/bias"] = np.concatenate(biases)
        for ours, theirs in (("attn_out", "attn.out"), ("mlp_in", "mlp.0"), ("mlp_out", "mlp.2")):
            for part in ("weight", "bias"):
                weights[f"{here}/{ours}/{part}"] = arrays[f"{there}.{theirs}.{part}"]
    return weights


def _rename_norm(
    weights: Weights, ours: str, arrays: dict[str, npt.NDArray[np.float32]], theirs: str
) -> None:
    weights[f"{ours}/gamma"] = arrays[f"{theirs}.weight"]
    weights[f"{ours}/beta"] = arrays[f"{theirs}.bias"]
