"""The commands, a file for each: its flags, and what it does."""
