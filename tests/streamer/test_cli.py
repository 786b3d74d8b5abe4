"""The command line: usage, bad input, and errors in one line with the remedy."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import ConfigError
from emotiond.inference.card import LABELS
from emotiond.streamer import cli
from emotiond.streamer.folders import data_folder
from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, emotiond
from tests.support.signals import demo, links_to_demo

TINY = str(DATA / "tiny.tflite")
MODELS = Path(__file__).parents[2] / "models"
QUICK = ("--model", "lite", "--port", "0", "--zmq", "off", "--once", "--speed", "max")


def assert_one_line(stderr: str, *parts: str) -> None:
    assert len(stderr.strip().splitlines()) == 1, stderr
    assert stderr.startswith("emotiond: ")
    for part in parts:
        assert part in stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("run", "--nonsense"),
        ("run", "--port", "many"),
        ("analyze",),
        ("analyze", "--format", "xml", "a.wav"),
        ("run", "--sour", "demo"),
    ],
)
def test_wrong_usage_has_status_2(arguments: tuple[str, ...]) -> None:
    ended = emotiond(*arguments)
    assert ended.returncode == 2
    assert "usage:" in ended.stderr


def test_help_names_every_command() -> None:
    text = emotiond("--help").stdout
    for command in ("run", "analyze", "watch", "devices", "models", "doctor"):
        assert command in text


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (("--devise", "1"), "--device"),
        (("run", "--devise=1"), "--device"),
        (("run", "--speed", "max", "--recrod", "x.wav"), "--record"),
        (("analize", "x.wav"), "analyze"),
        (("wathc",), "watch"),
        (("analyze", "--fromat", "json", "x.wav"), "--format"),
        (("watch", "127.0.0.1:9", "--tokenfile", "x"), "--token-file"),
        (("enroll", "anna", "--sorce", "mic"), "--source"),
        (("doctor", "--jsn"), "--json"),
    ],
)
def test_a_misspelled_word_names_the_nearest_one(arguments: tuple[str, ...], nearest: str) -> None:
    ended = emotiond(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.rstrip().endswith(f"(did you mean {nearest}?)")


@pytest.mark.parametrize("arguments", [("fly",), ("run", "--zzzzz"), ("doctor", "more")])
def test_a_word_that_resembles_none_gets_no_guess(arguments: tuple[str, ...]) -> None:
    ended = emotiond(*arguments)
    assert ended.returncode == 2
    assert "did you mean" not in ended.stderr


@pytest.mark.parametrize("command", [None, "run", "analyze", "watch", "enroll"])
def test_help_ends_with_three_examples_that_are_right(command: str | None) -> None:
    text = emotiond(*([command] if command else []), "--help").stdout
    examples = text.partition("\nexamples:\n")[2].splitlines()
    assert len(examples) == 3
    for line in examples:
        example = re.search(r"emotiond((?: '[^']+'| [^\s|>]\S*)*)", line)
        assert example is not None
        cli.make_parser().parse_args(cli._with_command(shlex.split(example[1])))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--stride", "0"), ("stride", "multiple of 0.01")),
        (("--stride", "0.123"), ("stride", "multiple of 0.01")),
        (("--stride", "nan"), ("stride",)),
        (("--port", "70000"), ("port", "65535")),
        (("--rate", "3", "--source", "-"), ("rate", "2000")),
        (("--wait-clients", "-1"), ("wait_clients",)),
        (("--model", "huge", "--source", "demo"), ("huge", "lite")),
        (("--model", "/nowhere/x.tflite", "--source", "demo"), ("the model /nowhere/x.tflite",)),
        (("--source", "missing.wav"), ("missing.wav", "no such file")),
        (("--source", "=demo"), ("--source",)),
        (("--source", "a="), ("--source",)),
        (("--source", "a=demo", "--source", "a=demo"), ("'a'", "NAME=SOURCE")),
        (("--source", "-", "--source", "b=-"), ("standard input",)),
        (("--config", "missing.toml"), ("missing.toml",)),
        (("--token-file", "", "--source", "demo"), ("token_file cannot be empty",)),
        (("--source", "demo", "--record", "no/such/folder.wav"), ("cannot record",)),
    ],
)
def test_an_impossible_setting_is_named_with_the_remedy(
    arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    ended = emotiond("run", *QUICK, *arguments)
    assert ended.returncode == 1
    assert_one_line(ended.stderr, *parts)


def test_settings_come_from_file_environment_and_flags_in_this_order(tmp_path: Path) -> None:
    settings = tmp_path / "emotiond.toml"
    settings.write_text('source = ["file=demo"]\nstride = 0.5\njson = true\nmodel = "nosuch"\n')
    environment = {**os.environ, "EMOTIOND_MODEL": "lite", "EMOTIOND_STRIDE": "1"}
    flags = ("--stride", "2", "--config", str(settings))
    ended = emotiond("run", *QUICK[2:], *flags, env=environment)
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {event["stream"] for event in events} == {"file"}
    assert [event["end"] for event in events if event["type"] == "emotion"][:2] == [1.995, 3.995]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("strid = 1", ("strid", "stride")),
        ('stride = "long"', ("stride", "number")),
        ("stride = [", ("not TOML",)),
        ("source = 'demo'", ("source", "list")),
    ],
)
def test_an_error_in_a_settings_file_is_reported_by_key(
    tmp_path: Path, text: str, parts: tuple[str, ...]
) -> None:
    settings = tmp_path / "emotiond.toml"
    settings.write_text(text)
    ended = emotiond("run", *QUICK, "--config", str(settings))
    assert ended.returncode == 1
    assert_one_line(ended.stderr, str(settings), *parts)


def test_an_unknown_environment_variable_is_reported() -> None:
    ended = emotiond("run", *QUICK, env={**os.environ, "EMOTIOND_STRIDES": "1"})
    assert ended.returncode == 1
    assert_one_line(ended.stderr, "environment", "strides", "stride")


def copy_of_lite(folder: Path) -> Path:
    for suffix in (".tflite", ".json"):
        shutil.copy(MODELS / f"lite{suffix}", folder / f"copy{suffix}")
    return folder / "copy.tflite"


def test_a_model_cut_short_is_refused(tmp_path: Path) -> None:
    path = copy_of_lite(tmp_path)
    path.write_bytes(path.read_bytes()[:-1000])
    ended = emotiond("run", *QUICK, "--source", "demo", "--model", str(path))
    assert ended.returncode == 1
    assert_one_line(ended.stderr, str(path), "cut short")


@pytest.mark.parametrize("card", ["", "[]", "{", '{"format": 1}', "\x00\x01", "null", "[" * 99_999])
def test_a_broken_card_is_refused(tmp_path: Path, card: str) -> None:
    path = copy_of_lite(tmp_path)
    path.with_suffix(".json").write_text(card)
    ended = emotiond("analyze", str(DEMO), "--model", str(path))
    assert ended.returncode == 1
    assert_one_line(ended.stderr, str(path.with_suffix(".json")))


def test_a_card_of_another_shape_is_refused_with_both_shapes(tmp_path: Path) -> None:
    path = copy_of_lite(tmp_path)
    card = json.loads(path.with_suffix(".json").read_text())
    frames_per_state = card["encoder"]["frames_per_state"]
    states = card["window_frames"] // frames_per_state
    card["window_frames"] -= frames_per_state
    path.with_suffix(".json").write_text(json.dumps(card))
    ended = emotiond("analyze", str(DEMO), "--model", str(path))
    assert ended.returncode == 1
    assert_one_line(ended.stderr, f"(1, {states},", f"(1, {states - 1},")


def test_analyze_processes_readable_files_and_names_the_others(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.wav"
    rubbish.write_bytes(bytes(range(256)) * 40)
    empty = tmp_path / "empty.wav"
    empty.touch()
    zero = tmp_path / "zero seconds.wav"
    soundfile.write(zero, np.zeros(0), 16_000)
    missing = tmp_path / "missing.wav"
    folder = tmp_path / "folder"
    folder.mkdir()
    bad = [str(rubbish), str(empty), str(zero), str(missing), str(folder)]
    ended = emotiond("analyze", *bad, str(DEMO), "--model", "lite", "--format", "json")
    assert ended.returncode == 1
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == len(bad)
    for path, line in zip(bad, lines, strict=True):
        assert path in line
    (analysis,) = map(json.loads, ended.stdout.splitlines())
    assert analysis["file"] == str(DEMO)
    assert analysis["label"] in LABELS
    assert analysis["confidence"] == max(analysis["scores"].values())


def test_files_analysed_together_give_the_results_of_each_alone_in_order(
    tmp_path: Path,
) -> None:
    samples, rate = soundfile.read(DEMO)
    files = [str(DEMO)]  # the longest is first, and its result with it
    for part in range(12):
        files.append(str(tmp_path / f"part{part}.wav"))
        soundfile.write(files[-1], samples[part * rate : (part + 2) * rate], rate)
    together = emotiond("analyze", *files, "--model", "lite", "--format", "json")
    found = [json.loads(line) for line in together.stdout.splitlines()]
    assert [analysis["file"] for analysis in found] == files
    alone = json.loads(emotiond("analyze", files[5], "--model", "lite", "--format", "json").stdout)
    assert {**found[5], "events": None} == {**alone, "events": None}
    assert len(found[5]["events"]) == len(alone["events"])


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_silence_has_no_label(tmp_path: Path, level: float) -> None:
    noise = np.random.default_rng(3).normal(0, 1, 48_000) * level
    path = tmp_path / "silence.wav"
    soundfile.write(path, noise, 16_000)
    ended = emotiond("analyze", str(path), "--model", "lite", "--format", "json")
    analysis = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert analysis["label"] is None
    assert analysis["scores"] is None
    assert {event["state"] for event in analysis["events"]} == {"warmup", "silence"}


def as_file(path: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return emotiond("analyze", path, "--model", TINY, "--format", "json")


def as_named_pipe(path: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", path, pipe]):
        return emotiond("analyze", str(pipe), "--model", TINY, "--format", "json")


def as_substituted_process(path: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """As a shell does for ``<(…)``."""
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        number = process.stdout.fileno()
        arguments = ("analyze", f"/dev/fd/{number}", "--model", TINY, "--format", "json")
        return emotiond(*arguments, pass_fds=(number,))


def as_standard_input(path: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as process:
        arguments = ("analyze", "-", "--model", TINY, "--format", "json")
        return emotiond(*arguments, stdin=process.stdout)


def as_device(path: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as process:
        arguments = ("analyze", "/dev/stdin", "--model", TINY, "--format", "json")
        return emotiond(*arguments, stdin=process.stdout)


def as_device_of_a_file(path: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The decoder's own ``/dev/stdin`` is another one."""
    with Path(path).open("rb") as file:
        arguments = ("analyze", "/dev/stdin", "--model", TINY, "--format", "json")
        return emotiond(*arguments, stdin=file)


