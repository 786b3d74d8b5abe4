"""Runs a model: features to states, states to posteriors."""

from __future__ import annotations

from collections.abc import Mapping
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
        self._encode = self._signature(ENCODE)
        self._classify = self._signature(CLASSIFY)
        takes = _shapes(self._encode.get_input_details())
        self._past_shapes = {n: shape for n, shape in takes.items() if n.startswith(_PAST)}
        self._check()
        self._call = {n: np.zeros(takes[n], np.float32) for n in (FEATURES, POSITION, COUNT)}
        takes = _shapes(self._classify.get_input_details())
        self._window = {n: np.zeros(shape, np.float32) for n, shape in takes.items()}

    def encoding(self) -> Encoding:
        """Return the state of the encoder for a new stream."""
        (_, window_states, state_size) = self._window[STATES].shape
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
        encoding.copy_window(self._window[STATES][0], self._window[LEVELS][0])
        if self.card.adaptation is not None:
            self._window[SPEAKER][0] = 0 if speaker is None else speaker.vector
        outputs = self._run(self._classify, self._window)
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
        """Encode the frames that came since the last call; see :meth:`infer`.

        A call with fewer states than ``states_per_call`` has zeros after its features. They matter
        where the model quantizes its activations, with one scale for all rows.
        """
        while True:
            count, features = encoding.next_call(window)
            if count == 0:
                return
            self._call[FEATURES][0, : features.shape[0]] = features
            self._call[FEATURES][0, features.shape[0] :] = 0
            self._call[POSITION][...] = encoding.position
            self._call[COUNT][...] = count
            outputs = self._run(self._encode, {**self._call, **encoding.past})
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
        size = self._window[SPEAKER].shape[1]
        if profile is not None and len(profile.mean) != size:
            raise ProfileError(
                f"the profile holds {len(profile.mean)} statistics, the model "
                f"{self.card.name!r} takes {size}",
                "Record it again with 'emotiond enroll'",
            )
        return Speaker(self.card.adaptation, size, profile)

    def _signature(self, name: str) -> Any:
        """Return the function of a signature."""
        if name not in self._interpreter.get_signature_list():
            raise CardError(
                f"the model {self.card.name!r} has no signature {name!r}",
                "Use a model that was exported for this version",
            )
        return self._interpreter.get_signature_runner(name)

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
        gives |= {name: self._given(name, _shapes(found)) for name in past}
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

    def _given(self, name: str, found: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
        """Return the shape of an output that becomes part of the past.

        A call gives as many rows for each state as the model likes. A ring must have room for them.
        """
        kept, calls = self._past_shapes[name], self.card.encoder.states_per_call
        if name.startswith(HOLD):
            return kept
        given = found.get(name, ())
        rows = max(given[-2] // calls, 1) * calls if len(given) > 1 else calls
        if len(kept) < 2 or (name.startswith(RING) and kept[-2] < rows):
            raise CardError(
                f"the model {self.card.name!r} keeps {kept} in {name!r}, fewer rows than one call "
                f"of the encoder gives ({rows})",
                "Export it with a longer one, or with fewer encoder.states_per_call",
            )
        return (*kept[:-2], rows, kept[-1])

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


def _shapes(details: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(map(int, detail["shape"])) for name, detail in details.items()}
