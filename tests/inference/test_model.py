from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import CardError, ModelError
from emotiond.inference import model
from emotiond.inference.model import read_model


def test_a_model_is_its_bytes_and_its_card(tiny: Path) -> None:
    read = read_model(tiny)
    assert read.content == tiny.read_bytes()
    assert read.card.name == "tiny"


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[:-1], lambda b: b[:0], lambda b: b + b"\0", lambda b: b"\0" + b[1:]],
    ids=["cut", "empty", "longer", "changed"],
)
def test_a_file_that_the_card_does_not_describe_is_refused(tiny: Path, spoil: Any) -> None:
    tiny.write_bytes(spoil(tiny.read_bytes()))
    with pytest.raises(CardError, match="not the file that its card describes") as refused:
        read_model(tiny)
    assert str(tiny) in str(refused.value)


def test_a_model_that_is_not_there_is_named(tiny: Path) -> None:
    tiny.unlink()
    with pytest.raises(ModelError, match=r"cannot read the model .*No such file"):
        read_model(tiny)


def test_a_path_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot read the model"):
        read_model(Path("nu\0l.tflite"))


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices with a path")
@pytest.mark.parametrize(("suffix", "error"), [(".tflite", ModelError), (".json", CardError)])
def test_a_pipe_or_a_device_is_refused_at_once(
    tiny: Path, suffix: str, error: type[Exception]
) -> None:
    path = tiny.with_suffix(suffix)
    for make in (os.mkfifo, lambda place: place.symlink_to("/dev/zero")):
        path.unlink()
        make(path)
        with pytest.raises(error, match="no regular file"):
            read_model(tiny)


def test_a_model_that_is_far_too_large_is_refused(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "_LARGEST_BYTES", 10)
    with pytest.raises(ModelError, match="far too large"):
        read_model(tiny)


def test_a_model_without_a_card_is_refused(tiny: Path) -> None:
    tiny.with_suffix(".json").unlink()
    with pytest.raises(CardError, match="cannot read the card"):
        read_model(tiny)


def test_another_kind_of_file_is_refused_by_its_name(tiny: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a \.tflite file"):
        read_model(tiny.with_suffix(".json"))


def test_a_report_beside_the_model_comes_with_it(tiny: Path) -> None:
    assert read_model(tiny).report is None
    tiny.with_suffix(".html").write_bytes(b"<!doctype html><p>figures")
    assert read_model(tiny).report == b"<!doctype html><p>figures"


def test_a_report_that_cannot_be_read_is_named(tiny: Path) -> None:
    tiny.with_suffix(".html").mkdir()
    with pytest.raises(ModelError, match=r"cannot read the model's report .*tiny\.html"):
        read_model(tiny)
