"""Random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH = 384


def random_whisper() -> dict[str, npt.NDArray[np.float32]]:
    """An untrained encoder of the right shape, under the names of an ``.npz``."""
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1/weight": (WIDTH, 80, 3),
        "conv1/bias": (WIDTH,),
        "conv2/weight": (WIDTH, WIDTH, 3),
        "conv2/bias": (WIDTH,),
        "positions": (1500, WIDTH),
    }
    for layer in range(3):
        for norm in ("attn_norm", "mlp_norm"):
            shapes |= {f"layer_{layer}/{norm}/{part}": (WIDTH,) for part in ("gamma", "beta")}
        for name, width_out, width_in in (
            ("attn_qkv", 3 * WIDTH, WIDTH),
            ("attn_out", WIDTH, WIDTH),
            ("mlp_in", 4 * WIDTH, WIDTH),
            ("mlp_out", WIDTH, 4 * WIDTH),
        ):
            shapes[f"layer_{layer}/{name}/weight"] = (width_out, width_in)
            shapes[f"layer_{layer}/{name}/bias"] = (width_out,)
    arrays = {n: 0.03 * random.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    return {n: 1 + array if n.endswith("gamma") else array for n, array in arrays.items()}


def write_whisper(path: Path) -> None:
    """Write the untrained encoder as an ``.npz``."""
    arrays: dict[str, Any] = random_whisper()
    np.savez(path, **arrays)
