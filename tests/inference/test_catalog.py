from __future__ import annotations

from pathlib import Path

import pytest

from emotiond.exceptions import ModelError
from emotiond.inference.catalog import bundled_models, default_name, find_model
from emotiond.inference.runtime import LITERT, TFLITE_RUNTIME, Runtime


def test_a_path_is_a_model(tiny: Path, runtime: Runtime) -> None:
    assert find_model(str(tiny), runtime).card.name == "tiny"


def test_a_file_in_the_working_folder_needs_its_suffix_alone(
    tiny: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    assert find_model("tiny.tflite", runtime).card.name == "tiny"


def test_every_bundled_model_is_found_by_its_name(runtime: Runtime) -> None:
    paths = bundled_models()
    assert paths
    for path in paths:
        assert find_model(path.stem, runtime).card.name == path.stem


def test_an_unknown_name_is_refused_with_those_that_there_are(runtime: Runtime) -> None:
    with pytest.raises(ModelError, match="there is no model 'fulll'") as refused:
        find_model("fulll", runtime)
    for path in bundled_models():
        assert path.stem in refused.value.remedy


def test_an_unknown_path_is_refused(tmp_path: Path, runtime: Runtime) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.tflite"):
        find_model(str(tmp_path / "nowhere.tflite"), runtime)


def test_the_default_is_the_best_that_the_interpreter_runs() -> None:
    assert default_name(Runtime(LITERT, None)) == "full"
    assert default_name(Runtime(TFLITE_RUNTIME, None)) == "lite"
