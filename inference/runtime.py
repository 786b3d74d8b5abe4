"""Which TFLite interpreter this machine has, and how to ask it for an inference."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emotiond.exceptions import InterpreterError

LITERT = "ai-edge-litert"
TFLITE_RUNTIME = "tflite-runtime"

MODULES = {
    LITERT: "ai_edge_litert.interpreter",
    TFLITE_RUNTIME: "tflite_runtime.interpreter",
}
"""The module of each package, the preferred one first."""


@dataclass(frozen=True)
class Runtime:
    """An installed interpreter."""

    package: str
    """``ai-edge-litert`` or ``tflite-runtime``."""
    interpreter_class: Any

    @property
    def version(self) -> str:
        """Of the package."""
        import importlib.metadata  # costs as much as the model, and is asked for by few

        return importlib.metadata.version(self.package)

    def interpreter(self, model_content: bytes) -> Any:
        """A new interpreter for one model; it belongs to the thread that uses it.

        One thread: on small machines a second one costs more than it gives.

        Raises:
            ValueError: the content is not a model that this interpreter can run.
        """
        with _native_log_muted():
            interpreter = self.interpreter_class(model_content=model_content, num_threads=1)
            interpreter.allocate_tensors()
        return interpreter


@contextlib.contextmanager
def _native_log_muted() -> Iterator[None]:
    """Keep the interpreter's C++ chatter off the user's terminal; errors still come as exceptions.

    It has no switch of its own for that, so the descriptor is exchanged for a moment.
    """
    if sys.stderr is None:  # closed by whoever started the process: nothing to keep clean
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def find_runtime() -> Runtime:
    """The interpreter to use: ai-edge-litert where it is installed, else tflite-runtime.

    Raises:
        InterpreterError: neither can be used; the message says what to install.
    """
    for package, module_name in MODULES.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            continue
        if package == TFLITE_RUNTIME and int(np.__version__.split(".")[0]) >= 2:
            raise InterpreterError(
                f"tflite-runtime cannot work with numpy {np.__version__}",
                "Install an older one: pip install 'numpy<2'",
            )
        return Runtime(package, module.Interpreter)
    raise InterpreterError(
        "no TFLite interpreter is installed",
        "Run 'pip install ai-edge-litert' (64-bit Linux, Apple silicon, Windows), or on 32-bit "
        "Raspberry Pi OS use Python 3.11 or older and 'pip install tflite-runtime \"numpy<2\"'; "
        "Intel Macs and 32-bit ARM with Python 3.12 have none",
    )
