"""Hears the emotion in a voice, live. This folder is the package, whatever its own name is."""

__version__ = "0.1.0"
