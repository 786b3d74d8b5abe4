"""What fuzzing has kept: inputs that reach every branch it knew of, and those that broke something.

``python -m tests.fuzz`` looks for more.
"""

from __future__ import annotations

from pathlib import Path

import pytest

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
