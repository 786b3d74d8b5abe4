"""Files in the page: from the drop to the timeline that plays them, with a real daemon."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.clients.web.conftest import RealDaemon, real_environment
from tests.clients.web.scripted import CLIENT_STREAMS, hello
from tests.support.daemon import DEMO, emotiond, running_daemon
from tests.support.signals import RATE, demo, sentence

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.system

PATIENCE_MS = 60_000
VIDEO_TYPES = {".webm": "video/webm;codecs=vp8,opus", ".mp4": "video/mp4;codecs=vp9,opus"}
# A video as a phone makes it: pictures and sound in one file, in a container that is no sound file.
VIDEO = """async ([sound, name, type]) => {
  const context = new AudioContext();
  const bytes = Uint8Array.from(atob(sound), (letter) => letter.charCodeAt(0));
  const source = context.createBufferSource();
  source.buffer = await context.decodeAudioData(bytes.buffer);
  const output = context.createMediaStreamDestination();
  source.connect(output);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const timer = setInterval(() => pen.fillRect(0, 100 * Math.random(), 90, 9), 40);
  const tracks = [...output.stream.getTracks(), ...canvas.captureStream(20).getTracks()];
  const recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: type });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  source.onended = () => recorder.stop();
  source.start();
  await stopped;
  clearInterval(timer);
  await context.close();
  const carried = new DataTransfer();
  carried.items.add(new File(parts, name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
    document.getElementById("timeline").dispatchEvent(event);
  }
}"""


def recording(folder: Path, name: str, seconds: float = 3.0) -> Path:
    """The beginning of the demo recording."""
    path = folder / name
    soundfile.write(path, demo()[: int(seconds * RATE)], RATE, subtype="PCM_16")
    return path


def choose(page: Any, *files: Path) -> None:
    page.locator("#file-input").set_input_files([str(file) for file in files])


def analysed(page: Any, name: str) -> Any:
    return page.locator("#analysed li", has_text=name)


@pytest.fixture
def page(open_page: Any, real_daemon: RealDaemon) -> Any:
    return opened(open_page, real_daemon)


def opened(open_page: Any, daemon: RealDaemon) -> Any:
    """The page, ready to take files."""
    page = open_page(daemon)
    expect(page.get_by_role("button", name="Files")).to_be_visible()
    return page


def test_a_file_has_the_result_of_the_command(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "words.wav"
    soundfile.write(file, sentence("disgust")[: 4 * RATE], RATE)
    said = emotiond("analyze", "--model", "lite", str(file)).stdout
    found = re.search(r": (\w+) (\d+)%", said)
    assert found is not None, said
    label, share = found.groups()
    choose(page, file)
    expect(analysed(page, "words.wav")).to_contain_text("0:04", timeout=PATIENCE_MS)
    expect(analysed(page, "words.wav")).to_contain_text(f"{label} {share}\u202f%")
    expect(page.locator("#now-word")).to_have_text(label)
    expect(page.locator("#now-detail")).to_have_text(f"{share}\u202f% on average over 4 s")
    expect(page.locator("#scores-title")).to_have_text("Scores of the whole file, on average")
    expect(page.get_by_role("radio", name="words.wav")).to_be_checked()
    page.locator("#timeline").focus()
    page.keyboard.press("End")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", re.compile(r"^3\.9|^4"))
    page.locator("#stream-list label").first.click()
    expect(page.locator("#scores-title")).to_have_text("Scores")
    expect(page.locator("#player")).to_be_hidden()


@pytest.mark.parametrize("name", ["holiday.webm", "holiday.mp4"])
def test_a_video_is_dropped(page: Any, tmp_path: Path, name: str) -> None:
    kind = VIDEO_TYPES[Path(name).suffix]
    sound = base64.b64encode(recording(tmp_path, "sound.wav", 2.5).read_bytes()).decode()
    page.evaluate(VIDEO, [sound, name, kind])
    expect(page.locator("#files")).to_be_visible()
    expect(page.locator("#drop-overlay")).to_be_hidden()
    expect(analysed(page, name)).to_contain_text("%", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('#player-time').textContent > '0:01'")


def test_a_click_plays_the_file_from_there(page: Any, tmp_path: Path) -> None:
    choose(page, recording(tmp_path, "click.wav", 30.0))
    expect(analysed(page, "click.wav")).to_be_visible(timeout=PATIENCE_MS)
    time = page.locator("#player-time")
    expect(time).to_have_text("0:00 / 0:30")
    box = page.locator("#timeline").bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 60)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(time).to_have_text(re.compile(r"^0:(1[5-9]|2\d) / 0:30"))  # it goes on meanwhile
    expect(page.locator("#scores-title")).to_have_text(re.compile(r"Scores at 0:(1[5-9]|2\d)"))
    page.locator("#timeline").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(time).to_have_text(re.compile(r"^0:0[1-9] / 0:30"))
    page.keyboard.press("Space")
    page.get_by_role("button", name="Whole file").click()
    expect(page.locator("#scores-title")).to_contain_text("whole file")
    expect(time).to_have_text("0:00 / 0:30")


def test_several_files_are_queued_and_can_be_cancelled(page: Any, tmp_path: Path) -> None:
    files = [recording(tmp_path, f"part {number}.wav", 6.0 + number) for number in range(3)]
    soundfile.write(files[0], np.tile(demo(), 30), RATE)  # it keeps the others waiting
    choose(page, *files)
    page.get_by_role("button", name="Cancel part 2.wav").click()
    expect(analysed(page, "part 1.wav")).to_be_visible(timeout=3 * PATIENCE_MS)
    expect(page.locator("#queue li")).to_have_count(0)
    expect(analysed(page, "part 2.wav")).to_have_count(0)
    names = page.locator("#analysed .file-name").all_inner_texts()
    assert names.index("part 1.wav") < names.index("part 0.wav")


def test_a_cancelled_file_leaves_nothing(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "long.flac"
    soundfile.write(file, np.tile(demo(), 40), RATE)
    choose(page, file)
    expect(page.locator("#now-word")).to_have_text("analysing", timeout=PATIENCE_MS)
    expect(page.locator("#queue .file-state")).to_contain_text("left", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Cancel long.flac").click()
    expect(page.locator("#queue li")).to_have_count(0)
    expect(page.locator("#now-word")).not_to_have_text("analysing")
    expect(analysed(page, "long.flac")).to_have_count(0)
    choose(page, recording(tmp_path, "next.wav"))
    expect(analysed(page, "next.wav")).to_be_visible(timeout=PATIENCE_MS)


def test_by_keyboard_alone(page: Any, tmp_path: Path) -> None:
    file = str(recording(tmp_path, "keys.wav"))
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    page.get_by_role("button", name="Files").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Choose files…")).to_be_visible()
    page.get_by_role("button", name="Choose files…").focus()
    page.keyboard.press("Enter")
    expect(analysed(page, "keys.wav")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Delete keys.wav").focus()
    page.keyboard.press("Enter")
    expect(analysed(page, "keys.wav")).to_have_count(0)
    # The focus stays in the list, or goes back to its beginning.
    assert page.evaluate("document.activeElement.closest('#files') !== null")


def test_results_outlive_the_daemon_and_the_sound_does_not(open_page: Any, tmp_path: Path) -> None:
    environment = real_environment(tmp_path / "data")
    flags = ("--source", f"voice={DEMO}", "--model", "lite")
    with running_daemon(*flags, environment=environment) as daemon:
        page = opened(open_page, RealDaemon(daemon))
        choose(page, recording(tmp_path, "kept.wav", 5.0), recording(tmp_path, "other.wav"))
        expect(analysed(page, "other.wav")).to_be_visible(timeout=PATIENCE_MS)
        verdict = analysed(page, "kept.wav").locator(".file-label").inner_text()
    with running_daemon(*flags, environment=environment) as daemon:
        page = open_page(RealDaemon(daemon))
        page.get_by_role("button", name="Files").click()
        kept = analysed(page, "kept.wav")
        expect(kept.locator(".file-label")).to_have_text(verdict)
        kept.locator(".file-select").click()
        expect(page.locator("#player-note")).to_contain_text("no playback")
        expect(page.get_by_role("button", name="Play")).to_be_disabled()
        expect(page.locator("#now-detail")).to_contain_text("over 5 s")
        page.locator("#timeline").focus()
        page.keyboard.press("End")
        expect(page.locator("#readout")).to_be_visible()
        page.get_by_role("button", name="Delete kept.wav").click()
        # From here on it is gone, though the daemon is killed at once.
        expect(kept).to_have_count(0, timeout=PATIENCE_MS)
        expect(page.locator("#player")).to_be_hidden()
    with running_daemon(*flags, environment=environment) as daemon:
        page = open_page(RealDaemon(daemon))
        page.get_by_role("button", name="Files").click()
        expect(page.locator("#analysed .file-name")).to_have_text(["other.wav"])


def test_the_page_says_where_files_may_be_dropped(open_page: Any, start_daemon: Any) -> None:
    page = open_page(start_daemon(hello(client_streams=CLIENT_STREAMS)))
    expect(page.get_by_role("button", name="Files")).to_be_visible()
    drag = """(kind) => {
      const carried = new DataTransfer();
      carried.items.add(new File(["x"], "x.wav"));
      const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    page.evaluate(drag, "dragenter")
    expect(page.locator("#drop-overlay")).to_be_visible()
    assert page.evaluate(drag, "dragover")
    page.evaluate(drag, "dragleave")
    expect(page.locator("#drop-overlay")).to_be_hidden()


def test_a_long_file_is_seen_again_to_its_end(open_page: Any, tmp_path: Path) -> None:
    """The daemon sends its events in several messages."""
    file, sound = tmp_path / "long.flac", np.tile(demo(), 4)
    soundfile.write(file, sound, RATE)
    environment = real_environment(tmp_path / "data")
    flags = ("--source", f"voice={DEMO}", "--model", "lite")
    with running_daemon(*flags, environment=environment) as daemon:
        choose(page := opened(open_page, RealDaemon(daemon)), file)
        expect(analysed(page, "long.flac")).to_be_visible(timeout=PATIENCE_MS)
        page = open_page(RealDaemon(daemon))  # which has nothing of it at hand
        page.get_by_role("button", name="Files").click()
        page.locator("#analysed .file-select").click()
        expect(page.locator("#player-note")).to_contain_text("no playback")
        timeline = page.locator("#timeline")
        timeline.focus()
        page.keyboard.press("Home")
        expect(timeline).to_have_attribute("aria-valuenow", re.compile(r"^0|^[1-4](\.|$)"))
        end = round(sound.size / RATE)
        page.keyboard.press("End")
        expect(timeline).to_have_attribute("aria-valuenow", re.compile(rf"^{end - 1}|^{end}"))
