"""Ask an exported model about whole recordings, exactly as ``emotiond analyze`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from dsp.frontend import FrontEnd, WindowShape
from dsp.types import FloatArray
from inference.card import LABELS
from models.encoder import RECIPE
from models.windows import Cut, cut_windows

N_LABELS = len(LABELS)


@dataclass(frozen=True)
class Judged:
    """What a model says of one window."""

    logits: FloatArray
    """Of the labels, ``(8,)``."""
    voice: float
    """Probability that there is a voice."""
    statistics: FloatArray | None
    """Of the speaker, where the model gives them."""
    frames: int
    active_frames: int
    end_sample: int


class Model:
    """An exported model in an interpreter of its own."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._run = self._interpreter.get_signature_runner()
        inputs = self._run.get_input_details()
        self.window_frames = int(inputs["features"]["shape"][1])
        self.speaker_size = int(inputs["speaker"]["shape"][1]) if "speaker" in inputs else 0

    def __call__(self, cut: Cut, speaker: FloatArray | None = None) -> Judged:
        """Judge one window, cold unless the speaker's statistics are given."""
        inputs = {"features": cut.features[None]}
        if self.speaker_size:
            cold = np.zeros(self.speaker_size, np.float32)
            inputs["speaker"] = (cold if speaker is None else speaker)[None]
        outputs = self._run(**inputs)
        logits = outputs["logits"][0]
        statistics = outputs.get("statistics")
        return Judged(
            logits[:N_LABELS],
            float(1 / (1 + np.exp(-logits[N_LABELS]))),
            None if statistics is None else statistics[0],
            cut.frames,
            cut.active_frames,
            cut.end_sample,
        )


def judge_recording(
    model: Model,
    samples: npt.NDArray[np.float32],
    minimum_frames: int,
    speaker: FloatArray | None = None,
) -> list[Judged]:
    """Judge every window of a recording, from a cold front end."""
    front_end = FrontEnd(RECIPE, WindowShape(model.window_frames, minimum_frames))
    return [model(cut, speaker) for cut in cut_windows(front_end, samples)]


def clip_scores(
    judged: Sequence[Judged], temperature: float, voice_threshold: float
) -> FloatArray | None:
    """Mean posteriors weighted by speech, ``(8,)``; None where no voice was found."""
    kept = [window for window in judged if window.voice >= voice_threshold]
    weights = np.array([window.active_frames for window in kept], np.float64)
    if weights.sum() == 0:
        return None
    posteriors = softmax(np.stack([window.logits for window in kept]) / temperature)
    scores: FloatArray = weights @ posteriors / weights.sum()
    return scores


def softmax(logits: FloatArray) -> FloatArray:
    """Over the last axis, in float64."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    scores: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return scores
