"""Trains the heads of a shipped ``full`` further, on one's own recordings.

The encoder, the moments of the population, the voice detector and the effects of emotions on a
speaker's statistics stay as they shipped: a small corpus has too few voices for them, and no
noises.
"""

from __future__ import annotations

from emotiond.models.training.data.sampling import OWN_VOICES
from emotiond.models.training.fitting.full import fit_heads, measured_statistics
from emotiond.models.training.fitting.optimizer import Schedule
from emotiond.models.training.fitting.run import Run
from emotiond.models.training.networks.shipped import Shipped
from emotiond.models.training.networks.tflite import export_full

FINE_TUNING = Schedule(steps=300, rate=3e-4)


def fine_tune(run: Run, shipped: Shipped) -> bytes:
    """Train the heads on the run's windows, and export the model."""
    network = shipped.network()
    statistics = measured_statistics(run.data, run.measured, network.population)
    fit_heads(run, network, statistics, FINE_TUNING, OWN_VOICES)
    return export_full(network, shipped.expression, shipped.detector, shipped.encoder)
