"""The recorded sessions, as clients see them."""
