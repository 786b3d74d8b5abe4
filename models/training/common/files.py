"""Write a file whole or not at all: whoever stops a run finds no half of one when it goes on."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, then put in its place."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write an ``.npz``, as :func:`write_whole` does."""
    buffer = io.BytesIO()
    save: Callable[..., None] = np.savez  # some of numpy's stubs take a name for a flag
    save(buffer, **arrays)
    write_whole(path, buffer.getvalue())
