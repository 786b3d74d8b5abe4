"""The daemon around the models: audio in, events out."""

import os

# Numpy reads this when it is imported. OpenBLAS would split a product of 25 frames between threads
# and then wait for them, however busy the machine is.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
