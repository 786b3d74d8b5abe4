"""The models that came with the package, and how a name or a path becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emotiond.exceptions import ModelError
from emotiond.inference.classifier import SUFFIX, Model, read_model
from emotiond.inference.runtime import LITERT, Runtime

_FOLDER = Path(__file__).parents[1] / "models"


def bundled_models() -> Sequence[Path]:
    """Paths of the bundled ``.tflite`` files, in the order of their names."""
    return sorted(_FOLDER.glob(f"*{SUFFIX}"))


def default_name(runtime: Runtime) -> str:
    """The best bundled model that this interpreter can run."""
    return "full" if runtime.package == LITERT else "lite"


def find_model(wanted: str | None, runtime: Runtime) -> Model:
    """Read a model by name or path; None for the best bundled one.

    Raises:
        ModelError: there is no such model, or it cannot be read.
        CardError: its card is missing or broken, or belongs to another file.
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
