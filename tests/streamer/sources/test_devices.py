"""Which microphone is chosen, and by what it is known again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.streamer.sources import devices
from emotiond.streamer.sources.devices import (
    choose,
    identify,
    is_moved,
    is_of_server,
    recognize,
    with_sources,
)
from emotiond.streamer.sources.portaudio import Device
from emotiond.streamer.sources.sound_server import ServerSource, SoundServer


def device(index: int, name: str, is_default: bool = False, api: str = "ALSA") -> Device:
    return Device(index, name, api, 1, 48_000, is_default)


YETI = ServerSource("alsa_input.usb-Yeti", "Yeti", 1, is_monitor=False)
ROOM = ServerSource("alsa_input.pci", "Room", 2, is_monitor=False)
MONITOR = ServerSource("alsa_output.usb-Yeti", "Monitor of Yeti", 2, is_monitor=True)


def server(*sources: ServerSource, **recorded: str) -> SoundServer:
    processes = {int(name.removeprefix("process_")): source for name, source in recorded.items()}
    return SoundServer("PipeWire", sources, None, processes)


PLUG_INS = (device(0, "default", is_default=True), device(1, "pipewire"))
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


def test_the_sources_of_a_server_follow_the_devices_of_portaudio_monitors_last() -> None:
    listed = with_sources(PLUG_INS, server(MONITOR, YETI))
    assert listed[:2] == list(PLUG_INS)
    assert [(each.index, each.name, each.plug_in) for each in listed[2:]] == [
        (2, "Yeti", 1),
        (3, "Monitor of Yeti", 1),
    ]
    assert choose(listed, None).name == "default"
    without = PLUG_INS[:1]
    assert with_sources(without, server(YETI)) == without  # nothing would open them


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("yeti", "Yeti"),
        ("alsa_input.usb", "Yeti"),
        ("2", "Yeti"),
        ("3", "Monitor of Yeti"),
        ("monitor of yeti", "Monitor of Yeti"),
        ("alsa_output.usb-Yeti", "Monitor of Yeti"),
    ],
)
def test_a_source_has_two_names_and_a_monitor_is_named_in_full(wanted: str, name: str) -> None:
    assert choose(with_sources(PLUG_INS, server(MONITOR, YETI)), wanted).name == name


def test_a_part_of_its_name_is_not_enough_for_a_monitor() -> None:
    with pytest.raises(DeviceError, match="'yeti'"):
        choose(with_sources(PLUG_INS, server(MONITOR)), "yeti")


def test_a_source_is_known_again_by_its_name_at_the_server() -> None:
    before = with_sources(PLUG_INS, server(YETI, ROOM))
    identity = identify(before[2], before)
    after = with_sources(PLUG_INS, server(ROOM, YETI))
    assert recognize(after, identity) == after[3]
    namesake = ServerSource("alsa_input.usb-Other", "Yeti", 1, is_monitor=False)
    with pytest.raises(NoMicrophoneError, match="'Yeti' is not there"):
        recognize(with_sources(PLUG_INS, server(namesake, MONITOR)), identity)


def test_a_stream_that_gets_something_else_than_its_device_is_moved() -> None:
    sources = (YETI, ROOM, MONITOR)
    default, yeti = PLUG_INS[0], with_sources(PLUG_INS, server(*sources))[2]
    for source, of_default, of_yeti in (
        (YETI, False, False),
        (ROOM, False, True),
        (MONITOR, True, True),
    ):
        now = server(*sources, process_7=source.name)
        assert is_moved(default, now, 7) is of_default
        assert is_moved(yeti, now, 7) is of_yeti
        assert not is_moved(yeti, now, 8)  # it is not known to record


@pytest.mark.parametrize(
    ("name", "api", "of_server"),
    [
        ("default", "ALSA", True),
        ("pulse", "ALSA", True),
        ("pipewire", "ALSA", True),
        ("USB Audio (hw:1,0)", "ALSA", False),
        ("default", "Core Audio", False),
    ],
)
def test_only_a_device_of_a_sound_server_may_be_a_monitor(
    name: str, api: str, of_server: bool
) -> None:
    assert is_of_server(device(0, name, api=api)) is of_server
