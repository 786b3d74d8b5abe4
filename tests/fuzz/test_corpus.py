"""The corpus of fuzzing: inputs that reach every known branch, and inputs that broke something.

``python -m tests.fuzz`` looks for more.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from emotiond.inference.card import load_card
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_is_taken_or_refused(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs
    with TARGETS[target]() as run:
        for path in inputs:
            try:
                run(path.read_bytes())
            except Exception as error:
                raise AssertionError(f"{path.name} is neither taken nor refused") from error


def test_the_corpus_has_valid_cards() -> None:
    for name in ("tiny", "adapting"):
        load_card(CORPUS / "cards" / name)
