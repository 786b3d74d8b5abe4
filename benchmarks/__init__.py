"""Measures what the daemon costs, beside the libraries and servers one would otherwise use."""
