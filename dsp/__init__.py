"""Sound in, features out: pure numpy, no I/O. Training and the daemon run this very code."""
