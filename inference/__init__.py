"""Features in, posteriors, scores and labels out. The only I/O is to read a model."""
