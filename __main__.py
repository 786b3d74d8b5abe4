"""``python -m emotiond`` is ``emotiond``."""

from emotiond.streamer.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
