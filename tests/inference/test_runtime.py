from __future__ import annotations

import subprocess
import sys
import types

import pytest

from emotiond.exceptions import InterpreterError
from emotiond.inference.runtime import LITERT, TFLITE_RUNTIME, Runtime, find_runtime
from tests.conftest import DATA


def test_this_machine_has_an_interpreter(runtime: Runtime) -> None:
    assert runtime.package in (LITERT, TFLITE_RUNTIME)
    assert runtime.version[0].isdigit()


@pytest.mark.litert
def test_litert_is_taken_where_it_is_installed(runtime: Runtime) -> None:
    assert runtime.package == LITERT


@pytest.mark.tflite_runtime
def test_its_predecessor_is_taken_where_it_is_not(runtime: Runtime) -> None:
    assert runtime.package == TFLITE_RUNTIME


def test_a_model_is_ready_to_be_used(runtime: Runtime) -> None:
    interpreter = runtime.interpreter((DATA / "tiny.tflite").read_bytes())
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, 100, 13]


def test_garbage_is_a_value_error(runtime: Runtime) -> None:
    with pytest.raises(ValueError, match=r"."):
        runtime.interpreter(b"rubbish")


def test_without_an_interpreter_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InterpreterError, match="pip install ai-edge-litert"):
        find_runtime()


@pytest.mark.litert
def test_the_old_interpreter_beside_a_new_numpy_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(
        sys.modules, "tflite_runtime.interpreter", types.ModuleType("tflite_runtime.interpreter")
    )
    monkeypatch.setattr("numpy.__version__", "2.1.0")
    with pytest.raises(InterpreterError, match=r"numpy 2.1.0.*numpy<2"):
        find_runtime()


_LOAD = """
import sys
from pathlib import Path
from emotiond.inference.runtime import find_runtime
find_runtime().interpreter(Path(sys.argv[1]).read_bytes())
print("loaded")
if sys.stderr:
    print("noise", file=sys.stderr)
"""


@pytest.mark.parametrize("redirection", ["", "2>&-"])
def test_loading_prints_nothing_and_needs_no_standard_error(redirection: str) -> None:
    command = f'exec "$0" -c "$1" "$2" {redirection}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, _LOAD, str(DATA / "tiny.tflite")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "loaded\n"
    assert done.stderr == ("" if redirection else "noise\n")
