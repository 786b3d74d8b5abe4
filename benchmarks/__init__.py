"""What the daemon costs, measured beside what one would otherwise use."""
