"""Sound in, events out: the daemon around the models."""

import os

# Numpy reads this when it is imported. A product of 25 frames is just large enough for OpenBLAS
# to share it between threads, and then it waits for the others, however busy the machine is.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
