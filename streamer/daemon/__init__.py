"""The running daemon: it puts all parts together and reports how they are doing."""
