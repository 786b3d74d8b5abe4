"""Another kind of smoother is one file and one line in the table; a card chooses it by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import CardError
from emotiond.inference.card import load_card
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import Runtime
from emotiond.inference.smoothing.hmm_smoother import HmmSettings
from emotiond.inference.smoothing.kinds import SMOOTHERS
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.streams.pipeline import Pipeline
from tests.conftest import DATA
from tests.support.last_window import LastWindowSettings
from tests.support.signals import demo

STRIDE = 4000
GOOD = json.loads((DATA / "tiny.json").read_text("utf-8"))


@pytest.fixture
def last_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the table."""
    monkeypatch.setitem(SMOOTHERS, "last-window", LastWindowSettings)


def write_card(path: Path, smoothing: Any) -> Path:
    path.write_text(json.dumps({**GOOD, "smoothing": smoothing}), "utf-8")
    return path


def refusal(folder: Path, smoothing: Any) -> str:
    with pytest.raises(CardError) as refused:
        load_card(write_card(folder / "card.json", smoothing))
    return refused.value.problem


def test_the_shipped_models_use_the_kind_hmm() -> None:
    for path in (DATA.parents[1] / "models").glob("*.json"):
        assert isinstance(load_card(path).smoothing, HmmSettings)


def test_a_card_names_the_kind_and_its_settings(last_window: None, tmp_path: Path) -> None:
    path = write_card(tmp_path / "card.json", {"kind": "last-window", "majority": 0.5})
    assert load_card(path).smoothing == LastWindowSettings(majority=0.5)


def test_a_pipeline_runs_with_the_kind_of_the_card(
    last_window: None, tiny: Path, runtime: Runtime
) -> None:
    write_card(tiny.with_suffix(".json"), {"kind": "last-window", "majority": 0.42})
    classifier = Classifier(read_model(tiny), runtime)
    pipeline, sound = Pipeline(classifier.card, classifier.encoding(), None), demo()
    states = set()
    for start in range(0, sound.shape[0], STRIDE):
        chunk = Chunk(sound[start : start + STRIDE], start, start == 0, last=False)
        decision = pipeline.process(chunk, classifier)
        states.add(decision.state)
        if decision.raw is None or decision.state == "silence":
            continue
        assert decision.scores == decision.raw
        scores = list(decision.raw.values())
        best = scores.index(max(scores))
        assert decision.label == (best if scores[best] >= 0.42 else None)
    assert states == {"warmup", "silence", "speech", "uncertain"}


def test_an_unknown_kind_is_refused_with_the_known_ones(last_window: None, tmp_path: Path) -> None:
    for kind in ("median", "HMM", 3, None, ["hmm"]):
        reason = f"'smoothing.kind' must be one of hmm, last-window, not {kind!r}"
        assert reason in refusal(tmp_path, {"kind": kind, "majority": 0.5})


@pytest.mark.parametrize(
    ("smoothing", "reason"),
    [
        ({"kind": "last-window"}, "'smoothing.majority' is missing"),
        (
            {"kind": "last-window", "majorty": 1},
            "unknown key 'smoothing.majorty' (did you mean 'majority'?)",
        ),
        ({"kind": "last-window", "majority": "1"}, "'smoothing.majority' must be a number"),
        ({"kind": "last-window", "majority": 2}, "smoothing.majority must lie between 0 and 1"),
        ({**GOOD["smoothing"], "kind": "last-window"}, "unknown key 'smoothing.persistence_s"),
        ({"kind": "hmm", "majority": 1}, "unknown key 'smoothing.majority'"),
        ([], "smoothing must be an object, not list"),
        (None, "smoothing must be an object, not null"),
    ],
)
def test_the_settings_must_be_those_of_the_kind(
    last_window: None, tmp_path: Path, smoothing: Any, reason: str
) -> None:
    assert reason in refusal(tmp_path, smoothing)


def test_a_card_without_a_kind_is_refused_with_the_remedy(tmp_path: Path) -> None:
    settings = {key: value for key, value in GOOD["smoothing"].items() if key != "kind"}
    assert '\'smoothing.kind\' is missing (add "kind": "hmm")' in refusal(tmp_path, settings)
