"""Sound at full speed for hours, while clients of all kinds come and go: ``python -m tests.soak``.

It prints what it reads of the daemon, and ends with 1 if anything grows, if an event is missing, or
if there is a line in the log.
"""

from __future__ import annotations

import argparse
import sys

from tests.support.soak import soak


def main() -> int:
    """Run to the end, and return the exit status."""
    parser = argparse.ArgumentParser(description="Look for what grows, is missing or is logged.")
    parser.add_argument("--hours", type=float, default=24.0, help="of sound (default: 24)")
    parser.add_argument("--readings", type=int, default=25, help="of memory (default: 25)")
    options = parser.parse_args()
    outcome = soak(options.hours, options.readings, report=print)
    print(f"{outcome.websocket.events} events in {outcome.seconds:.0f} s; {dict(outcome.clients)}")
    faults = outcome.faults()
    for fault in faults:
        print(f"fault: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
