"""Runs a command line tool and reports errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

from emotiond.exceptions import EmotiondError


def run(main: Callable[[], None]) -> None:
    """Run a tool. The exit status is 1 after an :class:`EmotiondError`, 130 after Ctrl-C."""
    try:
        main()
    except EmotiondError as error:
        sys.exit(f"emotiond: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def use_one_thread() -> None:
    """Limit TensorFlow to one thread; more threads slow it down on small machines."""
    import tensorflow as tf  # the commands that read results do without it

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
