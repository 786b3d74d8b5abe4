"""Models that are not what they should be: refused with the reason, never a crash."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emotiond.exceptions import EmotiondError
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import Model, read_model
from emotiond.inference.runtime import Runtime
from tests.conftest import DATA
from tests.support.daemon import emotiond
from tests.support.windows import window_at

WHOLE = read_model(DATA / "tiny.tflite")


def infer_with(content: bytes, runtime: Runtime) -> None:
    """Run a model whose checksum is right, as the daemon does."""
    classifier = Classifier(Model(WHOLE.card, content), runtime)
    window = window_at(np.zeros((100, 13), np.float32), 100)
    classifier.infer(window, classifier.encoding(), None)


@pytest.mark.parametrize("length", range(0, len(WHOLE.content), 101))
def test_a_model_cut_short_is_refused_by_its_checksum(length: int, tiny: Path) -> None:
    tiny.write_bytes(WHOLE.content[:length])
    with pytest.raises(EmotiondError):
        read_model(tiny)


@pytest.mark.litert  # tflite-runtime looks at nothing before it reads, beyond the end too
@pytest.mark.parametrize("length", range(0, len(WHOLE.content), 101))
def test_a_model_cut_short_is_refused_wherever_it_ends(length: int, runtime: Runtime) -> None:
    with pytest.raises(EmotiondError):
        infer_with(WHOLE.content[:length], runtime)


@pytest.mark.parametrize("place", range(0, len(WHOLE.content), 97))
def test_a_model_with_a_wrong_byte_is_refused_by_its_checksum(place: int, tiny: Path) -> None:
    content = bytearray(tiny.read_bytes())
    content[place] ^= 0xFF
    tiny.write_bytes(content)
    with pytest.raises(EmotiondError, match=r"checksum|sha256"):
        read_model(tiny)


def cut_short(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-1])


def cut_short_with_its_card(model: Path) -> None:
    cut_short(model)
    card = json.loads(model.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(model.read_bytes()[:1000]).hexdigest()
    model.write_bytes(model.read_bytes()[:1000])
    model.with_suffix(".json").write_text(json.dumps(card))


def another_card(model: Path) -> None:
    shutil.copy(DATA / "adapting.json", model.with_suffix(".json"))


def another_model_and_its_checksum(model: Path) -> None:
    shutil.copy(DATA / "adapting.tflite", model)
    card = json.loads(model.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    model.with_suffix(".json").write_text(json.dumps(card))


def no_card(model: Path) -> None:
    model.with_suffix(".json").unlink()


@pytest.mark.parametrize(
    "spoil",
    [
        cut_short,
        pytest.param(cut_short_with_its_card, marks=pytest.mark.litert),  # as above
        another_card,
        another_model_and_its_checksum,
        no_card,
    ],
)
def test_the_daemon_does_not_start_with_it_and_says_why(
    tiny: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tiny)
    ended = emotiond("run", "--source", "demo", "--model", str(tiny), "--port", "0", "--zmq", "off")
    assert ended.returncode == 1
    assert "tiny" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
