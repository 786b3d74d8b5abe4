"""What a worker of Dask loads before it begins: files of certain names do there what tests want.

``ends*`` ends the worker that analyzes it. ``held*`` writes the number of that process into
``../NAME.begun``, and waits for ``../NAME.go``. ``EMOTIOND_TEST_VERSION`` is what it says of
itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emotiond.streamer.batch import about, cluster_task
from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.content import Seen
from emotiond.streamer.batch.item import Item

# Each nanny has this file run twice.
_analyze = getattr(cluster_task, "_genuine", cluster_task._analyze)
setattr(cluster_task, "_genuine", _analyze)  # noqa: B010


def analyze(item: Item, seen: Seen, settings: Mapping[str, Any], sha256: str) -> Findings:
    path = Path(item.file)
    if path.name.startswith("ends"):
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name.startswith("held"):
        mark = path.parent.parent / path.stem
        with mark.with_suffix(".begun").open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not mark.with_suffix(".go").exists():
            time.sleep(0.02)
    return _analyze(item, seen, settings, sha256)


cluster_task._analyze = analyze
about.__version__ = os.environ.get("EMOTIOND_TEST_VERSION", about.__version__)
