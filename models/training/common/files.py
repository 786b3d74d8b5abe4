"""Writes files atomically, so that an interrupted run leaves no partial file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emotiond.exceptions import DataError


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary file beside ``path``, then rename it."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write an ``.npz`` file atomically."""
    buffer = io.BytesIO()
    save: Callable[..., None] = np.savez  # some of numpy's stubs take a name for a flag
    save(buffer, **arrays)
    write_whole(path, buffer.getvalue())


def digest_of(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of named arrays, whatever their order."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read an ``.npz`` file.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot read {path} ({error})", "Make it again, see models/README.md"
        ) from error
