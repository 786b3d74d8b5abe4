"""Whisper checkpoints are read as data: nothing in them is ever run."""

from __future__ import annotations

import io
import pickle
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotiond.exceptions import DataError
from emotiond.models.training.networks.whisper import load_encoder

WIDTH = 4


class Storage:
    """Stands for a tensor's storage while pickling; becomes a persistent id."""

    def __init__(self, key: str, array: np.ndarray[Any, Any]) -> None:
        self.key, self.array = key, array


class Tensor:
    """Pickles as the official checkpoints' tensors do."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def __reduce__(self) -> tuple[Any, ...]:
        array = self.storage.array
        strides = tuple(step // array.itemsize for step in array.strides)
        return _rebuild_tensor_v2, (self.storage, 0, array.shape, strides, False, {})


class HalfStorage:
    """Found as ``torch.HalfStorage``."""


def _rebuild_tensor_v2() -> None:
    """Found as ``torch._utils._rebuild_tensor_v2``."""


HalfStorage.__module__ = "torch"
_rebuild_tensor_v2.__module__ = "torch._utils"


class Pickler(pickle._Pickler):  # the Python one, which lets a module be absent
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            return ("storage", HalfStorage, obj.key, "cpu", obj.array.size)
        return None

    def save_global(self, obj: Any, name: str | None = None) -> None:
        self.write(f"c{obj.__module__}\n{obj.__name__}\n".encode())

    dispatch = {  # noqa: RUF012
        **pickle._Pickler.dispatch,
        type: save_global,
        types.FunctionType: save_global,
    }


def encoder_arrays() -> dict[str, np.ndarray[Any, Any]]:
    """A one-layer encoder, numbered throughout, under the official names."""
    shapes = {
        "conv1.weight": (WIDTH, 80, 3),
        "conv1.bias": (WIDTH,),
        "conv2.weight": (WIDTH, WIDTH, 3),
        "conv2.bias": (WIDTH,),
        "positional_embedding": (1500, WIDTH),
        "ln_post.weight": (WIDTH,),
        "ln_post.bias": (WIDTH,),
    }
    for part in ("query", "key", "value", "out"):
        shapes[f"blocks.0.attn.{part}.weight"] = (WIDTH, WIDTH)
        if part != "key":
            shapes[f"blocks.0.attn.{part}.bias"] = (WIDTH,)
    for norm in ("attn_ln", "mlp_ln"):
        shapes[f"blocks.0.{norm}.weight"] = shapes[f"blocks.0.{norm}.bias"] = (WIDTH,)
    shapes |= {"blocks.0.mlp.0.weight": (4 * WIDTH, WIDTH), "blocks.0.mlp.0.bias": (4 * WIDTH,)}
    shapes |= {"blocks.0.mlp.2.weight": (WIDTH, 4 * WIDTH), "blocks.0.mlp.2.bias": (WIDTH,)}
    random = np.random.default_rng(0)
    return {
        f"encoder.{name}": random.standard_normal(shape).astype(np.float16)
        for name, shape in shapes.items()
    }


def write_checkpoint(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    storages = {name: Storage(str(i), array) for i, (name, array) in enumerate(arrays.items())}
    content = {"dims": {}, "model_state_dict": {n: Tensor(s) for n, s in storages.items()}}
    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/data.pkl", buffer.getvalue())
        for storage in storages.values():
            archive.writestr(f"tiny/data/{storage.key}", storage.array.tobytes())


def test_official_checkpoint_is_renamed_and_stacked(tmp_path: Path) -> None:
    arrays = encoder_arrays()
    write_checkpoint(tmp_path / "tiny.pt", arrays)
    weights = load_encoder(tmp_path / "tiny.pt")
    np.testing.assert_array_equal(
        weights["layer_0/attn_qkv/weight"][WIDTH : 2 * WIDTH],
        arrays["encoder.blocks.0.attn.key.weight"],
    )
    assert not weights["layer_0/attn_qkv/bias"][WIDTH : 2 * WIDTH].any()
    np.testing.assert_array_equal(
        weights["layer_0/mlp_norm/gamma"], arrays["encoder.blocks.0.mlp_ln.weight"]
    )
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_npz_and_checkpoint_give_the_same(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "tiny.pt", encoder_arrays())
    weights = load_encoder(tmp_path / "tiny.pt")
    np.savez(tmp_path / "tiny.npz", **weights)  # type: ignore[arg-type]
    again = load_encoder(tmp_path / "tiny.npz")
    assert again.keys() == weights.keys()
    assert all(np.array_equal(again[name], weights[name]) for name in weights)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return eval, ("1/0",)

    path = tmp_path / "evil.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/data.pkl", pickle.dumps({"model_state_dict": Evil()}))
    with pytest.raises(DataError, match=r"builtins.eval"):
        load_encoder(path)


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_other_files_are_refused_with_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tiny.pt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is not a Whisper checkpoint") as caught:
        load_encoder(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.npz"):
        load_encoder(tmp_path / "none.npz")
