"""The optimizer of both trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

_AVERAGE = 0.99
"""Decay per step of the running average of the weights. The average is the result."""


@dataclass(frozen=True)
class Schedule:
    """Number of steps and learning rate.

    The learning rate rises over the first tenth of the steps and falls along a cosine.
    """

    steps: int
    rate: float
    """Highest learning rate."""


def averaging_adamw(schedule: Schedule) -> Any:
    """Return AdamW of Keras with warm-up, cosine decay and a running average of the weights."""
    warmup = max(1, schedule.steps // 10)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        0.0, max(1, schedule.steps - warmup), warmup_target=schedule.rate, warmup_steps=warmup
    )
    return tf.keras.optimizers.AdamW(
        rate, weight_decay=0.01, global_clipnorm=1.0, use_ema=True, ema_momentum=_AVERAGE
    )
