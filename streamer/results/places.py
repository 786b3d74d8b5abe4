"""Where the file of each recording goes, in a folder for all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from emotiond.streamer.results.writer import STANDARD_INPUT

_SPECIAL = ("/dev/", "/proc/")
_MOST_NAME_BYTES = 255
"""The longest name that Linux, macOS and Windows take."""


def places(files: Sequence[str], folders: Sequence[str], suffix: str) -> Mapping[str, PurePath]:
    """Return the place of each recording's file, relative to the folder for all.

    Below a folder that was given, files keep their places. All others keep theirs below the folder
    that they have in common. The suffix stands for that of the recording, as programs for
    annotation expect, unless two recordings would share a file, or a file and the folder of another
    one a name: then it is added. A name that is too long loses its end.

    Args:
        files: the recordings. A name may occur several times, and has one place.
        folders: the folders that were given.
        suffix: with its dot.
    """
    paths = {file: _relative(file) for file in files}
    base = _common(paths.values(), folders)
    found = {file: _below(path, base) for file, path in paths.items()}
    # A folder on another system may take 'A' and 'a' for one name.
    parents = {str(folder).casefold() for path in found.values() for folder in path.parents}
    whole: set[str] = set()  # the recordings that keep their suffix
    while True:
        named = {file: _named(path, suffix, file in whole) for file, path in found.items()}
        owners: dict[str, set[PurePath]] = {}
        for file, path in named.items():
            owners.setdefault(str(path).casefold(), set()).add(found[file])
        shared = {
            file
            for file, path in named.items()
            if file not in whole
            and (len(owners[str(path).casefold()]) > 1 or str(path).casefold() in parents)
        }
        if not shared:
            return _numbered(named, found, parents)
        whole |= shared


def _relative(file: str) -> str:
    """Return the absolute path of a recording; only a name for what has no place of its own."""
    if file == STANDARD_INPUT:
        return "stdin"
    path = os.path.abspath(file)  # noqa: PTH100 - '..' is taken out, links are not followed
    return os.path.basename(path) if path.startswith(_SPECIAL) else path  # noqa: PTH119


def _common(paths: Iterable[str], folders: Sequence[str]) -> str:
    tops = [os.path.abspath(folder) for folder in folders]  # noqa: PTH100
    tops += [os.path.dirname(path) for path in paths if os.path.isabs(path)]  # noqa: PTH117, PTH120
    try:
        return os.path.commonpath(tops) if tops else os.sep
    except ValueError:  # several drives
        return ""


def _below(path: str, base: str) -> PurePath:
    whole = PurePath(path)
    if base and whole.is_absolute():
        return whole.relative_to(base)
    return whole.relative_to(whole.anchor)


def _named(path: PurePath, suffix: str, keeps_suffix: bool) -> PurePath:
    return path.with_name(_fitting(path.name if keeps_suffix else path.stem, suffix))


def _fitting(stem: str, end: str) -> str:
    """Return a name that a file can have: of a long stem, the characters that have room."""
    while len((stem + end).encode("utf-8", "surrogateescape")) > _MOST_NAME_BYTES:
        stem = stem[:-1]
    return stem + end


def _numbered(
    named: Mapping[str, PurePath], found: Mapping[str, PurePath], folders: Iterable[str]
) -> Mapping[str, PurePath]:
    """Number those that would still share a name: they differ in capitals or their end alone."""
    used = {*folders}
    taken: dict[PurePath, PurePath] = {}
    for file, path in named.items():
        if found[file] in taken:
            continue
        free, number = path, 1
        while str(free).casefold() in used:
            number += 1
            free = path.with_name(_fitting(path.stem, f" ({number}){path.suffix}"))
        used.add(str(free).casefold())
        taken[found[file]] = free
    return {file: taken[found[file]] for file in named}
