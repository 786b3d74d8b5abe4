"""The folder of profiles: what may be a name, who may read a file, and what is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emotiond.exceptions import ProfileError
from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import make_profile
from emotiond.streamer.profiles import (
    delete_profile,
    folder,
    make_folder,
    profile_for,
    profile_names,
    profile_path,
    read_profile,
    write_profile,
)

PROFILE = make_profile("full", "0" * 64, 20.0, (0.5, -1.25))


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def as_nobody() -> Iterator[Callable[[], None]]:
    """Become a user who owns nothing, where the tests run as root, until the test ends."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a folder of another user")
    yield lambda: os.seteuid(65_534)
    os.seteuid(0)


def refusal(name: str) -> str:
    with pytest.raises(ProfileError) as refused:
        read_profile(name)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_what_is_written_is_read(data_home: Path) -> None:
    path = write_profile("anna", PROFILE)
    assert path == data_home / "emotiond" / "profiles" / "anna.json"
    assert read_profile("anna") == PROFILE
    assert profile_names() == ["anna"]


def test_the_default_data_folder_is_the_user_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for named in ("", "relative/path"):
        monkeypatch.setenv("XDG_DATA_HOME", named)
        assert folder() == tmp_path / ".local" / "share" / "emotiond" / "profiles"


@pytest.mark.skipif(os.name != "posix", reason="needs permissions as POSIX has them")
def test_only_the_user_may_read_it() -> None:
    before = os.umask(0)
    try:
        path = write_profile("anna", PROFILE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_is_replaced_as_a_whole_and_leaves_nothing_beside_it() -> None:
    path = write_profile("anna", PROFILE)
    write_profile("anna", make_profile("lite", "1" * 64, 7.0, (1.0,)))
    assert read_profile("anna").model == "lite"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../anna", "a/b", "a\\b", "/etc/passwd", "a.json", "a\0", "a\n", " a", "-a",
     "x" * 41],
)  # fmt: skip
def test_no_name_leaves_the_folder_of_profiles(name: str) -> None:
    with pytest.raises(ProfileError, match="cannot be a profile's name"):
        profile_path(name)


@pytest.mark.parametrize("name", ["anna", "Jürgen-2", "家族", "Ö" * 40, "_"])
def test_names_of_any_language_are_kept(name: str) -> None:
    write_profile(name, PROFILE)
    assert read_profile(name) == PROFILE
    assert name in profile_names()


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    assert "there is no profile 'anna'. Record it: emotiond enroll anna" in refusal("anna")
    for name in ("ben", "carla"):
        write_profile(name, PROFILE)
    assert "there is no profile 'anna'. Choose one of ben, carla, or" in refusal("anna")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"format":1}', b"[" * 99_999, b" " * 1_000_001,
     b'{"format":1,"model":"full","sha256":"","speech_seconds":NaN,"mean":[0]}'],
)  # fmt: skip
def test_an_invalid_profile_is_refused_with_the_remedy(content: bytes) -> None:
    write_profile("anna", PROFILE).write_bytes(content)
    line = refusal("anna")
    assert "anna.json is broken" in line
    assert "emotiond enroll anna" in line


def test_a_file_that_cannot_be_read_is_refused() -> None:
    profile_path("anna").mkdir(parents=True)
    assert "Is a directory" in refusal("anna")


def test_a_folder_that_cannot_be_made_is_reported(data_home: Path) -> None:
    data_home.write_text("a file is in the way")
    with pytest.raises(ProfileError, match=r"cannot be kept in .*XDG_DATA_HOME"):
        write_profile("anna", PROFILE)
    with pytest.raises(ProfileError, match=r"cannot be read in .*XDG_DATA_HOME"):
        profile_names()


def test_a_profile_serves_the_model_that_it_was_made_with(adapting_classifier: Classifier) -> None:
    card = adapting_classifier.card
    write_profile("own", make_profile(card.name, card.sha256, 20.0, (0.0,) * 13))
    assert profile_for("own", card).mean == (0.0,) * 13
    write_profile("other", PROFILE)
    with pytest.raises(ProfileError, match=r"with the model 'full', not with this 'adapting'.*--m"):
        profile_for("other", card)
    write_profile("old", make_profile(card.name, "0" * 64, 20.0, (0.0,) * 13))
    with pytest.raises(ProfileError, match="another version of 'adapting'"):
        profile_for("old", card)


def test_a_folder_of_another_user_is_named(data_home: Path, as_nobody: Callable[[], None]) -> None:
    write_profile("anna", PROFILE)
    as_nobody()
    for act in (profile_names, lambda: delete_profile("anna")):
        with pytest.raises(ProfileError, match="Permission denied"):
            act()


def test_a_profile_that_is_a_folder_is_not_deleted() -> None:
    (folder() / "anna.json").mkdir(parents=True)
    with pytest.raises(ProfileError, match=r"cannot delete .*anna\.json"):
        delete_profile("anna")


def test_a_file_in_the_place_of_the_folder_is_named(data_home: Path) -> None:
    (data_home / "emotiond").mkdir(parents=True)
    folder().write_text("")
    with pytest.raises(ProfileError, match=r"cannot be read in .*profiles \(Not a directory\)"):
        profile_names()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_a_profile_that_others_could_read_becomes_private_and_a_link_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder().mkdir(parents=True, mode=0o755)
    anna = folder() / "anna.json"
    anna.write_text("{}")
    anna.chmod(0o644)
    with pytest.raises(ProfileError, match="broken"):
        read_profile("anna")
    assert anna.stat().st_mode & 0o077 == 0
    (folder() / "bert.json").symlink_to(anna)
    with pytest.raises(ProfileError, match="it is a link"):
        read_profile("bert")
    make_folder()
    assert folder().stat().st_mode & 0o077 == 0
