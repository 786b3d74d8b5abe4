"""Prepare, train, evaluate and export the models; needs the ``train`` extra."""
