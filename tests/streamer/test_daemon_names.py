from __future__ import annotations

import platform
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.daemon_names import MOST_CHARACTERS, cleaned, host_name, is_name


@pytest.mark.parametrize(
    "name", ["a", "kitchen", "Living room 2", "pi_3.b-1", "Küche", "厨房", "7"]
)
def test_words_of_any_script_are_names(name: str) -> None:
    assert is_name(name)
    assert cleaned(name) == name


@pytest.mark.parametrize(
    "text",
    ["", " a", "a ", "-a", ".", "..", "a/b", "a+b", "a#", "$SYS", "a\nb", "a\u202eb", "a\0", "🎙",
     "a" * 64, "\u3164", "a\u3164b", "\ufe0f", "\u0301a"],
)  # fmt: skip
def test_what_a_topic_a_path_or_a_terminal_would_misread_is_no_name(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("anna's laptop", "anna-s laptop"),
        ("a//+#b", "a-b"),
        ("ﬁrst²", "first2"),
        ("--kitchen--", "kitchen"),
        ("$SYS/x", "SYS-x"),
        ("…", "emotiond"),
        ("\u3164\ufe0f", "emotiond"),
        ("\u3164den", "den"),
        ("", "emotiond"),
        ("a" * 62 + "-b", "a" * 62),
    ],
)
def test_any_text_is_cleaned_to_the_nearest_name(text: str, name: str) -> None:
    assert cleaned(text) == name


@given(st.text(max_size=200))
def test_what_is_cleaned_is_a_name_and_stays_so(text: str) -> None:
    name = cleaned(text)
    assert is_name(name)
    assert cleaned(name) == name
    assert not set("/+#") & set(unicodedata.normalize("NFKC", name))


def test_the_hosts_name_is_cleaned_up_to_its_first_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "kitchen_pi.local")
    assert host_name() == "kitchen_pi"
    monkeypatch.setattr(platform, "node", lambda: "")
    assert host_name() == "emotiond"
    assert MOST_CHARACTERS == 63
