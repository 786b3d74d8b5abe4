from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.frontend import WindowShape
from emotiond.exceptions import CardError
from emotiond.inference.card import LABELS, EncoderShape, load_card
from tests.conftest import DATA

GOOD = json.loads((DATA / "adapting.json").read_text("utf-8"))


def changed(path: str, value: Any) -> Any:
    card = json.loads(json.dumps(GOOD))
    *folders, key = path.split(".")
    place = card
    for folder in folders:
        place = place[folder]
    place[key] = value
    return card


def refusal(folder: Path, content: str | bytes) -> str:
    """The one line with which a card is refused."""
    path = folder / "card.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CardError) as refused:
        load_card(path)
    line = str(refused.value)
    assert "\n" not in line
    assert str(path) in line
    assert refused.value.remedy in line
    return line


def test_a_good_card_is_read() -> None:
    card = load_card(DATA / "adapting.json")
    assert card.labels == LABELS
    assert card.shape == WindowShape(frames=100, minimum_frames=38)
    assert card.window_seconds == 1.015
    assert card.window_states == 100
    assert card.adaptation is not None
    assert load_card(DATA / "tiny.json").adaptation is None


def test_a_card_says_how_the_encoder_takes_frames() -> None:
    card = load_card(DATA / "past.json")
    assert card.encoder == EncoderShape(
        frames_per_state=2, look_back_frames=2, look_ahead_frames=1, states_per_call=5
    )
    assert card.encoder.frames_per_call == 13
    assert card.window_states == 50


def test_the_labels_are_the_eight_in_their_order() -> None:
    assert " ".join(LABELS) == "neutral calm happy sad angry fearful disgust surprised"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "must be an object, not list"),
        ("null", "must be an object, not null"),
        (b"\xff\xfe\x00", "decode"),
        ("[" * 100_000, "broken"),
        ("1" + "0" * 5000, "broken"),
        (" " * 4_000_001, "too large"),
    ],
)
def test_an_invalid_card_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    assert reason in refusal(tmp_path, content)


@pytest.mark.parametrize("key", [key for key in GOOD if key != "adaptation"])
def test_nothing_but_the_adaptation_may_be_left_out(tmp_path: Path, key: str) -> None:
    card = {name: value for name, value in GOOD.items() if name != key}
    assert f"'{key}' is missing" in refusal(tmp_path, json.dumps(card))


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("format", 1, "format is 1, this version reads 2"),
        ("name", 3, "'name' must be a text"),
        ("labels", ["happy"], "labels must be neutral calm"),
        ("labels", list(reversed(LABELS)), "in this order"),
        ("recipe", None, "recipe must be an object"),
        ("recipe.sample_rate", 8000, "must lie in 0"),
        ("recipe.sample_rate", 44_100, "recipe.sample_rate must be 16000"),
        ("recipe.sample_rate", 10**400, "far too large"),
        ("recipe.hop_length", 401, "hop_length must not exceed recipe.frame_length"),
        ("recipe.hop_length", 0, "hop_length must be at least 1"),
        ("recipe.n_fft", 10**12, "must not exceed 16000"),
        ("recipe.n_mels", 10**12, "must not exceed 16000"),
        ("recipe.window", "kaiser", "'recipe.window' must be one of"),
        ("recipe.n_mfcc", 27, "must not exceed n_mels"),
        ("recipe.n_mfc", 13, "did you mean 'n_mfcc'?"),
        ("recipe.log_floor", 1e-50, "log_floor must lie between"),
        ("recipe.log_floor", 1e39, "log_floor must lie between"),
        ("recipe.pre_emphasis", 1e308, "pre_emphasis must lie between"),
        ("recipe.pre_emphasis", float("nan"), "must be finite"),
        ("window_frames", 1.5, "'window_frames' must be a whole number"),
        ("window_frames", 10**6, "window_frames is beyond"),
        ("window_frames", 30, "minimum_frames must lie between"),
        ("minimum_frames", 0, "minimum_frames must lie between"),
        ("minimum_frames", 101, "minimum_frames must lie between"),
        ("recipe.hop_length", 3, "hop_length is too short for so many n_mfcc"),
        ("encoder", None, "encoder must be an object"),
        ("encoder.frames_per_state", 0, "must be at least 1"),
        ("encoder.frames_per_state", 1.5, "'encoder.frames_per_state' must be a whole number"),
        ("encoder.frames_per_state", 3, "multiple of encoder.frames_per_state"),
        ("encoder.states_per_call", 0, "must be at least 1"),
        ("encoder.states_per_call", 101, "the frames of a call must not exceed window_frames"),
        ("encoder.look_back_frames", -1, "must not be negative"),
        ("encoder.look_back_frames", 76, "the frames of a call must not exceed window_frames"),
        ("encoder.look_ahead_frames", -1, "must not be negative"),
        ("encoder.look_ahead_frames", 38, "minimum_frames must suffice for one state"),
        ("encoder.look_ahead", 1, "did you mean 'look_ahead_frames'?"),
        ("temperature", 0, "temperature must lie"),
        ("temperature", 1e-40, "temperature must lie"),
        ("temperature", float("inf"), "'temperature' must be finite"),
        ("temprature", 1, "did you mean 'temperature'?"),
        ("voice_threshold", 1.01, "voice_threshold must lie"),
        ("smoothing.kind", "median", "'smoothing.kind' must be one of hmm, not 'median'"),
        ("smoothing.persistence", 1, "unknown key 'smoothing.persistence' (did you mean"),
        ("smoothing.margin", 2, "smoothing.margin"),
        ("smoothing.settling_seconds", -1, "must not be negative"),
        ("smoothing.persistence_seconds", 0, "must be positive"),
        ("smoothing.sharpness", 0, "must lie above 0"),
        ("smoothing.settling_seconds", 100, "must not exceed the window"),
        ("adaptation.bound", 0, "must be positive"),
        ("adaptation.horizon", 1, "did you mean 'horizon_seconds'?"),
        ("licence", "MIT", "licence must be an object"),
        ("training_data", "RAVDESS", "'training_data' must be a list"),
        ("evaluation", [], "'evaluation' must be an object"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(
    tmp_path: Path, path: str, value: object, reason: str
) -> None:
    assert reason in refusal(tmp_path, json.dumps(changed(path, value)))


def test_a_card_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"cannot read the card .*none\.json .No such file"):
        load_card(tmp_path / "none.json")


def test_a_folder_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="directory"):
        load_card(tmp_path)


@given(st.data())
def test_any_single_wrong_value_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    places = [
        *GOOD,
        *(f"{k}.{i}" for k in ("recipe", "encoder", "smoothing", "adaptation") for i in GOOD[k]),
    ]
    value = data.draw(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3))
    card = changed(data.draw(st.sampled_from(places)), value)
    path = tmp_path_factory.mktemp("card") / "card.json"
    path.write_text(json.dumps(card))
    with contextlib.suppress(CardError):
        load_card(path)
