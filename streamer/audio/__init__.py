"""Samples on their way to the models: the ring buffer, chunks, and WAV files."""
