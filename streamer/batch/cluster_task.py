"""What runs at the workers of a cluster. Requests and answers are JSON and bytes.

Each item is analyzed in a process of its own kind, as on one machine: a worker of Dask with many
threads uses as many cores, answers its scheduler meanwhile, and does not die of a file.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from emotiond import __version__
from emotiond.exceptions import EmotiondError, SourceError, cause_of
from emotiond.inference.catalog import find_model
from emotiond.streamer.batch.about import about
from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.content import Seen, digest_of
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.batch.worker import Worker
from emotiond.streamer.interpreter_check import checked_runtime
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.readers.opening import changed, state_of

Answer: TypeAlias = "tuple[str, Any]"
"""``found`` with pairs of values and events; else the problem and its remedy: ``refused`` for the
item, ``unfit`` for this worker."""
FOUND, REFUSED, UNFIT = "found", "refused", "unfit"
_IDLE_SECONDS = 60.0  # before a process ends that nobody uses


def look(settings: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what the results of this worker depend on, or its ``problem``."""
    try:
        return _about(json.dumps(settings))
    except EmotiondError as error:
        return {"version of emotiond": __version__, "problem": str(error)}


def analyze(request: bytes, *sounds: bytes | None) -> Sequence[Answer]:
    """Analyze some items, one after the other.

    Args:
        request: ``settings``, ``sha256`` of the model, ``about``, and ``items``: each with the name
            of its file for messages, and the SHA-256 that its content has to have, or None.
        sounds: for each item, the content of its file; None for one that this machine can read.

    Returns:
        The answer to each item.
    """
    asked = json.loads(request)
    found = look(asked["settings"])
    if found != asked["about"]:
        return [(UNFIT, difference(asked["about"], found))] * len(sounds)
    return [
        _answer(Item(*item), name, sha256, sound, asked)
        for (item, name, sha256), sound in zip(asked["items"], sounds, strict=True)
    ]


def _answer(
    item: Item, name: str, sha256: str | None, sound: bytes | None, asked: Mapping[str, Any]
) -> Answer:
    try:
        with _path(item.file, sound) as path:
            here = Item(path, item.start_seconds, item.end_seconds, item.channel)
            try:
                seen = _seen(path, sha256)
                findings = _analyze(here, seen, asked["settings"], asked["sha256"])
                if state_of(path) != seen.state:
                    raise changed(path)
            except SourceError as error:
                return REFUSED, (error.problem.replace(path, name), error.remedy)
    except EmotiondError as error:
        return UNFIT, (error.problem, error.remedy)
    except Exception as error:  # Dask would send it as it is, and some cannot be sent
        return REFUSED, (f"{name}: {cause_of(error)}", "Report it, with this line")
    return FOUND, [(dict(values), events) for values, events in findings]


def _seen(path: str, sha256: str | None) -> Seen:
    """Return what a file is here: another machine may see another one at the same place.

    Raises:
        SourceError: it cannot be read, or its content is another one.
    """
    seen = Seen(state_of(path), sha256)
    if sha256 is not None and digest_of(path, seen.state) != sha256:
        raise SourceError(
            f"{path}: a worker of the cluster reads another content than this machine",
            "Analyze it again once nothing writes it, and see that both have the same storage",
        )
    return seen


def difference(wanted: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, str]:
    """Return problem and remedy of a worker whose results would not belong to the others."""
    for name, value in wanted.items():
        if name in found and found[name] != value:
            return (
                f"its {name} is {found[name] or 'none'}, and here it is {value or 'none'}",
                "Install the same there, or end that worker",
            )
    return found.get("problem", "it does not say what it has"), "Repair or end that worker"


@functools.lru_cache(4)
def _about(settings_json: str) -> Mapping[str, str]:
    settings = Settings(**json.loads(settings_json))
    card = find_model(settings.model, checked_runtime()).card
    profile = None if settings.profile is None else profile_for(settings.profile, card)
    return about(settings, card, profile)


@contextlib.contextmanager
def _path(path: str, sound: bytes | None) -> Iterator[str]:
    """Give a path that leads to the sound. What was shipped is in memory alone: no crash keeps it.

    Raises:
        SourceError: there is no memory for it.
    """
    if sound is None:
        yield path
        return
    try:
        descriptor = os.memfd_create("emotiond")
    except OSError as error:
        raise SourceError(f"no memory for a recording: {error.strerror}", "Try again") from None
    with open(descriptor, "wb") as file:  # noqa: PTH123
        file.write(sound)
        file.flush()
        yield f"/proc/{os.getpid()}/fd/{descriptor}"


class _Idle:
    """Processes that wait for the next item. They end if none comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Worker, threading.Timer]] = []

    def take(self, key: str) -> Worker | None:
        with self._lock:
            for entry in self._waiting:
                if entry[0] == key:
                    self._waiting.remove(entry)
                    entry[2].cancel()
                    return entry[1]
        return None

    def give(self, key: str, worker: Worker) -> None:
        timer = threading.Timer(_IDLE_SECONDS, lambda: self._end(entry))
        timer.daemon = True
        entry = (key, worker, timer)
        with self._lock:
            self._waiting.append(entry)
        timer.start()

    def _end(self, entry: tuple[str, Worker, threading.Timer]) -> None:
        with self._lock:
            if entry not in self._waiting:
                return
            self._waiting.remove(entry)
        entry[1].close()


_idle = _Idle()


def _analyze(item: Item, seen: Seen, settings: Mapping[str, Any], sha256: str) -> Findings:
    key = json.dumps([settings, sha256])
    worker = _idle.take(key) or Worker(Settings(**settings), sha256)
    is_fit = False
    try:
        findings = worker.analyze(item, lambda _: None, seen)
        is_fit = True
    except SourceError:
        is_fit = True
        raise
    finally:
        if is_fit:
            _idle.give(key, worker)
        else:
            worker.close()
    return findings
