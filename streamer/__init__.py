"""Sound in, events out: the daemon around the models."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("emotiond")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
