"""Sound that clients send, and the history of the files among it."""
