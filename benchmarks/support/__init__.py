"""Parts of the benchmarks: a daemon, clients, sound, other servers and libraries, tables."""
