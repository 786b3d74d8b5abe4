"""Corpora, windows and batches."""
