"""What runs at a worker of a cluster, without one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import soundfile

from emotiond.streamer.batch import cluster_task
from emotiond.streamer.batch.analyst import Analyst
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from tests.conftest import DATA
from tests.support.signals import RATE, demo

SETTINGS = Settings(str(DATA / "tiny.tflite"), None, 4000)


@pytest.fixture(scope="module")
def sha256() -> str:
    with Analyst(SETTINGS) as analyst:
        return analyst.sha256


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("task") / "x.wav"
    soundfile.write(path, demo()[: 3 * RATE], RATE)
    return path


def ask(
    sha256: str, path: str, sound: bytes | None = None, content: str | None = None, **changed: Any
) -> cluster_task.Answer:
    items = [([path, None, None, None], "talk\udcff.wav", content)]
    (answer,) = ask_for(sha256, items, [sound], **changed)
    return answer


def ask_for(
    sha256: str, items: Sequence[object], sounds: Sequence[bytes | None], **changed: Any
) -> Sequence[cluster_task.Answer]:
    request = {
        "settings": SETTINGS.to_json(),
        "sha256": sha256,
        "about": cluster_task.look(SETTINGS.to_json()),
        "items": items,
    }
    return cluster_task.analyze(json.dumps({**request, **changed}).encode(), *sounds)


def test_it_gives_what_this_process_would_of_a_path_and_of_what_was_shipped(
    sha256: str, path: Path
) -> None:
    with Analyst(SETTINGS) as analyst:
        (expected,) = analyst.analyze(Item(str(path)))
    for answer in (ask(sha256, str(path)), ask(sha256, "/none.wav", path.read_bytes())):
        kind, ((values, _),) = answer
        assert (kind, values) == (cluster_task.FOUND, expected.values)
    assert len(cluster_task._idle._waiting) == 1  # the process waits for the next one


def test_the_items_of_a_task_are_answered_one_by_one(sha256: str, path: Path) -> None:
    none = [f"{path}.none", None, None, None], "none.wav", None
    half = [str(path), 0.0, 1.5, None], "half.wav", None
    items = [([str(path), None, None, None], "x.wav", None), none, half]
    found, refused, halved = ask_for(sha256, items, [None] * 3)
    shipped = ask_for(sha256, items, [path.read_bytes(), b"no sound", path.read_bytes()])
    assert [kind for kind, _ in shipped] == ["found", "refused", "found"]
    assert refused[1][0].startswith("none.wav: there is no such file")
    for (_, ((whole, _),)), (_, ((part, _),)) in ((found, halved), (shipped[0], shipped[2])):
        assert (whole["duration"], part["duration"]) == (3.0, 1.5)


def test_an_error_has_the_name_that_the_user_gave(sha256: str, path: Path) -> None:
    for answer, says in (
        (ask(sha256, f"{path}.none"), "there is no such file"),
        (ask(sha256, "/any", b"no sound"), "not a sound file that can be read"),
    ):
        kind, (problem, _) = answer
        assert kind == cluster_task.REFUSED
        assert problem.startswith(f"talk\udcff.wav: {says}")


def test_what_a_worker_analyzes_has_the_content_that_the_result_is_kept_for(
    sha256: str, path: Path
) -> None:
    sound, damaged = path.read_bytes(), path.read_bytes()[:-2]
    right = hashlib.sha256(sound).hexdigest()
    for answer in (ask(sha256, str(path), content=right), ask(sha256, "/x", sound, content=right)):
        assert answer[0] == cluster_task.FOUND
    wrong = hashlib.sha256(b"another").hexdigest()
    for kind, content in (
        ask(sha256, str(path), content=wrong),
        ask(sha256, "/x", damaged, content=right),
    ):
        assert kind == cluster_task.REFUSED
        assert content[0].startswith("talk\udcff.wav: a worker of the cluster reads another cont")


def test_a_file_that_changes_while_a_worker_reads_it_has_no_result(
    monkeypatch: pytest.MonkeyPatch, sha256: str, path: Path, tmp_path: Path
) -> None:
    changing = tmp_path / "x.wav"
    changing.write_bytes(path.read_bytes())

    def change(*_: object) -> tuple[()]:
        changing.write_bytes(b"other")
        return ()

    monkeypatch.setattr(cluster_task, "_analyze", change)
    kind, (problem, _) = ask(sha256, str(changing))
    assert kind == cluster_task.REFUSED
    assert problem == "talk\udcff.wav: it has changed while it was read"


def test_a_worker_that_does_not_agree_analyzes_nothing(sha256: str, path: Path) -> None:
    here = {**cluster_task.look(SETTINGS.to_json()), "model": "lite (0123)"}
    assert ask(sha256, str(path), about=here) == (
        cluster_task.UNFIT,
        (
            f"its model is {cluster_task.look(SETTINGS.to_json())['model']}, "
            "and here it is lite (0123)",
            "Install the same there, or end that worker",
        ),
    )


def test_a_worker_without_the_model_says_so() -> None:
    settings = Settings("/none/x.tflite", None, 4000).to_json()
    found = cluster_task.look(settings)
    assert "x.tflite" in cluster_task.difference({"model": "x (0123)"}, found)[0]


def test_what_nobody_foresaw_is_an_error_of_the_item(
    monkeypatch: pytest.MonkeyPatch, sha256: str, path: Path
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(cluster_task, "_analyze", fail)
    kind, (problem, remedy) = ask(sha256, str(path))
    assert (kind, remedy) == (cluster_task.REFUSED, "Report it, with this line")
    assert "RecursionError" in problem


def test_a_process_that_nobody_uses_ends(
    monkeypatch: pytest.MonkeyPatch, sha256: str, path: Path
) -> None:
    monkeypatch.setattr(cluster_task, "_IDLE_SECONDS", 0.05)
    ask(sha256, str(path))
    ((_, worker, _),) = cluster_task._idle._waiting
    worker._process.wait(20)
    assert not cluster_task._idle._waiting
