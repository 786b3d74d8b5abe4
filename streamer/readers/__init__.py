"""Readers of sound files: the one way in for the daemon, the commands and training."""
