"""Fuzz one target, led by coverage: ``python -m tests.fuzz TARGET``. ``make fuzz`` does all.

It needs the extras ``test`` and ``fuzz``. New inputs that reach new code are kept in
``build/fuzz/``, where the next run goes on. An input that brings a fault to light is written
there, too, as ``crash-…``. Add what is worth it to ``corpus/``: the test suite runs all that is
there. What makes other software crash, hang or flood is reported to its makers, and never added.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path("build") / "fuzz"
DICTIONARIES = Path(__file__).parent / "dictionaries"
_INSTRUMENTED = ("emotiond", "tomllib", "websockets", "json")
_MOST_BYTES = 4096
_MOST_SECONDS_EACH = 20
_MOST_MEGABYTES = 1500


def main() -> None:
    """Fuzz until the time is up, or a fault is found."""
    with atheris.instrument_imports(include=list(_INSTRUMENTED)):
        from tests.fuzz.mutators import MUTATORS
        from tests.fuzz.targets import TARGETS
    parser = argparse.ArgumentParser(description="Fuzz one target, led by coverage.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--found", type=Path, metavar="FOLDER", help="default: build/fuzz/TARGET")
    parser.add_argument("--minimise", action="store_true", help="keep the least that reaches all")
    options = parser.parse_args()
    found: Path = options.found or FOUND / options.target
    found.mkdir(parents=True, exist_ok=True)
    dictionary = DICTIONARIES / f"{options.target}.txt"
    mutate = MUTATORS.get(options.target)

    def change(data: bytes, most_bytes: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if mutate is not None and chance.random() < 0.7:
            data = mutate(data, chance)
        if mutate is None or chance.random() < 0.3:
            data = atheris.Mutate(data, most_bytes)
        return data[:most_bytes]

    arguments = [
        f"-max_len={_MOST_BYTES}",
        f"-timeout={_MOST_SECONDS_EACH}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
    ]
    if dictionary.exists():
        arguments.append(f"-dict={dictionary}")
    if options.minimise:
        arguments.append("-merge=1")
    else:
        arguments.append(f"-max_total_time={options.seconds}")
    with TARGETS[options.target]() as run:
        arguments += [str(found), str(CORPUS / options.target)]
        atheris.Setup([sys.argv[0], *arguments], run, custom_mutator=change)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
