"""The card and the report hold what was measured."""

from __future__ import annotations

import json
from math import nan
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")

from emotiond.inference.card import load_card
from emotiond.models.training.common.cards import Fitted, write_card
from emotiond.models.training.evaluation.report import write_report


def test_card_and_page_are_written(folder: Path, results: dict[str, object]) -> None:
    shipped = folder / "all" / "full.tflite"
    fitted = results["fitted"]
    assert isinstance(fitted, Fitted)
    write_card(shipped, fitted, {"accuracy": 0.5})
    card = load_card(shipped.with_suffix(".json"))
    assert card.temperature == pytest.approx(fitted.temperature, abs=1e-3)
    assert card.smoothing == fitted.smoothing
    page = folder / "reports" / "full.html"
    values = json.loads(shipped.with_suffix(".json").read_text("utf-8"))
    curves = [
        {"loss": [3.0, 2.0, 1.5], "accuracy": [nan, nan, nan], "held_out": [nan, nan, nan]},
        {"loss": [3.0, 2.0, 1.5], "accuracy": [0.1, 0.4, 0.5], "held_out": [nan, 0.2, nan]},
    ]
    seeds = [[0.5, 0.6], [0.7, 0.8]]
    write_report(page, {**results, "card": values, "curves": curves, "seeds": seeds})
    text = page.read_text("utf-8")
    assert text.count("<svg") == 6
    assert text.count("training 1: not measured") == 2
    assert "nan" not in text
    assert "65.0 % ± 14.1" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
