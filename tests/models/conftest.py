"""A card for tests of the training code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emotiond.dsp.frontend import WindowShape
from emotiond.dsp.recipe import Recipe
from emotiond.inference.card import LABELS, Card, Licence
from emotiond.inference.smoothing.hmm_smoother import HmmSettings


@pytest.fixture
def tiny_card() -> Callable[[Recipe, WindowShape], Card]:
    """Make a card without a model."""

    def make(recipe: Recipe, shape: WindowShape) -> Card:
        return Card(
            format=1,
            name="tiny",
            description="",
            sha256="",
            labels=LABELS,
            recipe=recipe,
            window_frames=shape.frames,
            minimum_frames=shape.minimum_frames,
            temperature=1.0,
            voice_threshold=0.5,
            smoothing=HmmSettings(
                persistence_seconds=10.0,
                evidence_seconds=1.0,
                margin=0.0,
                uncertain_below=0.0,
                settling_seconds=0.0,
                sharpness=1.0,
            ),
            licence=Licence("", ""),
            training_data=(),
            evaluation={},
            intended_use="",
            not_for="",
            known_weaknesses=(),
        )

    return make
