"""What of a window's statistics is the emotion's, and so must not pass for the speaker's own.

Without this, whoever speaks calmly for three minutes is no longer heard as calm.
"""

from __future__ import annotations

import tensorflow as tf

from emotiond.models.training.networks.layers import Tensor

_TEMPERATURE = 0.6
"""At which posteriors of people that a model never heard are as high as they are right."""
_KNOWN_SHARE = 0.65
"""Probability that these posteriors give to the truth, in the mean."""


def speakers_own(statistics: Tensor, logits: Tensor, expression: Tensor) -> Tensor:
    """Statistics without what is likely to be the emotion's, ``(batch, size)``.

    The posteriors of somebody who expresses one emotion hold others, too, and rows of
    ``expression`` add up to nothing: divided by the share that is right, what is taken away is
    right in the mean, however long one emotion lasts.

    Args:
        statistics: of windows, ``(batch, size)``.
        logits: of their labels, ``(batch, n_labels)``.
        expression: see :func:`measure_expression`.
    """
    posteriors = tf.nn.softmax(logits / _TEMPERATURE)
    return statistics - posteriors @ (expression / _KNOWN_SHARE)
