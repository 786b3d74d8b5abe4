"""The page holds all that it needs, and runs nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from emotiond.exceptions import printable
from emotiond.streamer.report.pack import pack
from emotiond.streamer.report.track import Track, pack_event
from emotiond.streamer.report.write import as_data, page, title_of
from tests.support.report import spoken

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>@script@.wav"


def page_of(name: str, title: str = "title") -> str:
    track = Track(name, name, is_session=False, speaker=name)
    for event in spoken("happy"):
        track.add(pack_event(event))
    about, events = pack([track])
    return page(about, events, {0: b"sound"}, [0], title)


class Reader(HTMLParser):
    """Notes all elements, and what stands in scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._inside = attributes.get("id") or attributes.get("type") or tag

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data


def parsed(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def test_a_name_is_text_wherever_it_stands() -> None:
    plain, nasty = parsed(page_of("a.wav")), parsed(page_of(NASTY, title_of([NASTY])))
    assert nasty.tags[:3] == plain.tags[:3]
    assert [tag for tag, _ in nasty.tags] == [tag for tag, _ in plain.tags]
    assert json.loads(nasty.texts["report-about"])["tracks"][0]["name"] == NASTY
    assert nasty.texts["title"] == f"{NASTY} · emotiond report"


@given(st.text(st.characters(codec=None)))
def test_data_of_any_text_holds_nothing_that_html_reads(text: str) -> None:
    data = as_data({"name": text})
    assert json.loads(data) == {"name": text}
    assert data.isascii()
    assert not set("<>&") & set(data)


def test_nothing_but_its_own_script_and_style_may_run_or_load() -> None:
    reader = parsed(page_of("a.wav"))
    policy = next(
        attributes["content"]
        for tag, attributes in reader.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digests = {
        name: base64.b64encode(hashlib.sha256(reader.texts[key].encode()).digest()).decode()
        for name, key in (("script", "module"), ("style", "style"))
    }
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digests['script']}'; "
        f"style-src 'sha256-{digests['style']}'; media-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_it_names_no_other_file() -> None:
    reader = parsed(page_of("a.wav"))
    outside = ("src", "href", "action", "style", "srcset", "data", "poster")
    named = [
        (tag, key)
        for tag, attributes in reader.tags
        for key in attributes
        if key in outside or key.startswith("on")
    ]
    assert named == []
    assert "@import" not in reader.texts["style"]
    assert re.findall(r"url\(", reader.texts["style"]) == []


def test_the_sound_is_in_it() -> None:
    reader = parsed(page_of("a.wav"))
    assert base64.b64decode(reader.texts["report-sound-0"]) == b"sound"
    assert json.loads(reader.texts["report-about"])["tracks"][0]["sound"] == 0


def test_a_title_of_odd_bytes_can_be_written() -> None:
    page_of("\udcff", title_of(["\udcff"])).encode()
    assert title_of(["a", "b"]) == "2 recordings · emotiond report"


@given(st.text(st.characters(codec=None), min_size=1))
def test_a_title_holds_no_control_character(name: str) -> None:
    title = parsed(page_of("a.wav", title_of([name]))).texts["title"]
    assert not [character for character in title if unicodedata.category(character) == "Cc"]


def test_the_page_of_any_name_has_no_control_characters_but_its_own() -> None:
    name = "a\0b\x1b]0;c\x07\x9b\u202e.wav"
    made = page_of(name, title_of([name]))
    assert {character for character in made if unicodedata.category(character) == "Cc"} == {"\n"}
    assert parsed(made).texts["title"] == f"{printable(name)} · emotiond report"
    assert json.loads(parsed(made).texts["report-about"])["tracks"][0]["name"] == name
