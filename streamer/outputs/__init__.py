"""Where events go: the hub, ZeroMQ, standard output and recordings."""
