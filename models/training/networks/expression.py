"""Removes the effect of the emotion from a window's statistics.

Otherwise the statistics of a speaker who is calm for three minutes would absorb the emotion, and
calm would no longer be recognised.
"""

from __future__ import annotations

import tensorflow as tf

from emotiond.models.training.networks.layers import Tensor

_TEMPERATURE = 0.6
"""Temperature at which the posteriors of unseen speakers are calibrated."""
KNOWN_SHARE = 0.65
"""Mean probability that these posteriors give to the truth."""


def speakers_own(statistics: Tensor, logits: Tensor, expression: Tensor) -> Tensor:
    """Return statistics without the probable effect of the emotion, ``(batch, size)``.

    The posteriors of a speaker with one emotion also contain other labels, and the rows of
    ``expression`` add up to zero. Divided by the mean probability of the truth, the correction is
    right on average, however long one emotion lasts.

    Args:
        statistics: statistics of windows, ``(batch, size)``.
        logits: label logits of the windows, ``(batch, n_labels)``.
        expression: see :func:`measure_expression`.
    """
    posteriors = tf.nn.softmax(logits / _TEMPERATURE)
    return statistics - posteriors @ (expression / KNOWN_SHARE)
