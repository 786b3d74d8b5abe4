"""Corpora, and the windows and batches that are made of them."""
