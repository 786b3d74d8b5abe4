"""Samples in, features out: pure NumPy, no I/O. Training and the daemon share this code."""
