"""The visible timeline as files, and what is in them."""

from __future__ import annotations

import csv
import io
import json
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.clients.web.scripted import LABELS, ScriptedDaemon, emotion, hello

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

HOSTILE = '=1+1</text><script>alert(1)</script>"\r\n&'


@pytest.fixture
def filled(open_page: Any, start_daemon: Any) -> Any:
    daemon: ScriptedDaemon = start_daemon(hello((HOSTILE,)))
    page = open_page(daemon)
    daemon.send(
        *[emotion(index, "calm", stream=HOSTILE, share=0.7) for index in range(240)],
        *[emotion(240 + index, "happy", stream=HOSTILE, raw_share=0.9) for index in range(40)],
        *[emotion(280 + i, None, state="silence", stream=HOSTILE, age_ms=None) for i in range(4)],
    )
    expect(page.locator("#now-word")).to_have_text("silence")
    return page


def save(page: Any, kind: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save as {kind.upper()}").click()
    name = download.value.suggested_filename
    assert name.endswith(f".{kind}")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    return name, Path(download.value.path()).read_bytes()


def test_nothing_to_take_before_the_first_event(page: Any) -> None:
    expect(page.get_by_role("button", name="Save as CSV")).to_be_disabled()


def test_no_part_of_a_name_is_a_formula_in_csv(open_page: Any, start_daemon: Any) -> None:
    """Spreadsheets of many countries part cells at semicolons."""
    name = "a;=1+1;b"
    daemon: ScriptedDaemon = start_daemon(hello((name,)))
    page = open_page(daemon)
    daemon.send(*[emotion(index, "calm", stream=name) for index in range(8)])
    expect(page.locator("#now-word")).to_have_text("calm")
    text = io.StringIO(save(page, "csv")[1].decode(), newline="")
    _, *rows = csv.reader(text, delimiter=";")
    assert len(rows) == 8
    assert not any(cell.startswith("=") for row in rows for cell in row)


def test_csv_has_the_visible_events(filled: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(save(filled, "csv")[1].decode(), newline="")))
    # One minute is shown, a quarter of a second each.
    assert len(rows) == 240
    # A spreadsheet would run the name as a formula without the apostrophe.
    assert {row["stream"] for row in rows} == {"'" + HOSTILE}
    assert [float(row["end_seconds"]) for row in (rows[0], rows[-1])] == [11.25, 71.0]
    happy = rows[-5]
    expected = emotion(279, "happy", raw_share=0.9)
    assert (happy["state"], happy["label"], happy["confidence"]) == ("speech", "happy", "0.8")
    assert happy["time_utc"] == "2026-11-22T18:41:10.000Z"
    for label in LABELS:
        assert float(happy[f"score_{label}"]) == expected["scores"][label]
        assert float(happy[f"raw_{label}"]) == expected["raw"][label]
    silent = rows[-1]
    assert (silent["state"], silent["label"], silent["score_calm"]) == ("silence", "", "")
    assert (silent["age_ms"], silent["level_dbfs"]) == ("", "-71")


def test_json_has_the_events_as_sent(filled: Any) -> None:
    content = json.loads(save(filled, "json")[1])
    assert (content["stream"], content["model"], content["demo"]) == (HOSTILE, "full", False)
    assert len(content["events"]) == 240
    assert content["events"][-5] == emotion(279, "happy", stream=HOSTILE, raw_share=0.9)
    last = emotion(283, None, state="silence", stream=HOSTILE, age_ms=None)
    assert content["events"][-1] == last


def test_export_has_the_events_in_view(filled: Any) -> None:
    filled.locator("#timeline").focus()
    filled.keyboard.press("+")
    filled.keyboard.press("Home")
    events = json.loads(save(filled, "json")[1])["events"]
    assert [event["end"] for event in (events[0], events[-1])] == [0.25, 30.0]


def test_svg_is_a_picture_without_scripts(filled: Any) -> None:
    root = ElementTree.fromstring(save(filled, "svg")[1])  # noqa: S314, the page's own file
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert {element.tag for element in root.iter()} == {
        space + name for name in ("svg", "title", "path", "text")
    }
    texts = ["".join(element.itertext()) for element in root.iter(f"{space}text")]
    assert set(LABELS) <= set(texts)
    assert any("</text><script>" in text for text in texts)
    fills = {element.get("fill") for element in root.iter(f"{space}path")}
    happy = filled.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--happy').trim()"
    )
    assert happy in fills


def test_a_picture_has_the_day_of_the_viewer(filled: Any) -> None:
    clock = filled.context.new_cdp_session(filled)
    clock.send("Emulation.setTimezoneOverride", {"timezoneId": "Pacific/Auckland"})
    text = save(filled, "svg")[1].decode()
    clock.send("Emulation.setTimezoneOverride", {"timezoneId": ""})
    assert "· 2026-11-23 " in text  # in UTC, it is the day before


def test_png_is_a_picture(filled: Any) -> None:
    content = save(filled, "png")[1]
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (2400, 772)
    assert len(content) > 10_000
