"""One model, loaded and checked against its card, that judges windows of features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dsp.types import FloatArray
from inference.adaptation import Speaker
from inference.card import LABELS, Card, load_card
from inference.exceptions import CardError, ModelError, ProfileError
from inference.profile import Profile
from inference.runtime import LITERT, Runtime

SUFFIX = ".tflite"
FEATURES, SPEAKER = "features", "speaker"
LOGITS, STATISTICS = "logits", "statistics"


@dataclass(frozen=True)
class Model:
    """A card and the bytes of its model: read once, shared by all classifiers."""

    card: Card
    content: bytes


@dataclass(frozen=True)
class Prediction:
    """What the model makes of one window."""

    posteriors: FloatArray
    """Shape ``(8,)``, in the order of ``LABELS``; they sum to 1."""
    voice: float
    """Probability that there is a human voice."""
    statistics: FloatArray | None
    """Of this window's speech, for the adaptation; None for a model that does not adapt."""


def read_model(path: Path) -> Model:
    """Read a model and its card from ``NAME.tflite`` and ``NAME.json``.

    Raises:
        CardError: the card is missing or broken, or belongs to another file.
        ModelError: the model cannot be read.
    """
    if path.suffix != SUFFIX:
        raise ModelError(f"{path} is not a {SUFFIX} file", "Give the path of a model, or its name")
    card = load_card(path.with_suffix(".json"))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read the model {path} ({error.strerror})",
            "Choose one from 'emotiond models', or give the path of a .tflite file",
        ) from None
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise CardError(
            f"the model {path} is not the file that its card describes "
            f"({len(content)} bytes, checksum differs)",
            "It was cut short or exchanged: copy both files again",
        )
    return Model(card, content)


class Classifier:
    """Judges windows; belongs to one thread.

    Raises:
        ModelError: the interpreter cannot load the model.
        CardError: the model's tensors are not what the card says.
    """

    def __init__(self, model: Model, runtime: Runtime) -> None:
        self.card = model.card
        try:
            self._interpreter = runtime.interpreter(model.content)
        except (ValueError, RuntimeError) as error:
            needs_litert = "" if runtime.package == LITERT else f", or install {LITERT}"
            raise ModelError(
                f"{runtime.package} {runtime.version} cannot load the model "
                f"{self.card.name!r} ({error})",
                f"Use the model 'lite'{needs_litert}",
            ) from None
        self._inputs, self._outputs = _tensors(self._interpreter)
        self._check()
        self._rows = 1

    def judge(
        self, windows: Sequence[FloatArray], speakers: Sequence[Speaker | None]
    ) -> list[Prediction]:
        """Judge several windows at once.

        Args:
            windows: each ``(window_frames, n_mfcc)``.
            speakers: whose voice each of them holds; None for nobody known.

        Raises:
            ModelError: the model gave something that is not a number.
        """
        self._resize(len(windows))
        features = self._interpreter.tensor(self._inputs[FEATURES]["index"])
        for row, window in enumerate(windows):
            features()[row] = window
        if SPEAKER in self._inputs:
            vectors = self._interpreter.tensor(self._inputs[SPEAKER]["index"])
            for row, speaker in enumerate(speakers):
                vectors()[row] = 0 if speaker is None else speaker.vector
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._outputs[LOGITS]["index"])
        statistics = None
        if STATISTICS in self._outputs:
            statistics = self._interpreter.get_tensor(self._outputs[STATISTICS]["index"])
        if not np.isfinite(logits).all():
            raise ModelError(
                f"the model {self.card.name!r} gave values that are not numbers",
                "Use another model",
            )
        posteriors = softmax(logits[:, : len(LABELS)] / self.card.temperature)
        voice = 1 / (1 + np.exp(-logits[:, len(LABELS)].astype(np.float64)))
        return [
            Prediction(posteriors[row], float(voice[row]), _row(statistics, row))
            for row in range(len(windows))
        ]

    def speaker(self, profile: Profile | None = None) -> Speaker | None:
        """Statistics of a voice to begin with; None where the model does not adapt.

        Args:
            profile: of the voice, taken by this very model; None for one not heard before.

        Raises:
            ProfileError: the profile does not fit the model.
        """
        if self.card.adaptation is None:
            return None
        size = int(self._inputs[SPEAKER]["shape"][-1])
        if profile is not None and len(profile.mean) != size:
            raise ProfileError(
                f"the profile holds {len(profile.mean)} statistics, the model "
                f"{self.card.name!r} takes {size}",
                "Record it again with 'emotiond enroll'",
            )
        return Speaker(self.card.adaptation, size, profile)

    def _resize(self, rows: int) -> None:
        if rows == self._rows:
            return
        for detail in self._inputs.values():
            shape = (rows, *map(int, detail["shape"][1:]))
            self._interpreter.resize_tensor_input(detail["index"], shape)
        self._interpreter.allocate_tensors()
        self._rows = rows

    def _check(self) -> None:
        card = self.card
        expected: dict[str, tuple[int, ...]] = {
            FEATURES: (1, card.window_frames, card.recipe.n_mfcc)
        }
        gives: dict[str, tuple[int, ...]] = {LOGITS: (1, len(LABELS) + 1)}
        if card.adaptation is not None:
            size = self._outputs[STATISTICS]["shape"][-1] if STATISTICS in self._outputs else -1
            expected[SPEAKER] = gives[STATISTICS] = (1, int(size))
        for what, wanted, found in (
            ("take", expected, self._inputs),
            ("give", gives, self._outputs),
        ):
            shapes = {name: tuple(map(int, detail["shape"])) for name, detail in found.items()}
            if shapes != wanted:
                raise CardError(
                    f"the card of {card.name!r} says that the model {what}s {wanted}, "
                    f"but it {what}s {shapes}",
                    "Use the card that was exported with the model",
                )
            for name, detail in found.items():
                if detail["dtype"] is not np.float32:
                    raise CardError(
                        f"the model {card.name!r} has {name} as {detail['dtype'].__name__}, "
                        "not float32",
                        "Export it with float32 inputs and outputs",
                    )


def softmax(logits: FloatArray) -> FloatArray:
    """Row-wise, of shape ``(n, k)``, without overflow."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    posteriors: FloatArray = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return posteriors


def _row(statistics: FloatArray | None, row: int) -> FloatArray | None:
    return None if statistics is None else statistics[row]


def _tensors(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Details of the inputs and outputs by the names that the signature gives them."""
    signatures = interpreter.get_signature_list()
    if not signatures:
        raise CardError("the model has no signature", "Export it with named inputs and outputs")
    signature = next(iter(signatures))
    runner = interpreter.get_signature_runner(signature)
    return dict(runner.get_input_details()), dict(runner.get_output_details())
