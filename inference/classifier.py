"""Load a model, check it against its card, and infer posteriors from windows of features."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import CardError, ModelError, ProfileError
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import LABELS, Card, load_card
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import LITERT, Runtime

SUFFIX = ".tflite"
FEATURES, SPEAKER = "features", "speaker"
LOGITS, STATISTICS = "logits", "statistics"


@dataclass(frozen=True)
class Model:
    """A card and the bytes of its model. All classifiers of a process share them."""

    card: Card
    content: bytes


@dataclass(frozen=True)
class Prediction:
    """The output of the model for one window."""

    posteriors: FloatArray
    """Shape ``(8,)``, in the order of ``LABELS``; the sum is 1."""
    voice: float
    """Probability that the window contains a human voice."""
    statistics: FloatArray | None
    """Statistics of the speech in this window; None for a model that does not adapt."""


def read_model(path: Path) -> Model:
    """Read a model and its card from ``NAME.tflite`` and ``NAME.json``.

    Raises:
        CardError: the card is missing or broken, or belongs to another file.
        ModelError: the model is unreadable.
    """
    if path.suffix != SUFFIX:
        raise ModelError(f"{path} is not a {SUFFIX} file", "Give the path of a model, or its name")
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: the path cannot be one
        raise ModelError(
            f"cannot read the model {path} ({getattr(error, 'strerror', error)})",
            "Choose one from 'emotiond models', or give the path of a .tflite file",
        ) from None
    card = load_card(path.with_suffix(".json"))
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise CardError(
            f"the model {path} is not the file that its card describes "
            f"({len(content)} bytes, checksum differs)",
            "It was cut short or exchanged: copy both files again",
        )
    return Model(card, content)


class Classifier:
    """Runs a model on windows. It belongs to one thread.

    Raises:
        ModelError: the interpreter cannot load the model.
        CardError: the model's tensors differ from those in the card.
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
        # Each call returns a view. The interpreter runs only while no view exists.
        self._features = self._interpreter.tensor(self._inputs[FEATURES]["index"])
        self._speaker = None
        if SPEAKER in self._inputs:
            self._speaker = self._interpreter.tensor(self._inputs[SPEAKER]["index"])

    def infer(self, window: FloatArray, speaker: Speaker | None) -> Prediction:
        """Run the model on one window.

        A batch of windows would take as long as the same windows in turn (benchmarks/README.md).

        Args:
            window: shape ``(window_frames, n_mfcc)``.
            speaker: statistics of the speaker; None for an unknown one.

        Raises:
            ModelError: the model failed, or returned values that are not finite.
        """
        self._features()[0] = window
        if self._speaker is not None:
            self._speaker()[0] = 0 if speaker is None else speaker.vector
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise ModelError(
                f"the model {self.card.name!r} failed: {error}", "Use another model"
            ) from error
        logits = self._output(LOGITS)
        if not np.isfinite(logits).all():
            raise ModelError(
                f"the model {self.card.name!r} gave values that are not numbers",
                "Use another model",
            )
        return Prediction(
            posteriors=softmax(logits[: len(LABELS)] / self.card.temperature),
            voice=1 / (1 + float(np.exp(-np.float64(logits[len(LABELS)])))),
            statistics=self._output(STATISTICS) if STATISTICS in self._outputs else None,
        )

    def speaker(self, profile: Profile | None = None) -> Speaker | None:
        """Return the initial statistics of a speaker; None if the model does not adapt.

        Args:
            profile: a known voice, measured with this model; None for an unknown one.

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

    def _output(self, name: str) -> FloatArray:
        values: FloatArray = self._interpreter.get_tensor(self._outputs[name]["index"])[0]
        return values

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
    """Return the softmax over the last axis, without overflow."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    posteriors: FloatArray = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return posteriors


def _tensors(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the details of inputs and outputs by their names in the signature."""
    signatures = interpreter.get_signature_list()
    if not signatures:
        raise CardError("the model has no signature", "Export it with named inputs and outputs")
    signature = next(iter(signatures))
    if not signature:
        raise CardError("the model's signature has no name", "Export it again, it is damaged")
    runner = interpreter.get_signature_runner(signature)
    return dict(runner.get_input_details()), dict(runner.get_output_details())
