"""``emotiond analyze``: where arguments, items, processes and formats meet."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotiond.exceptions import ConfigError, printable
from emotiond.streamer.batch.about import about
from emotiond.streamer.batch.cluster_address import ClusterOptions, checked
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.results.files import is_special
from emotiond.streamer.results.kinds import FORMATS, level_of, needs_events
from emotiond.streamer.results.writer import STANDARD_OUTPUT, Request
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.standard_streams import say

if TYPE_CHECKING:
    from emotiond.streamer.batch.crew import Hand
    from emotiond.streamer.batch.earlier import Earlier
    from emotiond.streamer.batch.selection import Selection
    from emotiond.streamer.batch.store import Store


def analyze_files(options: dict[str, Any]) -> int:
    """``emotiond analyze``: analyze all that is readable. The status is 1 if something is not."""
    from emotiond.inference.catalog import find_model
    from emotiond.streamer.batch.crew import Crew
    from emotiond.streamer.batch.kept import Kept
    from emotiond.streamer.batch.progress import Progress
    from emotiond.streamer.batch.run import run
    from emotiond.streamer.batch.store import Store
    from emotiond.streamer.interpreter_check import checked_runtime

    named = {name: options[name] for name in ("model", "profile") if options[name] is not None}
    config = make_config(named, os.environ)
    cluster = _cluster_of(options)
    level = level_of(options["format"], options["level"])
    output = _output_of(options)
    beside = None if output is None else _beside(output)
    if options["resume"] and beside is None:
        raise ConfigError("--resume goes on with an output", "Name it with --output PATH")
    reused = _reused_of(options, beside)
    selection = _selected(options, beside)
    entries = selection.entries
    model = find_model(config.model, checked_runtime())
    profile = None if config.profile is None else profile_for(config.profile, model.card)
    settings = Settings(
        model=config.model,
        profile=config.profile,
        stride_samples=config.stride_samples,
        channels=options["channels"],
        events=beside is not None or needs_events(options["format"], level),
    )
    request = Request(
        level,
        model.card.shortest_seconds,
        files=entries.files,
        folders=selection.folders,
        output=output,
        overwrite=options["overwrite"],
        is_resumed=options["resume"] and beside is not None and beside("sqlite").exists(),
    )
    depends_on = about(settings, model.card, profile)
    shows_results = output is None and sys.stdout.isatty()
    progress = Progress(len(entries), is_shown=len(entries) > 1 and not shows_results)
    with ExitStack() as stack:
        most = options["jobs"] or len(entries)
        hire, hands = _staff(cluster, settings, model.card.sha256, depends_on, most, stack)
        if cluster is None and len(entries) == 1:  # this process is enough
            hire = None
        with FORMATS[options["format"]].open(request) as write:
            earlier = None if reused is None else _earlier(reused, depends_on, stack)
            store = None
            if beside is not None:
                store = Store(beside("sqlite"), depends_on, is_resumed=options["resume"])
                stack.callback(store.close)
            crew = stack.enter_context(
                Crew(
                    settings,
                    hire,
                    min(len(entries), options["jobs"] or hands),
                    Kept(store, earlier),
                    progress,
                )
            )
            try:
                with progress:
                    failed = run(entries, crew, write, progress, store)
            except KeyboardInterrupt:
                if store is not None:
                    done = f"{progress.done:,} of {len(entries):,} recordings"
                    say(f"emotiond: ended early. {done} are done: go on with --resume.")
                raise
        if store is not None and beside is not None:
            _finish(store, beside("errors.csv"), failed, request)
    return 1 if failed else 0


def _earlier(path: Path, depends_on: Mapping[str, str], stack: ExitStack) -> Earlier:
    from emotiond.streamer.batch.earlier import Earlier

    return stack.enter_context(closing(Earlier(path, depends_on)))


def _finish(store: Store, table: Path, failed: int, request: Request) -> None:
    from emotiond.streamer.batch.errors_table import remove_errors, write_errors

    if failed:
        write_errors(table, store.errors(), request.files, overwrite=request.overwrite)
    else:
        remove_errors(table)
    store.finish()
    entries = len(request.files)
    if failed and entries > 1:
        count = f"{failed:,} of {entries:,} recordings"
        say(f"emotiond: {count} could not be analyzed: see {printable(str(table))}.")


def _staff(
    cluster: ClusterOptions | None,
    settings: Settings,
    sha256: str,
    depends_on: Mapping[str, str],
    most: int,
    stack: ExitStack,
) -> tuple[Callable[[], Hand] | None, int]:
    """Return what gives a hand for each recording at a time, and how many of them are best."""
    if cluster is None:
        from emotiond.streamer.batch.crew import cores
        from emotiond.streamer.batch.worker import Worker

        return (lambda: Worker(settings, sha256)), cores()
    from emotiond.streamer.batch.cluster import Cluster

    there = stack.enter_context(Cluster(cluster, settings, sha256, depends_on, most))
    say(there.line)
    return there.hire, there.most


def _cluster_of(options: Mapping[str, Any]) -> ClusterOptions | None:
    if options["dask"] is not None:
        return checked(
            ClusterOptions(
                options["dask"],
                ships=options["ship"],
                insecure=options["insecure"],
                authority=options["dask_ca"],
                certificate=options["dask_cert"],
                key=options["dask_key"],
            )
        )
    for name in ("ship", "insecure", "dask_ca", "dask_cert", "dask_key"):
        if options[name]:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{flag} is for a cluster", "Name it with --dask tls://HOST:PORT")
    return None


def _output_of(options: Mapping[str, Any]) -> Path | None:
    named = options["output"]
    return None if named in (None, STANDARD_OUTPUT) else Path(named)


def _beside(output: Path) -> Callable[[str], Path] | None:
    """Return what gives the paths of the files beside an output; None for a device or a pipe."""
    if is_special(output):
        return None
    whole = Path(os.path.abspath(output))  # noqa: PTH100 - '..' is taken out
    return lambda suffix: whole.with_name(f"{whole.name or 'emotiond'}.{suffix}")


def _reused_of(options: Mapping[str, Any], beside: Callable[[str], Path] | None) -> Path | None:
    if options["reuse"] is None:
        return None
    reused = Path(options["reuse"])
    if beside is not None and os.path.realpath(reused) == os.path.realpath(beside("sqlite")):
        raise ConfigError(f"{reused} belongs to this output", "Go on with it by --resume")
    return reused


def _selected(options: Mapping[str, Any], beside: Callable[[str], Path] | None) -> Selection:
    from emotiond.streamer.batch.errors_table import check_errors
    from emotiond.streamer.batch.selection import select

    selection = select(options["files"])
    _say_what_is_left_out(selection)
    if beside is not None:
        recordings = selection.entries.files
        check_errors(beside("errors.csv"), recordings, overwrite=options["overwrite"])
    return selection


def _say_what_is_left_out(selection: Selection) -> None:
    for link in selection.circles:
        say(f"emotiond: {printable(link)} leads to a folder that is listed already. Passed over.")
    if selection.repeated:
        count = f"{selection.repeated:,} recording{'s' * (selection.repeated > 1)}"
        say(f"emotiond: {count} named more than once. Each comes once.")
    if selection.passed_over:
        count = f"{selection.passed_over:,} file{'s' * (selection.passed_over > 1)}"
        say(f"emotiond: {count} without a name of a sound format passed over.")
