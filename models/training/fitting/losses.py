"""Losses for corpora with different sets of labels."""

from __future__ import annotations

import tensorflow as tf

from emotiond.models.training.networks.layers import Tensor

_SMOOTHING = 0.1
_NEVER = -1e4


def label_loss(logits: Tensor, targets: Tensor, allowed: Tensor) -> Tensor:
    """Return the smoothed cross-entropy of the right labels among the allowed ones, ``(batch,)``.

    The loss is 0 for noise, which allows no label.
    """
    n_allowed = tf.reduce_sum(allowed, axis=1)
    log_scores = tf.nn.log_softmax(logits + (1 - allowed) * _NEVER)
    right = tf.reduce_logsumexp(log_scores + (1 - targets) * _NEVER, axis=1)
    even = tf.reduce_sum(log_scores * allowed, axis=1) / tf.maximum(n_allowed, 1)
    loss = -(1 - _SMOOTHING) * right - _SMOOTHING * even
    return tf.where(n_allowed > 0, loss, tf.zeros_like(loss))


def mixed_loss(
    logits: Tensor, targets: Tensor, allowed: Tensor, share: Tensor, partner: Tensor
) -> Tensor:
    """Return the mean :func:`label_loss` of mixed windows, scalar.

    Args:
        logits: logits of the mixtures, ``(batch, 8)``.
        targets: see :func:`target_labels`.
        allowed: see :func:`allowed_labels`.
        share: share of each window in its mixture, see :func:`mixing`.
        partner: index of the other window in the mixture, ``(batch,)``.
    """
    own = label_loss(logits, targets, allowed)
    other = label_loss(logits, tf.gather(targets, partner), tf.gather(allowed, partner))
    return tf.reduce_mean(share[:, 0] * own + (1 - share[:, 0]) * other)


def mixing(batch: Tensor) -> Tensor:
    """Draw the share of each window in its mixture, ``(batch, 1)``, from 0.5 to 1."""
    # Beta(0.4, 0.4) from two gamma variates; Zhang et al., mixup (2018)
    first = tf.random.gamma((batch, 1), 0.4)
    share = first / (first + tf.random.gamma((batch, 1), 0.4) + 1e-8)
    return tf.maximum(share, 1 - share)
