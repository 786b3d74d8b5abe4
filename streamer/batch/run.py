"""Analyzes all entries, writes the results in order, and says what failed."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.crew import Crew
from emotiond.streamer.batch.errors_table import row_of
from emotiond.streamer.batch.item import Entry, item_of
from emotiond.streamer.batch.jobs import analyze_all
from emotiond.streamer.batch.progress import Progress
from emotiond.streamer.batch.store import Store
from emotiond.streamer.results.writer import Write


def run(
    entries: Iterable[Entry], crew: Crew, write: Write, progress: Progress, store: Store | None
) -> int:
    """Analyze entries up to the last one. One that cannot be analyzed does not affect the others.

    Returns:
        How many failed. The store notes them in the order of the entries.

    Raises:
        ResultError: a result cannot be kept or written.
        ModelError: no process can start.
    """
    failed = 0
    for job in analyze_all(entries, crew.analysts):
        try:
            findings = job.findings.result()
        except SourceError as error:
            sys.stdout.flush()
            progress.say(f"emotiond: {error}")
            failed += 1
            if store is not None:
                store.note(row_of(item_of(job.entry), error))
        else:
            for finding in findings:
                write(finding.result(item_of(job.entry).file))
    return failed
