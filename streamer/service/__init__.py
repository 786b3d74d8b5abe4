"""emotiond as a service of systemd: the units, and how they are installed."""
