"""Which microphone is chosen, and by what it is known again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.streamer.sources import devices
from emotiond.streamer.sources.devices import choose, identify, recognize
from emotiond.streamer.sources.portaudio import Device


def device(index: int, name: str, is_default: bool = False, api: str = "ALSA") -> Device:
    return Device(index, name, api, 1, 48_000, is_default)


DEVICES = (device(1, "USB Microphone"), device(2, "USB", is_default=True))


@pytest.mark.parametrize(
    ("wanted", "index"), [(None, 2), ("1", 1), ("micro", 1), ("usb", 2), ("USB Microphone", 1)]
)
def test_a_device_is_found_by_number_name_or_part_of_it(wanted: str | None, index: int) -> None:
    assert choose(DEVICES, wanted).index == index


@pytest.mark.parametrize("wanted", ["0", "7", "none"])
def test_an_unknown_device_is_an_error_that_names_the_others(wanted: str) -> None:
    with pytest.raises(DeviceError, match=r"1 \(USB Microphone\), 2 \(USB\)"):
        choose(DEVICES, wanted)


def test_without_an_input_there_is_no_microphone() -> None:
    with pytest.raises(NoMicrophoneError, match="--source FILE"):
        choose([], None)


def test_a_device_is_known_again_by_its_name_at_any_place() -> None:
    desk, room = device(1, "Desk: Audio (hw:1,0)"), device(2, "Room: Audio (hw:2,0)")
    identity = identify(desk, [desk, room])
    with pytest.raises(NoMicrophoneError, match="'Desk: Audio' is not there"):
        recognize([device(1, "Room: Audio (hw:1,0)")], identity)
    back = device(2, "Desk: Audio (hw:5,0)")
    assert recognize([room, back], identity) == back
    with pytest.raises(NoMicrophoneError):
        recognize([device(1, "Desk: Audio (hw:1,0)", api="OSS")], identity)


def test_one_of_two_of_the_same_name_is_known_by_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plug(**cards: str) -> Sequence[Device]:
        """Let the system list these cards, each at its port."""
        for old in tmp_path.glob("card*"):
            (old / "device").unlink()
            old.rmdir()
        for card, port in cards.items():
            (tmp_path / port).mkdir(exist_ok=True)
            (tmp_path / card).mkdir()
            (tmp_path / card / "device").symlink_to(tmp_path / port)
        return [device(n, f"Mic (hw:{card[4:]},0)") for n, card in enumerate(cards)]

    monkeypatch.setattr(devices, "_SOUND_CARDS", tmp_path)
    left, right = plug(card1="left", card2="right")
    identity = identify(left, [left, right])
    with pytest.raises(NoMicrophoneError):
        recognize(plug(card1="right"), identity)
    _, at_left = again = plug(card1="right", card7="left")
    assert recognize(again, identity) == at_left
