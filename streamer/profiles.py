"""The user's folder of voice profiles, private files with statistics and without audio."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from emotiond.exceptions import ProfileError
from emotiond.inference.card import Card
from emotiond.inference.parsing import build
from emotiond.inference.profile import Profile
from emotiond.streamer.folders import data_folder
from emotiond.streamer.private_files import make_private_folder, open_private, write_private

_SUFFIX = ".json"
_NAME = re.compile(r"\w[\w-]{0,39}")  # no dot, no slash: a name cannot leave the folder
_LARGEST_BYTES = 1_000_000


def folder() -> Path:
    """Return the folder of profiles."""
    return data_folder() / "profiles"


def profile_names() -> Sequence[str]:
    """Return the sorted names of the profiles.

    Raises:
        ProfileError: the folder cannot be read.
    """
    try:
        found = [path.stem for path in folder().iterdir() if path.suffix == _SUFFIX]
    except FileNotFoundError:  # there is no such folder yet
        return []
    except OSError as error:
        raise ProfileError(
            f"profiles cannot be read in {folder()} ({error.strerror})",
            "Make it a folder that you may read, or name another data folder in XDG_DATA_HOME",
        ) from None
    return sorted(name for name in found if _NAME.fullmatch(name))


def profile_path(name: str) -> Path:
    """Return the path of a profile, which need not exist.

    Raises:
        ProfileError: the name is not allowed.
    """
    if not _NAME.fullmatch(name):
        raise ProfileError(
            f"{name!r} cannot be a profile's name", "Use up to 40 letters, digits, '-' and '_'"
        )
    return folder() / f"{name}{_SUFFIX}"


def read_profile(name: str) -> Profile:
    """Read and validate a profile.

    Raises:
        ProfileError: the profile does not exist, or its file is broken.
    """
    path = profile_path(name)
    record, again = f"ecord it: emotiond enroll {name}", f"Record it again: emotiond enroll {name}"
    try:
        with os.fdopen(open_private(path), "rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise ValueError("it is far too large")
        return build(Profile, json.loads(content))
    except FileNotFoundError:
        names = ", ".join(profile_names())
        remedy = f"Choose one of {names}, or r{record}" if names else f"R{record}"
        raise ProfileError(f"there is no profile {name!r}", remedy) from None
    except OSError as error:
        raise ProfileError(f"cannot read {path} ({error.strerror})", again) from None
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"the profile {path} is broken: {error}", again) from None


def profile_for(name: str, card: Card) -> Profile:
    """Read a profile for use with a model.

    Raises:
        ProfileError: the profile does not exist, is broken, or belongs to another model.
    """
    profile = read_profile(name)
    if profile.sha256 != card.sha256:
        which = repr(profile.model)
        if profile.model == card.name:
            which = f"another version of {which}"
        raise ProfileError(
            f"the profile {name!r} was made with the model {which}, not with this {card.name!r}",
            f"Use that model, or record it again: emotiond enroll {name} --model {card.name}",
        )
    return profile


def make_folder() -> None:
    """Make the folder of profiles, which only the user can read.

    Raises:
        ProfileError: the folder cannot be made.
    """
    try:
        make_private_folder(folder())
    except OSError as error:
        raise _unwritable(error) from None


def write_profile(name: str, profile: Profile) -> Path:
    """Write a profile, which replaces one of the same name. Only the user can read it.

    Raises:
        ProfileError: the file cannot be written.
    """
    path = profile_path(name)
    make_folder()
    try:
        write_private(path, json.dumps(asdict(profile), allow_nan=False))
    except OSError as error:
        raise _unwritable(error) from None
    return path


def delete_profile(name: str) -> Path:
    """Delete a profile, and return where it was.

    Raises:
        ProfileError: the profile does not exist, or its file cannot be deleted.
    """
    path = profile_path(name)
    try:
        path.unlink()
    except FileNotFoundError:
        names = ", ".join(profile_names())
        remedy = f"The profiles are {names}" if names else "There are no profiles"
        raise ProfileError(f"there is no profile {name!r}", remedy) from None
    except OSError as error:
        raise ProfileError(
            f"cannot delete {path} ({error.strerror})", "Delete it as a user who may do so"
        ) from None
    return path


def _unwritable(error: OSError) -> ProfileError:
    return ProfileError(
        f"profiles cannot be kept in {folder()} ({error.strerror})",
        "Make room there, or name another data folder in XDG_DATA_HOME",
    )
