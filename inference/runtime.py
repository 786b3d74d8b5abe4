"""Find the installed TFLite interpreter, and make an interpreter for a model."""

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
"""The module of each package. The preferred one is first."""


@dataclass(frozen=True)
class Runtime:
    """An installed interpreter package."""

    package: str
    """``ai-edge-litert`` or ``tflite-runtime``."""
    interpreter_class: Any

    @property
    def version(self) -> str:
        """Version of the package."""
        import importlib.metadata  # as slow as loading a model, and seldom needed

        return importlib.metadata.version(self.package)

    def interpreter(self, model_content: bytes) -> Any:
        """Make an interpreter for one model. It belongs to the thread that uses it.

        It computes in one thread, because a second one slows down small machines.

        Raises:
            ValueError: this interpreter cannot load the content.
            RuntimeError: this interpreter cannot run it.
        """
        with _native_log_muted():
            interpreter = self.interpreter_class(model_content=model_content, num_threads=1)
            for name in interpreter.get_signature_list():
                _try(interpreter.get_signature_runner(name))
        return interpreter


def _try(signature: Any) -> None:
    """Run a signature once on zeros. It allocates its own tensors."""
    takes = signature.get_input_details()
    signature(**{name: np.zeros(it["shape"], it["dtype"]) for name, it in takes.items()})


@contextlib.contextmanager
def _native_log_muted() -> Iterator[None]:
    """Hide the interpreter's native log from the terminal. Errors still raise exceptions.

    The interpreter has no option for this, so standard error is redirected for a moment.
    """
    if sys.stderr is None:  # the parent process closed it
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
    """Return the interpreter to use: ai-edge-litert if installed, otherwise tflite-runtime.

    Raises:
        InterpreterError: neither works. The message says what to install.
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
