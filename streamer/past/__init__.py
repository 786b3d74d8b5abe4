"""The kept past: the last hours of each public stream, in memory alone."""
