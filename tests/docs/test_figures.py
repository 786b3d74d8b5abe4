"""The figures of the README and of two pages: those of the cards and of ``make bench``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emotiond.inference.card import load_card

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w.-]*\d)")


def text_of(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def rows(path: str) -> dict[str, list[str]]:
    """The tables' rows of a page by their first cell, without emphasis."""
    cells = ([cell.strip(" *") for cell in line.split("|")[1:-1]]
             for line in text_of(path).splitlines() if line.startswith("| "))  # fmt: skip
    return {row[0]: row[1:] for row in cells}


def test_what_it_costs_has_no_figure_that_is_not_in_the_results() -> None:
    costs, results = text_of("docs/what-it-costs.md"), text_of("benchmarks/results.md")
    measured = set(NUMBER.findall(results))
    assert len(set(NUMBER.findall(costs))) > 30
    # Rounded by hand: µs per frame, and seconds of a stride, which the results have in ms.
    assert set(NUMBER.findall(costs)) - measured <= {"10.9", "0.25"}
    assert round(float(re.findall(r"\| 1440 min \| ([\d.]+) ", results)[0]), 1) == 10.9


@pytest.mark.parametrize("page", ["README.md", "docs/which-model.md"])
def test_the_accuracy_is_that_of_the_cards(page: str) -> None:
    found = rows(page)
    (name,) = [row for row in found if row.startswith("accuracy on clips, 8 emotions")]
    for cell, model in zip(found[name], ("lite", "full"), strict=True):
        card = load_card(ROOT / "models" / f"{model}.json")
        assert cell.startswith(f"{float(card.evaluation['accuracy']):.1%}".replace("%", " %"))


def test_the_readme_has_no_figure_of_its_own() -> None:
    readme, page = rows("README.md"), rows("docs/which-model.md")
    delay = "median delay from the onset of an emotion to its label"
    assert readme[delay] == page[delay]
    (streams,) = [cells for name, cells in page.items() if name.startswith("on a stream")]
    shares = [cell.replace("*", "").split(" / ")[1] for cell in streams]
    assert readme["on a stream: share of speech with the right label"] == shares


def test_the_delays_of_the_benchmarks_page_are_those_of_the_results() -> None:
    found, page = rows("benchmarks/README.md"), text_of("benchmarks/results.md")
    for model, row in (
        ("lite, 0.1 s", "age at the client, `lite`, 0.1 s, blocks of 10 ms"),
        ("full, 0.25 s", "age at the client, `full`, 0.25 s"),
    ):
        pattern = rf"\| {model}, 16 kHz \| WebSocket \| (\S+) \| (\S+) \| (\S+) \|"
        ((p50, p99, least),) = re.findall(pattern, page)
        assert found[row][-1] == f"p50 {p50}, p99 {p99} ms; block + inference {least}"
    at_rates = re.findall(r"\| lite, 0.1 s, (?:8|44.1|48) kHz \| WebSocket \| (\S+) ", page)
    text = "p50 {}, {} and {} ms;".format(*at_rates)
    assert found["the same from 8, 44.1 and 48 kHz, `lite`"][-1].startswith(text)