@pytest.mark.parametrize(
    "given",
    [as_named_pipe, as_substituted_process, as_standard_input, as_device, as_device_of_a_file],
)
def test_analyze_reads_a_pipe_as_it_reads_a_file(
    given: Callable[[str, Path], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    piped = given(str(DEMO), tmp_path)
    assert piped.stderr == ""
    found, expected = json.loads(piped.stdout), json.loads(as_file(str(DEMO), tmp_path).stdout)
    for name in ("duration", "label", "scores"):
        assert found[name] == expected[name]
    assert len(found["events"]) == len(expected["events"])


@pytest.mark.parametrize("names", [("-", "-"), ("-", "/dev/stdin")])
def test_a_pipe_that_is_named_twice_is_not_shared_out(names: tuple[str, str]) -> None:
    with subprocess.Popen(["cat", str(DEMO)], stdout=subprocess.PIPE) as process:
        ended = emotiond("analyze", *names, "--model", TINY, stdin=process.stdout)
        assert process.stdout is not None
        process.stdout.close()
    assert_one_line(ended.stderr, "it can be read only once. Name it once")
    assert (ended.returncode, ended.stdout) == (1, "")


def test_standard_input_without_sound_is_reported_in_one_line() -> None:
    ended = emotiond("analyze", "-", "--model", TINY, stdin=subprocess.DEVNULL)
    assert_one_line(ended.stderr, "-: it is empty")
    assert ended.returncode == 1


@pytest.mark.parametrize("seconds", [0.4, 0.45, 0.5, 0.6])
def test_a_short_clip_has_a_label_and_the_same_events_from_run(
    tmp_path: Path, seconds: float
) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, demo()[16_000:][: round(seconds * 16_000)], 16_000)
    analyzed = json.loads(as_file(str(path), tmp_path).stdout)
    assert analyzed["label"] is not None
    ran = emotiond("--source", str(path), "--json", "--model", TINY, *QUICK[2:]).stdout
    events = [json.loads(line) for line in ran.splitlines()]
    assert [common(event) for event in events if event["type"] != "status"] == [
        common(event) for event in analyzed["events"]
    ]


def common(event: dict[str, object]) -> dict[str, object]:
    """What ``run`` and ``analyze`` say of the same stride: neither times nor seconds of speech."""
    apart = ("time", "age_ms", "speech_seconds")
    return {name: value for name, value in event.items() if name not in apart}


def test_a_clip_that_the_model_cannot_judge_is_too_short(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    for seconds, word in ((0.2, "too short, 0.2 s"), (1.0, "no speech, 1.0 s")):
        soundfile.write(path, np.zeros(round(seconds * 16_000)), 16_000)
        assert emotiond("analyze", str(path), "--model", TINY).stdout == f"{path}: {word}\n"


def test_a_file_of_several_emotions_is_mixed_in_text_and_has_its_shares(tmp_path: Path) -> None:
    """The tiny model takes a quiet voice for another emotion than a loud one, or a high one."""
    path = tmp_path / "several.wav"
    parts = [demo()[:96_000], demo()[:96_000:2], np.repeat(demo()[:48_000], 2)]
    soundfile.write(path, np.concatenate(parts), 16_000)
    found = json.loads(as_file(str(path), tmp_path).stdout)
    strides = [event for event in found["events"] if event["type"] == "emotion"]
    ends = [0.0, *(event["end"] for event in strides)]
    for label, share in found["shares"].items():
        lasted = sum(
            event["end"] - before
            for event, before in zip(strides, ends[:-1], strict=True)
            if event["label"] == label
        )
        assert share == pytest.approx(lasted / found["duration"], abs=1e-3)
    text = emotiond("analyze", str(path), "--model", TINY).stdout
    lasting = [share for share in found["shares"].values() if share * found["duration"] >= 2]
    is_mixed = len([share for share in lasting if share >= 0.2 * sum(found["shares"].values())]) > 1
    first, share = next(iter(found["shares"].items()))
    assert (f": mixed ({first} {share:.0%}" in text) is is_mixed


def test_analyze_covers_everything_at_the_longest_stride() -> None:
    environment = {**os.environ, "EMOTIOND_STRIDE": "10"}
    ended = emotiond("analyze", str(DEMO), "--model", "lite", "--format", "json", env=environment)
    events_of_analyze = json.loads(ended.stdout)["events"]
    run = emotiond("run", *QUICK, "--json", "--source", str(DEMO), env=environment)
    events_of_run = [json.loads(line) for line in run.stdout.splitlines()]
    ours, theirs = (
        [(e["start"], e["end"], e["label"]) for e in events if e["type"] == "emotion"]
        for events in (events_of_analyze, events_of_run)
    )
    assert len(ours) == math.ceil(soundfile.info(DEMO).duration / 10)
    assert ours == theirs


def test_each_file_starts_cold(tmp_path: Path) -> None:
    files = links_to_demo(tmp_path, 2)
    ended = emotiond("analyze", *files, "--model", "lite", "--format", "csv")
    first, second = csv.DictReader(ended.stdout.splitlines())
    assert [first.pop("file"), second.pop("file")] == files
    assert first == second
    assert first["label"] in LABELS
    assert abs(sum(float(first[label]) for label in LABELS) - 1) < 0.001


def test_half_a_second_of_speech_is_enough_for_a_label(tmp_path: Path) -> None:
    samples, rate = soundfile.read(DEMO)
    loudest = int(np.argmax(np.convolve(samples**2, np.ones(rate // 2), "valid")))
    path = tmp_path / "half.wav"
    soundfile.write(path, samples[loudest : loudest + rate // 2], rate)
    analysis = json.loads(
        emotiond("analyze", str(path), "--model", "lite", "--format", "json").stdout
    )
    assert analysis["duration"] == 0.5
    assert analysis["label"] in LABELS


def test_a_sound_file_is_known_by_its_content(tmp_path: Path) -> None:
    disguised = tmp_path / "song.txt"
    shutil.copy(DEMO, disguised)
    ended = emotiond("analyze", str(disguised), "--model", "lite")
    assert ended.returncode == 0
    assert f", {soundfile.info(DEMO).duration:.1f} s\n" in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("models",), ("analyze", "--model", "lite", str(DEMO))])
def test_a_full_output_is_reported_in_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert_one_line(ended.stderr, "No space left on device")


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "arguments",
    [
        ("models",),
        ("analyze", "--model", "lite", "--format", "csv", str(DEMO)),
        ("run", "--source", "demo", "--json", *QUICK),
    ],
)
def test_a_closed_output_is_no_error(arguments: tuple[str, ...]) -> None:
    command = shlex.join([*COMMAND, *arguments])
    ended = subprocess.run(
        ["/bin/sh", "-c", f"{command} >&-"], stderr=subprocess.PIPE, text=True, check=False
    )
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_without_a_home_the_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(ConfigError, match="Set XDG_DATA_HOME"):
        data_folder()


HOMELESS = (
    sys.executable,
    "-c",
    # As of an account that the system does not know, which only root could make.
    "import os, pwd, sys\n"
    "for name in ('HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'): os.environ.pop(name, None)\n"
    "def unknown(number): raise KeyError(number)\n"
    "pwd.getpwuid = unknown\n"
    "from emotiond.streamer.cli import main\n"
    "sys.exit(main())",
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs accounts of POSIX")
def test_without_a_home_doctor_makes_all_its_checks() -> None:
    ended = emotiond("doctor", "--json", command=HOMELESS)
    found = {finding["check"]: finding for finding in json.loads(ended.stdout)["findings"]}
    assert "no home folder" in found["profiles"]["detail"]
    assert found["profiles"]["status"] == "warning"
    assert {"python", "model lite", "portaudio", "microphone"} <= set(found)
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs accounts of POSIX")
def test_without_a_home_the_daemon_runs_without_a_history() -> None:
    options = ("--source", "demo", "--speed", "max", "--once")
    ended = emotiond("run", *QUICK, *options, command=HOMELESS)
    assert ended.returncode == 0
    assert "no history is kept: there is no home folder" in ended.stderr
    ended = emotiond("run", *QUICK, *options, "--profile", "anna", command=HOMELESS)
    assert ended.returncode == 1  # asked for by name, it cannot be left out
    assert "Set XDG_DATA_HOME or HOME" in ended.stderr


def test_an_invalid_address_is_reported() -> None:
    ended = emotiond("run", *QUICK, "--source", "demo", "--host", "a..b", "--insecure")
    assert ended.returncode == 1
    assert "cannot listen on a..b" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_models_lists_what_came_with_the_package() -> None:
    found = json.loads(emotiond("models", "--json").stdout)["models"]
    assert {model["name"] for model in found} == {"lite", "full"}
    for model in found:
        assert "CC BY-NC-SA 4.0" in model["licence"]["weights"]
    assert "lite" in emotiond("models").stdout
