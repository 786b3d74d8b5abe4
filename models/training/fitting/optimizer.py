"""The optimizer of both trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

_AVERAGE = 0.99
"""Decay of the running average of the weights, per step; the average is what is kept."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    The learning rate rises over the first tenth of the steps and falls along a cosine.
    """

    steps: int
    rate: float
    """The highest."""


def averaging_adamw(schedule: Schedule) -> Any:
    """Keras's AdamW with a warm-up, a cosine and a running average of the weights."""
    warmup = max(1, schedule.steps // 10)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        0.0, max(1, schedule.steps - warmup), warmup_target=schedule.rate, warmup_steps=warmup
    )
    return tf.keras.optimizers.AdamW(
        rate, weight_decay=0.01, global_clipnorm=1.0, use_ema=True, ema_momentum=_AVERAGE
    )
