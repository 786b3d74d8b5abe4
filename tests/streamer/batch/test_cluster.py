"""``analyze --dask`` with a real scheduler and real workers: killed, frozen, late, and foreign."""

from __future__ import annotations

import contextlib
import csv
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import soundfile
import trustme

from emotiond.streamer.batch.cluster import _FEWEST_TASKS as FEWEST_TASKS
from tests.conftest import DATA
from tests.support.daemon import COMMAND, PATIENCE_SECONDS, emotiond
from tests.support.dask_cluster import DaskCluster, await_that, kill, stop
from tests.support.signals import RATE, demo

pytestmark = pytest.mark.peers
TINY = str(DATA / "tiny.tflite")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler with one worker of two threads, which its nanny starts again."""
    with DaskCluster(tmp_path_factory.mktemp("cluster")) as begun:
        begun.start_worker(nanny=True, threads=2)
        yield begun


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Recordings of any names; one is damaged."""
    folder = tmp_path / "study"
    folder.mkdir()
    for number, name in enumerate(("a.wav", "b\n.flac", "ü.wav", "z.wav")):
        write(folder / name, number)
    (folder / "damaged.wav").write_text("no sound")
    return folder


@pytest.fixture
def large_study(study: Path) -> Path:
    """So many recordings more that several are one task."""
    for number in range(3 * FEWEST_TASKS):
        first = number * RATE // 10
        soundfile.write(study / f"short {number:02}.wav", demo()[first : first + RATE], RATE)
    return study


def write(path: Path, number: int) -> Path:
    soundfile.write(path, demo()[number * RATE : (number + 3) * RATE], RATE)
    return path


def arguments(address: str, output: Path, *more: str, kind: str = "csv") -> list[str]:
    flags = ["--model", TINY, "--format", kind, "--output", str(output), "--dask", address]
    return ["analyze", *flags, *more]


@contextlib.contextmanager
def begun(*typed: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*COMMAND, *typed], stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def ended(running: subprocess.Popen[str]) -> tuple[int, Sequence[str]]:
    """The status, and the lines after the one that says what is sent."""
    _, said = running.communicate(timeout=PATIENCE_SECONDS)
    first, *lines = said.splitlines()
    assert first.startswith("emotiond: sends "), said
    return running.returncode, lines


def timeless(output: Path) -> str:
    """What an output holds, without when and how fast the model ran."""
    return re.sub(r'"(inference_ms|time)": [0-9.]+', "", output.read_text("utf-8"))


def names(output: Path) -> Sequence[str]:
    with output.open(encoding="utf-8", newline="") as file:
        return [Path(row["file"]).name for row in csv.DictReader(file)]


def mark(path: Path, suffix: str) -> Path:
    return path.parent.parent / f"{path.stem}.{suffix}"


def holders(path: Path) -> Sequence[int]:
    """The processes that began it, in their order."""
    marks = mark(path, "begun")
    return [int(line) for line in marks.read_text().splitlines()] if marks.exists() else []


@pytest.mark.parametrize("way", [(), ("--ship",), ("--channels", "separate")])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_results_are_those_of_this_machine_to_the_byte(
    way: Sequence[str], kind: str, dask: DaskCluster, large_study: Path, tmp_path: Path
) -> None:
    study = large_study
    here, there = tmp_path / "here", tmp_path / "there"
    local = [word for word in way if word != "--ship"]
    said = emotiond(
        *("analyze", str(study), "--model", TINY, "--format", kind, "--output", str(here)), *local
    )
    far = emotiond(*arguments(dask.address, there, str(study), *way, kind=kind))
    assert far.returncode == said.returncode == 1  # one is damaged
    first, rest = far.stderr.split("\n", 1)
    what = "the recordings, with all voices," if "--ship" in way else "paths of recordings"
    assert first.startswith(f"emotiond: sends {what} to {dask.address}, for 1 worker: not enc")
    assert rest == said.stderr.replace(f"{here}.errors.csv", f"{there}.errors.csv")
    assert timeless(there) == timeless(here)
    assert (tmp_path / "there.errors.csv").read_bytes() == (
        tmp_path / "here.errors.csv"
    ).read_bytes()


def test_a_file_that_ends_each_of_its_workers_is_an_error_and_its_neighbours_are_done(
    dask: DaskCluster, large_study: Path, tmp_path: Path
) -> None:
    """The scheduler runs it four times, and blames whatever the worker held beside it."""
    study = large_study
    write(study / "ends.wav", 5)
    with begun(*arguments(dask.address, tmp_path / "out.csv", str(study))) as running:
        status, lines = ended(running)
    assert status == 1
    assert [line for line in lines if "ends.wav" in line] == [
        f"emotiond: {study / 'ends.wav'}: each worker of the cluster that analyzed it has ended. "
        "See the log of the workers, or analyze it here, without --dask."
    ]
    short = [f"short {number:02}.wav" for number in range(3 * FEWEST_TASKS)]
    assert names(tmp_path / "out.csv") == ["a.wav", "b\n.flac", *short, "z.wav", "ü.wav"]


