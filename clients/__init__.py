"""What people open or copy: the web page, a Python client, a ZeroMQ subscriber, a terminal view."""
