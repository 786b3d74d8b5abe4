"""Random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

WIDTH = 384


def random_whisper(path: Path) -> None:
    """An untrained encoder of the right shape."""
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
    arrays = {n: (0.03 * random.standard_normal(s)).astype(np.float16) for n, s in shapes.items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]
