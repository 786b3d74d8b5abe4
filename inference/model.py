"""Reads a model and its card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import CardError, ModelError
from emotiond.inference.card import Card, load_card
from emotiond.inference.files import read_file

SUFFIX = ".tflite"
_LARGEST_BYTES = 2**29
_LARGEST_REPORT_BYTES = 2**23


@dataclass(frozen=True)
class Model:
    """A card and the bytes of its model. All classifiers of a process share them."""

    card: Card
    content: bytes
    report: bytes | None = None
    """A page in HTML that shows how the model was evaluated; None without one."""


def read_model(path: Path) -> Model:
    """Read ``NAME.tflite``, its card ``NAME.json``, and its report ``NAME.html``, if there is one.

    Raises:
        CardError: the card is missing or broken, or belongs to another file.
        ModelError: the model or its report is unreadable.
    """
    if path.suffix != SUFFIX:
        raise ModelError(f"{path} is not a {SUFFIX} file", "Give the path of a model, or its name")
    try:
        content = read_file(path, _LARGEST_BYTES)
    except (OSError, ValueError) as error:  # ValueError: too large, or no path
        raise ModelError(
            f"cannot read the model {path} ({getattr(error, 'strerror', None) or error})",
            "Choose one from 'emotiond models', or give the path of a .tflite file",
        ) from None
    card = load_card(path.with_suffix(".json"))
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise CardError(
            f"the model {path} is not the file that its card describes "
            f"({len(content)} bytes, checksum differs)",
            "It was cut short or exchanged: copy both files again",
        )
    return Model(card, content, _read_report(path.with_suffix(".html")))


def _read_report(path: Path) -> bytes | None:
    try:
        return read_file(path, _LARGEST_REPORT_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"cannot read the model's report {path} ({getattr(error, 'strerror', None) or error})",
            "Copy it again, or move it away: a model needs none",
        ) from None
