"""Modules that all parts of the training code use."""
