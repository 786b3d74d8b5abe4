"""``emotiond``, and ``python -m emotiond``, which is the same."""

import sys

from emotiond.streamer.signals import handle_early, ignore_late, stop_quietly


def main() -> int:
    """Run a command. It answers signals in one way from here to its end."""
    first = next(iter(sys.argv[1:]), "run")
    is_daemon = first == "run" or first.startswith("-")
    if is_daemon:
        handle_early()
    else:
        stop_quietly()
    from emotiond.streamer.standard_streams import fill_closed

    fill_closed()
    from emotiond.streamer.cli import main as run_command  # slow

    status = run_command()
    if is_daemon:
        ignore_late()
    else:
        stop_quietly()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
