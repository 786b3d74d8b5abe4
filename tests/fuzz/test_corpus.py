"""The corpus of fuzzing: inputs that reach every known branch, and inputs that broke something.

``make fuzz`` looks for more, led by coverage. A short run of chance, the same every time, is here.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from emotiond.inference.card import load_card
from tests.fuzz.mutators import MUTATORS, in_bytes
from tests.fuzz.targets import TARGETS

SHORT_RUN = 300
"""Inputs of each target: a few seconds together."""
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


# Without recordings: libsndfile would decode them in this process, not in one of its own.
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "recordings"])
def test_changed_inputs_are_taken_or_refused(target: str) -> None:
    inputs = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    chance = random.Random(target)
    with TARGETS[target]() as run:
        for _ in range(SHORT_RUN):
            data = chance.choice(inputs)
            for mutate in (MUTATORS.get(target, in_bytes), in_bytes)[: chance.randint(1, 2)]:
                data = mutate(data, chance)
            try:
                run(data)
            except Exception as error:
                raise AssertionError(f"neither taken nor refused: {data!r}") from error


def test_make_fuzz_names_every_target() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")
    named = re.search(r"^FUZZED := (.+)$", makefile, re.MULTILINE)
    assert named is not None
    assert set(named[1].split()) == TARGETS.keys()


def test_the_corpus_has_valid_cards() -> None:
    for name in ("tiny", "adapting"):
        load_card(CORPUS / "cards" / name)
