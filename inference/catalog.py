"""Find a model by its path, or a bundled one by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emotiond.exceptions import ModelError
from emotiond.inference.model import SUFFIX, Model, read_model
from emotiond.inference.runtime import LITERT, Runtime

_FOLDER = Path(__file__).parents[1] / "models"


def bundled_models() -> Sequence[Path]:
    """Return the paths of the bundled ``.tflite`` files, sorted by name."""
    return sorted(_FOLDER.glob(f"*{SUFFIX}"))


def default_name(runtime: Runtime) -> str:
    """Return the name of the best bundled model that this interpreter can run."""
    return "full" if runtime.package == LITERT else "lite"


def find_model(wanted: str | None, runtime: Runtime) -> Model:
    """Read a model by its name or path; None reads the best bundled one.

    Raises:
        ModelError: the model does not exist, or is unreadable.
        CardError: the card is missing or broken, or belongs to another file.
    """
    name = wanted or default_name(runtime)
    if name.endswith(SUFFIX) or "/" in name or "\\" in name:
        return read_model(Path(name))
    bundled = {path.stem: path for path in bundled_models()}
    if name not in bundled:
        raise ModelError(
            f"there is no model {name!r}",
            f"Choose one of {', '.join(bundled) or 'none'}, or give the path of a .tflite file",
        )
    return read_model(bundled[name])
