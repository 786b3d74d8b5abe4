"""Prepare, train, evaluate and export the models; needs the ``train`` extra."""

import os

# Only oneDNN has the gradients of dilated convolutions, and by itself TensorFlow uses it on some
# processors alone. Read when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
