"""Measures ``emotiond analyze`` on short clips: cores, another build, Dask, and other tools."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from benchmarks.support.builds import THIS, Build, builds
from benchmarks.support.clips import as_wav, clips_of
from benchmarks.support.commands import adopt_orphans, run
from benchmarks.support.daemon import COMMAND
from benchmarks.support.dask import Cluster, cluster
from benchmarks.support.harness import Section, spread
from benchmarks.support.peers_environment import peers_python

_FEW = 2  # clips of a run that is taken as the start
_PEERS = Path(__file__).parent / "support" / "archive_peers.py"
_ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Cost(NamedTuple):
    """What some clips took."""

    seconds: float
    processor_seconds: float
    start_seconds: float = 0.0
    """How long the run of two clips took; it is not part of the others."""

    @property
    def whole_seconds(self) -> float:
        """With the start."""
        return self.seconds + self.start_seconds


class Clips(NamedTuple):
    """What all variants of a comparison take."""

    paths: Sequence[str]
    hours: float
    """Of sound."""

    def part(self, count: int) -> Clips:
        """Return so many of them, taken evenly."""
        step = max(1, len(self.paths) // count)
        return _with_hours(self.paths[::step])


Costs = Mapping[str, Sequence[Cost]]


def measure(quick: bool, beside: str | None = None, clips: Path | None = None) -> Section:
    """Analyze clips in turns by all that is compared.

    Args:
        quick: whether to measure once, on a few clips.
        beside: another build, measured in turns: its folder, or a revision.
        clips: a folder of recordings; None to cut clips from the demo.

    Raises:
        RuntimeError: there is no such build, or a command failed.
    """
    count, part, rounds = (24, 12, 1) if quick else (1000, 150, 3)
    adopt_orphans()
    rows: list[Sequence[str]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        compared = stack.enter_context(builds(beside))
        this = compared[THIS]
        all_clips = _with_hours(clips_of(clips, count, folder / "made"))
        decoded = all_clips._replace(paths=as_wav(all_clips.paths, folder / "decoded"))
        some = all_clips.part(part)
        python = stack.enter_context(peers_python())
        for model in ("lite", "full"):
            for form, its in (("", all_clips), (" as WAV", decoded)):
                costs = _in_turns(_local(this, model, its), rounds)
                rows += _table(model, its, costs, _CORES, form)
            engines: Mapping[str, Callable[[], Cost]] = {
                name: partial(_analyze_by_dask, this, model, some, workers)
                for name, workers in ((_WORKER, 1), (_WORKERS, 2))
            }
            turns = {**_local(this, model, some), **engines}
            rows += _table(model, some, _in_turns(turns, rounds), _DASK)
            few = decoded.part(part)
            former = {
                name: _analysis(build, model, few)
                for name, build in compared.items()
                if name != THIS
            }
            turns = {_TWO: _analysis(this, model, few, "--jobs", "2"), **former}
            pairs = [(f"`--jobs 2`: time beside {name}", _TWO, name) for name in former]
            rows += _table(model, few, _in_turns(turns, rounds), pairs, " as WAV") if former else ()
        others = _in_turns(_peers(python, folder, this, some), rounds)
        rows += _table("", some, others, ())
    return Section(
        title="Short clips",
        header=["model", "what", "seconds", "processor, s", "start, s", "hours an hour and core"],
        rows=rows,
        note=f"{len(all_clips.paths):,} different clips, {all_clips.hours * 3600:.0f} s of sound, "
        f"or {len(some.paths)} of them. The start, taken by a run of {_FEW} clips, is not in the "
        "other columns. Processor: of all processes. Hours: of sound, for an hour of one core. "
        "*As WAV*: the same samples, so that decoding costs next to nothing; one process decodes "
        "beside another one that analyzes. "
        "openSMILE computes eGeMAPS; CTranslate2 runs an encoder of Whisper tiny's size with "
        "random weights in int8, without spectra and without filling clips up to 30 s.",
    )


_ONE, _TWO = "--jobs 1", "--jobs 2"
_CORES = (("`--jobs 2` beside `--jobs 1`, times the speed", _ONE, _TWO),)
"""What it is, and whose time is divided by whose."""
_WORKER, _WORKERS = "Dask, 1 worker", "Dask, 2 workers"
_DASK = (
    ("Dask, 1 worker: time beside `--jobs 1`", _WORKER, _ONE),
    ("Dask, 2 workers: time beside `--jobs 2`", _WORKERS, _TWO),
    ("Dask, 2 workers beside 1, times the speed", _WORKER, _WORKERS),
)


def _local(build: Build, model: str, clips: Clips) -> Mapping[str, Callable[[], Cost]]:
    return {name: _analysis(build, model, clips, *name.split()) for name in (_ONE, _TWO)}


def _analysis(
    build: Build, model: str, clips: Clips, *options: str, engine: Cluster | None = None
) -> Callable[[], Cost]:
    """Return what analyzes clips, and before that a few, which is the start."""

    def spent(paths: Sequence[str]) -> Cost:
        before = 0.0 if engine is None else engine.processor_seconds
        command = [*COMMAND, "analyze", *paths, "--model", model, "--format", "csv", *options]
        taken = run(command, build.environment)
        elsewhere = 0.0 if engine is None else engine.processor_seconds - before
        return Cost(taken.seconds, taken.processor_seconds + elsewhere)

    def analyze() -> Cost:
        start, whole = spent(clips.paths[:_FEW]), spent(clips.paths)
        return Cost(
            whole.seconds - start.seconds,
            whole.processor_seconds - start.processor_seconds,
            start.seconds,
        )

    return analyze


def _analyze_by_dask(build: Build, model: str, clips: Clips, workers: int) -> Cost:
    """Run a cluster for this alone: an idle one takes a sixth of a core from the others."""
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster(Path(folder) / "dask", workers, build.environment) as one,
    ):
        analyze = _analysis(build, model, clips, "--dask", one.address, engine=one)
        analyze()  # from here on, the workers' processes wait for work
        return analyze()


def _peers(
    python: str, folder: Path, build: Build, clips: Clips
) -> Mapping[str, Callable[[], Cost]]:
    """Return what takes clips through decoding alone, and through other tools."""
    listed = folder / "clips.txt"
    listed.write_text("\n".join(clips.paths), encoding="utf-8")
    root = str(Path(__file__).parents[1])
    here = {**build.environment, "PYTHONPATH": f"{build.environment['PYTHONPATH']}:{root}"}
    programs: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
        "decoding alone": ([sys.executable, "-m", "benchmarks.support.decode_clips"], here),
        "openSMILE": ([python, str(_PEERS), "eGeMAPS"], dict(os.environ)),
        "CTranslate2": ([python, str(_PEERS), "Whisper"], dict(os.environ)),
    }

    def told(name: str) -> Cost:
        command, environment = programs[name]
        ended = subprocess.run(
            [*command, str(listed)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, **_ONE_CORE},
        )
        seconds, processor = ended.stdout.split()[-2:]
        return Cost(float(seconds), float(processor))

    return {name: partial(told, name) for name in programs}


def _in_turns(variants: Mapping[str, Callable[[], Cost]], rounds: int) -> Costs:
    costs: dict[str, list[Cost]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, take in variants.items():
            costs[name].append(take())
    return costs


def _table(
    model: str,
    clips: Clips,
    costs: Costs,
    compared: Sequence[tuple[str, str, str]],
    form: str = "",
) -> Sequence[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for name, figures in costs.items():
        processor = [cost.processor_seconds for cost in figures]
        rows.append(
            [
                *(model, f"{name}, {len(clips.paths):,} clips{form}"),
                *(spread([cost.seconds for cost in figures], 2), spread(processor, 2)),
                spread([cost.start_seconds for cost in figures], 2),
                f"{clips.hours * 3600 / float(np.median(processor)):.0f}",
            ]
        )
    for what, one, other in compared:
        pairs = [*zip(costs[one], costs[other], strict=True)]
        ratios = [a.seconds / b.seconds for a, b in pairs]
        work = [a.processor_seconds / b.processor_seconds for a, b in pairs]
        wholes = [a.whole_seconds / b.whole_seconds for a, b in pairs]
        told = f"with the start {spread(wholes, 2)}"
        rows.append(
            [model, f"{what}{form and ',' + form}", spread(ratios, 2), spread(work, 2), told, ""]
        )
    return rows


def _with_hours(paths: Sequence[str]) -> Clips:
    return Clips(paths, sum(soundfile.info(path).duration for path in paths) / 3600)
