"""Writes the card of a model: its contract with the daemon, and information for people."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from emotiond.inference.adaptation import AdaptationSettings
from emotiond.inference.card import LABELS
from emotiond.inference.smoothing.hmm_smoother import HmmSettings
from emotiond.models.training.common.model_input import (
    ENCODERS,
    MINIMUM_FRAMES,
    PRIOR_SECONDS,
    RECIPE,
    WINDOW_FRAMES,
)

DESCRIPTIONS = {
    "full": "Trained heads on the lower three blocks of Whisper's tiny encoder, which were taught "
    "to hear each frame once; dynamic-range int8 weights. For laptops and 64-bit boards.",
    "lite": "Small network of streaming convolutions, distilled from `full`; float16 weights, "
    "float32 arithmetic. Loads in every TFLite interpreter, on 32-bit boards too.",
}

_TRAINING_DATA = (
    "RAVDESS speech (Livingstone & Russo 2018), CC BY-NC-SA 4.0: 20 of 24 actors, acted, North "
    "American English, two sentences; they include the demo recording",
    "RAVDESS song, CC BY-NC-SA 4.0: the same actors",
    "nEMO (Christop 2024), CC BY-NC-SA 4.0: 9 speakers, acted, Polish",
    "ESC-10 (Piczak 2015), CC BY 3.0: folds 1 to 3, as noises without a voice",
    "CREMA-D (Cao et al. 2014), ODbL 1.0 and DbCL 1.0: as sound without labels, for the encoder of "
    "`full`",
    "`full` starts from OpenAI's Whisper tiny encoder (MIT licence); `lite` learned from `full`",
)
_LICENCE = "CC BY-NC-SA 4.0"
_INTENDED_USE = (
    "Art, games, research, demonstrations and self-reflection by people who know that the "
    "program listens. The output says what acted speech of this kind usually expresses, not "
    "what a person feels."
)
_NOT_FOR = (
    "Decisions about people: hiring, education, credit, insurance, health, policing, border "
    "control. Inferring emotions at work or in schools is forbidden in the European Union (AI "
    "Act, article 5). Commercial use is excluded by the licence of the training data."
)
_OWN_WEAKNESSES = {
    "full": (
        "It often gives no label to the first words of a short utterance, until a voice is certain",
    ),
    "lite": (
        "After a minute of one emotion, it names that emotion slightly less often; see the report",
    ),
}
_WEAKNESSES = (
    "Trained on acted emotions; spontaneous speech is subtler and mostly called neutral or calm",
    "Men's voices get a wrong label one and a half times as often as women's; see the figures",
    "It confuses sad with calm most often, and sad with many others",
    "Recordings unlike RAVDESS's are much harder: heads of `full` that were trained without nEMO "
    "had a recall of 55 % on the happy, sad and fearful clips of nEMO, which are Polish",
    "Not measured: languages other than English and Polish, children, old people, strong accents",
    "One voice at a time; music with singing counts as a voice",
    "Past speech counts for up to half a minute: a new speaker may first get the label of the last",
)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Settings that are fitted after training, never on the actors that are reported."""

    temperature: float
    smoothing: HmmSettings


UNFITTED = Fitted(
    temperature=1.0,
    smoothing=HmmSettings(
        persistence_seconds=10.0,
        evidence_seconds=1.4,
        margin=0.3,
        uncertain_below=0.55,
        settling_seconds=0.0,
        sharpness=1.0,
    ),
)
"""The settings of a model before evaluation; tuning starts from them."""

VOICE_THRESHOLD = 0.5
"""Where the training of the voice detector puts the threshold."""

_ADAPTATION = AdaptationSettings(PRIOR_SECONDS, horizon_seconds=300.0, bound=1.5)


@dataclasses.dataclass(frozen=True)
class About:
    """What a card tells people, and the network that it describes."""

    network: str
    """``full`` or ``lite``."""
    description: str
    weights_licence: str
    training_data: tuple[str, ...]
    known_weaknesses: tuple[str, ...]


ABOUT = {
    name: About(name, description, _LICENCE, _TRAINING_DATA, (*_OWN_WEAKNESSES[name], *_WEAKNESSES))
    for name, description in DESCRIPTIONS.items()
}
"""The shipped models."""


def write_card(
    model: Path, fitted: Fitted, evaluation: dict[str, Any], about: About | None = None
) -> None:
    """Write ``<name>.json`` beside ``<name>.tflite``.

    Args:
        model: the ``.tflite`` file.
        fitted: settings that were fitted after training.
        evaluation: the figures.
        about: None for a shipped model.
    """
    about = about or ABOUT[model.stem]
    card = {
        "format": 2,
        "name": model.stem,
        "description": about.description,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "labels": list(LABELS),
        "recipe": dataclasses.asdict(RECIPE),
        "window_frames": WINDOW_FRAMES[about.network],
        "minimum_frames": MINIMUM_FRAMES,
        "encoder": dataclasses.asdict(ENCODERS[about.network]),
        "temperature": round(fitted.temperature, 3),
        "voice_threshold": VOICE_THRESHOLD,
        "smoothing": {"kind": "hmm", **dataclasses.asdict(fitted.smoothing)},
        "adaptation": dataclasses.asdict(_ADAPTATION),
        "licence": {"weights": about.weights_licence, "code": "MIT"},
        "training_data": list(about.training_data),
        "evaluation": evaluation,
        "intended_use": _INTENDED_USE,
        "not_for": _NOT_FOR,
        "known_weaknesses": list(about.known_weaknesses),
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    model.with_suffix(".json").write_text(text, "utf-8")
