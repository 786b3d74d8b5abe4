"""Formats with a file for each recording: which file is written when."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError
from tests.support.results import result, writing


def lines(path: Path) -> list[str]:
    return [line.split("\t")[2] for line in path.read_text("utf-8").splitlines()]


def test_each_recording_has_its_file_as_soon_as_the_next_one_is_done(tmp_path: Path) -> None:
    files = ["one/x.wav", "two/x.wav"]
    with writing("audacity", tmp_path, files) as write:
        write(result(["happy"], file="one/x.wav"))
        write(result(["sad"], file="two/x.wav"))
        assert lines(tmp_path / "one" / "x.txt") == ["happy"]
    assert lines(tmp_path / "two" / "x.txt") == ["sad"]


def test_channels_that_were_not_counted_before_share_a_file(tmp_path: Path) -> None:
    with writing("audacity", tmp_path, ["x.wav", "y.wav"]) as write:
        for channel, label in ((1, "happy"), (2, "sad")):
            write(result([label], file="x.wav", channel=channel))
        write(result(["angry"], file="y.wav"))
    assert lines(tmp_path / "x.txt") == ["happy (channel 1)", "sad (channel 2)"]
    assert lines(tmp_path / "y.txt") == ["angry"]


def test_the_items_of_a_recording_share_its_file_in_any_order(tmp_path: Path) -> None:
    files = ["x.wav", "y.wav", "x.wav"]
    with writing("audacity", tmp_path, files) as write:
        write({**result(["happy"], file="x.wav", start=60.0), "start": 60.0})
        write(result(["sad"], file="y.wav"))
        write({**result(["angry"], file="x.wav", start=5.0), "start": 5.0})
    assert lines(tmp_path / "x.txt") == ["angry", "happy"]
    assert (tmp_path / "x.txt").read_text("utf-8").startswith("5.000000\t5.255000\t")


def test_an_item_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    with writing("audacity", tmp_path, ["x.wav", "x.wav", "y.wav"]) as write:
        write(result(["happy"], file="x.wav"))  # the other never comes, nor does y.wav
    assert lines(tmp_path / "x.txt") == ["happy"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_a_run_that_goes_on_leaves_the_files_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.txt").write_text("0\t1\tcorrected\n")
    with writing("audacity", tmp_path, ["x.wav", "y.wav"], is_resumed=True) as write:
        write(result(["happy"], file="x.wav"))
        write(result(["sad"], file="y.wav"))
    assert [lines(tmp_path / name) for name in ("x.txt", "y.txt")] == [["corrected"], ["sad"]]
    assert "1 files were there and stay. --overwrite" in capsys.readouterr().err


def test_one_recording_goes_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with writing("audacity", None) as write:
        write(result(["happy"]))
    assert capfdbinary.readouterr().out == b"0.000000\t0.255000\thappy\n"


def test_several_recordings_do_not() -> None:
    with pytest.raises(ConfigError, match=r"2 recordings make 2 files .* --output"):
        writing("audacity", None, ["x.wav", "y.wav"]).__enter__()


@pytest.mark.parametrize("name", ["new\nline.wav", "\x1b[2J.wav", "=1+1.wav", "t\ta.wav", "\udcff"])
@pytest.mark.parametrize("format_name", ["textgrid", "elan", "audacity", "webvtt", "emotionml"])
def test_any_name_of_a_recording_can_be_written(
    tmp_path: Path, name: str, format_name: str
) -> None:
    with writing(format_name, tmp_path, [name]) as write:
        write(result(["happy"], file=name))
    (path,) = tmp_path.iterdir()
    assert path.stem == Path(name).stem
    text = path.read_bytes().decode("utf-8")
    assert "happy" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("format_name", "suffix"), [("textgrid", ".TextGrid"), ("emotionml", ".emotionml")]
)
def test_a_long_name_and_a_folder_in_the_way_end_no_run(
    tmp_path: Path, format_name: str, suffix: str
) -> None:
    names = [f"s/{'x' * 251}.wav", "s/a.wav", f"s/a{suffix}/b.wav"]
    with writing(format_name, tmp_path, names) as write:
        for name in names:
            write(result(["happy"], file=name))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        "x" * (255 - len(suffix)) + suffix,
        f"a.wav{suffix}",
        f"a{suffix}/b{suffix}",
    }
