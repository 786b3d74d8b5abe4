"""From heard clips to a card and a page, with a tiny model that is right by chance alone."""

from __future__ import annotations

import dataclasses
import json
import shutil
from math import nan
from pathlib import Path

import pytest
import soundfile

pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")

from emotiond.inference.card import LABELS, load_card
from emotiond.models import evaluate
from emotiond.models.clip_figures import holding_table
from emotiond.models.corpora import Clip, read_esc10, read_ravdess
from emotiond.models.hearing import CONDITIONS, Hearing
from emotiond.models.listening import clip_scores
from emotiond.models.noise_figures import open_share
from emotiond.models.report import write_report
from tests.models.sounds import RATE, babble

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "speech").mkdir()
    (folder / "esc10" / "rain").mkdir(parents=True)
    for actor in (2, 3):
        for number in range(1, len(LABELS) + 1):
            name = f"03-01-{number:02d}-01-01-01-{actor:02d}.wav"
            soundfile.write(folder / "speech" / name, babble(3.4, actor * number), RATE)
    soundfile.write(folder / "esc10" / "rain" / "4-1-A.wav", babble(1.0), RATE)
    for name in ("fold1", "fold2", "all"):
        (folder / name).mkdir()
        for suffix in ("tflite", "json"):
            shutil.copy(DATA / f"adapting.{suffix}", folder / name / f"full.{suffix}")
    return folder


def folds(folder: Path) -> list[evaluate.Fold]:
    clips = read_ravdess(folder / "speech")
    return [
        evaluate.Fold(
            Hearing(folder / f"fold{number}" / "full.tflite"),
            [clip for clip in clips if clip.fold == number],
        )
        for number in (1, 2)
    ]


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, object]:
    shipped = folder / "all" / "full.tflite"
    noises: list[Clip] = read_esc10(folder / "esc10")
    return evaluate.evaluate(
        folds(folder), noises, shipped, evaluate.Extent(1, 1, 4, held_seconds=4)
    )


def test_every_clip_is_judged_once_by_the_model_that_never_heard_it(
    results: dict[str, dict[str, object]],
) -> None:
    assert results["cold"]["clips"] == results["adapted"]["clips"] == 16
    assert results["enrolled"]["enrolled"]["clips"] == 14  # type: ignore[index]
    assert len(results["cold"]["folds"]) == 2  # type: ignore[arg-type]


def test_an_emotion_that_lasts_is_heard_again_after_it(
    results: dict[str, dict[str, dict[str, float]]],
) -> None:
    for kind in ("the same emotion", "others"):
        assert set(results["held"][kind]) == {"before", "after"}


def test_clips_of_an_emotion_that_lasted_are_told_from_others(folder: Path) -> None:
    fold = folds(folder)[0]
    cold, card = fold.hearing.clips(fold.clips), fold.hearing.card
    scores = [clip_scores(part.steps, card) for part in cold[:2]]
    told = [None if s is None else LABELS[int(s.argmax())] for s in scores]
    lasted, other = [float(a == part.clip.label) for a, part in zip(told, cold, strict=False)]
    held = str(cold[0].clip.label)
    table = holding_table([[(held, cold[0]), (held, cold[1])]], [cold], [card])
    assert table["the same emotion"] == {"before": lasted, "after": lasted}
    assert table["others"] == {"before": other, "after": other}


def test_another_seed_is_judged_in_the_same_way(
    folder: Path, results: dict[str, dict[str, object]]
) -> None:
    assert evaluate.cold_by_fold(folds(folder)) == results["cold"]["folds"]


def test_noise_and_conditions_are_all_there(results: dict[str, dict[str, object]]) -> None:
    assert set(results["conditions"]) == set(CONDITIONS)
    assert {"rain", "digital silence", "all"} <= set(results["noise"])
    assert results["noise"]["digital silence"] == 0
    assert "the same, after a voice and a pause" in results["noise"]
    assert 0 <= results["stream"]["calibration_error"] <= 1  # type: ignore[operator]


def test_speech_is_open_where_a_window_with_a_voice_holds_it(folder: Path) -> None:
    fold = folds(folder)[0]
    heard = fold.hearing.stream(fold.clips, 0)
    all_of_it, nothing = (
        dataclasses.replace(fold.hearing.card, voice_threshold=threshold) for threshold in (0, 1)
    )
    assert open_share([[heard]], [all_of_it])["speech_kept_open"] > 0.9
    assert open_share([[heard]], [nothing])["speech_kept_open"] == 0


def test_what_was_heard_once_is_not_asked_again(
    folder: Path, results: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("emotiond.inference.classifier.Classifier.judge", refuse)
    fold = folds(folder)[0]
    assert len(fold.hearing.clips(fold.clips)) == 8
    with pytest.raises(AssertionError):
        fold.hearing.clips(fold.clips[1:])


def test_card_and_page_are_written(folder: Path, results: dict[str, object]) -> None:
    shipped = folder / "all" / "full.tflite"
    fitted = results["fitted"]
    assert isinstance(fitted, evaluate.Fitted)
    evaluate.write_card(shipped, fitted, {"accuracy": 0.5})
    card = load_card(shipped.with_suffix(".json"))
    assert card.temperature == pytest.approx(fitted.temperature, abs=1e-3)
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
