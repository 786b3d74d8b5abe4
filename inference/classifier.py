"""Runs a model: features to states, states to posteriors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emotiond.dsp.frontend import Window
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import CardError, ModelError, ProfileError
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import LABELS
from emotiond.inference.encoding import HOLD, RING, TAIL, Encoding
from emotiond.inference.model import Model
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import LITERT, Runtime

ENCODE, CLASSIFY = "encode", "classify"
FEATURES, POSITION, COUNT = "features", "position", "count"
STATES, LEVELS, SPEAKER = "states", "levels", "speaker"
LOGITS, STATISTICS = "logits", "statistics"
_PAST = (RING, TAIL, HOLD)


@dataclass(frozen=True)
class Prediction:
    """The output of the model for one window."""

    posteriors: FloatArray
    """Shape ``(8,)``, in the order of ``LABELS``; the sum is 1."""
    voice: float
    """Probability that the window contains a human voice."""
    statistics: FloatArray | None
    """Statistics of the speech in this window; None for a model that does not adapt."""


class Classifier:
    """Runs a model on the windows of many streams. It belongs to one thread.

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
        self._encode = _signature(self._interpreter, ENCODE)
        self._classify = _signature(self._interpreter, CLASSIFY)
        self._past_shapes = {
            name: shape
            for name, shape in _shapes(self._encode.get_input_details()).items()
            if name.startswith(_PAST)
        }
        self._check()
        frames = self.card.encoder.frames_per_call
        self._features = np.zeros((1, frames, self.card.recipe.n_mfcc), np.float32)

    def encoding(self) -> Encoding:
        """Return the state of the encoder for a new stream."""
        (_, window_states, state_size) = _shapes(self._classify.get_input_details())[STATES]
        return Encoding(self.card.encoder, window_states, state_size, self._past_shapes)

    def infer(self, window: Window, encoding: Encoding, speaker: Speaker | None) -> Prediction:
        """Encode the new frames of the present speech, and classify its window.

        Args:
            window: the present speech.
            encoding: the state of the encoder in this stream. It takes up the new frames.
            speaker: statistics of the speaker; None for an unknown one.

        Raises:
            ModelError: the model failed, or returned values that are not finite.
        """
        self.encode(window, encoding)
        states, levels = encoding.window()
        inputs = {STATES: states[None], LEVELS: levels[None]}
        if self.card.adaptation is not None:
            size = _shapes(self._classify.get_input_details())[SPEAKER][1]
            vector = np.zeros(size, np.float32) if speaker is None else speaker.vector
            inputs[SPEAKER] = vector[None]
        outputs = self._run(self._classify, inputs)
        logits = outputs[LOGITS][0]
        if not np.isfinite(logits).all():
            raise ModelError(
                f"the model {self.card.name!r} gave values that are not numbers",
                "Use another model",
            )
        return Prediction(
            posteriors=softmax(logits[: len(LABELS)] / self.card.temperature),
            voice=1 / (1 + float(np.exp(-np.float64(logits[len(LABELS)])))),
            statistics=outputs[STATISTICS][0] if STATISTICS in outputs else None,
        )

    def encode(self, window: Window, encoding: Encoding) -> None:
        """Encode the frames that came since the last call; see :meth:`infer`."""
        while True:
            count, features = encoding.next_call(window)
            if count == 0:
                return
            self._features[0, : features.shape[0]] = features
            outputs = self._run(
                self._encode,
                {
                    FEATURES: self._features,
                    POSITION: np.full((1, 1), encoding.position, np.float32),
                    COUNT: np.full((1, 1), count, np.float32),
                    **encoding.past,
                },
            )
            states, levels = outputs.pop(STATES)[0], outputs.pop(LEVELS)[0]
            encoding.add(count, states, levels, outputs)

    def speaker(self, profile: Profile | None = None) -> Speaker | None:
        """Return the initial statistics of a speaker; None if the model does not adapt.

        Args:
            profile: a known voice, measured with this model; None for an unknown one.

        Raises:
            ProfileError: the profile does not fit the model.
        """
        if self.card.adaptation is None:
            return None
        size = _shapes(self._classify.get_input_details())[SPEAKER][1]
        if profile is not None and len(profile.mean) != size:
            raise ProfileError(
                f"the profile holds {len(profile.mean)} statistics, the model "
                f"{self.card.name!r} takes {size}",
                "Record it again with 'emotiond enroll'",
            )
        return Speaker(self.card.adaptation, size, profile)

    def _run(self, signature: Any, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        try:
            outputs: dict[str, FloatArray] = signature(**inputs)
        except RuntimeError as error:
            raise ModelError(
                f"the model {self.card.name!r} failed: {error}", "Use another model"
            ) from error
        return outputs

    def _check(self) -> None:
        """Compare shapes and types of all tensors with the card."""
        card, calls = self.card, self.card.encoder.states_per_call
        past = self._past_shapes
        given = _shapes(self._classify.get_input_details()).get(STATES, (0, 0, 0))
        size = given[-1]
        expected: dict[str, tuple[int, ...]] = {
            FEATURES: (1, card.encoder.frames_per_call, card.recipe.n_mfcc),
            POSITION: (1, 1),
            COUNT: (1, 1),
            **past,
        }
        self._compare(ENCODE, "takes", expected, self._encode.get_input_details())
        found = self._encode.get_output_details()
        gives = {STATES: (1, calls, size), LEVELS: (1, calls)}
        for name, shape in past.items():
            gives[name] = shape
            if not name.startswith(HOLD):  # as many new rows for each state as the model likes
                rows = _shapes(found).get(name, (0, 0))[-2]
                gives[name] = (*shape[:-2], max(rows - rows % calls, calls), shape[-1])
        self._compare(ENCODE, "gives", gives, found)
        takes: dict[str, tuple[int, ...]] = {
            STATES: (1, card.window_states, size),
            LEVELS: (1, card.window_states),
        }
        found = self._classify.get_output_details()
        gives = {LOGITS: (1, len(LABELS) + 1)}
        if card.adaptation is not None:
            size = _shapes(found).get(STATISTICS, (0,))[-1]
            takes[SPEAKER] = gives[STATISTICS] = (1, size)
        self._compare(CLASSIFY, "takes", takes, self._classify.get_input_details())
        self._compare(CLASSIFY, "gives", gives, found)

    def _compare(
        self,
        signature: str,
        verb: str,
        expected: dict[str, tuple[int, ...]],
        details: dict[str, Any],
    ) -> None:
        found = _shapes(details)
        if found != expected:
            raise CardError(
                f"the card of {self.card.name!r} says that {signature!r} {verb} {expected}, "
                f"but it {verb} {found}",
                "Use the card that was exported with the model",
            )
        for name, detail in details.items():
            if detail["dtype"] is not np.float32:
                raise CardError(
                    f"the model {self.card.name!r} has {name} as {detail['dtype'].__name__}, "
                    "not float32",
                    "Export it with float32 inputs and outputs",
                )


def softmax(logits: FloatArray) -> FloatArray:
    """Return the softmax over the last axis, without overflow."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    posteriors: FloatArray = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return posteriors


def _signature(interpreter: Any, name: str) -> Any:
    """Return the function of a signature."""
    if name not in interpreter.get_signature_list():
        raise CardError(
            f"the model has no signature {name!r}",
            "Use a model that was exported for this version",
        )
    return interpreter.get_signature_runner(name)


def _shapes(details: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(map(int, detail["shape"])) for name, detail in details.items()}
