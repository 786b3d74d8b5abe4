"""SECURITY.md: each line of the threat model has a test, and each promise a line."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from emotiond.streamer.readers import decoder_process
from emotiond.streamer.server import refusals

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
PROMISES = (ROOT / "docs" / "security.md").read_text("utf-8")
ATTACKERS = {
    "Another user of this machine",
    "A web page",
    "Somebody in the house's network",
    "A broken client",
    "A followed daemon",
    "A hostile recording",
    "A hostile server of a network stream",
    "A hostile model",
}
NAMED = r"`([\w/]+\.py)(?:::(\w+))?`"


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


MODEL = section(PAGE, "Threat model")
LINES = {
    heading: re.findall(r"^\| (can|cannot) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    for heading, _, text in (part.partition("\n") for part in MODEL.split("\n### ")[1:])
}
SHOWN = [pytest.param(tests, id=what) for lines in LINES.values() for _can, what, tests in lines]


@functools.cache
def functions_of(file: str) -> frozenset[str]:
    """The names of the test functions of a file, without running it."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return frozenset(
        each.name
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and each.name.startswith("test_")
    )


def test_there_are_seven_attackers_and_each_can_and_cannot_do_something() -> None:
    assert LINES.keys() == ATTACKERS
    for lines in LINES.values():
        assert {can for can, _, _ in lines} == {"can", "cannot"}


def test_every_row_of_a_table_is_read() -> None:
    rows = re.findall(r"^\|.*", MODEL, re.MULTILINE)
    assert len(rows) == len(SHOWN) + 2 * len(ATTACKERS)


@pytest.mark.parametrize("tests", SHOWN)
def test_each_line_names_tests_that_are_there(tests: str) -> None:
    assert re.fullmatch(rf"{NAMED}(, {NAMED})*", tests)
    for file, function in re.findall(NAMED, tests):
        assert (TESTS / file).is_file()
        assert {function} <= functions_of(file) if function else functions_of(file)


def test_the_tests_of_every_promise_show_a_line_of_the_threat_model() -> None:
    table = section(PROMISES, "Promises")
    promised = set(re.findall(r"`([\w/]+\.py)`", table))
    assert len(promised) > 20
    assert promised - {file for file, _ in re.findall(NAMED, MODEL)} == set()


@pytest.mark.parametrize(
    "phrase",
    [
        f"{refusals._MOST_LOGGED} at most",
        f"{decoder_process.MOST_MEMORY_BYTES / 2**30:g} GiB of address space",
        f"{decoder_process.MOST_SECONDS_A_STEP:g} s for a step",
    ],
)
def test_a_number_is_that_of_the_code(phrase: str) -> None:
    assert phrase in MODEL


def test_the_readme_and_the_promises_lead_to_it() -> None:
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(../SECURITY.md)" in PROMISES
