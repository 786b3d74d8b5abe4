"""``emotiond``, and ``python -m emotiond``, which is the same."""

import sys

from emotiond.streamer.signals import handle_early, ignore_late
from emotiond.streamer.standard_streams import fill_closed


def main() -> int:
    """Run a command. A daemon answers signals in one way from here to its end."""
    fill_closed()
    first = next(iter(sys.argv[1:]), "run")
    is_daemon = first == "run" or first.startswith("-")
    if is_daemon:
        handle_early()
    from emotiond.streamer.cli import main as run_command  # slow

    status = run_command()
    if is_daemon:
        ignore_late()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
