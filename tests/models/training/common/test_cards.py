"""A written card is one that the daemon accepts, and it belongs to its model."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotiond.inference.card import load_card
from emotiond.inference.model import read_model
from emotiond.models.training.common.cards import DESCRIPTIONS, UNFITTED, write_card
from emotiond.models.training.common.model_input import (
    ENCODERS,
    MINIMUM_FRAMES,
    RECIPE,
    WINDOW_FRAMES,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "full.tflite"
    path.write_bytes(b"some weights")
    return path


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_model_can_be_read_with_its_written_card(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(b"some weights")
    write_card(path, UNFITTED, {"accuracy": 0.5})
    card = read_model(path).card
    assert (card.name, card.description) == (name, DESCRIPTIONS[name])
    assert (card.recipe, card.window_frames, card.minimum_frames) == (
        RECIPE,
        WINDOW_FRAMES[name],
        MINIMUM_FRAMES,
    )
    assert card.encoder == ENCODERS[name]
    assert card.smoothing == UNFITTED.smoothing
    assert card.evaluation == {"accuracy": 0.5}


def test_the_card_has_the_checksum_of_the_weights(model: Path) -> None:
    digests = set()
    for content in (b"some weights", b"other weights"):
        model.write_bytes(content)
        write_card(model, UNFITTED, {})
        digests.add(load_card(model.with_suffix(".json")).sha256)
    assert len(digests) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(temperature=st.floats(0.25, 2.0))
def test_fitted_settings_are_rounded_and_accepted(model: Path, temperature: float) -> None:
    fitted = dataclasses.replace(UNFITTED, temperature=temperature)
    write_card(model, fitted, {})
    card = load_card(model.with_suffix(".json"))
    assert card.temperature == pytest.approx(temperature, abs=5e-4)


def test_people_can_read_the_card(model: Path) -> None:
    write_card(model, UNFITTED, {"protocol": "four folds – ü"})
    text = model.with_suffix(".json").read_text("utf-8")
    assert text.endswith("}\n")
    assert "four folds – ü" in text
    values = json.loads(text)
    for key in ("intended_use", "not_for", "known_weaknesses", "training_data", "licence"):
        assert values[key]


def test_a_model_without_a_description_gets_no_card(tmp_path: Path) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(b"some weights")
    with pytest.raises(KeyError, match="other"):
        write_card(path, UNFITTED, {})
    assert not path.with_suffix(".json").exists()
