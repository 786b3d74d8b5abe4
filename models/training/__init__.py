"""Prepare, train, evaluate and export the models; needs the ``train`` extra."""

import os

# Training is a tenth faster with oneDNN, and by itself TensorFlow uses it on some processors alone.
# Read when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Errors alone: what it says of every model that it writes would bury what the commands say.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
