"""The parser of command lines: what it says about a misspelled option."""

from __future__ import annotations

import pytest

from emotiond.streamer.arguments import ArgumentParser, did_you_mean


def parser() -> ArgumentParser:
    found = ArgumentParser(prog="tool", examples=("tool go --fast", "tool go"))
    go: ArgumentParser = found.add_subparsers(required=True).add_parser("go")
    go.add_argument("--fast", action="store_true")
    go.add_argument("where")
    return found


def test_the_most_similar_word_is_named_and_no_other() -> None:
    assert did_you_mean("--devise", ["--device", "--rate"]) == " (did you mean --device?)"
    assert did_you_mean("--devise", ["--rate"]) == ""


@pytest.mark.parametrize("mistyped", ["--fsat", "-fast", "--fsat=1"])
def test_the_command_itself_reports_its_misspelled_option(
    mistyped: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["go", mistyped])
    *_, line = capsys.readouterr().err.splitlines()
    assert line == f"tool go: error: unrecognized arguments: {mistyped} (did you mean --fast?)"


@pytest.mark.parametrize("value", ["-", "-1"])
def test_standard_input_and_numbers_are_no_options(value: str) -> None:
    assert parser().parse_args(["go", value]).where == value


def test_what_follows_two_hyphens_is_no_option() -> None:
    assert parser().parse_args(["go", "--", "--fsat"]).where == "--fsat"


def test_an_abbreviation_is_no_option() -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["go", "--fas"])


def test_examples_stand_at_the_end_of_the_help_as_they_are() -> None:
    assert parser().format_help().endswith("\nexamples:\n  tool go --fast\n  tool go\n")
