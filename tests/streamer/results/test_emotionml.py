"""EmotionML 1.0, held to the rules of the W3C recommendation of 22 May 2014.

The numbers are those of the assertions in the W3C's implementation report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from emotiond.inference.card import LABELS
from tests.support.results import result, writing

NAMESPACE = "{http://www.w3.org/2009/10/emotionml}"
RESULTS = {
    "speech": result([None, "happy", "happy", "?", "sad"], stride=0.2503),
    "silence": result([None]),
    "a channel": result(["angry"], channel=2),
    "a segment": {**result(["sad"], start=60.0), "start": 60.0},
    "a name": result(["sad"], file='a & <b> "c"\n#t=9.wav'),
}


def root(folder: Path, whole: Mapping[str, Any]) -> ElementTree.Element:
    with writing("emotionml", folder, [whole["file"]]) as write:
        write(whole)
    (path,) = folder.glob("*.emotionml")
    return ElementTree.parse(path).getroot()  # noqa: S314 - our own


@pytest.fixture(params=RESULTS)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> ElementTree.Element:
    """The document of one result."""
    return root(tmp_path, RESULTS[request.param])


def test_101_102_the_root_is_emotionml_in_its_namespace(document: ElementTree.Element) -> None:
    assert document.tag == f"{NAMESPACE}emotionml"


def test_110_111_the_root_has_the_version(document: ElementTree.Element) -> None:
    assert document.attrib["version"] == "1.0"


def test_113_114_the_set_of_categories_is_a_vocabulary_of_categories(
    document: ElementTree.Element,
) -> None:
    """It is a URI, and a fragment names a vocabulary of the same document."""
    (vocabulary,) = document.iter(f"{NAMESPACE}vocabulary")
    assert document.attrib["category-set"] == f"#{vocabulary.attrib['id']}"
    assert vocabulary.attrib["type"] == "category"


def test_156_an_emotion_holds_a_description_and_then_references(
    document: ElementTree.Element,
) -> None:
    for emotion in document.iter(f"{NAMESPACE}emotion"):
        assert [child.tag for child in emotion] == [f"{NAMESPACE}category", f"{NAMESPACE}reference"]


def test_210_the_vocabulary_of_categories_is_declared(document: ElementTree.Element) -> None:
    assert "category-set" in document.attrib


def test_211_212_the_name_of_a_category_is_in_the_vocabulary(document: ElementTree.Element) -> None:
    names = {item.attrib["name"] for item in document.iter(f"{NAMESPACE}item")}
    for category in document.iter(f"{NAMESPACE}category"):
        assert category.attrib["name"] in names


def test_213_a_category_occurs_once_in_an_emotion(document: ElementTree.Element) -> None:
    for emotion in document.iter(f"{NAMESPACE}emotion"):
        assert len(emotion.findall(f"{NAMESPACE}category")) == 1


def test_300_a_confidence_is_from_0_to_1(document: ElementTree.Element) -> None:
    for category in document.iter(f"{NAMESPACE}category"):
        assert 0 <= float(category.attrib["confidence"]) <= 1


def test_301_the_modality_is_a_list_of_tokens(document: ElementTree.Element) -> None:
    for emotion in document.iter(f"{NAMESPACE}emotion"):
        assert emotion.attrib["expressed-through"] == "voice"


def test_410_411_a_reference_has_a_uri(document: ElementTree.Element) -> None:
    for reference in document.iter(f"{NAMESPACE}reference"):
        uri = reference.attrib["uri"]
        assert re.fullmatch(r"[\w./%~-]+#t=\d+\.\d{3},\d+\.\d{3}(&track=[\w-]+)?", uri)


def test_414_the_role_of_a_reference_is_one_of_four(document: ElementTree.Element) -> None:
    for reference in document.iter(f"{NAMESPACE}reference"):
        assert reference.attrib["role"] == "expressedBy"


def test_420_421_422_no_times_that_would_be_dates(document: ElementTree.Element) -> None:
    """They count milliseconds since 1970. Times in a recording are media fragments."""
    for emotion in document.iter(f"{NAMESPACE}emotion"):
        assert not {"start", "end", "duration"} & emotion.attrib.keys()


def test_600_to_605_a_vocabulary_has_items_a_type_and_an_id(document: ElementTree.Element) -> None:
    (vocabulary,) = document.iter(f"{NAMESPACE}vocabulary")
    assert vocabulary.attrib == {"type": "category", "id": "emotiond"}
    assert {child.tag for child in vocabulary} == {f"{NAMESPACE}item"}


def test_607_608_items_have_different_names(document: ElementTree.Element) -> None:
    names = [item.attrib["name"] for item in document.iter(f"{NAMESPACE}item")]
    assert names == [*LABELS]
    assert len(set(names)) == len(names)


def test_700_all_elements_are_in_the_namespace(document: ElementTree.Element) -> None:
    assert all(element.tag.startswith(NAMESPACE) for element in document.iter())
    assert {child.tag for child in document} <= {f"{NAMESPACE}emotion", f"{NAMESPACE}vocabulary"}


def test_every_attribute_is_one_of_the_recommendation(document: ElementTree.Element) -> None:
    allowed = {
        "emotionml": {"version", "category-set"},
        "vocabulary": {"type", "id"},
        "item": {"name"},
        "emotion": {"expressed-through"},
        "category": {"name", "confidence"},
        "reference": {"uri", "role"},
    }
    for element in document.iter():
        assert element.attrib.keys() <= allowed[element.tag.removeprefix(NAMESPACE)], element.tag


def test_the_segments_are_emotions_with_their_times(tmp_path: Path) -> None:
    found = root(tmp_path, RESULTS["speech"])
    fragments = [
        each.attrib["uri"].partition("#")[2] for each in found.iter(f"{NAMESPACE}reference")
    ]
    assert fragments == ["t=0.250,0.751", "t=1.001,1.256"]
    categories = [dict(each.attrib) for each in found.iter(f"{NAMESPACE}category")]
    assert categories == [
        {"name": "happy", "confidence": "0.6500"},
        {"name": "sad", "confidence": "0.6500"},
    ]


def test_the_recording_is_found_from_the_document(tmp_path: Path) -> None:
    name = str(tmp_path / "a & <b>\n#t=9.wav")
    (reference,) = root(tmp_path, result(["sad"], file=name)).iter(f"{NAMESPACE}reference")
    link = reference.attrib["uri"].partition("#")[0]
    assert unquote(link) == "./a & <b>\n#t=9.wav"
