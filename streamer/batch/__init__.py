"""Many recordings: which ones, in what order, by which processes, and what is kept of them."""
