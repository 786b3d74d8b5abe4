"""The parser of command lines: what it says about a misspelled option."""

from __future__ import annotations

import pytest

from emotiond.streamer.arguments import ArgumentParser, did_you_mean


def parser() -> ArgumentParser:
    found = ArgumentParser(prog="tool", examples=("tool go --fast", "tool go"))
    go: ArgumentParser = found.add_subparsers(required=True).add_parser("go")
    go.add_argument("--fast", action="store_true")
    return found


def test_the_most_similar_word_is_named_and_no_other() -> None:
    assert did_you_mean("--devise", ["--device", "--rate"]) == " (did you mean --device?)"
    assert did_you_mean("--devise", ["--rate"]) == ""


def test_the_command_itself_reports_its_misspelled_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["go", "--fsat", "more"])
    *_, line = capsys.readouterr().err.splitlines()
    assert line == "tool go: error: unrecognized arguments: --fsat more (did you mean --fast?)"


def test_an_abbreviation_is_no_option() -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["go", "--fas"])


def test_examples_stand_at_the_end_of_the_help_as_they_are() -> None:
    assert parser().format_help().endswith("\nexamples:\n  tool go --fast\n  tool go\n")
