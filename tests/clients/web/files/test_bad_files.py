"""Files that cannot be analysed, and daemons that go away: a clear sentence, and nothing broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.clients.web.conftest import RealDaemon
from tests.clients.web.scripted import CLIENT_STREAMS, ScriptedDaemon, emotion, hello, status
from tests.support.signals import RATE, demo

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 60_000
HOSTILE = "<img src=x onerror=alert(1)>\u202egpj.wav"


def sound(folder: Path, name: str, seconds: float = 2.0) -> Path:
    path = folder / name
    soundfile.write(path, demo()[: int(seconds * RATE)], RATE, format="WAV")
    return path


def choose(page: Any, *files: Path) -> None:
    page.locator("#file-input").set_input_files([str(file) for file in files])


def problem(page: Any, name: str) -> Any:
    return page.locator("#queue li", has_text=name).get_by_role("alert")


def result(number: int, name: str, **more: object) -> dict[str, object]:
    message: dict[str, object] = {
        "type": "analysis", "id": number, "stream": "client-1", "name": name, "time": 1795372800.0,
        "duration": 2.0, "label": "sad", "confidence": 0.8, "scores": emotion(0, "sad")["scores"],
        "shares": {"sad": 0.7},
        "events": 8,
    }  # fmt: skip
    return message | more


@pytest.fixture
def page(open_page: Any, real_daemon: RealDaemon) -> Any:
    page = open_page(real_daemon)
    expect(page.get_by_role("button", name="Files")).to_be_visible()
    return page


@pytest.fixture
def paper(start_daemon: Any) -> ScriptedDaemon:
    """A daemon whose answers the test writes."""
    daemon: ScriptedDaemon = start_daemon(hello(client_streams=CLIENT_STREAMS))
    return daemon


@pytest.fixture
def paper_page(open_page: Any, paper: ScriptedDaemon) -> Any:
    page = open_page(paper)
    expect(page.get_by_role("button", name="Files")).to_be_visible()
    return page


def test_not_media(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "letter.mp3"
    file.write_text("Dear reader, " * 1000)
    choose(page, file)
    expect(problem(page, "letter.mp3")).to_contain_text("found no sound in it", timeout=PATIENCE_MS)
    expect(page.locator("#notice")).to_be_hidden()
    page.get_by_role("button", name="Put letter.mp3 away").click()
    expect(page.locator("#queue li")).to_have_count(0)


def test_empty(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "nothing.wav"
    file.touch()
    choose(page, file)
    expect(problem(page, "nothing.wav")).to_have_text("It is empty.")


def test_an_error_in_the_closed_panel_is_shown_on_the_page(
    paper_page: Any, paper: ScriptedDaemon, tmp_path: Path
) -> None:
    choose(paper_page, sound(tmp_path, "unseen.wav"))
    received = paper.receive("start")
    paper_page.get_by_role("button", name="Close the files").click()
    received.hang_up()
    expect(paper_page.get_by_role("alert")).to_have_text(
        "“unseen.wav”: The connection to the daemon was lost."
    )


def test_a_file_of_two_hours_is_refused_with_the_command_as_remedy(
    page: Any, tmp_path: Path
) -> None:
    file = tmp_path / "opera.flac"
    with soundfile.SoundFile(file, "w", RATE, 1) as opera:
        for _ in range(120):
            opera.write(np.zeros(60 * RATE, np.int16))
    choose(page, file, sound(tmp_path, "aria.wav"))
    expect(problem(page, "opera.flac")).to_contain_text(
        "By what it says, it is 2 h long; the page takes up to 30 min.", timeout=PATIENCE_MS
    )
    expect(problem(page, "opera.flac")).to_contain_text("emotiond analyze FILE")
    expect(page.locator("#analysed li", has_text="aria.wav")).to_be_visible(timeout=PATIENCE_MS)


def test_more_bytes_than_a_browser_should_hold(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "huge.wav"
    with file.open("wb") as stream:
        stream.truncate(300 * 2**20)
    choose(page, file)
    expect(problem(page, "huge.wav")).to_contain_text(
        "It is 300 MB; the page takes up to 256 MB.", timeout=PATIENCE_MS
    )


def test_silent(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "silent.wav"
    soundfile.write(file, np.zeros(4 * RATE, np.int16), RATE)
    choose(page, file)
    expect(page.locator("#analysed li", has_text="silent.wav")).to_contain_text(
        "no speech", timeout=PATIENCE_MS
    )
    expect(page.locator("#now-word")).to_have_text("no speech")
    expect(page.locator("#now-detail")).to_have_text("No speech in 4 s.")


def test_dropped_twice(page: Any, tmp_path: Path) -> None:
    file = sound(tmp_path, "twice.wav")
    choose(page, file, file)
    expect(page.locator("#notice")).to_contain_text("“twice.wav” is already being analysed")
    expect(page.locator("#analysed li", has_text="twice.wav")).to_have_count(1, timeout=PATIENCE_MS)
    page.locator("#stream-list label").first.click()
    choose(page, file)
    expect(page.locator("#notice")).to_contain_text("“twice.wav” is already analysed")
    expect(page.get_by_role("radio", name="twice.wav")).to_be_checked()
    expect(page.locator("#analysed li", has_text="twice.wav")).to_have_count(1)


def test_a_hostile_name_is_text(page: Any, tmp_path: Path) -> None:
    choose(page, sound(tmp_path, HOSTILE))
    shown = page.locator("#analysed .file-name").first
    expect(shown).to_have_text("<img src=x onerror=alert(1)> gpj.wav", timeout=PATIENCE_MS)
    assert page.locator("img, b, script:not([src])").count() == 0
    page.reload()
    page.get_by_role("button", name="Files").click()
    expect(shown).to_have_text("<img src=x onerror=alert(1)> gpj.wav")


def test_the_daemon_dies_in_mid_upload(
    paper_page: Any, paper: ScriptedDaemon, start_daemon: Any, tmp_path: Path
) -> None:
    choose(paper_page, sound(tmp_path, "cut.wav", 8.0))
    received = paper.receive("start")
    assert received.message["purpose"] == "file"
    assert received.message["duration"] == 8.0
    received.answer({"type": "started", "stream": "client-1", "purpose": "file", "name": "cut.wav"})
    paper.receive("audio")
    received.answer(*[emotion(index, "sad", stream="client-1") for index in range(16)])
    expect(paper_page.locator("#now-detail")).to_have_text("50\u202f% of 8 s")
    paper.stop()
    expect(problem(paper_page, "cut.wav")).to_have_text("The connection to the daemon was lost.")
    expect(paper_page.locator("#now-word")).to_have_text("stopped")
    second = start_daemon(hello(client_streams=CLIENT_STREAMS), paper.port)
    second.wait_for_clients()
    paper_page.get_by_role("button", name="Try cut.wav again").click()
    again = second.receive("start")
    again.answer({"type": "started", "stream": "client-1", "purpose": "file", "name": "cut.wav"})
    second.receive("end")
    again.answer(
        *[emotion(index, "sad", stream="client-1") for index in range(32)],
        status("ended", seq=32, stream="client-1"), result(1, "cut.wav", duration=8.0),
    )  # fmt: skip
    expect(paper_page.locator("#now-detail")).to_have_text("80\u202f% on average over 8 s")
    expect(paper_page.locator("#queue li")).to_have_count(0)


def test_too_many_streams_is_the_daemons_word(
    paper_page: Any, paper: ScriptedDaemon, tmp_path: Path
) -> None:
    choose(paper_page, sound(tmp_path, "fifth.wav"))
    paper.receive("start").answer(
        {
            "type": "error", "error": "too-many-streams", "about": "start",
            "detail": "there are 4 streams of clients. Try again when one has ended",
        }
    )  # fmt: skip
    expect(problem(paper_page, "fifth.wav")).to_contain_text("there are 4 streams of clients")


def test_an_unreadable_history_is_reported(
    paper_page: Any, paper: ScriptedDaemon, tmp_path: Path
) -> None:
    received = paper.receive("history")
    files = [result(7, "old.wav") | {"type": "?"}, {"id": "seven"}, None]
    received.answer({"type": "history", "files": files})
    paper_page.get_by_role("button", name="Files").click()
    paper_page.locator("#analysed .file-select").first.click()
    assert paper.receive("recall").message["id"] == 7
    received.answer(
        {
            "type": "error", "error": "history-failed", "about": "recall",
            "detail": "the history is locked. Try again later",
        }
    )  # fmt: skip
    expect(paper_page.get_by_role("alert").filter(has_text="the history is locked")).to_be_visible()
    paper_page.get_by_role("button", name="Close", exact=True).click()
    expect(paper_page.locator("#notice")).to_be_hidden()


def test_the_second_of_two_quickly_chosen_files_is_shown(
    paper_page: Any, paper: ScriptedDaemon
) -> None:
    def recalled(number: int, name: str, label: str) -> dict[str, object]:
        events = [emotion(index, label, stream="client-1") for index in range(8)]
        about = {"type": "recalled", "label": label, "first": 0, "total": 8, "events": events}
        return result(number, name) | about

    files = [result(8, "second.wav"), result(7, "first.wav")]
    received = paper.receive("history")
    received.answer({"type": "history", "files": files})
    paper_page.get_by_role("button", name="Files").click()
    for name in ("first.wav", "second.wav"):
        paper_page.locator("#analysed li", has_text=name).locator(".file-select").click()
    assert [paper.receive("recall").message["id"] for _ in range(2)] == [7, 8]
    received.answer(recalled(7, "first.wav", "sad"), recalled(8, "second.wav", "happy"))
    expect(paper_page.locator("#now-word")).to_have_text("happy")


def test_a_result_that_the_daemon_could_not_save_is_reported(
    paper_page: Any, paper: ScriptedDaemon, tmp_path: Path
) -> None:
    choose(paper_page, sound(tmp_path, "fleeting.wav"))
    received = paper.receive("start")
    received.answer({"type": "started", "stream": "client-1", "purpose": "file", "name": "x"})
    paper.receive("end")
    received.answer(emotion(7, "sad", stream="client-1"), result(0, "fleeting.wav", id=None))
    expect(paper_page.locator("#notice")).to_contain_text("“fleeting.wav” could not be saved")
    paper.receive("history").answer({"type": "history", "files": []})
    expect(paper_page.locator("#analysed li", has_text="fleeting.wav")).to_be_visible()
    expect(paper_page.locator("#now-word")).to_have_text("sad")


def test_a_daemon_without_history_says_so(
    open_page: Any, start_daemon: Any, tmp_path: Path
) -> None:
    daemon: ScriptedDaemon = start_daemon(hello(client_streams=CLIENT_STREAMS | {"history": False}))
    page = open_page(daemon)
    choose(page, sound(tmp_path, "fleeting.wav"))
    received = daemon.receive("start")
    received.answer({"type": "started", "stream": "client-1", "purpose": "file", "name": "x"})
    daemon.receive("end")
    received.answer(emotion(7, "sad", stream="client-1"), result(0, "fleeting.wav", id=None))
    expect(page.locator("#analysed li", has_text="fleeting.wav")).to_be_visible()
    expect(page.locator("#analysed-empty")).to_contain_text("keeps no history")
    page.get_by_role("button", name="Delete fleeting.wav").click()
    expect(page.locator("#analysed li")).to_have_count(0)


def test_a_daemon_that_takes_no_sound_offers_nothing(open_page: Any, start_daemon: Any) -> None:
    page = open_page(start_daemon())
    expect(page.locator("#link")).to_have_text("live")
    expect(page.get_by_role("button", name="Files")).to_be_hidden()
    expect(page.get_by_role("button", name="Speak")).to_be_hidden()
