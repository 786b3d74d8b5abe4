"""Clients: the web page, Python clients to copy, a terminal view."""
