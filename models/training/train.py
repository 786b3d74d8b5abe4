"""Train models: ``python -m emotiond.models.training.train full`` or ``lite``.

A run trains with one fold left out, or on all actors (``all``). ``lite`` learns from the ``full``
of the same run, so that its teacher was not trained on the held-out actors.
"""

from __future__ import annotations

import argparse

from emotiond.models.training.common.command import run
from emotiond.models.training.export import (
    add_run_arguments,
    export_run,
    open_runs,
    use_one_thread,
)


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, train and export."""
    parser = argparse.ArgumentParser(prog="emotiond.models.training.train", description=__doc__)
    add_run_arguments(parser)
    options = parser.parse_args(arguments)
    for opened in open_runs(options):
        export_run(opened, options.model)


if __name__ == "__main__":
    use_one_thread()
    run(main)
