"""What the benchmarks use: a daemon, clients, sound, other servers and libraries, tables."""
