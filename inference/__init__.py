"""Features in, posteriors out: no I/O beyond reading a model, nothing of sockets or devices."""
