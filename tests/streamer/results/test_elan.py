"""Annotations for ELAN, read back by pympi-ling."""

from __future__ import annotations

import itertools
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from tests.support.results import result, writing

Eaf = pytest.importorskip("pympi.Elan").Eaf


def eaf(folder: Path, *items: dict[str, Any]) -> Any:
    files = [item["file"] for item in items]
    with writing("elan", folder, files, overwrite=True) as write:
        for item in items:
            write(item)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Eaf(next(folder.glob("*.eaf")))


def test_elan_has_the_segments_in_whole_milliseconds_and_gaps_between_them(tmp_path: Path) -> None:
    read = eaf(tmp_path, result([None, "happy", "happy", "?", "sad"], stride=0.2503))
    assert read.get_annotation_data_for_tier("emotion") == [
        (250, 751, "happy"),
        (1001, 1256, "sad"),
    ]
    assert [*read.get_tier_names()] == ["emotion"]


def test_a_label_is_corrected_by_choosing_from_a_list(tmp_path: Path) -> None:
    read = eaf(tmp_path, result(["happy"]))
    kind = read.get_parameters_for_tier("emotion")["LINGUISTIC_TYPE_REF"]
    parameters = read.get_parameters_for_linguistic_type(kind)
    entries = read.get_cv_entries(parameters["CONTROLLED_VOCABULARY_REF"])
    assert [values[0][0] for values, _ in entries.values()] == [*LABELS]


def test_it_opens_the_recording(tmp_path: Path) -> None:
    name = str(tmp_path / "with space & <more>\n.wav")
    (linked,) = eaf(tmp_path, result(["happy"], file=name)).get_linked_files()
    assert unquote(urlsplit(linked["MEDIA_URL"]).path) == name
    assert unquote(linked["RELATIVE_MEDIA_URL"]) == "./" + Path(name).name
    assert linked["MIME_TYPE"] in ("audio/x-wav", "audio/wav")


def test_standard_input_has_no_recording_to_open(tmp_path: Path) -> None:
    assert eaf(tmp_path, result(["happy"], file="-")).get_linked_files() == []


def test_channels_are_tiers(tmp_path: Path) -> None:
    read = eaf(tmp_path, result(["sad"], channel=1), result(["happy"], channel=2))
    found = {name: read.get_annotation_data_for_tier(name) for name in read.get_tier_names()}
    assert found == {
        "emotion channel 1": [(0, 255, "sad")],
        "emotion channel 2": [(0, 255, "happy")],
    }


def test_a_recording_without_speech_has_a_tier_without_annotations(tmp_path: Path) -> None:
    assert eaf(tmp_path, result([None])).get_annotation_data_for_tier("emotion") == []


def test_hours_of_strides_take_little_memory(tmp_path: Path) -> None:
    """pympi alone would take two kilobytes for each, 12 MB."""
    hours = result(["happy", "sad"] * 3_000)
    tracemalloc.start()
    try:
        with writing("elan", tmp_path, level="strides") as write:
            write(hours)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5e6
    found = Eaf(tmp_path / "x.eaf").get_annotation_data_for_tier("emotion")
    assert len(found) == 6_000
    assert found[-1] == (1_499_750, 1_500_005, "sad")


@pytest.fixture
def half_hour(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone with half an hour, as in India."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "IST-5:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("half_hour")
def test_the_date_is_one_in_every_time_zone(tmp_path: Path) -> None:
    eaf(tmp_path, result(["sad"]))
    date = ElementTree.parse(tmp_path / "x.eaf").getroot().attrib["DATE"]  # noqa: S314 - our own
    assert datetime.fromisoformat(date).utcoffset() is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.sampled_from([*LABELS, None, "?"]), max_size=20),
    st.floats(0.01, 10),
    st.floats(0, 0.03),
)
def test_elan_reads_whatever_comes(
    tmp_path: Path, labels: list[str | None], stride: float, tail: float
) -> None:
    read = eaf(tmp_path, result(labels, stride=stride, tail=tail))
    found = sorted(read.get_annotation_data_for_tier("emotion"))
    assert all(start < end for start, end, _ in found)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(found))
    runs = [label for label, _ in itertools.groupby(labels)]
    assert [text for _, _, text in found] == [label for label in runs if label in LABELS]