def test_one_is_killed_one_is_frozen_one_joins_and_each_file_comes_once(tmp_path: Path) -> None:
    """Every file is held, since Dask decides which worker gets which."""
    folder, output = tmp_path / "study", tmp_path / "out.csv"
    folder.mkdir()
    held = [write(folder / f"held {number}.wav", number) for number in range(6)]
    with DaskCluster(tmp_path) as cluster:
        killed, frozen = cluster.start_worker(), cluster.start_worker()
        with begun(*arguments(cluster.address, output, str(folder))) as running:
            await_that(lambda: {pid for path in held for pid in holders(path)} == {killed, frozen})
            kill(killed)
            stop(frozen)
            late = cluster.start_worker(threads=2)
            for path in held:
                mark(path, "go").touch()
            assert ended(running) == (0, [])
    assert names(output) == [path.name for path in held]
    assert all(holders(path)[-1] == late for path in held)


def test_a_scheduler_that_goes_away_ends_the_run_and_resume_goes_on(
    tmp_path: Path, study: Path
) -> None:
    (study / "damaged.wav").unlink()
    held = write(study / "held.wav", 5)
    output = tmp_path / "out.csv"
    with DaskCluster(tmp_path) as cluster:
        cluster.start_worker(threads=2)
        with begun(*arguments(cluster.address, output, str(study))) as running:
            await_that(lambda: bool(holders(held)))
            kill(cluster.scheduler.pid)
            assert ended(running) == (
                1,
                [
                    f"emotiond: the scheduler at {cluster.address} is gone. Start it again, then "
                    "go on with --resume."
                ],
            )
        assert not output.exists()
        mark(held, "go").touch()
        cluster.scheduler.wait()
        cluster.start_scheduler()
        cluster.start_worker()
        with begun(*arguments(cluster.address, output, str(study), "--resume")) as running:
            assert ended(running) == (0, [])
    assert names(output) == ["a.wav", "b\n.flac", "held.wav", "z.wav", "ü.wav"]


def test_workers_of_another_version_or_none_are_refused_before_anything_runs(
    tmp_path: Path, study: Path
) -> None:
    typed = [str(study), "--ship"]
    with DaskCluster(tmp_path) as cluster:
        none = emotiond(*arguments(cluster.address, tmp_path / "out.csv", *typed))
        cluster.start_worker(version="0.0.9")
        other = emotiond(*arguments(cluster.address, tmp_path / "out.csv", *typed))
        address = cluster.address
    assert (none.returncode, none.stderr) == (
        1,
        f"emotiond: the scheduler at {address} has no workers. "
        f"Start some: dask worker {address}.\n",
    )
    assert other.returncode == 1
    assert other.stderr.startswith("emotiond: the worker tcp://127.0.0.1:")
    assert other.stderr.count("\n") == 1
    assert "its version of emotiond is 0.0.9, and here it is " in other.stderr
    assert other.stderr.endswith(". Install the same there, or end that worker.\n")
    assert not (tmp_path / "out.csv").exists()


def test_with_tls_recordings_are_sent_to_those_with_a_certificate_alone(
    tmp_path: Path, study: Path
) -> None:
    (study / "damaged.wav").unlink()
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, by in (("own", authority), ("foreign", stranger)):
        made = by.issue_cert("127.0.0.1")
        made.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        made.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")

    def flags(name: str, prefix: str) -> list[str]:
        files = {"ca": "ca.pem", "cert": f"{name}.pem", "key": f"{name}.key"}
        ca = "ca-file" if prefix == "tls" else "ca"
        return [
            word
            for flag, file in files.items()
            for word in (f"--{prefix}-{ca if flag == 'ca' else flag}", str(tmp_path / file))
        ]

    output = tmp_path / "out.csv"
    with DaskCluster(tmp_path, "tls", flags("own", "tls")) as cluster:
        cluster.start_worker()
        typed = arguments(cluster.address, output, str(study), "--ship")
        without = emotiond(*typed)
        foreign = emotiond(*typed, *flags("foreign", "dask"))
        assert (without.returncode, foreign.returncode) == (1, 1)
        for refused, says in (
            (without, f"{cluster.address} needs certificates"),
            (foreign, f"no scheduler answers at {cluster.address} ("),
        ):
            assert refused.stderr.startswith(f"emotiond: {says}")
            assert refused.stderr.count("\n") == 1, refused.stderr
        with begun(*typed, *flags("own", "dask")) as running:
            assert ended(running) == (0, [])
    assert names(output) == ["a.wav", "b\n.flac", "z.wav", "ü.wav"]
