"""``python -m benchmarks [--quick] [--beside BUILD] [--clips FOLDER] [NAME…]``: measure.

It writes ``results.md``. Named benchmarks replace their own sections there. A quick trial goes into
``build/benchmarks/``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from pathlib import Path

NAMES = (
    *("stride", "mfcc", "mfcc_hour", "latency", "footprint", "analyze", "fanout", "streams"),
    *("growth", "load", "outputs", "broken_outputs", "archive", "archive_memory"),
    *("archive_links", "sessions"),
)
ON_REQUEST = ("page", "report")
"""Run only if named."""
WITH_BESIDE = ("analyze", "archive", "footprint", "load", "streams")
"""Can measure another build in the same run."""
WITH_CLIPS = ("archive",)
"""Can measure on somebody's recordings."""


def main() -> str | None:
    """Run the named benchmarks, one after the other. Returns an error message, or None."""
    every = (*NAMES, *ON_REQUEST)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(every)}")
    parser.add_argument("--quick", action="store_true", help="a shorter, less exact trial")
    parser.add_argument(
        "--beside",
        metavar="BUILD",
        help=f"another build for {', '.join(WITH_BESIDE)}: a git revision, or its folder",
    )
    parser.add_argument(
        "--clips",
        type=Path,
        metavar="FOLDER",
        help=f"recordings for {', '.join(WITH_CLIPS)}, a thousand of which are taken evenly",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where results.md is written")
    options = parser.parse_args()
    unknown = set(options.names) - set(every)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    _use_one_thread()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode

    from benchmarks.support.harness import machine
    from benchmarks.support.plotting import draw
    from benchmarks.support.results import page_of, with_section

    here = Path(__file__).parent
    out = options.out or (here.parent / "build" / "benchmarks" if options.quick else here)
    out.mkdir(parents=True, exist_ok=True)
    results, measured_on = out / "results.md", machine()
    sections: list[str] = []
    failed = []
    for name in options.names or NAMES:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            beside = {"beside": options.beside} if name in WITH_BESIDE else {}
            clips = {"clips": options.clips} if name in WITH_CLIPS else {}
            module = importlib.import_module(f"benchmarks.{name}")
            section = module.measure(options.quick, **beside, **clips)
        except Exception:  # the other benchmarks still run
            traceback.print_exc()
            failed.append(name)
            continue
        sections.append(section.to_markdown())
        print(sections[-1], flush=True)
        for picture, plot in section.plots.items():
            draw(plot, out / f"{picture}.png")
        if options.names and results.exists():
            page = with_section(results.read_text("utf-8"), sections[-1], measured_on)
        else:
            page = page_of(measured_on, sections)
        results.write_text(page, encoding="utf-8")
    return f"failed: {', '.join(failed)}" if failed else None


def _use_one_thread() -> None:
    """Limit linear algebra to one thread. The libraries read this when numpy is imported."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


if __name__ == "__main__":
    sys.exit(main())
