"""Runs the encoder, which heads never change, in the arithmetic of the exported model.

Its blocks use the same dynamic-range int8 operations as the exported model, so that the heads are
trained with their rounding.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from emotiond.dsp.frontend import Window
from emotiond.inference.encoding import Encoding
from emotiond.models.training.common.files import digest_of
from emotiond.models.training.common.model_input import FULL_ENCODER, RECIPE, WINDOW_FRAMES
from emotiond.models.training.data.augment import Warp
from emotiond.models.training.networks.encoder import CHANNELS, past_shapes
from emotiond.models.training.networks.layers import Arrays
from emotiond.models.training.networks.tflite import encode_signature, to_tflite


class FrozenEncoder:
    """The encoder as a TFLite model of its own, for one stream at a time.

    Args:
        parameters: see ``encoder.encoder_parameters``.
    """

    def __init__(self, parameters: Arrays) -> None:
        self.digest = digest_of(parameters)
        content = to_tflite({"encode": encode_signature(parameters)}, [])
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._run = self._interpreter.get_signature_runner("encode")
        shape = (1, FULL_ENCODER.frames_per_call, RECIPE.n_mfcc)
        self._features = np.zeros(shape, np.float32)
        self.restart()

    def restart(self) -> None:
        """Begin another stream."""
        states = WINDOW_FRAMES["full"] // FULL_ENCODER.frames_per_state
        self._encoding = Encoding(FULL_ENCODER, states, CHANNELS, past_shapes())

    def __call__(
        self, window: Window, warp: Warp
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]:
        """Return the new states of the present speech, and their levels.

        Args:
            window: the next window of the stream.
            warp: changes the features before they are encoded.

        Returns:
            Shapes ``(n, CHANNELS)``, float16 to save memory, and ``(n,)``.
        """
        states = [np.empty((0, CHANNELS), np.float16)]
        levels = [np.empty(0, np.float32)]
        while True:
            count, features = self._encoding.next_call(window)
            if count == 0:
                return np.concatenate(states), np.concatenate(levels)
            self._features[...] = 0
            self._features[0, : features.shape[0]] = warp(features)
            outputs = self._run(
                features=self._features,
                position=np.full((1, 1), self._encoding.position, np.float32),
                count=np.full((1, 1), count, np.float32),
                **self._encoding.past,
            )
            new_states, new_levels = outputs.pop("states")[0], outputs.pop("levels")[0]
            self._encoding.add(count, new_states, new_levels, outputs)
            states.append(new_states[:count].astype(np.float16))
            levels.append(new_levels[:count])
