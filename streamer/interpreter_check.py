"""Tries the TFLite interpreter in a process of its own, so that a crash becomes an error message.

Some releases of the interpreter crash on some processors when they load a model. The daemon tries
an installation at its first start, and ``emotiond doctor`` tries it every time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

from emotiond.exceptions import ConfigError, InterpreterError
from emotiond.inference.catalog import bundled_models
from emotiond.inference.runtime import LITERT, MODULES, Runtime, find_runtime
from emotiond.streamer.folders import cache_folder

_COMMAND = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from emotiond.streamer.interpreter_check import main; main()"
)
_MOST_SECONDS = 120.0  # emulated processors are slow
_REMEDIES = {
    LITERT: "Install another release of it in this environment: "
    f"{sys.executable} -m pip install 'ai-edge-litert<2.2'"
}


def checked_runtime() -> Runtime:
    """Return the interpreter. A new installation is tried in a process of its own first.

    Raises:
        InterpreterError: there is none, or it crashes or hangs.
    """
    tried = _tried_file()
    installation = _installation()
    if tried is None or _read(tried) != installation:
        try_interpreter()
        if tried is not None:
            with contextlib.suppress(OSError):  # the next start tries again
                tried.parent.mkdir(parents=True, exist_ok=True)
                tried.write_text(installation)
    return find_runtime()


def try_interpreter() -> None:
    """Load the smallest bundled model and run it once, in a process of its own.

    An error without a crash is not reported here: it occurs again where the interpreter is used.

    Raises:
        InterpreterError: the process was ended by a signal, or did not end.
    """
    package = next((name for name in MODULES if _origin(name)), LITERT)
    remedy = _REMEDIES.get(package, "Report it with the output of 'emotiond doctor --json'")
    try:
        ended = subprocess.run(  # noqa: S603  # this Python, with a command of our own
            [sys.executable, "-c", _COMMAND, *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = f"{package} hangs when it runs a model on this machine"
        raise InterpreterError(problem, remedy) from None
    # Windows has no signals. There, a crash gives a status that no Python program returns.
    if ended.returncode < 0 or ended.returncode > 0xFF:
        name = str(ended.returncode)
        with contextlib.suppress(ValueError):
            name = signal.Signals(-ended.returncode).name
        raise InterpreterError(f"{package} crashes on this machine ({name})", remedy)


def main() -> None:
    """Run the smallest bundled model once, in the process that may crash."""
    runtime = find_runtime()
    path = min(bundled_models(), key=lambda path: path.stat().st_size)
    runtime.interpreter(path.read_bytes())


def _installation() -> str:
    """Return a text that changes with the installed interpreter and with the Python."""
    origins = [origin for name in MODULES if (origin := _origin(name))]
    times = [str(Path(origin).stat().st_mtime_ns) for origin in origins]
    return "\n".join([sys.executable, sys.version, *origins, *times])


def _origin(package: str) -> str:
    """Return the file of a package without importing it; empty if it is not installed."""
    spec = importlib.util.find_spec(MODULES[package].partition(".")[0])
    return "" if spec is None or spec.origin is None else spec.origin


def _tried_file() -> Path | None:
    try:
        return cache_folder() / "interpreter-tried"
    except ConfigError:  # without a home folder, every start tries it
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
